/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "sandbox/pool_pressure.h"

#define MIB	INT64_C(1048576)
#define MEMINFO "MemTotal:  8000000 kB\nMemAvailable:     102400 kB\n"
#define STALL(n)                                                               \
	"some avg10=" n " avg60=99.00 avg300=99.00 total=1\n"                  \
	"full avg10=99.00 avg60=99.00 avg300=99.00 total=1\n"

static void check(const char *meminfo, const char *pressure, int64_t bytes,
		  const char *expected)
{
	char why[160] = "x";

	sbx_pool_pressure_of(meminfo, pressure, bytes, why, sizeof(why));
	assert_true(sbx_text_has_prefix(why, expected));
	assert_int_equal(why[0] == '\0', expected[0] == '\0');
}

static void test_available(void **state)
{
	(void)state;
	check(MEMINFO, "", 100 * MIB, "");
	check(MEMINFO, "", 100 * MIB + 1, "100 MiB of memory are available");
	check(MEMINFO, "", 0, "");
	/* A kernel that does not tell is no reason. */
	check("", "", 100 * MIB, "");
}

static void test_stalled(void **state)
{
	(void)state;
	check(MEMINFO, STALL("9.99"), 0, "");
	check(MEMINFO, STALL("10.00"), 0, "tasks stand still");
}

/* Here and now: no machine has as much as this. */
static void test_real(void **state)
{
	char why[160];

	(void)state;
	sbx_pool_pressure(INT64_MAX, why, sizeof(why));
	assert_non_null(strstr(why, "of memory are available"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_available),
		cmocka_unit_test(test_stalled),
		cmocka_unit_test(test_real),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
