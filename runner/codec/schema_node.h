/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_SCHEMA_NODE_H
#define SBX_CODEC_SCHEMA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/strv.h"
#include "codec/schema.h"
#include "codec/schema_pattern.h"

/*
 * The inside of a compiled schema, for schema_*.c alone.
 *
 * A schema is a tree of nodes, one for each subschema; a node has a rule for
 * each of its keywords, and a rule has the nodes of the subschemas under that
 * keyword.  "$ref" is a rule whose one node is elsewhere in the tree.
 */

struct sbx_schema_run;
struct sbx_schema_rule;

/* --- places in a value ----------------------------------------------------- */

/*
 * A value and where it stands: a chain on the stack, outermost last.
 *
 * @key		its name in @up, or NULL: it is element @index
 */
struct sbx_schema_at {
	const struct sbx_schema_at *up;
	const char *key;
	size_t index;
	const json_t *value;
};

/*
 * Which members or elements of a value some rule has looked at ("evaluated" in
 * the specification), a bit each, by their order in the value.
 */
struct sbx_schema_marks {
	unsigned char *bits;
	size_t n;
};

/* --- keywords -------------------------------------------------------------- */

/* What a keyword's value has to be. */
enum sbx_schema_shape {
	SBX_SHAPE_ANYTHING,
	SBX_SHAPE_TEXT,
	SBX_SHAPE_BOOL,
	SBX_SHAPE_LIST,
	SBX_SHAPE_MAPPING,
	SBX_SHAPE_NUMBER,
	SBX_SHAPE_POSITIVE,
	SBX_SHAPE_COUNT,
	SBX_SHAPE_NAMES,      /* strings that differ */
	SBX_SHAPE_NAME_LISTS, /* a mapping of such lists */
	SBX_SHAPE_TYPES,
	SBX_SHAPE_PATTERN,
	SBX_SHAPE_DRAFT,
	SBX_SHAPE_ID,
	SBX_SHAPE_ANCHOR,
	SBX_SHAPE_REF,
	SBX_SHAPE_SCHEMA,
	SBX_SHAPE_SCHEMAS, /* a list */
	SBX_SHAPE_NAMED,   /* a mapping of schemas */
	SBX_SHAPE_PATTERNED,
	SBX_SHAPE_NEVER,
};

/* Types of values, as bits. */
#define SBX_SCHEMA_NULL	   0x01
#define SBX_SCHEMA_BOOL	   0x02
#define SBX_SCHEMA_NUMBER  0x04
#define SBX_SCHEMA_INTEGER 0x08 /* beside NUMBER */
#define SBX_SCHEMA_STRING  0x10
#define SBX_SCHEMA_ARRAY   0x20
#define SBX_SCHEMA_OBJECT  0x40
#define SBX_SCHEMA_ALL	   0x7f

typedef bool sbx_schema_eval_fn(struct sbx_schema_run *run,
				const struct sbx_schema_rule *rule,
				const struct sbx_schema_at *at,
				struct sbx_schema_marks *marks);

/*
 * @types	of the values that it says something about
 * @in_place	its subschemas look at the same value as itself
 * @eval	NULL for what says nothing by itself
 */
struct sbx_schema_keyword {
	const char *name;
	enum sbx_schema_shape shape;
	unsigned int types;
	bool in_place;
	sbx_schema_eval_fn *eval;
};

/* In the order in which they are looked at; the last has no name. */
extern const struct sbx_schema_keyword sbx_schema_keywords[];

/* --- nodes ----------------------------------------------------------------- */

/*
 * @value	of the keyword; borrowed from the document
 * @nodes	its subschemas, in their order there
 * @names	for mappings: name -> number in @nodes
 * @patterns	one per node, or one for "pattern"
 */
