/* SPDX-License-Identifier: MIT */
/*
 * Where references lead.  Every subschema has a base URI; "$id" gives it a new
 * one and a name by it, "$anchor" a name under it.  Nothing outside of the
 * document has a name.
 */
#include <string.h>

#include "base/text.h"
#include "codec/json.h"
#include "codec/schema_node.h"
#include "codec/schema_uri.h"

/* --- names ----------------------------------------------------------------- */

static void add_place(struct sbx_schema_compiler *compiler,
		      const struct sbx_schema_node *node, const char *keyword,
		      const char *name, size_t number)
{
	json_t *places = compiler->schema->places;

	if (json_object_get(places, name))
		sbx_schema_fault(compiler, node, keyword, NULL,
				 "another schema has this name already");
	else
		json_object_set_new(places, name,
				    json_integer((json_int_t)number));
}

static void read_id(struct sbx_schema_compiler *compiler,
		    struct sbx_schema_node *node, size_t number)
{
	struct sbx_strv *bases = &compiler->schema->bases;
	const char *id =
		sbx_json_plain_text(json_object_get(node->json, "$id"));
	const char *fragment;
	char *base;

	/* Anything but a text is found wrong by its shape. */
	if (!id)
		return;
	if (strlen(id) > SBX_SCHEMA_URI_MAX) {
		sbx_schema_fault(compiler, node, "$id", NULL,
				 "longer than %d bytes", SBX_SCHEMA_URI_MAX);
		return;
	}
	base = sbx_schema_uri_resolve(node->base, id, &fragment);
	if (*fragment || strlen(base) > 2 * (size_t)SBX_SCHEMA_URI_MAX) {
		sbx_schema_fault(compiler, node, "$id", NULL, "%s",
				 *fragment
					 ? "expected a URI without a \"#\""
					 : "with its parents' it is too long");
		free(base);
		return;
	}
	sbx_strv_push_take(bases, base);
	node->base = base;
	/* The root is known by "" as well, until something else is. */
	if (*base || number > 0)
		add_place(compiler, node, "$id", base, number);
}

static bool is_anchor(const char *text)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyz"
				      "ABCDEFGHIJKLMNOPQRSTUVWXYZ_";
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"
				     "0123456789-.";

	return *text && strchr(letters, *text) &&
	       text[strspn(text, others)] == '\0';
}

/* A dynamic anchor is one for plain references too. */
static void read_anchor(struct sbx_schema_compiler *compiler,
			struct sbx_schema_node *node, const char *keyword,
			size_t number)
{
	const json_t *value = json_object_get(node->json, keyword);
	const char *text = sbx_json_plain_text(value);
	cleanup_free char *name = NULL;

	if (!json_is_string(value))
		return;
	if (!text || !is_anchor(text) || strlen(text) > SBX_SCHEMA_URI_MAX) {
		sbx_schema_fault(compiler, node, keyword, NULL,
				 "expected a name of letters, digits, \"-\", "
				 "\"_\" and \".\", the first a letter or "
				 "\"_\"");
		return;
	}
	name = sbx_asprintf("%s#%s", node->base, text);
	add_place(compiler, node, keyword, name, number);
}

void sbx_schema_read_ids(struct sbx_schema_compiler *compiler,
			 struct sbx_schema_node *node, size_t number)
{
	read_id(compiler, node, number);
	read_anchor(compiler, node, "$anchor", number);
	read_anchor(compiler, node, "$dynamicAnchor", number);
}

/* --- references ------------------------------------------------------------ */

static struct sbx_schema_node *place_of(const struct sbx_schema *schema,
					const char *name)
{
	const json_t *number = json_object_get(schema->places, name);

	return number ? schema->nodes[json_integer_value(number)] : NULL;
}

/*
 * Takes the next token off a JSON Pointer that begins with "/", in place: "~1"
 * is "/" and "~0" is "~".
 */
static char *next_token(char **pointer)
{
	char *token = *pointer + 1;
	char *end = token + strcspn(token, "/");
	char *out = token;

	*pointer = *end ? end : NULL;
	for (char *in = token; in < end; in++) {
		if (*in == '~' && (in[1] == '0' || in[1] == '1'))
			*out++ = *++in == '0' ? '~' : '/';
		else
			*out++ = *in;
	}
	/* The "/" of the next token is not needed any more. */
	*out = '\0';
	return token;
}

static struct sbx_schema_node *element_of(const struct sbx_schema_rule *rule,
					  const char *token)
{
	size_t index = 0;

	if (*token == '\0' || (token[0] == '0' && token[1]))
		return NULL;
	for (; *token >= '0' && *token <= '9'; token++) {
		index = index * 10 + (size_t)(*token - '0');
		if (index >= rule->n_nodes)
			return NULL;
	}
	return *token ? NULL : rule->nodes[index];
}

