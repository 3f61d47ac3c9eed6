/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/json.h"
#include "codec/yaml.h"

#define BYTES(literal) literal, sizeof(literal) - 1

static struct sbx_yaml *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_yaml *yaml = NULL;

	if (sbx_yaml_parse(text, strlen(text), &yaml, &err) != 0)
		fail_msg("%s: %s", text, err.message);
	return yaml;
}

static void check_value(const char *text, const char *expected)
{
	struct sbx_yaml *yaml = parse(text);
	cleanup_free char *line = sbx_json_line(sbx_yaml_root(yaml));

	assert_string_equal(line, expected);
	sbx_yaml_free(&yaml);
	assert_null(yaml);
}

/* YAML 1.2.2, section 10.3.2, and what 1.1 would have made of the rest. */
static void test_core_schema(void **state)
{
	static const char *const samples[][2] = {
		{ "", "null" },
		{ "# nothing", "null" },
		{ "~", "null" },
		{ "[null, Null, NULL, nULL]", "[null, null, null, \"nULL\"]" },
		{ "[true, True, TRUE, tRUE]", "[true, true, true, \"tRUE\"]" },
		{ "[false, False, FALSE]", "[false, false, false]" },
		{ "[no, off, yes, on, y, n]",
		  "[\"no\", \"off\", \"yes\", \"on\", \"y\", \"n\"]" },
		{ "[0, 12, -19, +3, 010]", "[0, 12, -19, 3, 10]" },
		{ "[0o17, 0x3A, 0xff, 0o8, -0x1, 0x]",
		  "[15, 58, 255, \"0o8\", \"-0x1\", \"0x\"]" },
		{ "[1_000, 0b1, 1:30, 2001-01-01]",
		  "[\"1_000\", \"0b1\", \"1:30\", \"2001-01-01\"]" },
		{ "[0.5, -1., .5, 1e3, 12e03, -2E+05]",
		  "[0.5, -1.0, 0.5, 1000.0, 12000.0, -200000.0]" },
		{ "[., 1e, e3, +, -.]",
		  "[\".\", \"1e\", \"e3\", \"+\", \"-.\"]" },
		{ "['12', \"true\", '~']", "[\"12\", \"true\", \"~\"]" },
		{ "|\n  12\n", "\"12\\n\"" },
		{ "[!!str 12, !!int '12', !!float 1, !!bool 'true', "
		  "!!null '']",
		  "[\"12\", 12, 1.0, true, null]" },
		{ "!!map {a: !!seq [1]}", "{\"a\": [1]}" },
		{ "\"a\\0b\"", "\"a\\u0000b\"" },
		{ "9223372036854775807", "9223372036854775807" },
		{ "{b: 1, a: }", "{\"b\": 1, \"a\": null}" },
		{ "<<: {a: 1}", "{\"<<\": {\"a\": 1}}" },
		{ "%YAML 1.2\n---\na: 1\n...\n", "{\"a\": 1}" },
		{ "\xef\xbb\xbf"
		  "a: 1",
		  "{\"a\": 1}" },
		{ "\xef\xbb\xbf"
		  "a: 1\r\nb:\r\n  c: 2\r\n",
		  "{\"a\": 1, \"b\": {\"c\": 2}}" },
		{ "a: &x [1, &y k]\nb: *x\n*y : 2\n",
		  "{\"a\": [1, \"k\"], \"b\": [1, \"k\"], \"k\": 2}" },
		{ "[&a 1, &a 2, *a]", "[1, 2, 2]" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++)
		check_value(samples[i][0], samples[i][1]);
}

static void check_error(const char *text, size_t size, const char *start)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_yaml *yaml = NULL;

	assert_int_equal(sbx_yaml_parse(text, size, &yaml, &err), -1);
	assert_null(yaml);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!sbx_text_has_prefix(err.message, start))
		assert_string_equal(err.message, start);
	assert_null(strpbrk(err.message, "\n\t\x1b"));
}

