/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/path.h"

static void test_normalize(void **state)
{
	static const char *const samples[][2] = {
		{ "/", "/" },	     { "///", "/" },
		{ "/.", "/" },	     { "/a", "/a" },
		{ "/a/", "/a" },     { "//a//b/./c/.", "/a/b/c" },
		{ "/...", "/..." },  { "/a..", "/a.." },
		{ "/.a", "/.a" },    { "/..", NULL },
		{ "/a/../b", NULL }, { "/a/..", NULL },
		{ "a", NULL },	     { "./a", NULL },
		{ "", NULL },	     { "~", NULL },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *path = sbx_path_normalize(samples[i][0]);

		if (samples[i][1]) {
			assert_non_null(path);
			assert_string_equal(path, samples[i][1]);
		} else {
			assert_null(path);
		}
	}
}

/* By components: /ab is not in /a. */
static void test_within(void **state)
{
	(void)state;
	assert_true(sbx_path_is_within("/a", "/a"));
	assert_true(sbx_path_is_within("/a/b", "/a"));
	assert_true(sbx_path_is_within("/a", "/"));
	assert_true(sbx_path_is_within("/", "/"));
	assert_false(sbx_path_is_within("/", "/a"));
	assert_false(sbx_path_is_within("/ab", "/a"));
	assert_false(sbx_path_is_within("/a", "/a/b"));
}

static void test_overlaps(void **state)
{
	(void)state;
	assert_true(sbx_path_overlaps("/a", "/a/b"));
	assert_true(sbx_path_overlaps("/a/b", "/a"));
	assert_true(sbx_path_overlaps("/", "/a"));
	assert_false(sbx_path_overlaps("/a/b", "/a/c"));
	assert_false(sbx_path_overlaps("/a", "/ab"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_within),
		cmocka_unit_test(test_overlaps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
