/* SPDX-License-Identifier: MIT */
#include "sandbox/reap.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/slots.h"
#include "fault_server.h"

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

/* Of those who sweep at once one lists what there is; the others wait. */
static void test_one_sweeps_at_a_time(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	struct fault_server server;
	struct sbx_slots other;
	int slot;

	(void)state;
	fault_start(&server);
	server.reply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]";
	assert_int_equal(sbx_engine_new(&engine, server.url, &err), 0);
	sbx_slots_init(&other, ~sbx_engine_identity(engine), 1);
	assert_int_equal(sbx_slots_take(&other, 1, 0, -1, &slot, &err), 0);
	sbx_reap_sweep(engine, 50);
	assert_int_equal(server.requests, 0);
	sbx_slots_give(&other, slot);
	sbx_reap_sweep(engine, 5000);
	assert_int_equal(server.requests, 1);
	assert_non_null(strstr(server.seen, "/containers/json?all=1"));
	/* And leaves it to the next. */
	assert_int_equal(sbx_slots_take(&other, 1, 0, -1, &slot, &err), 0);
	sbx_slots_close(&other);
	sbx_engine_free(&engine);
	fault_stop(&server);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse_time),
		cmocka_unit_test(test_one_sweeps_at_a_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
