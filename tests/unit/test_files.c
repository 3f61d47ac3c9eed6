/* SPDX-License-Identifier: MIT */
/* What a caller gives has names that stay in a directory, and fits there. */
#include "sandbox/files.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct sbx_files files;
static struct sbx_error err;

static int clear(void **state)
{
	(void)state;
	sbx_files_clear(&files);
	err = (struct sbx_error)SBX_ERROR_INIT;
	return 0;
}

static int add(const char *name, size_t size)
{
	cleanup_free unsigned char *data = sbx_calloc(size + 1, 1);

	return sbx_files_add(&files, name, &data, size, &err);
}

static void assert_check(int64_t limit, const char *why)
{
	int result = sbx_files_check(&files, limit, &err);

	assert_int_equal(result, why ? -1 : 0);
	if (why && !strstr(err.message, why))
		fail_msg("%s", err.message);
}

static void test_names(void **state)
{
	static const char *const good[] = {
		"a", ".a", "..a", "...", "a/b", "a b", "\xf0\x9f\x98\x80", "-"
	};
	static const char *const bad[] = { "",	   ".",	    "..",   "/",
					   "/a",   "a/",    "a//b", "./a",
					   "a/..", "a\x7f", "\x80", "a\t" };
	char name[300];

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(good); i++)
		assert_int_equal(add(good[i], 1), 0);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++)
		assert_int_equal(add(bad[i], 1), -1);
	memset(name, 'x', 256);
	name[256] = '\0';
	assert_int_equal(add(name, 1), -1);
	name[255] = '\0';
	assert_int_equal(add(name, 1), 0);
	assert_int_equal(files.n, SBX_ARRAY_SIZE(good) + 1);
}

static void test_number(void **state)
{
	char name[16];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(add(name, 0), 0);
	}
	assert_int_equal(add("one more", 0), -1);
	assert_check(4096, NULL);
}

/* Each fills whole pages. */
static void test_size(void **state)
{
	(void)state;
	add("a", 1);
	add("b", 4097);
	assert_check(3 * 4096, NULL);
	assert_check(3 * 4096 - 1, NULL);
	assert_check(2 * 4096, "they need 12288 bytes");
}

static void test_one_in_the_way_of_another(void **state)
{
	(void)state;
	add("a/b", 1);
	add("a.b", 1);
	add("a!", 1);
	assert_check(1 << 20, NULL);
	add("a", 1);
	assert_check(1 << 20, "\"a\" is in the way of \"a/b\"");
	clear(NULL);
	add("a", 1);
	add("a", 1);
	assert_check(1 << 20, "in the way");
}

static void test_folders(void **state)
{
	char name[64];

	(void)state;
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d/b/c/d", i);
		add(name, 0);
	}
	assert_check(1 << 20, NULL);
	clear(NULL);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "%d/b/c/d/e", i);
		add(name, 0);
	}
	assert_check(1 << 20, "with their folders they are 5000");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, clear)
	const struct CMUnitTest tests[] = {
		TEST(test_names),   TEST(test_number),
		TEST(test_size),    TEST(test_one_in_the_way_of_another),
		TEST(test_folders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
