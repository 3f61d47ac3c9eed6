/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "skill/limits_from.h"

/* An action of 30 s, 1 CPU and 512 MiB. */
static struct sbx_action action_of(const char *timeout, const char *cpus,
				   const char *mem, const char *unit)
{
	struct sbx_action action = {
		.timeout_ms = 30000,
		.nano_cpus = 1000000000,
		.mem_limit = INT64_C(512) << 20,
	};
	struct sbx_limit_from *from = action.limits_from;

	from[SBX_TIMEOUT_FROM].from = (char *)timeout;
	from[SBX_CPUS_FROM].from = (char *)cpus;
	from[SBX_MEM_LIMIT_FROM].from = (char *)mem;
	for (unsigned int i = 0; unit && i < SBX_LIMIT_FROM_COUNT; i++)
		from[i].unit =
			sbx_limit_unit_find((enum sbx_limit_from_name)i, unit);
	return action;
}

static int apply(const struct sbx_action *action, const char *input,
		 struct sbx_input_limits *out, struct sbx_error *err)
{
	json_t *value = json_loads(input, JSON_DECODE_ANY, NULL);
	int result;

	assert_non_null(value);
	result = sbx_limits_from_input(action, value, out, err);
	json_decref(value);
	return result;
}

static void gives(const struct sbx_action *action, const char *input,
		  int64_t timeout_ms, int64_t nano_cpus, int64_t mem_limit)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_input_limits limits;

	if (apply(action, input, &limits, &err) < 0)
		fail_msg("%s: %s", input, err.message);
	assert_int_equal(limits.timeout_ms, timeout_ms);
	assert_int_equal(limits.nano_cpus, nano_cpus);
	assert_int_equal(limits.mem_limit, mem_limit);
}

static void refuses(const struct sbx_action *action, const char *input,
		    const char *part)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_input_limits limits;

	assert_int_equal(apply(action, input, &limits, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(err.message, part))
		fail_msg("\"%s\" has no \"%s\" in it", err.message, part);
}

static void test_plain(void **state)
{
	const struct sbx_action a = action_of("/t", "/c", "/m", NULL);

	(void)state;
	gives(&a, "{}", -1, -1, -1);
	gives(&a, "[1, 2]", -1, -1, -1);
	gives(&a, "{\"t\": 5}", 5000, -1, -1);
	gives(&a, "{\"t\": 0.25}", 250, -1, -1);
	gives(&a, "{\"t\": \"1.5s\"}", 1500, -1, -1);
	gives(&a, "{\"c\": 0.5}", -1, 500000000, -1);
	gives(&a, "{\"c\": \"0.25\"}", -1, 250000000, -1);
	gives(&a, "{\"m\": 8388608}", -1, -1, 8388608);
	gives(&a, "{\"m\": \"64m\"}", -1, -1, 64 << 20);
}

/* What is as much, or more, changes nothing, however much it is. */
static void test_never_looser(void **state)
{
	const struct sbx_action a = action_of("/t", "/c", "/m", NULL);

	(void)state;
	gives(&a, "{\"t\": 30, \"c\": 1, \"m\": 536870912}", -1, -1, -1);
	gives(&a, "{\"t\": 31, \"c\": 1.5, \"m\": \"1g\"}", -1, -1, -1);
	gives(&a, "{\"t\": 1e300, \"c\": 1e300, \"m\": 9223372036854775807}",
	      -1, -1, -1);
}

static void test_units(void **state)
{
	const struct sbx_action ms = action_of("/t", NULL, NULL, "ms");
	const struct sbx_action milli =
		action_of(NULL, "/c", NULL, "millicores");
	const struct sbx_action mb = action_of(NULL, NULL, "/m", "MB");

	(void)state;
	gives(&ms, "{\"t\": 250}", 250, -1, -1);
	gives(&milli, "{\"c\": 500}", -1, 500000000, -1);
	gives(&mb, "{\"m\": 64}", -1, -1, 64 << 20);
	gives(&mb, "{\"m\": 6.5}", -1, -1, 13 << 19);
	refuses(&mb, "{\"m\": \"64m\"}", "expected a number, which is in MB");
	refuses(&mb, "{\"m\": 5}", "expected at least 6m");
	assert_null(sbx_limit_unit_find(SBX_TIMEOUT_FROM, "MB"));
	assert_null(sbx_limit_unit_find(SBX_MEM_LIMIT_FROM, "mb"));
}

static void test_refused(void **state)
{
	const struct sbx_action a = action_of("/t", "/c", "/m", NULL);
	static const char *const wrong[] = {
		"{\"t\": null}",      "{\"t\": true}", "{\"t\": \"5\"}",
		"{\"t\": [5]}",	      "{\"c\": \"\"}", "{\"c\": \"500m\"}",
		"{\"m\": 8388608.5}", "{\"m\": \"\"}", "{\"m\": {}}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(wrong); i++)
		refuses(&a, wrong[i], "sets a limit: expected");
	refuses(&a, "{\"t\": 0}", "\"/t\" sets a limit that is too low");
	refuses(&a, "{\"t\": -1}", "expected at least 1ms");
	refuses(&a, "{\"c\": 0}", "expected at least 0.01 of a CPU");
	refuses(&a, "{\"m\": 1}", "expected at least 6m");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_never_looser),
		cmocka_unit_test(test_units),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
