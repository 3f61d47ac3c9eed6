/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"

/* As "date -u -d" has them. */
static void test_both_ways(void **state)
{
	static const struct {
		const char *text;
		int64_t ms;
	} cases[] = {
		{ "1970-01-01T00:00:00.000Z", 0 },
		{ "2000-02-29T23:59:59.999Z", 951868799999 },
		{ "2026-11-20T15:00:00.010Z", 1795186800010 },
		{ "9999-12-31T23:59:59.001Z", 253402300799001 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		char text[SBX_CLOCK_RFC3339_SIZE];
		int64_t ms = -1;

		sbx_clock_format(cases[i].ms, text);
		assert_string_equal(text, cases[i].text);
		assert_true(sbx_clock_parse(text, &ms));
		assert_int_equal(ms, cases[i].ms);
		memcpy(text + 19, "Z", 2);
		assert_true(sbx_clock_parse(text, &ms));
		assert_int_equal(ms, cases[i].ms / 1000 * 1000);
	}
}

static void test_no_time(void **state)
{
	static const char *const cases[] = {
		"",
		"2026-11-20",
		"2026-11-20T15:00:00",
		"2026-11-20 15:00:00Z",
		"2026-11-20T15:00:00z",
		"2026-11-20T15:00:00ZZ",
		"2026-11-20T15:00:00+00:00",
		"2026-11-20T15:00:00.5Z",
		"2026-11-20T15:00:00.5000Z",
		"2026-11-20T15:00:00. 50Z",
		"2026-11-20T15:00:00.+50Z",
		"2026-11-20T15:00:60Z",
		"2026-11-20T24:00:00Z",
		"2026-02-29T15:00:00Z",
		"2026-2-09T15:00:00Z",
		" 2026-02-09T15:00:00Z",
		"+2026-02-09T15:00:00Z",
		"1969-12-31T23:59:59Z",
		"-001-12-31T23:59:59Z",
		"99999-12-31T23:59:59Z",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		int64_t ms = 42;

		if (sbx_clock_parse(cases[i], &ms))
			fail_msg("%s was taken", cases[i]);
		assert_int_equal(ms, 42);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_both_ways),
		cmocka_unit_test(test_no_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
