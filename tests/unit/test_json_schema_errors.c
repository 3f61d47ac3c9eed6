/* SPDX-License-Identifier: MIT */
/* What is said of values and schemas that are wrong, and where work ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "json_schema.h"

#include "base/clock.h"
#include "base/text.h"

/* A line for each: "PLACE: TEXT [RULE]", "(whole)" for the empty place. */
static void put_problems(struct sbx_buf *out,
			 const struct sbx_schema_problems *problems)
{
	for (size_t i = 0; i < problems->n; i++) {
		const struct sbx_schema_problem *problem = &problems->v[i];

		sbx_buf_printf(out, "%s: %s",
			       *problem->place ? problem->place : "(whole)",
			       problem->text);
		if (problem->rule)
			sbx_buf_printf(out, " [%s]", problem->rule);
		sbx_buf_puts(out, "\n");
	}
}

/* The lines for a value, "" when it fits. */
static void check_lines(const struct sbx_schema *schema, const json_t *value,
			const char *lines)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_schema_check(schema, value, &problems, &err);

	put_problems(&out, &problems);
	assert_string_equal(sbx_buf_text(&out), lines);
	assert_int_equal(result, *lines ? SBX_SCHEMA_MISFIT : 0);
	assert_int_equal(err.outcome, SBX_OUTCOME_OK);
}

/* --- values ---------------------------------------------------------------- */

/* Everything that is wrong, in the order of the rules. */
static void test_all_problems(void **state)
{
	cleanup_schema struct sbx_schema *schema = compile(
		"{\"type\": \"object\", \"required\": [\"name\", \"age\"],"
		" \"properties\": {"
		"  \"name\": {\"type\": \"string\", \"maxLength\": 2,"
		"             \"pattern\": \"^[a-z]+$\"},"
		"  \"tags\": {\"items\": {\"enum\": [\"a\", 3]},"
		"             \"uniqueItems\": true},"
		"  \"k~/\": {\"$ref\": \"#/$defs/n\"}},"
		" \"$defs\": {\"n\": {\"exclusiveMaximum\": 1.5}},"
		" \"additionalProperties\": false}");
	json_auto_t *value = parse("{\"nane\": 1, \"name\": \"ABC\", "
				   "\"tags\": [\"c\", \"c\"], \"k~/\": 2}");

	(void)state;
	check_lines(schema, value,
		    "(whole): the member \"age\" is missing [/required]\n"
		    "/name: 3 characters, expected at most 2 "
		    "[/properties/name/maxLength]\n"
		    "/name: found \"ABC\", expected a text that matches "
		    "^[a-z]+$ [/properties/name/pattern]\n"
		    "/tags: elements 0 and 1 are equal, expected all to differ "
		    "[/properties/tags/uniqueItems]\n"
		    "/tags/0: found \"c\", expected one of \"a\", 3 "
		    "[/properties/tags/items/enum]\n"
		    "/tags/1: found \"c\", expected one of \"a\", 3 "
		    "[/properties/tags/items/enum]\n"
		    "/k~0~1: found 2, expected less than 1.5 "
		    "[/$defs/n/exclusiveMaximum]\n"
		    "/nane: no such member is known, did you mean \"name\"? "
		    "[/additionalProperties]\n");
}

