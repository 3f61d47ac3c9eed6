/* SPDX-License-Identifier: MIT */
#include "mcp/object_schema.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/schema.h"

/*
 * Who relies on it: what a model is told of a tool is what its action's input
 * and output are checked against, with a member around it or without.
 */

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	if (sbx_json_parse(text, strlen(text), &value, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return value;
}

static void check_equal(json_t *actual, const char *expected)
{
	json_auto_t *value = parse(expected);

	if (!json_equal(actual, value)) {
		cleanup_free char *line = sbx_json_line(actual);

		fail_msg("%s, expected %s", line, expected);
	}
	json_decref(actual);
}

static void test_kinds(void **state)
{
	static const struct {
		const char *schema;
		bool is;
		bool may_be;
	} samples[] = {
		{ "{\"type\": \"object\"}", true, true },
		{ "{\"type\": \"object\", \"properties\": {}}", true, true },
		{ "{}", false, true },
		{ "true", false, true },
		{ "{\"properties\": {\"type\": {}}}", false, true },
		{ "false", false, false },
		{ "{\"type\": \"array\"}", false, false },
		{ "{\"type\": [\"object\"]}", false, false },
		{ "{\"type\": [\"object\", \"null\"]}", false, false },
		{ "{\"type\": \"objects\"}", false, false },
	};

	(void)state;
	assert_false(sbx_mcp_is_object_schema(NULL));
	assert_true(sbx_mcp_may_be_object_schema(NULL));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		json_auto_t *schema = parse(samples[i].schema);

		if (sbx_mcp_is_object_schema(schema) != samples[i].is ||
		    sbx_mcp_may_be_object_schema(schema) != samples[i].may_be)
			fail_msg("%s", samples[i].schema);
	}
}

static void test_object(void **state)
{
	json_auto_t *schema = parse("{\"required\": [\"a\"]}");
	json_auto_t *whole = parse("{\"title\": \"a\", \"type\": \"object\"}");
	json_auto_t *all = json_true();

	(void)state;
	check_equal(sbx_mcp_object_schema(NULL), "{\"type\": \"object\"}");
	check_equal(sbx_mcp_object_schema(all), "{\"type\": \"object\"}");
	check_equal(sbx_mcp_object_schema(schema),
		    "{\"type\": \"object\", \"required\": [\"a\"]}");
	check_equal(sbx_mcp_object_schema(whole),
		    "{\"type\": \"object\", \"title\": \"a\"}");
	/* What it was made of stays what it was. */
	check_equal(json_incref(schema), "{\"required\": [\"a\"]}");
}

/* {"type": "object", "properties": {"m": INNER}, ...} */
static void check_member(const char *schema_text, const char *inner)
{
	cleanup_free char *expected = sbx_asprintf(
		"{\"type\": \"object\", \"properties\": {\"m\": %s}, "
		"\"required\": [\"m\"], \"additionalProperties\": false}",
		inner);
	json_auto_t *schema = schema_text ? parse(schema_text) : NULL;

	check_equal(sbx_mcp_member_schema(schema, "m"), expected);
	if (schema)
		check_equal(json_incref(schema), schema_text);
}

static void test_member(void **state)
{
	(void)state;
	check_member(NULL, "{}");
	check_member("false", "false");
	check_member("{\"type\": \"array\", \"items\": {\"type\": \"null\"}}",
		     "{\"type\": \"array\", \"items\": {\"type\": \"null\"}}");
	/* References that begin at the document, wherever they are. */
	check_member("{\"items\": {\"$ref\": \"#/$defs/a\"}, \"$defs\": "
		     "{\"a\": {\"anyOf\": [{\"$ref\": \"#\"}, true]}}}",
		     "{\"items\": {\"$ref\": \"#/properties/m/$defs/a\"}, "
		     "\"$defs\": {\"a\": {\"anyOf\": [{\"$ref\": "
		     "\"#/properties/m\"}, true]}}}");
	/* And those that do not. */
	check_member("{\"allOf\": [{\"$ref\": \"#name\"}, {\"$ref\": "
		     "\"https://example.org/a#/b\"}, {\"$ref\": \"\"}]}",
		     "{\"allOf\": [{\"$ref\": \"#name\"}, {\"$ref\": "
		     "\"https://example.org/a#/b\"}, {\"$ref\": \"\"}]}");
}

/* Nor is what is wrong made into something else. */
static void test_member_odd(void **state)
{
	(void)state;
	check_member("{\"$ref\": 1}", "{\"$ref\": 1}");
	check_member("{\"$ref\": \"a/b\"}", "{\"$ref\": \"a/b\"}");
	check_member("{\"$ref\": \"a\"}", "{\"$ref\": \"a\"}");
	check_member("{\"properties\": true, \"$defs\": \"a\"}",
		     "{\"properties\": true, \"$defs\": \"a\"}");
}

