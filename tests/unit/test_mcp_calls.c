/* SPDX-License-Identifier: MIT */
#include "serve/mcp_calls.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"

/*
 * Who relies on it: a client that cancels what it began, by the ids that it
 * gave, hears nothing of that any more, and everything of the rest.
 */

static struct sbx_runs *runs;
static struct sbx_mcp_calls calls;

static int set_up(void **state)
{
	static const struct sbx_runs_limits limits = { 100, 100000, 60000 };

	(void)state;
	sbx_runs_new(&runs, &limits);
	sbx_mcp_calls_init(&calls);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sbx_mcp_calls_clear(&calls);
	sbx_runs_free(&runs);
	return 0;
}

static struct sbx_live *run(const char *id)
{
	const struct sbx_live_name name = {
		.owner = "me", .run_id = id, .skill = "s", .action = "a"
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_live *live = NULL;

	assert_int_equal(sbx_runs_begin(runs, &name, &live, &err), 0);
	return live;
}

static void end_run(struct sbx_live **live)
{
	sbx_live_end(*live, sbx_strdup("{}"), SBX_OUTCOME_OK, true);
	sbx_live_release(live);
}

static bool is_to_end(const struct sbx_live *live)
{
	struct pollfd fd = { .fd = sbx_live_cancel_fd(live), .events = POLLIN };

	return poll(&fd, 1, 0) == 1;
}

static bool begin(const char *id, struct sbx_live *live)
{
	json_auto_t *value = json_loads(id, JSON_DECODE_ANY, NULL);

	return sbx_mcp_calls_begin(&calls, value, live);
}

static bool end(const char *id)
{
	json_auto_t *value = json_loads(id, JSON_DECODE_ANY, NULL);

	return sbx_mcp_calls_end(&calls, value);
}

static bool cancel(const char *id)
{
	json_auto_t *value = json_loads(id, JSON_DECODE_ANY, NULL);

	return sbx_mcp_calls_cancel(&calls, value);
}

/* 1 and "1" are two, and each is cancelled alone. */
static void test_ids(void **state)
{
	struct sbx_live *number = run("a");
	struct sbx_live *text = run("b");

	(void)state;
	assert_true(begin("1", number));
	assert_true(begin("\"1\"", text));
	assert_false(cancel("2"));
	assert_false(cancel("\"\""));
	assert_true(cancel("\"1\""));
	assert_false(is_to_end(number));
	assert_true(is_to_end(text));
	assert_true(end("1"));
	assert_false(end("\"1\""));
	end_run(&number);
	end_run(&text);
}

/* The second does not take the place of the first. */
static void test_taken(void **state)
{
	struct sbx_live *first = run("a");
	struct sbx_live *second = run("b");

	(void)state;
	assert_true(begin("1", first));
	assert_false(begin("1", second));
	assert_true(cancel("1"));
	assert_true(is_to_end(first));
	assert_false(is_to_end(second));
	assert_false(end("1"));
	assert_false(cancel("1"));
	assert_true(begin("1", second));
	assert_true(end("1"));
	end_run(&first);
	end_run(&second);
}

static void test_all(void **state)
{
	struct sbx_live *lives[] = { run("a"), run("b"), run("c") };

	(void)state;
	assert_false(sbx_mcp_calls_any(&calls));
	assert_true(begin("1", lives[0]));
	assert_true(begin("2", lives[1]));
	assert_true(begin("3", lives[2]));
	assert_true(end("2"));
	assert_true(sbx_mcp_calls_any(&calls));
	sbx_mcp_calls_cancel_all(&calls);
	assert_true(is_to_end(lives[0]));
	assert_false(is_to_end(lives[1]));
	assert_true(is_to_end(lives[2]));
	assert_false(end("3"));
	assert_true(sbx_mcp_calls_any(&calls));
	assert_false(end("1"));
	assert_false(sbx_mcp_calls_any(&calls));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(lives); i++)
		end_run(&lives[i]);
}

/* Whoever is gone may have said something before. */
static void test_over(void **state)
{
	struct sbx_live *live = run("a");

	(void)state;
	sbx_mcp_calls_cancel_all(&calls);
	assert_true(begin("1", live));
	assert_true(is_to_end(live));
	assert_false(end("1"));
	end_run(&live);
}

/* The run is held: it may be cancelled when all others have let go. */
static void test_held(void **state)
{
	struct sbx_live *live = run("a");

	(void)state;
	assert_true(begin("1", live));
	end_run(&live);
	assert_true(cancel("1"));
	assert_false(end("1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_ids, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_taken, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_all, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_over, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_held, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
