/* SPDX-License-Identifier: MIT */
#include "cli/options.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/*
 * One table drives parsing and --help.  Users rely on: options stand
 * anywhere, the last of a kind wins, and each mistake is named as it was
 * typed, with what was likely meant.
 */

struct local {
	bool force;
	unsigned int format;
	const char *timeout;
	struct sbx_strv env;
};

struct global {
	const char *engine;
};

static const struct sbx_option local_options[] = {
	{ "force", 'f', SBX_OPTION_FLAG, NULL, "build in any case",
	  offsetof(struct local, force) },
	{ "format", 0, SBX_OPTION_WORD, "json|text", "of the results",
	  offsetof(struct local, format) },
	{ "timeout", 0, SBX_OPTION_TEXT, "DURATION", "end it after so long",
	  offsetof(struct local, timeout) },
	{ "env", 'e', SBX_OPTION_LIST, "NAME", "a variable",
	  offsetof(struct local, env) },
	{ "env-file", 0, SBX_OPTION_LIST, "FILE", "variables",
	  offsetof(struct local, env) },
	{ "out", 0, SBX_OPTION_LATER, "DIR", "", 0 },
	{ .name = NULL },
};

static const struct sbx_option other_options[] = {
	{ "engine", 0, SBX_OPTION_TEXT, "URL", "the engine",
	  offsetof(struct global, engine) },
	{ .name = NULL },
};

/*
 * @line is split at spaces; @rest gets the arguments, joined by spaces.
 * Returns what parsing returned.
 */
static int parse(const char *line, bool permute, struct local *local,
		 struct global *global, char *rest, struct sbx_error *err)
{
	static char words[256];
	char *argv[32] = { words };
	const struct sbx_option_group groups[] = {
		{ local_options, local },
		{ other_options, global },
	};
	int argc = 1;
	int first = -1;
	int result;

	strcpy(words, line);
	for (char *word = strtok(words, " "); word; word = strtok(NULL, " "))
		argv[argc++] = word;
	result = sbx_options_parse(groups, 2, permute, argc, argv, &first, err);
	*rest = '\0';
	for (int i = first; result == 0 && i < argc; i++) {
		strcat(rest, argv[i]);
		strcat(rest, i + 1 < argc ? " " : "");
	}
	return result;
}

static void test_accepts(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct local local = { .force = false };
	struct global global = { .engine = NULL };
	char rest[256];

	(void)state;
	assert_int_equal(parse("text -e A=1 word_count --engine=x -fe B "
			       "--timeout 1s --timeout 2s -",
			       true, &local, &global, rest, &err),
			 0);
	assert_string_equal(rest, "text word_count -");
	assert_true(local.force);
	assert_string_equal(local.timeout, "2s");
	assert_string_equal(global.engine, "x");
	assert_int_equal(local.env.n, 2);
	assert_string_equal(local.env.v[0], "A=1");
	assert_string_equal(local.env.v[1], "B");
	assert_string_equal(err.message, "");
	sbx_strv_free(&local.env);
}

static void test_double_dash_ends_options(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct local local = { .force = false };
	struct global global = { .engine = NULL };
	char rest[256];

	(void)state;
	assert_int_equal(parse("a -- -f -5", true, &local, &global, rest, &err),
			 0);
	assert_string_equal(rest, "a -f -5");
	assert_false(local.force);
}

/* What stands behind the command's name is the command's to parse. */
static void test_stops_at_the_command(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct local local = { .force = false };
	struct global global = { .engine = NULL };
	char rest[256];

	(void)state;
	assert_int_equal(parse("--engine u run --never-heard-of", false, &local,
			       &global, rest, &err),
			 0);
	assert_string_equal(rest, "run --never-heard-of");
	assert_string_equal(global.engine, "u");
}

static void test_refuses(void **state)
{
	static const struct {
		const char *line, *message;
	} samples[] = {
		{ "--tiemout 1s", "unknown option '--tiemout', did you mean "
				  "'--timeout'?" },
		{ "--tiemout=1s", "unknown option '--tiemout', did you mean "
				  "'--timeout'?" },
		{ "a --zzzzzz b", "unknown option '--zzzzzz'" },
		{ "--en x", "option '--en' can be '--env' or '--env-file'" },
		{ "-fx", "unknown option '-x'" },
		{ "-5", "unknown option '-5' (put '--' before an argument "
			"that begins with '-')" },
		{ "--timeout", "option '--timeout' needs an argument: "
			       "DURATION" },
		{ "a b -e", "option '--env' needs an argument: NAME" },
		{ "--force=yes", "option '--force' takes no argument" },
		{ "--out d", "option '--out' is not supported yet" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct local local = { .force = false };
		struct global global = { .engine = NULL };
		char rest[256];

		assert_int_equal(parse(samples[i].line, true, &local, &global,
				       rest, &err),
				 -1);
		assert_string_equal(err.message, samples[i].message);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		sbx_strv_free(&local.env);
	}
}

static void test_word(void **state)
{
	struct local local = { .format = 7 };
	struct global global = { NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	char rest[256];

	(void)state;
	assert_int_equal(
		parse("x --format text", true, &local, &global, rest, &err), 0);
	assert_int_equal(local.format, 1);
	assert_int_equal(
		parse("x --format tex", true, &local, &global, rest, &err), -1);
	assert_string_equal(err.message,
			    "--format: 'tex' is not one of json|text");
	assert_int_equal(local.format, 1);
}

static void test_row_wraps(void **state)
{
	struct sbx_buf out = SBX_BUF_INIT(4096);

	(void)state;
	sbx_options_row(&out, 70, "left", "one two three four");
	sbx_options_row(&out, 6, "too-long", "text");
	sbx_options_row(&out, 6, "a", "");
	assert_string_equal(sbx_buf_text(&out),
			    "  left"
			    "                                                "
			    "                one two\n"
			    "                                                "
			    "                      three\n"
			    "                                                "
			    "                      four\n"
			    "  too-long\n"
			    "      text\n"
			    "  a\n");
	sbx_buf_free(&out);
}

/* Words are kept whole even where the page is too narrow for one. */
static void test_paragraph_wraps(void **state)
{
	struct sbx_buf out = SBX_BUF_INIT(4096);
	char word[100];

	(void)state;
	memset(word, 'x', sizeof(word) - 1);
	word[sizeof(word) - 1] = '\0';
	sbx_options_paragraph(&out, word);
	assert_int_equal(out.len, sizeof(word));
	sbx_buf_free(&out);
}

static void test_describe(void **state)
{
	struct sbx_buf out = SBX_BUF_INIT(4096);

	(void)state;
	sbx_options_describe(local_options, &out);
	assert_string_equal(sbx_buf_text(&out),
			    "  -f, --force               build in any case\n"
			    "      --format json|text    of the results\n"
			    "      --timeout DURATION    end it after so long\n"
			    "  -e, --env NAME            a variable\n"
			    "      --env-file FILE       variables\n");
	sbx_buf_free(&out);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_double_dash_ends_options),
		cmocka_unit_test(test_stops_at_the_command),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_word),
		cmocka_unit_test(test_row_wraps),
		cmocka_unit_test(test_paragraph_wraps),
		cmocka_unit_test(test_describe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
