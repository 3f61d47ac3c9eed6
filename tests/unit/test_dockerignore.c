/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/dockerignore.h"

static struct sbx_dockerignore *parse(const char *text)
{
	struct sbx_dockerignore *ignore = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_dockerignore_parse(&ignore, "f", text, strlen(text), &err) < 0)
		fail_msg("%s", err.message);
	return ignore;
}

/* As a walk that goes down to @path would find out. */
static bool matches(const char *text, const char *path)
{
	struct sbx_dockerignore *ignore = parse(text);
	size_t n = sbx_dockerignore_rules(ignore);
	cleanup_free bool *hits = sbx_calloc(n + 1, sizeof(*hits));
	cleanup_free char *part = sbx_strdup(path);
	char *slash = part;
	bool result;

	while ((slash = strchr(slash, '/')) != NULL) {
		*slash = '\0';
		sbx_dockerignore_step(ignore, part, hits, hits);
		*slash++ = '/';
	}
	result = sbx_dockerignore_step(ignore, path, hits, NULL);
	sbx_dockerignore_free(&ignore);
	return result;
}

struct row {
	const char *rules;
	const char *path;
	bool left_out;
};

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (matches(rows[i].rules, rows[i].path) != rows[i].left_out)
			fail_msg("\"%s\" on \"%s\" is not %d", rows[i].rules,
				 rows[i].path, rows[i].left_out);
	}
}

/* One pattern, one path; the path's directories count too. */
static void test_patterns(void **state)
{
	static const struct row rows[] = {
		/* plain names stand at the top of the context */
		{ "a", "a", true },
		{ "a", "b", false },
		{ "a", "b/a", false },
		{ "a", "a/b/c", true },
		{ "a/b", "a", false },
		{ "a/b", "a/b/c", true },
		{ "a", "ab", false },
		{ "ab", "a", false },
		{ "abc.def", "abcZdef", false },
		{ "a(b)+c{1}|$", "a(b)+c{1}|$", true },
		/* one name */
		{ "*", "a", true },
		{ "*", "a/b", true },
		{ "*.c", "x.c", true },
		{ "*.c", "d/x.c", false },
		{ "*/x.c", "d/x.c", true },
		{ "*/x.c", "d/e/x.c", false },
		{ "d/*.c", "d/e/x.c", false },
		{ "a*", "a", true },
		{ "a*b", "a/b", false },
		{ "*x", "xxx", true },
		{ "a*b*c*d*e*/f", "axbxcxdxexxx/f", true },
		{ "a*b*c*d*e*/f", "axbxcxdxe/xxx/f", false },
		{ "a*b*c*d*e*/f", "axbxcxdxexxx/fff", false },
		{ "a*b?c*x", "abxbbxdbxebxczzx", true },
		{ "a*b?c*x", "abxbbxdbxebxczzy", false },
		{ ".*", ".hidden", true },
		{ ".*", "shown", false },
		{ "a?b", "a/b", false },
		{ "abc?def", "abcdef", false },
		{ "abc?def", "abcZdef", true },
		/* any depth */
		{ "**", "a", true },
		{ "**", "a/b/c", true },
		{ "**/", "a", true },
		{ "**/**", "a/b", true },
		{ "**/x", "x", true },
		{ "**/x", "a/x", true },
		{ "**/x", "a/b/x/y", true },
		{ "**/x", "a/zx", false },
		{ "**/.x", "z.x", false },
		{ "**x", "zx", true },
		{ "**x", "a/zx", true },
		{ "**x*", "zx", false },
		{ "**/x/*", "a/x/y", true },
		{ "**/x/*", "a/x", false },
		{ "**/x/**", "a/x/y/z", true },
		{ "**/*.c", "x.c", true },
		{ "**/**/*.c", "a/b/x.c", true },
		{ "**/**/*.c2", "a/b/x.c", false },
		{ "a/**", "a", false },
		{ "a/**", "a/b", true },
		{ "a/**", "a/b/c", true },
		{ "a**", "abc/d", true },
		{ "a/**/z", "a/z", true },
		{ "a/**/z", "a/b/c/z", true },
		{ "a/**/z", "a/b/cz", false },
		{ "a**/*.txt", "a/f.txt", true },
		{ "a**/*.txt", "a/b/c/f.txt", true },
		{ "**/x**/y", "xa/xy", true },
		{ "a/*.txt**", "a/f.txt", true },
		/* sets */
		{ "ab[b-d]", "abc", true },
		{ "ab[e-g]", "abc", false },
		{ "ab[^b-d]", "abc", false },
		{ "ab[^e-g]", "abc", true },
		{ "[!a]", "b", false },
		{ "[\\]a]", "]", true },
		{ "[\\-x]", "-", true },
		{ "[x\\-]", "z", false },
		{ "[a-cx-z]", "y", true },
		{ "[a-\xce\xb6]*", "\xce\xb1", true },
		{ "*[a-\xce\xb6]", "A", false },
		{ "a]", "a]", true },
		/* characters, not bytes */
		{ "a?b",
		  "a\xe2\x98\xba"
		  "b",
		  true },
		{ "a???b",
		  "a\xe2\x98\xba"
		  "b",
		  false },
		{ "a[^a]b",
		  "a\xe2\x98\xba"
		  "b",
		  true },
		{ "\xc3\xa4*", "\xc3\xa4x", true },
		/* the escape */
		{ "a\\*b", "a*b", true },
		{ "a\\*b", "axb", false },
		{ "\\d", "d", true },
		{ "a\\\\", "a\\", true },
	};

	(void)state;
	check(rows, SBX_ARRAY_SIZE(rows));
}

