/* SPDX-License-Identifier: MIT */
#include "serve/image_builder.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "fault_server.h"
#include "mcp_skills.h"

/*
 * Who relies on it: calls of tools, none of which may wait for as long as a
 * build takes.  All skills here have an image that the engine has, or has not.
 */

#define TEN   "0123456789"
#define IMAGE "example.org/x@sha256:" TEN TEN TEN TEN TEN TEN "abcd"

#define FOUND                                                                  \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"                \
	"Content-Length: 18\r\n\r\n"                                           \
	"{\"Id\": \"sha256:1\"}"
#define BROKEN                                                                 \
	"HTTP/1.1 500 Oops\r\nContent-Type: application/json\r\n"              \
	"Content-Length: 19\r\n\r\n"                                           \
	"{\"message\": \"oops\"}"

static struct fault_server server;
static struct sbx_policy_watch *policies;
static struct sbx_engines *engines;
static struct sbx_image_builder *builder;

static void add_skill(const char *name)
{
	skill_put(name, "  run: {}\nimage: " IMAGE "\n");
}

static int enter(void **state)
{
	struct sbx_image_builder_options options = { .catalog = &skills };
	struct sbx_error err = SBX_ERROR_INIT;

	if (skills_enter(state) < 0)
		return -1;
	put("policy.yaml", "schema_version: 1\n");
	fault_start(&server);
	server.reply = FOUND;
	sbx_policy_watch_new(&policies, "policy.yaml");
	sbx_engines_new(&engines, server.url);
	options.policies = policies;
	options.engines = engines;
	return sbx_image_builder_start(&builder, &options, &err);
}

static int leave(void **state)
{
	sbx_image_builder_stop(&builder);
	sbx_engines_free(&engines);
	sbx_policy_watch_free(&policies);
	fault_stop(&server);
	return builder ? -1 : skills_leave(state);
}

static int await(const char *skill, double until, int cancel_fd,
		 struct sbx_error *err)
{
	const struct sbx_plan_images *images =
		sbx_image_builder_images(builder);
	const struct sbx_progress lines = { .line = NULL };

	return images->await(images->ctx, skill, "run", &lines, until,
			     cancel_fd, err);
}

static void check_await(const char *skill, enum sbx_outcome outcome)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result = await(skill, INFINITY, -1, &err);

	if (err.outcome != outcome)
		fail_msg("%s: %s", skill, err.message);
	assert_int_equal(result, outcome == SBX_OUTCOME_OK ? 0 : -1);
	assert_int_equal(sbx_image_builder_is_ready(builder, skill, "run"),
			 result == 0);
}

static void await_ready(const char *skill)
{
	for (int i = 0; !sbx_image_builder_is_ready(builder, skill, "run");
	     i++) {
		if (i == 5000)
			fail_msg("%s is not ready", skill);
		usleep(1000);
	}
}

/* Whoever waits for it has it looked for, each time. */
static void test_await(void **state)
{
	(void)state;
	add_skill("a");
	assert_false(sbx_image_builder_is_ready(builder, "a", "run"));
	check_await("a", SBX_OUTCOME_OK);
	assert_int_equal(server.requests, 1);
	check_await("a", SBX_OUTCOME_OK);
	assert_int_equal(server.requests, 2);
	assert_non_null(strstr(server.seen, "/images/example.org/x"));
}

/* Why there is none, for as long as that is so. */
static void test_fails(void **state)
{
	(void)state;
	add_skill("a");
	check_await("nowhere", SBX_OUTCOME_NOT_FOUND);
	server.reply = BROKEN;
	check_await("a", SBX_OUTCOME_UNAVAILABLE);
	server.reply = FOUND;
	check_await("a", SBX_OUTCOME_OK);
	server.reply = BROKEN;
	check_await("a", SBX_OUTCOME_UNAVAILABLE);
	put("policy.yaml", "schema_version: 0\n");
	check_await("a", SBX_OUTCOME_MISCONFIGURED);
}

/* All that there are, the first time only. */
static void test_begin(void **state)
{
	(void)state;
	add_skill("a");
	add_skill("b");
	add_skill("c");
	sbx_image_builder_begin(builder);
	await_ready("a");
	await_ready("b");
	await_ready("c");
	assert_int_equal(server.requests, 3);
	sbx_image_builder_begin(builder);
	add_skill("d");
	sbx_image_builder_begin(builder);
	check_await("a", SBX_OUTCOME_OK);
	assert_false(sbx_image_builder_is_ready(builder, "d", "run"));
	assert_int_equal(server.requests, 4);
}

/* One that takes for ever holds up nobody else, and ends with all of it. */
static void test_stalls(void **state)
{
	int cancel_fd = eventfd(1, EFD_CLOEXEC);
	struct sbx_error err = SBX_ERROR_INIT;
	double begun = sbx_clock_ms();

	(void)state;
	add_skill("a");
	server.reply = "";
	server.then = FAULT_STALL;
	assert_int_equal(await("a", begun + 300, -1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUSY);
	assert_int_equal(server.requests, 1);
	server.reply = FOUND;
	server.then = FAULT_KEEP;
	assert_true(sbx_clock_ms() - begun >= 300);
	assert_int_equal(await("a", INFINITY, cancel_fd, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	assert_string_equal(err.message, "cancelled before it started");
	add_skill("b");
	check_await("b", SBX_OUTCOME_OK);
	assert_false(sbx_image_builder_is_ready(builder, "a", "run"));
	begun = sbx_clock_ms();
	sbx_image_builder_stop(&builder);
	assert_true(sbx_clock_ms() - begun < 5000);
	close(cancel_fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_await),
		TEST(test_fails),
		TEST(test_begin),
		TEST(test_stalls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