/* What cannot be read at all, and where that shows. */
static void test_errors(void **state)
{
	(void)state;
	check_error(BYTES("a: [1,\n"), "2:1: ");
	check_error(BYTES("a: 1\n b: 2\n"), "2:3: ");
	check_error(BYTES("a:\n\t- 1\n"), "2:1: found a tab");
	check_error(BYTES("--- 1\n--- 2\n"), "2:1: found a second document");
	check_error(BYTES("a: *b\n"), "1:4: this alias has no anchor");
	check_error(BYTES("a: &a [*a]\n"), "1:8: this alias stands inside");
	check_error(BYTES("a: \0b\n"),
		    "1:4: found the byte 0x00, and NUL bytes");
	check_error(BYTES("a: 1\nb: \x01\n"), "2:4: found the control "
					      "character U+0001");
	check_error(BYTES("\xc3\xa9: \xff\n"), "1:4: found the byte 0xff");
	check_error(BYTES("\xff\xfe"
			  "a\0"),
		    "1:1: found the byte 0xff");
	check_error(BYTES("a: \"\\ud800\"\n"), "1:");
}

/* U+FFFD itself is a character like others. */
static void test_replacement_character(void **state)
{
	(void)state;
	check_value("\xef\xbf\xbd", "\"\xef\xbf\xbd\"");
}

/* Single places that are wrong: all are told, and the rest is there. */
static void test_faults(void **state)
{
	static const char text[] = "a: 1\n"
				   "b: {c: 1, c: 2}\n"
				   "a: 2\n"
				   "3: x\n"
				   "[x]: y\n"
				   "f: .inf\n"
				   "g: 9223372036854775808\n"
				   "h: !!binary QQ==\n"
				   "i: !local [1]\n"
				   "j: !!int x\n"
				   "\"a\\0\": 1\n"
				   "k: 1e999\n";
	static const char *const starts[] = {
		"2:11: duplicate key \"c\": it is at 2:5 already",
		"3:1: duplicate key \"a\": it is at 1:1 already",
		"4:1: found a key that is not a text",
		"5:1: found a list or mapping as a key",
		"6:4: infinity and NaN",
		"7:4: this number does not fit 64 bits",
		"8:4: this tag is not supported",
		"9:4: this tag is not supported",
		"10:4: this is not what its tag says",
		"11:1: found a NUL character in a key",
		"12:4: this number is too large",
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_yaml *yaml = NULL;
	const struct sbx_strv *faults;

	(void)state;
	assert_int_equal(sbx_yaml_parse(text, strlen(text), &yaml, &err),
			 SBX_YAML_FAULTY);
	faults = sbx_yaml_faults(yaml);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_string_equal(err.message, faults->v[0]);
	assert_int_equal(faults->n, SBX_ARRAY_SIZE(starts));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(starts); i++) {
		if (!sbx_text_has_prefix(faults->v[i], starts[i]))
			assert_string_equal(faults->v[i], starts[i]);
	}
	assert_int_equal(sbx_json_int_at(-1, sbx_yaml_root(yaml), "a", NULL),
			 1);
	sbx_yaml_free(&yaml);
}

static void check_place(const struct sbx_yaml *yaml, const char *pointer,
			unsigned int key_line, unsigned int key_column,
			unsigned int line, unsigned int column)
{
	struct sbx_yaml_place key = sbx_yaml_key_place(yaml, pointer);
	struct sbx_yaml_place value = sbx_yaml_value_place(yaml, pointer);

	assert_int_equal(key.line, key_line);
	assert_int_equal(key.column, key_column);
	assert_int_equal(value.line, line);
	assert_int_equal(value.column, column);
}

/* Columns count characters; what is aliased has the place it was written. */
static void test_places(void **state)
{
	struct sbx_yaml *yaml = parse("a:\n"
				      "  - x\n"
				      "  - &m {k/~: \"\xc3\xa9\", l: 2}\n"
				      "b: *m\n"
				      "c:\n");

	(void)state;
	check_place(yaml, "", 1, 1, 1, 1);
	check_place(yaml, "/a", 1, 1, 2, 3);
	check_place(yaml, "/a/0", 2, 5, 2, 5);
	check_place(yaml, "/a/1", 3, 5, 3, 5);
	check_place(yaml, "/a/1/k~1~0", 3, 9, 3, 14);
	check_place(yaml, "/a/1/l", 3, 19, 3, 22);
	check_place(yaml, "/b", 4, 1, 4, 4);
	check_place(yaml, "/b/l", 3, 19, 3, 22);
	check_place(yaml, "/b/zz", 4, 1, 4, 4);
	check_place(yaml, "/a/7", 1, 1, 2, 3);
	check_place(yaml, "/c", 5, 1, 5, 3);
	sbx_yaml_free(&yaml);
}

