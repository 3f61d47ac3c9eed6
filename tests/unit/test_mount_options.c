/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mount_options.h"

static void test_next(void **state)
{
	const char *rest = "ro,, uid=1,";
	const char *option;

	(void)state;
	assert_int_equal(sbx_mount_option_next(&rest, &option), 2);
	assert_memory_equal(option, "ro", 2);
	assert_int_equal(sbx_mount_option_next(&rest, &option), 5);
	assert_memory_equal(option, "uid=1", 5);
	assert_int_equal(sbx_mount_option_next(&rest, &option), 0);
	assert_int_equal(sbx_mount_option_next(&rest, &option), 0);
}

static void test_in(void **state)
{
	(void)state;
	assert_true(sbx_mount_option_is("RO,x", 2, "ro"));
	assert_false(sbx_mount_option_is("ro,x", 4, "ro"));
	assert_false(sbx_mount_option_is("rw", 2, "ro"));
	assert_true(sbx_mount_option_in("ro,bind", "bind"));
	assert_true(sbx_mount_option_in("bind", "bind"));
	assert_false(sbx_mount_option_in("rbind,binder,bind=1", "bind"));
	assert_false(sbx_mount_option_in("", "bind"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
