/* SPDX-License-Identifier: MIT */
#include "serve/mcp_sessions.h"

#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/*
 * Who relies on it: serve/on_mcp.c, so that a client of the past is known
 * again, and nobody else is taken for it.
 */

static const struct sbx_mcp_client old = { true, SBX_MCP_2025_06_18 };

static struct sbx_mcp_sessions *sessions;

static int set_up(void **state)
{
	(void)state;
	sbx_mcp_sessions_new(&sessions);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sbx_mcp_sessions_free(&sessions);
	return sessions ? -1 : 0;
}

/* Begins one that nobody holds; its id. */
static void begin(const char *owner, char id[static SBX_MCP_SESSION_ID_SIZE],
		  double ago_ms)
{
	struct sbx_mcp_session *session =
		sbx_mcp_sessions_begin(sessions, owner, &old);

	memcpy(id, session->id, SBX_MCP_SESSION_ID_SIZE);
	session->used_at -= ago_ms;
	sbx_mcp_sessions_release(sessions, &session);
	assert_null(session);
}

static bool is_there(const char *owner, const char *id)
{
	struct sbx_mcp_session *session =
		sbx_mcp_sessions_find(sessions, owner, id);
	bool is = session != NULL;

	sbx_mcp_sessions_release(sessions, &session);
	return is;
}

static void test_found(void **state)
{
	char id[SBX_MCP_SESSION_ID_SIZE];
	char other[SBX_MCP_SESSION_ID_SIZE];
	struct sbx_mcp_session *session;

	(void)state;
	begin("me", id, 0);
	begin("me", other, 0);
	assert_int_equal(strlen(id), SBX_MCP_SESSION_ID_SIZE - 1);
	assert_int_equal(strspn(id, "0123456789abcdef"), strlen(id));
	assert_string_not_equal(id, other);
	session = sbx_mcp_sessions_find(sessions, "me", id);
	assert_non_null(session);
	assert_string_equal(session->id, id);
	assert_string_equal(session->owner, "me");
	assert_true(session->client.is_initialized);
	assert_int_equal(session->client.revision, SBX_MCP_2025_06_18);
	sbx_mcp_sessions_release(sessions, &session);
}

/* Not by another owner, nor by a part of its id. */
static void test_owners(void **state)
{
	char id[SBX_MCP_SESSION_ID_SIZE];

	(void)state;
	begin("me", id, 0);
	assert_true(is_there("me", id));
	assert_false(is_there("you", id));
	assert_false(is_there("", id));
	assert_false(is_there("mee", id));
	assert_false(is_there("me", ""));
	id[31] ^= 1;
	assert_false(is_there("me", id));
	id[31] = '\0';
	assert_false(is_there("me", id));
}

static void test_end(void **state)
{
	char id[SBX_MCP_SESSION_ID_SIZE];
	struct sbx_mcp_session *one;
	struct sbx_mcp_session *two;

	(void)state;
	begin("me", id, 0);
	one = sbx_mcp_sessions_find(sessions, "me", id);
	two = sbx_mcp_sessions_find(sessions, "me", id);
	assert_ptr_equal(one, two);
	sbx_mcp_sessions_end(sessions, one);
	assert_false(is_there("me", id));
	/* The second time it is no more, and is as long as it is held. */
	sbx_mcp_sessions_end(sessions, two);
	assert_string_equal(two->owner, "me");
	sbx_mcp_sessions_release(sessions, &one);
	assert_string_equal(two->owner, "me");
	sbx_mcp_sessions_release(sessions, &two);
}

/* --- with a run under way -------------------------------------------------- */

static struct sbx_live *begin_call(struct sbx_runs *runs,
				   struct sbx_mcp_session *session)
{
	static const struct sbx_live_name name = {
		.owner = "me", .run_id = "r", .skill = "s", .action = "a"
	};
	json_auto_t *id = json_integer(1);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_live *live = NULL;

	assert_int_equal(sbx_runs_begin(runs, &name, &live, &err), 0);
	assert_true(sbx_mcp_calls_begin(&session->calls, id, live));
	return live;
}

/* False when it was cancelled. */
static bool end_call(struct sbx_mcp_session *session, struct sbx_live **live)
{
	struct pollfd fd = { .fd = sbx_live_cancel_fd(*live),
			     .events = POLLIN };
	json_auto_t *id = json_integer(1);
	bool is_wanted = sbx_mcp_calls_end(&session->calls, id);

	assert_int_equal(poll(&fd, 1, 0), is_wanted ? 0 : 1);
	sbx_live_end(*live, sbx_strdup("{}"), SBX_OUTCOME_OK, true);
	sbx_live_release(live);
	return is_wanted;
}

