/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_SCHEMA_H
#define SBX_CODEC_SCHEMA_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * JSON Schema, draft 2020-12: its core, applicator, unevaluated and validation
 * vocabularies; "format" and "content..." are annotations, which mean nothing
 * here, and so are unknown keywords.  References stay inside the document, by
 * "$id", "$anchor" and JSON Pointer: nothing is ever fetched.  "$dynamicRef"
 * and other drafts are refused.
 *
 * Patterns are PCRE2's, set to what ECMA-262 means wherever PCRE2 can be: they
 * match anywhere in a text, "$" only at its very end, \d and \w are ASCII.
 *
 * Neither schemas nor values are trusted: what takes too much work ends with
 * an error.
 */
struct sbx_schema;

/* What a schema may be, and what may be done with it. */
#define SBX_SCHEMA_LEVELS_MAX	64	   /* subschemas in one another */
#define SBX_SCHEMA_NODES_MAX	100000	   /* subschemas */
#define SBX_SCHEMA_CHAIN_MAX	256	   /* ... that look at one value */
#define SBX_SCHEMA_URI_MAX	2048	   /* bytes of an $id or a $ref */
#define SBX_SCHEMA_PATTERN_MAX	8192	   /* bytes of a pattern */
#define SBX_SCHEMA_DEPTH_MAX	1000	   /* of a value, and of references */
#define SBX_SCHEMA_STEPS_MAX	30000000LL /* each some nanoseconds */
#define SBX_SCHEMA_TIME_MAX_MS	10000
#define SBX_SCHEMA_PROBLEMS_MAX 100

/*
 * Something that does not fit.  Texts are valid UTF-8, harmless on a terminal,
 * and of bounded length.
 *
 * @place	JSON Pointer (RFC 6901) into what was looked at; "" is all of it
 * @rule	JSON Pointer into the schema, to the keyword; NULL where the
 *		schema itself was looked at
 * @text	"found 3, expected a string"
 */
struct sbx_schema_problem {
	char *place;
	char *rule;
	char *text;
};

/* @dropped	how many were found after SBX_SCHEMA_PROBLEMS_MAX */
struct sbx_schema_problems {
	struct sbx_schema_problem *v;
	size_t n;
	size_t dropped;
};

#define SBX_SCHEMA_PROBLEMS_INIT                                               \
	{                                                                      \
		.v = NULL, .n = 0, .dropped = 0                                \
	}

void sbx_schema_problems_free(struct sbx_schema_problems *problems);
#define cleanup_schema_problems SBX_CLEANUP(sbx_schema_problems_free)

/*
 * The one error that stands for all of @problems, of which there is at least
 * one: "@what: PLACE: TEXT; PLACE: TEXT; ... (and N more)".  Returns -1.
 */
int sbx_schema_problems_error(const struct sbx_schema_problems *problems,
			      enum sbx_outcome outcome, const char *what,
			      struct sbx_error *err);

/*
 * Compiles @document, which is kept and must not change.  0, or -1: INVALID
 * with everything that is wrong with the schema itself in @problems, or
 * INTERNAL without any.
 */
int sbx_schema_compile(const json_t *document, struct sbx_schema **out,
		       struct sbx_schema_problems *problems,
		       struct sbx_error *err);
void sbx_schema_free(struct sbx_schema **schema);
#define cleanup_schema SBX_CLEANUP(sbx_schema_free)

/* What it was compiled from; borrowed. */
json_t *sbx_schema_document(const struct sbx_schema *schema);

/*
 * Holds @value against @schema.  0: it fits.  SBX_SCHEMA_MISFIT: @problems has
 * all that does not, in the order of the rules.  -1 with INVALID: it cannot be
 * told, by the limits above.
 */
#define SBX_SCHEMA_MISFIT 1
int sbx_schema_check(const struct sbx_schema *schema, const json_t *value,
		     struct sbx_schema_problems *problems,
		     struct sbx_error *err);

/* The same in at most @steps. */
int sbx_schema_check_within(const struct sbx_schema *schema,
			    const json_t *value, int64_t steps,
			    struct sbx_schema_problems *problems,
			    struct sbx_error *err);

#endif