static void test_lines(void **state)
{
	static const struct row rows[] = {
		{ "", "a", false },
		{ "\n\n", "a", false },
		{ "#a\nb", "#a", false },
		{ " #a", "#a", true },
		{ "\\#a", "#a", true },
		{ "a #b", "a", false },
		{ "a #b", "a #b", true },
		{ "  a \t", "a", true },
		{ "a\r\nb\r\n", "a", true },
		{ "a\r\nb\r\n", "b", true },
		{ "a b", "a b", true },
		{ "\xef\xbb\xbf"
		  "a",
		  "a", true },
		{ "\xef\xbb\xbf#a\nb", "b", true },
		{ "x\n\xef\xbb\xbf"
		  "a",
		  "a", false },
		/* cleaning */
		{ "/a", "a", true },
		{ "/a", "b/a", false },
		{ "a/", "a", true },
		{ "a/", "a/b", true },
		{ "./a", "a", true },
		{ "a//b", "a/b", true },
		{ "a/./b", "a/b", true },
		{ "a/../b", "b", true },
		{ "/../a", "a", true },
		{ "../a", "a", false },
		{ "../../a", "a", false },
		{ "a/../../b", "b", false },
		{ ".", "a", false },
		{ "/", "a", false },
		{ "a/..", "a", false },
		{ "! /a/ \na", "a", true },
	};

	(void)state;
	check(rows, SBX_ARRAY_SIZE(rows));
}

/* The last rule that matches decides. */
static void test_order(void **state)
{
	static const struct row rows[] = {
		{ "*.md\n!README.md", "README.md", false },
		{ "*.md\n!README.md", "other.md", true },
		{ "!README.md\n*.md", "README.md", true },
		{ "*.md\n!README*.md\nREADME-secret.md", "README-x.md", false },
		{ "*.md\n!README*.md\nREADME-secret.md", "README-secret.md",
		  true },
		{ "*.md\nREADME-secret.md\n!README*.md", "README-secret.md",
		  false },
		{ "docs\n!docs/README.md", "docs/README.md", false },
		{ "docs\n!docs/README.md", "docs/x.md", true },
		{ "docs/*\n!docs/README.md", "docs/README.md", false },
		{ "docs\n! docs/README.md", "docs/README.md", false },
		{ "**\n!util/web", "util/web/x", false },
		{ "**\n!util/web", "util/other", true },
		{ "**\n!util/web\nutil/web/x", "util/web/x", true },
		{ "a\n!a/b\na/b/c", "a/b/c/d", true },
		{ "a\n!a/b\na/b/c", "a/b/e", false },
		{ "!a", "a", false },
		/* a rule for a directory is one for what is in it */
		{ "a/b\n!a", "a/b", false },
		{ "*\n!/a", "a/b", false },
		{ "node_modules\n!**/keep", "node_modules/x/keep", false },
		{ "node_modules\n!**/keep", "node_modules/x/drop", true },
	};

	(void)state;
	check(rows, SBX_ARRAY_SIZE(rows));
}