static struct sbx_runs *new_runs(void)
{
	static const struct sbx_runs_limits limits = { 100, 100000, 60000 };
	struct sbx_runs *runs = NULL;

	sbx_runs_new(&runs, &limits);
	return runs;
}

/* Its end is that of what it runs. */
static void test_end_cancels(void **state)
{
	struct sbx_mcp_session *session =
		sbx_mcp_sessions_begin(sessions, "me", &old);
	struct sbx_runs *runs = new_runs();
	struct sbx_live *live = begin_call(runs, session);

	(void)state;
	sbx_mcp_sessions_end(sessions, session);
	assert_false(end_call(session, &live));
	sbx_mcp_sessions_release(sessions, &session);
	sbx_runs_free(&runs);
}

/* --- how long, and how many ------------------------------------------------ */

#define IDLE SBX_MCP_SESSIONS_IDLE_MS

/* When somebody begins, what nobody has used for an hour is gone. */
static void test_idle(void **state)
{
	char ids[5][SBX_MCP_SESSION_ID_SIZE];

	(void)state;
	begin("me", ids[0], IDLE + 1000);
	begin("me", ids[1], IDLE - 60000);
	begin("me", ids[2], IDLE + 60000);
	assert_true(is_there("me", ids[2]));
	begin("me", ids[3], IDLE + 1000);
	begin("me", ids[4], 0);
	assert_false(is_there("me", ids[0]));
	assert_true(is_there("me", ids[1]));
	/* That was a use of it. */
	assert_true(is_there("me", ids[2]));
	assert_false(is_there("me", ids[3]));
	assert_true(is_there("me", ids[4]));
}

/* A call that takes longer is a use. */
static void test_idle_at_work(void **state)
{
	struct sbx_mcp_session *session =
		sbx_mcp_sessions_begin(sessions, "me", &old);
	struct sbx_runs *runs = new_runs();
	struct sbx_live *live = begin_call(runs, session);
	char id[SBX_MCP_SESSION_ID_SIZE];

	(void)state;
	session->used_at -= IDLE + 1000;
	begin("me", id, 0);
	assert_true(end_call(session, &live));
	assert_true(is_there("me", session->id));
	session->used_at -= IDLE + 1000;
	begin("me", id, 0);
	assert_false(is_there("me", session->id));
	sbx_mcp_sessions_release(sessions, &session);
	sbx_runs_free(&runs);
}

/* The oldest has to go, whoever it is of. */
static void test_too_many(void **state)
{
	char oldest[SBX_MCP_SESSION_ID_SIZE];
	char older[SBX_MCP_SESSION_ID_SIZE];
	char id[SBX_MCP_SESSION_ID_SIZE];

	(void)state;
	begin("me", id, 0);
	begin("me", older, 5000);
	begin("you", oldest, 6000);
	for (int i = 3; i < SBX_MCP_SESSIONS_MAX; i++)
		begin("me", id, 1000);
	begin("me", id, 0);
	assert_false(is_there("you", oldest));
	begin("me", id, 0);
	assert_false(is_there("me", older));
	assert_true(is_there("me", id));
}

/* Exactly as many as there may be. */
static void test_max(void **state)
{
	char first[SBX_MCP_SESSION_ID_SIZE];
	char id[SBX_MCP_SESSION_ID_SIZE];

	(void)state;
	begin("me", first, 5000);
	for (int i = 1; i < SBX_MCP_SESSIONS_MAX; i++)
		begin("me", id, 0);
	assert_true(is_there("me", first));
}

/* What is idle makes room enough. */
static void test_idle_makes_room(void **state)
{
	char first[SBX_MCP_SESSION_ID_SIZE];
	char id[SBX_MCP_SESSION_ID_SIZE];

	(void)state;
	begin("me", first, 5000);
	for (int i = 1; i < SBX_MCP_SESSIONS_MAX - 1; i++)
		begin("me", id, 0);
	begin("me", id, IDLE + 1000);
	begin("me", id, 0);
	assert_true(is_there("me", first));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_found),
		TEST(test_owners),
		TEST(test_end),
		TEST(test_end_cancels),
		TEST(test_idle),
		TEST(test_idle_at_work),
		TEST(test_too_many),
		TEST(test_max),
		TEST(test_idle_makes_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
