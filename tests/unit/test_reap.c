/* SPDX-License-Identifier: MIT */
#include "sandbox/reap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* The engine's times decide what is old enough to be removed. */

static void test_parse_time(void **state)
{
	(void)state;
	/* date -u -d 2026-01-31T12:00:00Z +%s */
	assert_int_equal(sbx_reap_parse_time("2026-01-31T12:00:00Z"),
			 1769860800);
	assert_int_equal(sbx_reap_parse_time("2026-01-31T13:00:00+01:00"),
			 1769860800);
	assert_int_equal(
		sbx_reap_parse_time("2026-01-31T05:00:00.123456789-07:00"),
		1769860800);
	assert_int_equal(sbx_reap_parse_time("2026-01-31T12:00:00"), -1);
	assert_int_equal(sbx_reap_parse_time("2026-01-31T12:00:00Zx"), -1);
	assert_int_equal(sbx_reap_parse_time(""), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