static void test_errors(void **state)
{
	static const char *const bad[] = {
		"!",  "! ",   "[",  "[]a]", "[-]",   "[x-]", "[-x]", "[a-b-c]",
		"[^", "[^bc", "a[", "a\\",  "[z-a]", "[a",   "!b[",
	};
	struct sbx_dockerignore *ignore = NULL;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		char text[64];

		snprintf(text, sizeof(text), "ok\n# c\n%s\n", bad[i]);
		assert_int_equal(sbx_dockerignore_parse(&ignore, "d/.ignore",
							text, strlen(text),
							&err),
				 -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		assert_memory_equal(err.message, "d/.ignore:3: ", 13);
		assert_null(ignore);
	}
}

static void test_nul(void **state)
{
	struct sbx_dockerignore *ignore = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(
		sbx_dockerignore_parse(&ignore, "f", "a\nb\0c", 5, &err), -1);
	assert_memory_equal(err.message, "f:2: ", 5);
}

/* Walking a tree gives what looking at whole paths gives. */
static void test_steps(void **state)
{
	struct sbx_dockerignore *ignore =
		parse("a/b\n**/x\n!a/b/k*\n!x/y\nz\n");
	bool top[8] = { false };
	bool below[8] = { false };

	(void)state;
	assert_int_equal(sbx_dockerignore_rules(ignore), 5);
	assert_false(sbx_dockerignore_step(ignore, "a", NULL, top));
	assert_true(sbx_dockerignore_step(ignore, "a/b", top, below));
	assert_true(sbx_dockerignore_step(ignore, "a/b/c", below, NULL));
	assert_false(sbx_dockerignore_step(ignore, "a/b/keep", below, NULL));
	sbx_dockerignore_free(&ignore);
}

static void test_reaches(void **state)
{
	struct sbx_dockerignore *ignore = parse("a\nb\n!a/b/c");

	(void)state;
	assert_true(sbx_dockerignore_reaches(ignore, "a"));
	assert_true(sbx_dockerignore_reaches(ignore, "a/b"));
	assert_false(sbx_dockerignore_reaches(ignore, "a/b/c"));
	assert_false(sbx_dockerignore_reaches(ignore, "a/bb"));
	assert_false(sbx_dockerignore_reaches(ignore, "b"));
	sbx_dockerignore_free(&ignore);
	ignore = parse("a\n!**/k");
	assert_true(sbx_dockerignore_reaches(ignore, "a/any/where"));
	sbx_dockerignore_free(&ignore);
	ignore = parse("a\n**/b");
	assert_false(sbx_dockerignore_reaches(ignore, "a"));
	sbx_dockerignore_free(&ignore);
}

/* No pattern takes exponential time; this one would take years. */
static void test_hostile_pattern(void **state)
{
	char rules[512] = "";
	char path[512] = "";

	(void)state;
	for (int i = 0; i < 60; i++) {
		strcat(rules, i % 3 ? "*a" : "**/a");
		strcat(path, i % 3 ? "aaa" : "a/aa");
	}
	strcat(rules, "b");
	assert_false(matches(rules, path));
	strcat(path, "b");
	assert_true(matches(rules, path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_patterns),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_reaches),
		cmocka_unit_test(test_hostile_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
