/* SPDX-License-Identifier: MIT */
/*
 * Compiling reads the document once, subschema by subschema, each keyword by
 * the table of keywords, and notes what is wrong on the way; references are
 * followed when all places are known (schema_refs.c).  Checking (schema_eval.c)
 * then asks no more whether the schema makes sense.
 */
#include "codec/schema.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "codec/schema_node.h"

const struct sbx_schema_rule *
sbx_schema_rule_of(const struct sbx_schema_node *node, const char *keyword)
{
	for (size_t i = 0; i < node->n_rules; i++) {
		if (strcmp(node->rules[i].keyword->name, keyword) == 0)
			return &node->rules[i];
	}
	return NULL;
}

void sbx_schema_fault(struct sbx_schema_compiler *compiler,
		      const struct sbx_schema_node *node, const char *keyword,
		      const char *token, const char *format, ...)
{
	struct sbx_buf place = SBX_BUF_INIT(SIZE_MAX / 4);
	char *text = NULL;
	va_list args;

	if (compiler->problems->n >= SBX_SCHEMA_PROBLEMS_MAX) {
		compiler->problems->dropped++;
		return;
	}
	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	sbx_schema_put_node(&place, node);
	if (keyword)
		sbx_schema_put_token(&place, keyword);
	if (token)
		sbx_schema_put_token(&place, token);
	sbx_schema_problems_add(compiler->problems, sbx_buf_take(&place), NULL,
				text);
}

/* --- nodes ----------------------------------------------------------------- */

static void read_node(struct sbx_schema_compiler *compiler,
		      struct sbx_schema_node *node, size_t number);

/* Of the shape of @under, whose place and value it gets; NULL at the end. */
static struct sbx_schema_node *new_node(struct sbx_schema_compiler *compiler,
					const struct sbx_schema_node *under)
{
	struct sbx_schema *schema = compiler->schema;
	struct sbx_schema_node *node;

	if (schema->n_nodes == SBX_SCHEMA_NODES_MAX) {
		sbx_schema_fault(compiler, under, NULL, NULL,
				 "there are more than %d subschemas",
				 SBX_SCHEMA_NODES_MAX);
		compiler->is_over = true;
		return NULL;
	}
	if (schema->n_nodes == schema->cap_nodes) {
		schema->cap_nodes = schema->cap_nodes * 2 + 16;
		schema->nodes =
			sbx_realloc(schema->nodes,
				    schema->cap_nodes * sizeof(*schema->nodes));
	}
	node = sbx_malloc(sizeof(*node));
	*node = *under;
	schema->nodes[schema->n_nodes++] = node;
	return node;
}

/* A subschema under a rule, of which @under says where and what. */
static void add_node(struct sbx_schema_compiler *compiler,
		     struct sbx_schema_rule *rule,
		     struct sbx_schema_node *under)
{
	size_t number = compiler->schema->n_nodes;
	struct sbx_schema_node *node;

	under->up = rule->node;
	under->keyword = rule->keyword->name;
	under->base = rule->node->base;
	if (!json_is_object(under->json) && !json_is_boolean(under->json)) {
		struct sbx_buf shown = SBX_BUF_INIT(1024);

		sbx_schema_put_value(&shown, under->json);
		sbx_schema_fault(compiler, under, NULL, NULL,
				 "found %s, expected a schema: a mapping, true "
				 "or false",
				 sbx_buf_text(&shown));
		sbx_buf_free(&shown);
		return;
	}
	node = new_node(compiler, under);
	if (!node)
		return;
	rule->nodes[rule->n_nodes++] = node;
	if (++compiler->level > SBX_SCHEMA_LEVELS_MAX)
		sbx_schema_fault(compiler, node, NULL, NULL,
				 "schemas are nested deeper than %d levels",
				 SBX_SCHEMA_LEVELS_MAX);
	else
		read_node(compiler, node, number);
	compiler->level--;
}

static void add_list(struct sbx_schema_compiler *compiler,
		     struct sbx_schema_rule *rule)
{
	size_t n = json_array_size(rule->value);

	if (n == 0) {
		sbx_schema_fault(compiler, rule->node, rule->keyword->name,
				 NULL,
				 "expected a list of at least one schema");
		return;
	}
	rule->nodes = sbx_calloc(n, sizeof(struct sbx_schema_node *));
	for (size_t i = 0; i < n && !compiler->is_over; i++) {
		struct sbx_schema_node under = {
			.json = json_array_get(rule->value, i),
			.index = i,
			.is_element = true,
		};

		add_node(compiler, rule, &under);
	}
}

static void add_pattern(struct sbx_schema_compiler *compiler,
			struct sbx_schema_rule *rule, const char *token,
			const char *text, size_t size)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema_pattern *pattern = NULL;

	if (sbx_schema_pattern_new(text, size, &pattern, &err) == 0) {
		rule->patterns[rule->n_patterns++] = pattern;
	} else if (err.outcome == SBX_OUTCOME_INVALID) {
		sbx_schema_fault(compiler, rule->node, rule->keyword->name,
				 token, "not a regular expression: %s",
				 err.message);
	} else {
		*compiler->err = err;
		compiler->is_over = true;
	}
}

static void add_mapping(struct sbx_schema_compiler *compiler,
			struct sbx_schema_rule *rule)
{
	bool has_patterns = rule->keyword->shape == SBX_SHAPE_PATTERNED;
	size_t n = json_object_size(rule->value);
	const char *key;
	json_t *value;

