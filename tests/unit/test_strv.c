/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/strv.h"

/* The list owns copies and is NULL-terminated. */
static void test_push(void **state)
{
	cleanup_strv struct sbx_strv list = SBX_STRV_INIT;
	char text[] = "first";

	(void)state;
	assert_null(list.v);
	sbx_strv_push(&list, text);
	text[0] = 'x';
	sbx_strv_push_take(&list, sbx_strdup("second"));
	assert_int_equal(list.n, 2);
	assert_string_equal(list.v[0], "first");
	assert_string_equal(list.v[1], "second");
	assert_null(list.v[2]);
}

/* A copy replaces what was there and shares nothing. */
static void test_copy(void **state)
{
	cleanup_strv struct sbx_strv from = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv to = SBX_STRV_INIT;

	(void)state;
	sbx_strv_push(&to, "old");
	sbx_strv_push(&from, "a");
	sbx_strv_push(&from, "b");
	sbx_strv_copy(&to, &from);
	sbx_strv_free(&from);
	assert_int_equal(to.n, 2);
	assert_string_equal(to.v[0], "a");
	assert_string_equal(to.v[1], "b");
	sbx_strv_copy(&to, &from);
	assert_int_equal(to.n, 0);
	assert_null(to.v);
}

/* One entry per name: a name is all that is before the first '='. */
static void test_env(void **state)
{
	cleanup_strv struct sbx_strv env = SBX_STRV_INIT;

	(void)state;
	assert_null(sbx_strv_getenv(&env, "A"));
	sbx_strv_setenv(&env, "A", "1");
	sbx_strv_setenv(&env, "AB", "x=y");
	sbx_strv_setenv(&env, "A", "2");
	assert_int_equal(env.n, 2);
	assert_string_equal(env.v[0], "A=2");
	assert_string_equal(sbx_strv_getenv(&env, "A"), "2");
	assert_string_equal(sbx_strv_getenv(&env, "AB"), "x=y");
	assert_null(sbx_strv_getenv(&env, "B"));
	sbx_strv_setenv(&env, "A", "");
	assert_string_equal(sbx_strv_getenv(&env, "A"), "");
}

/* What comes later wins, and what is no entry does not come. */
static void test_extend_env(void **state)
{
	cleanup_strv struct sbx_strv from = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv to = SBX_STRV_INIT;

	(void)state;
	sbx_strv_push(&to, "A=1");
	sbx_strv_push(&to, "B=2");
	sbx_strv_push(&from, "B=x=y");
	sbx_strv_push(&from, "nothing");
	sbx_strv_push(&from, "C=");
	sbx_strv_extend_env(&to, &from);
	assert_int_equal(to.n, 3);
	assert_string_equal(to.v[0], "A=1");
	assert_string_equal(to.v[1], "B=x=y");
	assert_string_equal(to.v[2], "C=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_env),
		cmocka_unit_test(test_extend_env),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
