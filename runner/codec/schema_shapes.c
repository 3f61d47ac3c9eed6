/* SPDX-License-Identifier: MIT */
/* What the values of keywords have to be. */
#include <string.h>

#include "codec/schema_node.h"

#define DRAFT "https://json-schema.org/draft/2020-12/schema"

static bool fault(struct sbx_schema_compiler *compiler,
		  const struct sbx_schema_rule *rule, const char *token,
		  const json_t *found, const char *expected)
{
	struct sbx_buf shown = SBX_BUF_INIT(1024);

	sbx_schema_put_value(&shown, found);
	sbx_schema_fault(compiler, rule->node, rule->keyword->name, token,
			 "found %s, expected %s", sbx_buf_text(&shown),
			 expected);
	sbx_buf_free(&shown);
	return false;
}

static bool is_count(const json_t *value)
{
	return (sbx_schema_types_of(value) & SBX_SCHEMA_INTEGER) &&
	       json_number_value(value) >= 0;
}

static bool is_draft(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size = strlen(DRAFT);

	return text && strncmp(text, DRAFT, size) == 0 &&
	       (text[size] == '\0' || strcmp(text + size, "#") == 0);
}

static bool are_names(struct sbx_schema_compiler *compiler,
		      const struct sbx_schema_rule *rule, const char *token,
		      const json_t *value)
{
	json_auto_t *seen = json_object();
	size_t index;
	json_t *name;

	if (!json_is_array(value))
		return fault(compiler, rule, token, value, "a list of names");
	json_array_foreach (value, index, name) {
		const char *text = json_string_value(name);

		if (!text)
			return fault(compiler, rule, token, name,
				     "a list of names");
		if (json_object_get(seen, text))
			return fault(compiler, rule, token, name,
				     "each name only once");
		json_object_set_new(seen, text, json_true());
	}
	return true;
}

static bool are_name_lists(struct sbx_schema_compiler *compiler,
			   const struct sbx_schema_rule *rule)
{
	bool fits = true;
	const char *key;
	json_t *list;

	if (!json_is_object(rule->value))
		return fault(compiler, rule, NULL, rule->value,
			     "a mapping of lists of names");
	json_object_foreach ((json_t *)rule->value, key, list)
		fits = are_names(compiler, rule, key, list) && fits;
	return fits;
}

static bool are_types(struct sbx_schema_compiler *compiler,
		      const struct sbx_schema_rule *rule)
{
	static const char expected[] =
		"object, array, string, number, integer, boolean or null, or "
		"a list of them";
	const json_t *value = rule->value;
	size_t index;
	json_t *type;

	if (json_is_string(value))
		return sbx_schema_type_bit(json_string_value(value)) ||
		       fault(compiler, rule, NULL, value, expected);
	if (!json_is_array(value) || json_array_size(value) == 0)
		return fault(compiler, rule, NULL, value, expected);
	json_array_foreach (value, index, type) {
		/* What YAML makes of [string, null]. */
		if (json_is_null(type))
			return fault(compiler, rule, NULL, type,
				     "\"null\", in quotes");
		if (!json_is_string(type) ||
		    !sbx_schema_type_bit(json_string_value(type)))
			return fault(compiler, rule, NULL, type, expected);
	}
	return are_names(compiler, rule, NULL, value);
}

/* Shapes that a single test tells, and their names. */
static bool is_simple(enum sbx_schema_shape shape, const json_t *value,
		      const char **expected)
{
	switch (shape) {
	case SBX_SHAPE_TEXT:
	case SBX_SHAPE_PATTERN:
	case SBX_SHAPE_ID:
	case SBX_SHAPE_ANCHOR:
	case SBX_SHAPE_REF:
		*expected = "a text";
		return json_is_string(value);
	case SBX_SHAPE_BOOL:
		*expected = "true or false";
		return json_is_boolean(value);
	case SBX_SHAPE_LIST:
		*expected = "a list";
		return json_is_array(value);
	case SBX_SHAPE_MAPPING:
		*expected = "a mapping";
		return json_is_object(value);
	case SBX_SHAPE_NUMBER:
		*expected = "a number";
		return json_is_number(value);
	case SBX_SHAPE_POSITIVE:
		*expected = "a number above 0";
		return json_is_number(value) && json_number_value(value) > 0;
	case SBX_SHAPE_COUNT:
		*expected = "a whole number, 0 or more";
		return is_count(value);
	case SBX_SHAPE_DRAFT:
		*expected = "\"" DRAFT "\": other drafts are not supported";
		return is_draft(value);
	default:
		return true;
	}
}

bool sbx_schema_fits_shape(struct sbx_schema_compiler *compiler,
			   const struct sbx_schema_rule *rule)
{
	const char *expected = NULL;

	switch (rule->keyword->shape) {
	case SBX_SHAPE_NAMES:
		return are_names(compiler, rule, NULL, rule->value);
	case SBX_SHAPE_NAME_LISTS:
		return are_name_lists(compiler, rule);
	case SBX_SHAPE_TYPES:
		return are_types(compiler, rule);
	case SBX_SHAPE_NEVER:
		sbx_schema_fault(compiler, rule->node, rule->keyword->name,
				 NULL, "not supported: use \"$ref\"");
		return false;
	default:
		return is_simple(rule->keyword->shape, rule->value,
				 &expected) ||
		       fault(compiler, rule, NULL, rule->value, expected);
	}
}
