/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/json.h"

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	assert_int_equal(sbx_json_parse(text, strlen(text), &value, &err), 0);
	assert_int_equal(err.outcome, SBX_OUTCOME_OK);
	return value;
}

static void check_refused(const char *text, size_t size, const char *start)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	assert_int_equal(sbx_json_parse(text, size, &value, &err), -1);
	assert_null(value);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_true(sbx_text_has_prefix(err.message, start));
	assert_null(strpbrk(err.message, "\n\x1b"));
}

static void test_parse_any_type(void **state)
{
	static const char *const texts[] = { "null",  "true", "3",
					     "\"a\"", "[1]",  " {} \n" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++)
		json_decref(parse(texts[i]));
}

static void test_parse_refuses(void **state)
{
	(void)state;
#define BYTES(literal) literal, sizeof(literal) - 1
	check_refused(BYTES(""), "line 1, column ");
	check_refused(BYTES("{\"a\": 1,\n \"a\": 2}"), "line 2, column ");
	check_refused(BYTES("{} {}"), "line 1, column ");
	check_refused(BYTES("\"\xff\""), "line 1, column ");
	check_refused(BYTES("{\"a\\u0000b\": 1}"), "line 1, column ");
	check_refused(BYTES("{} \0"), "line 1, column ");
	check_refused(BYTES("\x1b[2J"), "line 1, column ");
	check_refused(BYTES("[1,]"), "line 1, column ");
}

static void test_at(void **state)
{
	json_auto_t *value = parse("{\"a\": {\"b\": \"c\", \"n\": 7, "
				   "\"t\": true}, \"s\": \"x\"}");

	(void)state;
	assert_ptr_equal(sbx_json_at(value, NULL), value);
	assert_string_equal(sbx_json_text_at(value, "a", "b", NULL), "c");
	assert_null(sbx_json_text_at(value, "a", NULL));
	assert_null(sbx_json_text_at(value, "s", "b", NULL));
	assert_null(sbx_json_at(value, "z", "b", NULL));
	assert_null(sbx_json_at(NULL, "z", NULL));
	assert_int_equal(sbx_json_int_at(-1, value, "a", "n", NULL), 7);
	assert_int_equal(sbx_json_int_at(-1, value, "a", "b", NULL), -1);
	assert_true(sbx_json_true_at(value, "a", "t", NULL));
	assert_false(sbx_json_true_at(value, "a", "n", NULL));
}

static void test_strings(void **state)
{
	char one[] = "a", none_text[] = "";
	char *list[] = { one, none_text, NULL };
	json_auto_t *array = sbx_json_strings(list);
	json_auto_t *none = sbx_json_strings(NULL);

	(void)state;
	assert_int_equal(json_array_size(array), 2);
	assert_string_equal(json_string_value(json_array_get(array, 0)), "a");
	assert_int_equal(json_array_size(none), 0);
}

/* Members keep their order, numbers their shortest form. */
static void test_line(void **state)
{
	static const char *const texts[] = {
		"null",
		"{\"b\": 1, \"a\": [true, false, {}, []]}",
		"[0.1, 1.0, 1e+300, -0.0, 0.30000000000000004]",
		"[-9223372036854775808]",
		"\"\\\"\\\\\\n\\t\\u001b\\u0000\xc3\xa9\"",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		json_auto_t *value = parse(texts[i]);
		cleanup_free char *line = sbx_json_line(value);

		assert_string_equal(line, texts[i]);
	}
}

/* What could move a cursor leaves as an escape, and reads back the same. */
static void test_line_is_safe_to_show(void **state)
{
	json_auto_t *value = parse("{\"\x7f\": \"\xc2\x9b\xe2\x80\xae\"}");
	cleanup_free char *line = sbx_json_line(value);
	json_auto_t *back = parse(line);

	(void)state;
	assert_string_equal(line, "{\"\\u007f\": \"\\u009b\\u202e\"}");
	assert_true(json_equal(value, back));
}

static void test_pretty(void **state)
{
	json_auto_t *value = parse("{\"a\":[1,{\"b\":2}],\"c\":{},\"d\":[]}");
	cleanup_free char *text = sbx_json_pretty(value);

	(void)state;
	assert_string_equal(text, "{\n"
				  "  \"a\": [\n"
				  "    1,\n"
				  "    {\n"
				  "      \"b\": 2\n"
				  "    }\n"
				  "  ],\n"
				  "  \"c\": {},\n"
				  "  \"d\": []\n"
				  "}");
}

static void test_diff(void **state)
{
	static const struct {
		const char *expected, *actual;
		bool subset;
		const char *lines; /* "" when equal */
	} samples[] = {
		{ "{\"a\": 1, \"b\": [1]}", "{\"b\": [1.0], \"a\": 1}", false,
		  "" },
		{ "9007199254740993", "9007199254740992.0", false,
		  "(whole): expected 9007199254740993, "
		  "got 9007199254740992.0\n" },
		{ "1", "\"1\"", false, "(whole): expected 1, got \"1\"\n" },
		{ "{\"a\": 1}", "{\"a\": 1, \"b\": 2}", true, "" },
		{ "{\"a\": 1}", "{\"a\": 1, \"b\": 2}", false,
		  "/b: not expected, got 2\n" },
		{ "{\"a\": {\"c\": 1}}", "{\"a\": {}}", true,
		  "/a/c: expected 1, got nothing\n" },
		{ "[{\"a\": 1}]", "[{\"a\": 1, \"b\": 2}]", true, "" },
		{ "[1]", "[1, 2]", true, "/1: not expected, got 2\n" },
		{ "[1, 2]", "[3]", false,
		  "/0: expected 1, got 3\n/1: expected 2, got nothing\n" },
		{ "{\"a/b~\": 1}", "{\"a/b~\": 2}", false,
		  "/a~1b~0: expected 1, got 2\n" },
		{ "{}", "[]", true, "(whole): expected {}, got []\n" },
		{ "{\"a\": null}", "{}", false,
		  "/a: expected null, got nothing\n" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		json_auto_t *expected = parse(samples[i].expected);
		json_auto_t *actual = parse(samples[i].actual);
		struct sbx_buf out = SBX_BUF_INIT(1024);

		assert_int_equal(sbx_json_diff(&out, expected, actual,
					       samples[i].subset),
				 samples[i].lines[0] == '\0');
		assert_string_equal(sbx_buf_text(&out), samples[i].lines);
		sbx_buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_any_type),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_at),
		cmocka_unit_test(test_strings),
		cmocka_unit_test(test_line),
		cmocka_unit_test(test_line_is_safe_to_show),
		cmocka_unit_test(test_pretty),
		cmocka_unit_test(test_diff),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