struct sbx_schema_rule {
	const struct sbx_schema_keyword *keyword;
	const struct sbx_schema_node *node;
	const json_t *value;
	struct sbx_schema_node **nodes;
	size_t n_nodes;
	json_t *names;
	struct sbx_schema_pattern **patterns;
	size_t n_patterns;
};

/*
 * @up, @keyword, @name, @index		where it stands: under @keyword of @up,
 *					and there by @name, or as element
 *					@index, or (neither) alone
 * @base	absolute or not: the URI that its references start from
 * @is_resource	it has an "$id", or is the root
 * @has_unevaluated	needs to know what its other rules looked at
 * @visit	for the search for circles
 */
struct sbx_schema_node {
	const json_t *json;
	const struct sbx_schema_node *up;
	const char *keyword;
	const char *name;
	size_t index;
	bool is_element;
	const char *base;
	struct sbx_schema_rule *rules;
	size_t n_rules;
	bool has_unevaluated;
	enum { SBX_VISIT_NOT_YET, SBX_VISIT_NOW, SBX_VISIT_DONE } visit;
};

/*
 * @nodes	all of them, the root first
 * @bases	URIs, which nodes point to
 * @places	"URI" and "URI#anchor" -> number in @nodes
 */
struct sbx_schema {
	json_t *document;
	struct sbx_schema_node **nodes;
	size_t n_nodes;
	size_t cap_nodes;
	struct sbx_strv bases;
	json_t *places;
};

/* The rule of that keyword, or NULL. */
const struct sbx_schema_rule *
sbx_schema_rule_of(const struct sbx_schema_node *node, const char *keyword);

/* Appends "/token", escaped by RFC 6901. */
void sbx_schema_put_token(struct sbx_buf *out, const char *token);
void sbx_schema_put_node(struct sbx_buf *out,
			 const struct sbx_schema_node *node);

/* --- compiling ------------------------------------------------------------- */

/*
 * @level	of the node that is being read
 * @is_over	no more is looked at: there is too much, or @err is set
 */
struct sbx_schema_compiler {
	struct sbx_schema *schema;
	struct sbx_schema_problems *problems;
	struct sbx_error *err;
	unsigned int level;
	bool is_over;
};

/* Notes a fault at @node's @keyword (or NULL) and @token in that (or NULL). */
void sbx_schema_fault(struct sbx_schema_compiler *compiler,
		      const struct sbx_schema_node *node, const char *keyword,
		      const char *token, const char *format, ...)
	__attribute__((format(printf, 5, 6)));

/* True when the value of @rule is of its keyword's shape; else it is noted. */
bool sbx_schema_fits_shape(struct sbx_schema_compiler *compiler,
			   const struct sbx_schema_rule *rule);

/* Sets @node's base, and notes where it is by "$id" and anchors. */
void sbx_schema_read_ids(struct sbx_schema_compiler *compiler,
			 struct sbx_schema_node *node, size_t number);

/* When all nodes are there: finds what references mean, and circles. */
void sbx_schema_link(struct sbx_schema_compiler *compiler);

/* --- problems -------------------------------------------------------------- */

/* Adds one; takes all three texts, unescaped. */
void sbx_schema_problems_add(struct sbx_schema_problems *problems, char *place,
			     char *rule, char *text);

/* A value as it is shown in messages: short, harmless. */
void sbx_schema_put_value(struct sbx_buf *out, const json_t *value);

/* --- checking -------------------------------------------------------------- */

/*
 * @quiet	more than 0: only the answer counts, not the reasons
 * @is_over	the limits are reached, @err is set: back out
 */
struct sbx_schema_run {
	struct sbx_schema_problems *problems;
	struct sbx_error *err;
	unsigned int quiet;
	unsigned int depth;
	bool is_over;
	int64_t steps;
	double deadline_ms;
	struct sbx_schema_matcher *matcher;
};

/* Takes @n from what may be done; false, and the end, when that is all. */
bool sbx_schema_spend(struct sbx_schema_run *run, size_t n);