/* A name is no keyword, and data is no schema. */
static void test_member_names(void **state)
{
	(void)state;
	check_member("{\"properties\": {\"$ref\": {\"$ref\": \"#/a\"}, "
		     "\"enum\": {\"$ref\": \"#/b\"}, \"$id\": {\"$ref\": "
		     "\"#/c\"}}}",
		     "{\"properties\": {\"$ref\": {\"$ref\": "
		     "\"#/properties/m/a\"}, \"enum\": {\"$ref\": "
		     "\"#/properties/m/b\"}, \"$id\": {\"$ref\": "
		     "\"#/properties/m/c\"}}}");
	check_member("{\"patternProperties\": {\"const\": {\"$ref\": \"#\"}}, "
		     "\"$defs\": {\"default\": {\"$ref\": \"#\"}}, "
		     "\"definitions\": {\"$id\": {\"$ref\": \"#\"}}, "
		     "\"dependentSchemas\": {\"examples\": {\"$ref\": "
		     "\"#\"}}}",
		     "{\"patternProperties\": {\"const\": {\"$ref\": "
		     "\"#/properties/m\"}}, \"$defs\": {\"default\": "
		     "{\"$ref\": \"#/properties/m\"}}, \"definitions\": "
		     "{\"$id\": {\"$ref\": \"#/properties/m\"}}, "
		     "\"dependentSchemas\": {\"examples\": {\"$ref\": "
		     "\"#/properties/m\"}}}");
	check_member("{\"const\": {\"$ref\": \"#/a\"}, \"default\": {\"$ref\":"
		     " \"#/a\"}, \"enum\": [{\"$ref\": \"#/a\"}], "
		     "\"examples\": [{\"$ref\": \"#/a\"}]}",
		     "{\"const\": {\"$ref\": \"#/a\"}, \"default\": {\"$ref\":"
		     " \"#/a\"}, \"enum\": [{\"$ref\": \"#/a\"}], "
		     "\"examples\": [{\"$ref\": \"#/a\"}]}");
}

/* A document within the document is left alone. */
static void test_member_documents(void **state)
{
	(void)state;
	check_member("{\"$id\": \"https://example.org/a\", \"$ref\": \"#/b\"}",
		     "{\"$id\": \"https://example.org/a\", \"$ref\": "
		     "\"#/b\"}");
	check_member("{\"items\": {\"$id\": \"a\", \"not\": {\"$ref\": "
		     "\"#\"}}, \"not\": {\"$ref\": \"#\"}}",
		     "{\"items\": {\"$id\": \"a\", \"not\": {\"$ref\": "
		     "\"#\"}}, \"not\": {\"$ref\": \"#/properties/m\"}}");
}

static bool fits(const json_t *document, const json_t *value)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_schema struct sbx_schema *schema = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_schema_compile(document, &schema, &problems, &err) < 0)
		fail_msg("%s", err.message);
	return sbx_schema_check(schema, value, &problems, &err) == 0;
}

/* With the member around it the same fits as without. */
static void test_member_means_the_same(void **state)
{
	static const char *const schemas[] = {
		"{\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": "
		"\"integer\"}, {\"$ref\": \"#\"}]}}",
		"{\"$ref\": \"#/$defs/a\", \"$defs\": {\"a\": {\"items\": "
		"{\"$ref\": \"#/$defs/b\"}}, \"b\": {\"type\": "
		"\"integer\"}}}",
		"{\"$id\": \"https://example.org/a\", \"items\": {\"$ref\": "
		"\"#/$defs/b\"}, \"$defs\": {\"b\": {\"type\": "
		"\"integer\"}}}",
		"{\"items\": {\"$ref\": \"#b\"}, \"$defs\": {\"b\": "
		"{\"$anchor\": \"b\", \"type\": \"integer\"}}}",
		"{\"enum\": [[1, 2], [{\"$ref\": \"#/a\"}]]}",
		"false",
	};
	static const char *const values[] = {
		"[1, 2]",    "[[1], 2]", "[\"a\"]", "[{\"$ref\": \"#/a\"}]",
		"[[\"a\"]]", "1",	 "[]",
	};
	int n_fit = 0;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(schemas); i++) {
		json_auto_t *schema = parse(schemas[i]);
		json_auto_t *member = sbx_mcp_member_schema(schema, "m");

		for (size_t k = 0; k < SBX_ARRAY_SIZE(values); k++) {
			json_auto_t *value = parse(values[k]);
			json_auto_t *object = json_pack("{s:O}", "m", value);
			bool does_fit = fits(schema, value);

			n_fit += does_fit;
			if (fits(member, object) != does_fit)
				fail_msg("%s: %s", schemas[i], values[k]);
		}
	}
	assert_in_range(n_fit, 10, 30);
}

static void test_dialect(void **state)
{
	json_auto_t *schema = parse("{\"$schema\": \"d\", \"type\": \"null\"}");

	(void)state;
	check_equal(sbx_mcp_member_schema(schema, "m"),
		    "{\"$schema\": \"d\", \"type\": \"object\", "
		    "\"properties\": {\"m\": {\"type\": \"null\"}}, "
		    "\"required\": [\"m\"], \"additionalProperties\": false}");
	check_equal(json_incref(schema),
		    "{\"$schema\": \"d\", \"type\": \"null\"}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_object),
		cmocka_unit_test(test_member),
		cmocka_unit_test(test_member_odd),
		cmocka_unit_test(test_member_names),
		cmocka_unit_test(test_member_documents),
		cmocka_unit_test(test_member_means_the_same),
		cmocka_unit_test(test_dialect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
