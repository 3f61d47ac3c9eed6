/* SPDX-License-Identifier: MIT */
#include "serve/on_run.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include "scratch.h"

/*
 * What a caller may ask for, of what concerns others.  There is no place for a
 * run here: who is let in is answered 429.  What a run is like is in
 * tests/e2e/serve.bats.
 */

static struct sbx_service service;

/* Of the request; NULL where it has none. */
static const char *owner;
static const char *key;

static const char *header(void *ctx, const char *name)
{
	(void)ctx;
	if (strcasecmp(name, "Skillbox-Owner") == 0)
		return owner;
	return strcasecmp(name, "Idempotency-Key") == 0 ? key : NULL;
}

static int set_up(void **state)
{
	static const struct sbx_runs_limits limits = { .records = 10,
						       .bytes = 10000,
						       .keep_ms = 60000 };

	if (scratch_enter(state) < 0)
		return -1;
	put("policy.yaml", "schema_version: 1\n");
	service.log_fd = -1;
	sbx_policy_watch_new(&service.policies, "policy.yaml");
	sbx_gate_new(&service.gate, 0, 0);
	sbx_runs_new(&service.runs, &limits);
	sbx_metrics_new(&service.metrics);
	owner = NULL;
	key = NULL;
	return 0;
}

static int tear_down(void **state)
{
	sbx_metrics_free(&service.metrics);
	sbx_runs_free(&service.runs);
	sbx_gate_free(&service.gate);
	sbx_policy_watch_free(&service.policies);
	return scratch_leave(state);
}

/* The status, and in @why, where it is not NULL, what the body has to say. */
static unsigned int ask_for(enum sbx_route_id route, const char *text,
			    const char *why)
{
	cleanup_buf struct sbx_buf body = SBX_BUF_INIT(1000);
	struct sbx_exchange exchange = {
		.route = { .id = route, .session = "n" },
		.owner = "1000",
		.body = &body,
		.connection = -1,
		.header = header,
	};
	struct sbx_answer answer = { .status = 0 };
	unsigned int status;

	sbx_buf_puts(&body, text);
	sbx_on_run(&service, &exchange, &answer);
	status = answer.status;
	if (why && !strstr(answer.body, why))
		fail_msg("'%s' does not say '%s'", answer.body, why);
	sbx_answer_clear(&answer);
	return status;
}

static unsigned int ask(const char *more, const char *why)
{
	cleanup_free char *body =
		sbx_asprintf("{\"skill\": \"a\", \"action\": \"b\"%s}", more);

	return ask_for(SBX_ROUTE_RUN, body, why);
}

static unsigned int ask_in_session(const char *body, const char *why)
{
	return ask_for(SBX_ROUTE_SESSION_RUN, body, why);
}

static const char secrets[] =
	", \"config\": {\"secrets\": {\"S\": \"correct-horse\"}}";

static void test_who_asks_for_himself(void **state)
{
	(void)state;
	assert_int_equal(ask("", "\"owner\": \"1000\""), 429);
	/* He may say so, too. */
	assert_int_equal(ask(", \"owner\": \"1000\"", "\"owner\": \"1000\""),
			 429);
	owner = "1000";
	assert_int_equal(ask("", "\"owner\": \"1000\""), 429);
}

static void test_who_asks_for_another(void **state)
{
	(void)state;
	assert_int_equal(ask(", \"owner\": \"anna\"", "callers.owner"), 403);
	owner = "anna";
	assert_int_equal(ask("", "callers.owner"), 403);
	put("policy.yaml", "schema_version: 1\ncallers: {owner: true}\n");
	assert_int_equal(ask("", "\"owner\": \"anna\""), 429);
	owner = "../anna";
	assert_int_equal(ask("", "an owner has"), 400);
	owner = NULL;
	assert_int_equal(ask(", \"owner\": \"anna\"", "\"owner\": \"anna\""),
			 429);
}

/* One who checks the one must not find that the other counts. */
static void test_who_says_two_things(void **state)
{
	(void)state;
	put("policy.yaml", "schema_version: 1\ncallers: {owner: true}\n");
	owner = "berta";
	assert_int_equal(ask(", \"owner\": \"anna\"", "Skillbox-Owner"), 400);
	owner = "anna";
	assert_int_equal(ask(", \"owner\": \"anna\"", "\"owner\": \"anna\""),
			 429);
	key = "one";
	assert_int_equal(ask(", \"run_id\": \"two\"", "Idempotency-Key"), 400);
	assert_int_equal(ask(", \"run_id\": \"one\"", "\"run_id\": \"one\""),
			 429);
}

static void test_keys(void **state)
{
	static const char *const wrong[] = { "", "a/b", "a b", "\n" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(wrong); i++) {
		key = wrong[i];
		assert_int_equal(ask("", "Idempotency-Key"), 400);
	}
	key = "a.b_c-1";
	assert_int_equal(ask("", "\"run_id\": \"a.b_c-1\""), 429);
}

static void test_secrets(void **state)
{
	(void)state;
	assert_int_equal(ask(secrets, "callers.secrets"), 403);
	assert_int_equal(ask("", NULL), 429);
	put("policy.yaml", "schema_version: 1\ncallers: {owner: true}\n");
	assert_int_equal(ask(secrets, "callers.secrets"), 403);
	put("policy.yaml", "schema_version: 1\ncallers: {secrets: true}\n");
	assert_int_equal(ask(secrets, NULL), 429);
	assert_int_equal(ask(", \"owner\": \"anna\"", "callers.owner"), 403);
}

/* What a session was created with is not a run's to change. */
static void test_in_session(void **state)
{
	(void)state;
	assert_int_equal(ask_in_session("{}", NULL), 429);
	assert_int_equal(ask_in_session("{\"command\": [\"a\"]}", NULL), 429);
	assert_int_equal(ask_in_session("{\"skill\": \"a\"}", "unknown member"),
			 400);
	assert_int_equal(ask_in_session("{\"config\": {\"memory\": \"1g\"}}",
					"config: "),
			 400);
	assert_int_equal(
		ask_in_session("{\"owner\": \"anna\"}", "callers.owner"), 403);
}

/* Where nobody can tell, nobody may. */
static void test_policy_that_cannot_be_used(void **state)
{
	(void)state;
	put("policy.yaml", "no: policy\n");
	assert_int_equal(ask(secrets, "policy.yaml"), 500);
	assert_int_equal(ask(", \"owner\": \"anna\"", "policy.yaml"), 500);
	assert_int_equal(ask("", NULL), 429);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_in_session),
		TEST(test_who_asks_for_himself),
		TEST(test_who_asks_for_another),
		TEST(test_who_says_two_things),
		TEST(test_keys),
		TEST(test_secrets),
		TEST(test_policy_that_cannot_be_used),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