/*
 * True where a problem is to be noted, so that words for it are worth making.
 * Counts it where there is no room for more.
 */
bool sbx_schema_wants(struct sbx_schema_run *run);

/* Notes a problem unless that is of no interest.  Always false. */
bool sbx_schema_say(struct sbx_schema_run *run,
		    const struct sbx_schema_rule *rule,
		    const struct sbx_schema_at *at, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/*
 * Whether the value at @at fits @node.  @marks is fresh, or NULL where nobody
 * wants to know what was looked at.
 */
bool sbx_schema_eval(struct sbx_schema_run *run,
		     const struct sbx_schema_node *node,
		     const struct sbx_schema_at *at,
		     struct sbx_schema_marks *marks);

/* The same for a subschema that looks at the same value as its parent. */
bool sbx_schema_eval_here(struct sbx_schema_run *run,
			  const struct sbx_schema_node *node,
			  const struct sbx_schema_at *at,
			  struct sbx_schema_marks *marks);

/* The same without saying why not. */
bool sbx_schema_eval_quietly(struct sbx_schema_run *run,
			     const struct sbx_schema_node *node,
			     const struct sbx_schema_at *at,
			     struct sbx_schema_marks *marks);

/* Appends why it does not fit: the first reason. */
void sbx_schema_put_reason(struct sbx_schema_run *run,
			   const struct sbx_schema_node *node,
			   const struct sbx_schema_at *at, struct sbx_buf *out);

/* @pattern against a text; false too when that is over the limits. */
bool sbx_schema_matches(struct sbx_schema_run *run,
			const struct sbx_schema_pattern *pattern,
			const char *text, size_t size);

void sbx_schema_mark(struct sbx_schema_marks *marks, size_t index);
void sbx_schema_mark_all(struct sbx_schema_marks *marks);
bool sbx_schema_is_marked(const struct sbx_schema_marks *marks, size_t index);

/* The types of a value: both bits for an integer, which 1.0 is too. */
unsigned int sbx_schema_types_of(const json_t *value);

/* What "type" calls them: the bit, or 0. */
unsigned int sbx_schema_type_bit(const char *name);

/* --- values ---------------------------------------------------------------- */

/* Numbers by value, whatever jansson has them in: <0, 0 or >0. */
int sbx_schema_compare(const json_t *a, const json_t *b);

/* By the decimal digits that @a and @b are written with; @b > 0. */
bool sbx_schema_is_multiple(const json_t *a, const json_t *b);

/* Takes what it costs from @steps; without any left the answer is false. */
bool sbx_schema_equal(const json_t *a, const json_t *b, int64_t *steps);
uint64_t sbx_schema_hash(const json_t *value, int64_t *steps);

/* --- the keywords' functions ----------------------------------------------- */

sbx_schema_eval_fn sbx_schema_eval_type, sbx_schema_eval_enum,
	sbx_schema_eval_const, sbx_schema_eval_bound,
	sbx_schema_eval_multiple_of, sbx_schema_eval_length,
	sbx_schema_eval_pattern, sbx_schema_eval_unique_items,
	sbx_schema_eval_required, sbx_schema_eval_dependent_required;
sbx_schema_eval_fn sbx_schema_eval_ref, sbx_schema_eval_all_of,
	sbx_schema_eval_any_of, sbx_schema_eval_one_of, sbx_schema_eval_not,
	sbx_schema_eval_if, sbx_schema_eval_dependent_schemas;
sbx_schema_eval_fn sbx_schema_eval_properties,
	sbx_schema_eval_pattern_properties,
	sbx_schema_eval_additional_properties, sbx_schema_eval_property_names,
	sbx_schema_eval_unevaluated_properties;
sbx_schema_eval_fn sbx_schema_eval_prefix_items, sbx_schema_eval_items,
	sbx_schema_eval_contains, sbx_schema_eval_unevaluated_items;

#endif
