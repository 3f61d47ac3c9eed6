/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "skill/engine_disk.h"

#define FLOOR_MAX (INT64_C(1) << 60)

static int check(const char *storage, int64_t floor)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_engine_disk_check(NULL, storage, floor, &err);

	if (result < 0) {
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		assert_true(
			sbx_text_has_prefix(err.message, "engine.disk_free: "));
	}
	return result;
}

/* No disk has an exbibyte. */
static void test_floor(void **state)
{
	(void)state;
	assert_int_equal(check("/", 1), 0);
	assert_int_equal(check("/", FLOOR_MAX), -1);
	assert_int_equal(check("/tmp", FLOOR_MAX), -1);
}

/* What cannot be told is not taken for enough, unless nothing is asked. */
static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(check("/nonexistent/overlay2", 1), -1);
	assert_int_equal(check("/nonexistent/overlay2", 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_unknown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