static void test_words(void **state)
{
	static const struct {
		const char *schema, *value, *lines;
	} samples[] = {
		{ "{\"type\": [\"string\", \"null\"]}", "[1, 2]",
		  "(whole): found a list of 2, expected a text or null "
		  "[/type]\n" },
		{ "false", "1", "(whole): nothing may be here []\n" },
		{ "{\"properties\": {\"a\": false}}", "{\"a\": 1}",
		  "/a: nothing may be here [/properties/a]\n" },
		{ "{\"minimum\": 3}", "2.5",
		  "(whole): found 2.5, expected at least 3 [/minimum]\n" },
		{ "{\"multipleOf\": 0.1}", "0.25",
		  "(whole): found 0.25, expected a multiple of 0.1 "
		  "[/multipleOf]\n" },
		{ "{\"const\": {\"a\": [null]}}", "{}",
		  "(whole): found an object, expected {\"a\": [null]} "
		  "[/const]\n" },
		{ "{\"minProperties\": 2}", "{\"a\": 1}",
		  "(whole): 1 member, expected at least 2 "
		  "[/minProperties]\n" },
		{ "{\"dependentRequired\": {\"a\": [\"b\", \"c\"]}}",
		  "{\"a\": 1}",
		  "(whole): the member \"b\" is missing, which \"a\" needs "
		  "[/dependentRequired]\n"
		  "(whole): the member \"c\" is missing, which \"a\" needs "
		  "[/dependentRequired]\n" },
		{ "{\"propertyNames\": {\"maxLength\": 1}}", "{\"ab\": 1}",
		  "/ab: its name: 2 characters, expected at most 1 "
		  "[/propertyNames]\n" },
		{ "{\"anyOf\": [{\"type\": \"string\"}, {\"items\": "
		  "{\"properties\": {\"a\": {\"minimum\": 3}}}}]}",
		  "[{\"a\": 1}]",
		  "(whole): fits none of the 2 alternatives: (1) found a list "
		  "of 1, expected a text; (2) /0/a: found 1, expected at "
		  "least 3 [/anyOf]\n" },
		{ "{\"oneOf\": [{\"type\": \"string\"}, {\"minimum\": 1}, "
		  "{\"maximum\": 3}]}",
		  "2",
		  "(whole): fits alternatives 2 and 3, expected only one to "
		  "fit [/oneOf]\n" },
		{ "{\"not\": {\"const\": 2}}", "2",
		  "(whole): found 2, which is just what it must not be "
		  "[/not]\n" },
		{ "{\"prefixItems\": [true], \"items\": false}", "[1, 2]",
		  "(whole): 2 in all, expected at most 1 [/items]\n" },
		{ "{\"contains\": {\"const\": 1}, \"maxContains\": 1}",
		  "[1, 1]",
		  "(whole): 2 that fit \"contains\", expected at most 1 "
		  "[/maxContains]\n" },
		/* What failed elsewhere is no unknown member as well. */
		{ "{\"allOf\": [{\"properties\": {\"a\": {\"type\": "
		  "\"null\"}}}], \"unevaluatedProperties\": false}",
		  "{\"a\": 1, \"b\": 1}",
		  "/a: found 1, expected null [/allOf/0/properties/a/type]\n"
		  "/b: no such member is known [/unevaluatedProperties]\n" },
		/* Nothing that a terminal would obey. */
		{ "{\"additionalProperties\": false}", "{\"\\u001b[2J\": 1}",
		  "/\\x1b[2J: no such member is known "
		  "[/additionalProperties]\n" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_schema struct sbx_schema *schema =
			compile(samples[i].schema);
		json_auto_t *value = parse(samples[i].value);

		check_lines(schema, value, samples[i].lines);
	}
}

/* However many there are, and however long, one sentence stands for them. */
static void test_many_problems(void **state)
{
	cleanup_schema struct sbx_schema *schema =
		compile("{\"items\": {\"type\": \"string\"}}");
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *value = json_array();

	(void)state;
	for (int i = 0; i < 500; i++)
		json_array_append_new(value, json_integer(i));
	assert_int_equal(sbx_schema_check(schema, value, &problems, &err),
			 SBX_SCHEMA_MISFIT);
	assert_int_equal(problems.n, SBX_SCHEMA_PROBLEMS_MAX);
	assert_int_equal(problems.dropped, 500 - SBX_SCHEMA_PROBLEMS_MAX);
	assert_int_equal(sbx_schema_problems_error(&problems,
						   SBX_OUTCOME_INVALID,
						   "the input", &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_true(sbx_text_has_prefix(
		err.message, "the input: /0: found 0, expected a "
			     "text; /1: found 1, expected a text; "));
	assert_true(sbx_text_has_suffix(err.message, " more)"));
}

/* --- schemas --------------------------------------------------------------- */

static void check_faults(const char *text, const char *lines)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema *schema = NULL;
	json_auto_t *document = parse(text);

	assert_int_equal(sbx_schema_compile(document, &schema, &problems, &err),
			 -1);
	assert_null(schema);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	put_problems(&out, &problems);
	assert_string_equal(sbx_buf_text(&out), lines);
}

static void test_faults(void **state)
{
	static const struct {
		const char *schema, *lines;
	} samples[] = {
		{ "3",
		  "(whole): expected a schema: a mapping, true or false\n" },
		/* All of them. */
		{ "{\"type\": \"strin\", \"minimum\": \"1\", "
		  "\"properties\": {\"a/b\": {\"maxItems\": 1.5}}}",
		  "/type: found \"strin\", expected object, array, string, "
		  "number, integer, boolean or null, or a list of them\n"
		  "/minimum: found \"1\", expected a number\n"
		  "/properties/a~1b/maxItems: found 1.5, expected a whole "
		  "number, 0 or more\n" },
		{ "{\"$schema\": \"http://json-schema.org/draft-07/schema#\"}",
		  "/$schema: found "
		  "\"http://json-schema.org/draft-07/schema#\", expected "
		  "\"https://json-schema.org/draft/2020-12/schema\": other "
		  "drafts are not supported\n" },
		{ "{\"$dynamicRef\": \"#a\"}",
		  "/$dynamicRef: not supported: use \"$ref\"\n" },
		{ "{\"items\": [{}]}",
		  "/items: found a list, expected a schema: since draft "
		  "2020-12 a list is \"prefixItems\"\n" },
		{ "{\"required\": [\"a\", \"a\"], \"enum\": 3, "
		  "\"dependentRequired\": {\"x\": [1]}}",
		  "/enum: found 3, expected a list\n"
		  "/required: found \"a\", expected each name only once\n"
		  "/dependentRequired/x: found 1, expected a list of names\n" },
		{ "{\"anyOf\": [], \"allOf\": [3], \"properties\": []}",
		  "/properties: expected a mapping of schemas\n"
		  "/allOf/0: found 3, expected a schema: a mapping, true or "
		  "false\n"
		  "/anyOf: expected a list of at least one schema\n" },
		{ "{\"exclusiveMinimum\": true, \"multipleOf\": 0, "
		  "\"uniqueItems\": 1, \"minLength\": -1}",
		  "/exclusiveMinimum: found true, expected a number\n"
		  "/multipleOf: found 0, expected a number above 0\n"
		  "/minLength: found -1, expected a whole number, 0 or more\n"
		  "/uniqueItems: found 1, expected true or false\n" },
		{ "{\"pattern\": \"a(\", \"patternProperties\": {\"[\": {}}}",
		  "/pattern: not a regular expression: missing closing "
		  "parenthesis (near character 3)\n"
		  "/patternProperties/[: not a regular expression: missing "
		  "terminating ] for character class (near character 2)\n" },
		{ "{\"pattern\": \"(*LIMIT_MATCH=1)a\"}",
		  "/pattern: not a regular expression: there is nothing to "
		  "repeat before the \"*\"\n" },
		{ "{\"$ref\": \"#/$defs/a\", \"items\": {\"$ref\": "
		  "\"https://example.org/x\"}, \"not\": {\"$ref\": \"#x\"}}",
		  "/$ref: there is no schema \"#/$defs/a\" in this document, "
		  "and nothing is fetched\n"
		  "/items/$ref: there is no schema \"https://example.org/x\" "
		  "in this document, and nothing is fetched\n"
		  "/not/$ref: there is no schema \"#x\" in this document, and "
		  "nothing is fetched\n" },
		{ "{\"$defs\": {\"a\": {\"$anchor\": \"x\"}, \"b\": "
		  "{\"$anchor\": \"x\"}, \"c\": {\"$anchor\": \"1\"}, \"d\": "
		  "{\"$id\": \"a#b\"}}}",
		  "/$defs/b/$anchor: another schema has this name already\n"
		  "/$defs/c/$anchor: expected a name of letters, digits, "
		  "\"-\", \"_\" and \".\", the first a letter or \"_\"\n"
		  "/$defs/d/$id: expected a URI without a \"#\"\n" },
		/* These would never come to an end. */
		{ "{\"$ref\": \"#\"}",
		  "(whole): this schema refers to itself without going into "
		  "the value: there is no end to it\n" },
		{ "{\"$defs\": {\"a\": {\"anyOf\": [true, {\"$ref\": "
		  "\"#/$defs/b\"}]}, \"b\": {\"not\": {\"$ref\": "
		  "\"#/$defs/a\"}}}}",
		  "/$defs/a: this schema refers to itself without going into "
		  "the value: there is no end to it\n" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++)
		check_faults(samples[i].schema, samples[i].lines);
}

/* --- limits ---------------------------------------------------------------- */

/*
 * A part of what else is allowed: it ends in the same way, but sooner, and long
 * before the clock would end it.
 */
#define STEPS	    (SBX_SCHEMA_STEPS_MAX / 30)
#define PATIENCE_MS SBX_SCHEMA_TIME_MAX_MS

static void check_gives_up(const json_t *document, const json_t *value,
			   const char *why)
{
	cleanup_schema struct sbx_schema *schema = compile_value(document);
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	double start = sbx_clock_ms();

	assert_int_equal(
		sbx_schema_check_within(schema, value, STEPS, &problems, &err),
		-1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_int_equal(problems.n, 0);
	assert_true(sbx_clock_ms() - start < PATIENCE_MS);
	if (!strstr(err.message, why))
		fail_msg("%s", err.message);
}

/* Two to the power of 40 ways, none of which fits. */
static void test_exponential(void **state)
{
	json_auto_t *document = json_object();
	json_t *definitions = json_object();
	json_auto_t *value = json_integer(1);

	(void)state;
	for (int i = 0; i < 40; i++) {
		cleanup_free char *name = sbx_asprintf("a%d", i);
		cleanup_free char *next = sbx_asprintf("#/$defs/a%d", i + 1);
		json_t *both = json_pack("{s:[{s:s},{s:s}]}", "anyOf", "$ref",
					 next, "$ref", next);

		json_object_set_new(definitions, name, both);
	}
	json_object_set_new(definitions, "a40", json_false());
	json_object_set_new(document, "$defs", definitions);
	json_object_set_new(document, "$ref", json_string("#/$defs/a0"));
	check_gives_up(document, value, "too many steps");
}

static void test_patterns_that_backtrack(void **state)
{
	static const char *const patterns[] = {
		"^(a+)+$",
		"^(a|a)*$",
		"((a*)*)*$",
		/* Scans to the end from each place, without going back. */
		"a*[bc]",
	};
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(300000);

	(void)state;
	while (sbx_buf_puts(&text, "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"))
		;
	sbx_buf_consume(&text, 1);
	sbx_buf_puts(&text, "!");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(patterns); i++) {
		json_auto_t *document =
			json_pack("{s:s}", "pattern", patterns[i]);
		json_auto_t *value = json_string(sbx_buf_text(&text));

		check_gives_up(document, value, "a pattern takes too many");
	}
}

/* As many comparisons as pairs would be 5,000,000,000. */
static void test_unique_items_is_no_square(void **state)
{
	cleanup_schema struct sbx_schema *schema =
		compile("{\"uniqueItems\": true}");
	json_auto_t *value = json_array();

	(void)state;
	for (int i = 0; i < 100000; i++)
		json_array_append_new(value, json_integer(i));
	check_lines(schema, value, "");
	json_array_append_new(value, json_real(77777));
	check_lines(schema, value,
		    "(whole): elements 77777 and 100000 are equal, expected "
		    "all to differ [/uniqueItems]\n");
}

static void test_depth(void **state)
{
	json_auto_t *document = json_pack("{s:{s:s}}", "items", "$ref", "#");
	json_auto_t *value = json_array();
	json_auto_t *schemas = json_object();
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema *schema = NULL;

	(void)state;
	for (int i = 0; i < 2000; i++)
		value = json_pack("[o]", value);
	check_gives_up(document, value, "nested too deeply");
	for (int i = 0; i <= SBX_SCHEMA_LEVELS_MAX; i++)
		schemas = json_pack("{s:o}", "not", schemas);
	assert_int_equal(sbx_schema_compile(schemas, &schema, &problems, &err),
			 -1);
	assert_non_null(strstr(err.message, "deeper than 64 levels"));
}

static void test_sizes(void **state)
{
	json_auto_t *document = json_object();
	json_t *list = json_array();
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_free char *pattern = sbx_malloc(SBX_SCHEMA_PATTERN_MAX + 2);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema *schema = NULL;

	(void)state;
	for (int i = 0; i < SBX_SCHEMA_NODES_MAX; i++)
		json_array_append_new(list, json_true());
	json_object_set_new(document, "anyOf", list);
	assert_int_equal(sbx_schema_compile(document, &schema, &problems, &err),
			 -1);
	assert_non_null(strstr(err.message, "more than 100000 subschemas"));
	sbx_schema_problems_free(&problems);

	memset(pattern, 'a', SBX_SCHEMA_PATTERN_MAX + 1);
	pattern[SBX_SCHEMA_PATTERN_MAX + 1] = '\0';
	json_object_clear(document);
	json_object_set_new(document, "pattern", json_string(pattern));
	assert_int_equal(sbx_schema_compile(document, &schema, &problems, &err),
			 -1);
	assert_non_null(strstr(err.message, "at most 8192 are allowed"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_problems),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_many_problems),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_exponential),
		cmocka_unit_test(test_patterns_that_backtrack),
		cmocka_unit_test(test_unique_items_is_no_square),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
