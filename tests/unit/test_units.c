/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "codec/units.h"

#define REFUSED (-1)

struct sample {
	const char *text;
	int64_t value;
};

static void check(bool (*parse)(const char *, int64_t *),
		  const struct sample *sample)
{
	int64_t value = -2;

	for (; sample->text; sample++) {
		value = -2;
		if (sample->value == REFUSED) {
			assert_false(parse(sample->text, &value));
			assert_int_equal(value, -2);
		} else {
			assert_true(parse(sample->text, &value));
			assert_int_equal(value, sample->value);
		}
	}
}

static void test_duration(void **state)
{
	static const struct sample samples[] = {
		{ "30s", 30000 },
		{ "1m30s", 90000 },
		{ "1h30m", 5400000 },
		{ "1.5s", 1500 },
		{ "250ms", 250 },
		{ "1h1m1s1ms1us", 3661002 },
		{ "1us", 1 },
		{ "0s", 0 },
		{ "0.0005s", 1 },
		{ "999999999h", 3599999996400000 },
		{ "", REFUSED },
		{ "30", REFUSED },
		{ "s", REFUSED },
		{ "-1s", REFUSED },
		{ "+1s", REFUSED },
		{ "1s30m", REFUSED },
		{ "1s1s", REFUSED },
		{ "1 s", REFUSED },
		{ "1.s", REFUSED },
		{ ".5s", REFUSED },
		{ "1d", REFUSED },
		{ "1S", REFUSED },
		{ "1s ", REFUSED },
		{ "9999999999s", REFUSED },
		{ "1.0000000000s", REFUSED },
		{ NULL, 0 },
	};

	(void)state;
	check(sbx_units_duration, samples);
}

static void test_size(void **state)
{
	static const struct sample samples[] = {
		{ "0", 0 },
		{ "100", 100 },
		{ "100b", 100 },
		{ "512k", 524288 },
		{ "64m", 67108864 },
		{ "64MB", 67108864 },
		{ "1gb", 1073741824 },
		{ "8589934591g", 9223372035781033984 },
		{ "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", REFUSED },
		{ "8589934592g", REFUSED },
		{ "", REFUSED },
		{ "m", REFUSED },
		{ "1t", REFUSED },
		{ "1.5g", REFUSED },
		{ "-1", REFUSED },
		{ "1 m", REFUSED },
		{ "1mib", REFUSED },
		{ NULL, 0 },
	};

	(void)state;
	check(sbx_units_size, samples);
}

static void test_cpus(void **state)
{
	static const struct sample samples[] = {
		{ "1", 1000000000 },  { "0.5", 500000000 },
		{ "0.000000001", 1 }, { "12.25", 12250000000 },
		{ "0", 0 },	      { "0.0000000001", REFUSED },
		{ "1e3", REFUSED },   { "", REFUSED },
		{ ".5", REFUSED },    { "1.", REFUSED },
		{ "-1", REFUSED },    { "9999999999", REFUSED },
		{ NULL, 0 },
	};

	(void)state;
	check(sbx_units_cpus, samples);
}

/* Shortest form; and what was formatted parses to the same value. */
static void test_format_duration(void **state)
{
	static const struct sample samples[] = {
		{ "0s", 0 },	     { "1ms", 1 },
		{ "999ms", 999 },    { "1s", 1000 },
		{ "1.5s", 1500 },    { "1.001s", 1001 },
		{ "1m", 60000 },     { "1m30s", 90000 },
		{ "1m1ms", 60001 },  { "1h", 3600000 },
		{ "1h1s", 3601000 }, { "24h", 86400000 },
		{ "1h1m", 3660000 }, { "2h3m4.05s", 7384050 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *text =
			sbx_units_format_duration(samples[i].value);
		int64_t back = -1;

		assert_string_equal(text, samples[i].text);
		assert_true(sbx_units_duration(text, &back));
		assert_int_equal(back, samples[i].value);
	}
}

static void test_format_size(void **state)
{
	static const struct sample samples[] = {
		{ "0b", 0 },	      { "1b", 1 },
		{ "1023b", 1023 },    { "1k", 1024 },
		{ "1025b", 1025 },    { "64m", 67108864 },
		{ "1536k", 1572864 }, { "2048g", 2199023255552 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *text =
			sbx_units_format_size(samples[i].value);
		int64_t back = -1;

		assert_string_equal(text, samples[i].text);
		assert_true(sbx_units_size(text, &back));
		assert_int_equal(back, samples[i].value);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_duration),
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_cpus),
		cmocka_unit_test(test_format_duration),
		cmocka_unit_test(test_format_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