/* The subschema at the start of *@pointer, which then is behind that. */
static struct sbx_schema_node *child_of(const struct sbx_schema_node *node,
					char **pointer)
{
	const struct sbx_schema_rule *rule =
		sbx_schema_rule_of(node, next_token(pointer));
	const json_t *number;

	if (!rule || rule->n_nodes == 0)
		return NULL;
	if (rule->keyword->shape == SBX_SHAPE_SCHEMA)
		return rule->nodes[0];
	if (!*pointer)
		return NULL;
	if (rule->keyword->shape == SBX_SHAPE_SCHEMAS)
		return element_of(rule, next_token(pointer));
	number = json_object_get(rule->names, next_token(pointer));
	return number ? rule->nodes[json_integer_value(number)] : NULL;
}

static struct sbx_schema_node *follow(struct sbx_schema_node *node,
				      char *pointer)
{
	while (node && pointer)
		node = child_of(node, &pointer);
	return node;
}

static struct sbx_schema_node *target_of(const struct sbx_schema *schema,
					 const char *base,
					 const char *reference)
{
	const char *fragment;
	cleanup_free char *uri =
		sbx_schema_uri_resolve(base, reference, &fragment);
	cleanup_free char *decoded = sbx_schema_uri_decode(fragment);
	cleanup_free char *name = NULL;

	if (!decoded)
		return NULL;
	if (*decoded == '\0')
		return place_of(schema, uri);
	if (*decoded == '/')
		return follow(place_of(schema, uri), decoded);
	name = sbx_asprintf("%s#%s", uri, decoded);
	return sbx_text_is_utf8(name, strlen(name)) ? place_of(schema, name)
						    : NULL;
}

static void link_rule(struct sbx_schema_compiler *compiler,
		      struct sbx_schema_rule *rule)
{
	const struct sbx_schema_node *node = rule->node;
	const char *text = sbx_json_plain_text(rule->value);
	struct sbx_schema_node *target = NULL;

	if (text && strlen(text) <= SBX_SCHEMA_URI_MAX)
		target = target_of(compiler->schema, node->base, text);
	if (!target) {
		struct sbx_buf shown = SBX_BUF_INIT(1024);

		sbx_schema_put_value(&shown, rule->value);
		sbx_schema_fault(compiler, node, "$ref", NULL,
				 "there is no schema %s in this document, and "
				 "nothing is fetched",
				 sbx_buf_text(&shown));
		sbx_buf_free(&shown);
		return;
	}
	rule->nodes = sbx_calloc(1, sizeof(struct sbx_schema_node *));
	rule->nodes[rule->n_nodes++] = target;
}

/* --- circles --------------------------------------------------------------- */

/*
 * Schemas that look at one value and lead to each other would never come to an
 * end.  True when @node is in such a circle, or at the end of too long a
 * chain; noted once.
 */
static bool is_endless(struct sbx_schema_compiler *compiler,
		       struct sbx_schema_node *node, unsigned int depth)
{
	bool found = false;

	if (node->visit == SBX_VISIT_DONE)
		return false;
	if (node->visit == SBX_VISIT_NOW) {
		sbx_schema_fault(compiler, node, NULL, NULL,
				 "this schema refers to itself without going "
				 "into the value: there is no end to it");
		return true;
	}
	if (depth > SBX_SCHEMA_CHAIN_MAX) {
		sbx_schema_fault(compiler, node, NULL, NULL,
				 "more than %d schemas lead here that all look "
				 "at the same value",
				 SBX_SCHEMA_CHAIN_MAX);
		return true;
	}
	node->visit = SBX_VISIT_NOW;
	for (size_t i = 0; i < node->n_rules && !found; i++) {
		const struct sbx_schema_rule *rule = &node->rules[i];

		for (size_t j = 0;
		     rule->keyword->in_place && !found && j < rule->n_nodes;
		     j++)
			found = is_endless(compiler, rule->nodes[j], depth + 1);
	}
	node->visit = SBX_VISIT_DONE;
	return found;
}

void sbx_schema_link(struct sbx_schema_compiler *compiler)
{
	struct sbx_schema *schema = compiler->schema;

	for (size_t i = 0; i < schema->n_nodes; i++) {
		struct sbx_schema_node *node = schema->nodes[i];

		for (size_t j = 0; j < node->n_rules; j++) {
			if (node->rules[j].keyword->shape == SBX_SHAPE_REF)
				link_rule(compiler, &node->rules[j]);
		}
	}
	for (size_t i = 0; i < schema->n_nodes; i++) {
		if (is_endless(compiler, schema->nodes[i], 0))
			return;
	}
}