	if (!json_is_object(rule->value)) {
		sbx_schema_fault(compiler, rule->node, rule->keyword->name,
				 NULL, "expected a mapping of schemas");
		return;
	}
	rule->names = json_object();
	rule->nodes = sbx_calloc(n + 1, sizeof(struct sbx_schema_node *));
	if (has_patterns)
		rule->patterns =
			sbx_calloc(n + 1, sizeof(struct sbx_schema_pattern *));
	json_object_foreach ((json_t *)rule->value, key, value) {
		struct sbx_schema_node under = { .json = value, .name = key };

		if (compiler->is_over)
			return;
		json_object_set_new(rule->names, key,
				    json_integer((json_int_t)rule->n_nodes));
		add_node(compiler, rule, &under);
		if (has_patterns)
			add_pattern(compiler, rule, key, key, strlen(key));
	}
}

static void add_parts(struct sbx_schema_compiler *compiler,
		      struct sbx_schema_rule *rule)
{
	struct sbx_schema_node under = { .json = rule->value };

	switch (rule->keyword->shape) {
	case SBX_SHAPE_SCHEMA:
		rule->nodes = sbx_calloc(1, sizeof(struct sbx_schema_node *));
		if (json_is_array(rule->value) &&
		    strcmp(rule->keyword->name, "items") == 0)
			sbx_schema_fault(compiler, rule->node, "items", NULL,
					 "found a list, expected a schema: "
					 "since draft 2020-12 a list is "
					 "\"prefixItems\"");
		else
			add_node(compiler, rule, &under);
		break;
	case SBX_SHAPE_SCHEMAS:
		add_list(compiler, rule);
		break;
	case SBX_SHAPE_NAMED:
	case SBX_SHAPE_PATTERNED:
		add_mapping(compiler, rule);
		break;
	case SBX_SHAPE_PATTERN:
		rule->patterns =
			sbx_calloc(1, sizeof(struct sbx_schema_pattern *));
		add_pattern(compiler, rule, NULL,
			    json_string_value(rule->value),
			    json_string_length(rule->value));
		break;
	default:
		break;
	}
}

static void read_node(struct sbx_schema_compiler *compiler,
		      struct sbx_schema_node *node, size_t number)
{
	const struct sbx_schema_keyword *keyword;
	size_t n = json_object_size(node->json);

	if (n == 0)
		return;
	sbx_schema_read_ids(compiler, node, number);
	node->rules = sbx_calloc(n, sizeof(*node->rules));
	for (keyword = sbx_schema_keywords; keyword->name; keyword++) {
		const json_t *value =
			json_object_get(node->json, keyword->name);
		struct sbx_schema_rule *rule;

		if (!value || compiler->is_over)
			continue;
		rule = &node->rules[node->n_rules++];
		*rule = (struct sbx_schema_rule){ .keyword = keyword,
						  .node = node,
						  .value = value };
		if (sbx_schema_fits_shape(compiler, rule))
			add_parts(compiler, rule);
		if (keyword->eval == sbx_schema_eval_unevaluated_items ||
		    keyword->eval == sbx_schema_eval_unevaluated_properties)
			node->has_unevaluated = true;
	}
}

/* --- the whole ------------------------------------------------------------- */

static void read_root(struct sbx_schema_compiler *compiler)
{
	struct sbx_schema_node under = {
		.json = compiler->schema->document,
		.base = "",
	};

	if (!json_is_object(under.json) && !json_is_boolean(under.json)) {
		sbx_schema_fault(compiler, &under, NULL, NULL,
				 "expected a schema: a mapping, true or false");
		return;
	}
	json_object_set_new(compiler->schema->places, "", json_integer(0));
	read_node(compiler, new_node(compiler, &under), 0);
}

int sbx_schema_compile(const json_t *document, struct sbx_schema **out,
		       struct sbx_schema_problems *problems,
		       struct sbx_error *err)
{
	struct sbx_error own = SBX_ERROR_INIT;
	struct sbx_schema *schema = sbx_calloc(1, sizeof(*schema));
	struct sbx_schema_compiler compiler = {
		.schema = schema,
		.problems = problems,
		.err = &own,
	};

	schema->document = json_incref((json_t *)document);
	schema->places = json_object();
	read_root(&compiler);
	if (problems->n == 0 && !compiler.is_over)
		sbx_schema_link(&compiler);
	if (problems->n == 0 && own.outcome == SBX_OUTCOME_OK) {
		*out = schema;
		return 0;
	}
	sbx_schema_free(&schema);
	if (own.outcome != SBX_OUTCOME_OK) {
		sbx_schema_problems_free(problems);
		*err = own;
		return -1;
	}
	return sbx_schema_problems_error(problems, SBX_OUTCOME_INVALID,
					 "the schema is wrong", err);
}

json_t *sbx_schema_document(const struct sbx_schema *schema)
{
	return schema->document;
}

static void free_rule(struct sbx_schema_rule *rule)
{
	for (size_t i = 0; i < rule->n_patterns; i++)
		sbx_schema_pattern_free(&rule->patterns[i]);
	free(rule->patterns);
	free(rule->nodes);
	json_decref(rule->names);
}

void sbx_schema_free(struct sbx_schema **slot)
{
	struct sbx_schema *schema = *slot;

	if (!schema)
		return;
	for (size_t i = 0; i < schema->n_nodes; i++) {
		struct sbx_schema_node *node = schema->nodes[i];

		for (size_t j = 0; j < node->n_rules; j++)
			free_rule(&node->rules[j]);
		free(node->rules);
		free(node);
	}
	free(schema->nodes);
	sbx_strv_free(&schema->bases);
	json_decref(schema->places);
	json_decref(schema->document);
	free(schema);
	*slot = NULL;
}
