/* SPDX-License-Identifier: MIT */
#include "codec/trace_context.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

/* Who relies on it: serve/call.c and mcp/protocol.c. */

#define TRACE	 "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT	 "00f067aa0ba902b7"
#define NO_TRACE "00000000000000000000000000000000"

static void test_good(void **state)
{
	static const char *const good[] = {
		"00-" TRACE "-" PARENT "-01",
		"00-" TRACE "-" PARENT "-00",
		"00-" TRACE "-" PARENT "-ff",
		"00-00000000000000000000000000000001-0000000000000001-00",
		"00-10000000000000000000000000000000-1000000000000000-00",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(good); i++) {
		if (!sbx_trace_is_parent(good[i]))
			fail_msg("refused: %s", good[i]);
	}
}

static void test_bad(void **state)
{
	static const char *const bad[] = {
		"",
		"00-" TRACE "-" PARENT "-0",
		"00-" TRACE "-" PARENT "-011",
		"00-" TRACE "-" PARENT "-01-",
		"00-" TRACE "-" PARENT "-0g",
		"00-" TRACE "-" PARENT "-0F",
		"00-" TRACE "-" PARENT " 01",
		"00-" TRACE "_" PARENT "-01",
		"00_" TRACE "-" PARENT "-01",
		"01-" TRACE "-" PARENT "-01",
		"ff-" TRACE "-" PARENT "-01",
		"00-4BF92f3577b34da6a3ce929d0e0e4736-" PARENT "-01",
		"00-" TRACE "-00F067aa0ba902b7-01",
		"00-" NO_TRACE "-" PARENT "-01",
		"00-" TRACE "-0000000000000000-01",
		"00-" NO_TRACE "-0000000000000000-01",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		if (sbx_trace_is_parent(bad[i]))
			fail_msg("taken: %s", bad[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