static char *repeat(const char *text, size_t times)
{
	struct sbx_buf out = SBX_BUF_INIT(64 * 1024 * 1024);

	for (size_t i = 0; i < times; i++)
		sbx_buf_puts(&out, text);
	return sbx_buf_take(&out);
}

/* 64 levels are fine, one more is not, a million end just as quickly. */
static void test_depth(void **state)
{
	static const size_t too_deep[] = { 65, 1000000 };
	cleanup_free char *open = repeat("[", 64);
	cleanup_free char *close = repeat("]", 64);
	cleanup_free char *fits = sbx_asprintf("%s1%s", open, close);
	struct sbx_yaml *yaml = parse(fits);

	(void)state;
	sbx_yaml_free(&yaml);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(too_deep); i++) {
		cleanup_free char *text = repeat("[", too_deep[i]);
		cleanup_free char *blocks = repeat("- ", too_deep[i]);

		check_error(text, strlen(text),
			    "1:65: this is nested too deeply");
		check_error(blocks, strlen(blocks), "1:");
	}
}

/* The depth of an alias is that of what it stands for. */
static void test_depth_of_aliases(void **state)
{
	cleanup_free char *open = repeat("[", 40);
	cleanup_free char *close = repeat("]", 40);
	cleanup_free char *text =
		sbx_asprintf("- &a %s%s\n- %s*a%s\n", open, close, open, close);

	(void)state;
	check_error(text, strlen(text), "2:43: this is nested too deeply");
}

static void test_too_many_nodes(void **state)
{
	cleanup_free char *fits = repeat("- 1\n", SBX_YAML_NODES_MAX - 1);
	cleanup_free char *text = repeat("- 1\n", SBX_YAML_NODES_MAX);
	struct sbx_yaml *yaml = parse(fits);

	(void)state;
	sbx_yaml_free(&yaml);
	check_error(text, strlen(text), "100000:3: there is too much here");
}

/* "A billion laughs": refused by what it would be written out. */
static void test_alias_bomb(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(4096);

	(void)state;
	sbx_buf_puts(&text, "a0: &a0 [x, x, x, x, x, x, x, x, x]\n");
	for (int i = 1; i < 10; i++)
		sbx_buf_printf(&text,
			       "a%d: &a%d [*a%d, *a%d, *a%d, *a%d, *a%d, "
			       "*a%d, *a%d, *a%d, *a%d]\n",
			       i, i, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1,
			       i - 1, i - 1, i - 1);
	check_error(text.data, text.len, "6:10: there is too much here");
	sbx_buf_free(&text);
}

/* Few nodes, but each a long text. */
static void test_alias_text_bomb(void **state)
{
	cleanup_free char *word = repeat("x", 100000);
	cleanup_free char *aliases = repeat("*a, ", 1000);
	cleanup_free char *text =
		sbx_asprintf("- &a %s\n- [%s1]\n", word, aliases);

	(void)state;
	check_error(text, strlen(text), "2:");
}

static void test_many_faults(void **state)
{
	cleanup_free char *text = repeat("a: 1\n", 1000);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_yaml *yaml = NULL;

	(void)state;
	assert_int_equal(sbx_yaml_parse(text, strlen(text), &yaml, &err),
			 SBX_YAML_FAULTY);
	assert_int_equal(sbx_yaml_faults(yaml)->n, SBX_YAML_FAULTS_MAX);
	sbx_yaml_free(&yaml);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_core_schema),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_replacement_character),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_depth_of_aliases),
		cmocka_unit_test(test_too_many_nodes),
		cmocka_unit_test(test_alias_bomb),
		cmocka_unit_test(test_alias_text_bomb),
		cmocka_unit_test(test_many_faults),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
