/* SPDX-License-Identifier: MIT */
#include "serve/runs.h"

#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/json.h"

/*
 * Who relies on it: serve/on_run.c, so that a run with an id runs once, and no
 * owner sees what is another's.
 */

static const struct sbx_runs_limits plenty = {
	.records = 100,
	.bytes = 100000,
	.keep_ms = 60000,
};

static const unsigned char one_digest[SBX_DIGEST_SIZE] = { 1 };
static const unsigned char other_digest[SBX_DIGEST_SIZE] = { 2 };

static int begin(struct sbx_runs *runs, const char *owner, const char *id,
		 const unsigned char *digest, struct sbx_live **out)
{
	const struct sbx_live_name name = {
		.owner = owner,
		.run_id = id,
		.skill = "s",
		.action = "a",
		.digest = digest,
		.is_kept = digest != NULL,
	};
	struct sbx_error err = SBX_ERROR_INIT;

	return sbx_runs_begin(runs, &name, out, &err);
}

static void end(struct sbx_live **live, const char *record, bool was_delivered)
{
	sbx_live_end(*live, sbx_strdup(record), SBX_OUTCOME_OK, was_delivered);
	sbx_live_release(live);
}

static void run_once(struct sbx_runs *runs, const char *id, const char *record)
{
	struct sbx_live *live = NULL;

	assert_int_equal(begin(runs, "me", id, one_digest, &live), 0);
	end(&live, record, true);
}

/* "id state, id state", oldest first; free with free(). */
static char *listed(struct sbx_runs *runs, const char *owner)
{
	cleanup_free char *text = sbx_runs_list(runs, owner);
	json_auto_t *list = json_loads(text, 0, NULL);
	struct sbx_buf out = SBX_BUF_INIT(4096);
	size_t index;
	json_t *run;

	assert_true(json_is_array(list));
	json_array_foreach (list, index, run)
		sbx_buf_printf(&out, "%s%s %s", index > 0 ? ", " : "",
			       sbx_json_text_at(run, "run_id", NULL),
			       sbx_json_text_at(run, "state", NULL));
	return sbx_buf_take(&out);
}

static void assert_listed(struct sbx_runs *runs, const char *owner,
			  const char *expected)
{
	cleanup_free char *found = listed(runs, owner);

	assert_string_equal(found, expected);
}

static bool is_readable(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	return poll(&poll_fd, 1, 0) == 1;
}

/* In a session, where neither skill nor action need be known. */
static void test_of_a_session(void **state)
{
	const struct sbx_live_name name = {
		.owner = "me",
		.run_id = "r",
		.session = "n",
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_live *live = NULL;
	struct sbx_runs *runs = NULL;
	json_t *json;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(sbx_runs_begin(runs, &name, &live, &err), 0);
	json = sbx_live_json(live);
	assert_string_equal(json_string_value(json_object_get(json, "session")),
			    "n");
	assert_true(json_is_null(json_object_get(json, "skill")));
	assert_true(json_is_null(json_object_get(json, "action")));
	json_decref(json);
	end(&live, "{}", true);
	assert_int_equal(begin(runs, "me", "s", NULL, &live), 0);
	json = sbx_live_json(live);
	assert_null(json_object_get(json, "session"));
	json_decref(json);
	end(&live, "{}", true);
	sbx_runs_free(&runs);
}

static void test_once(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;
	struct sbx_live *same = NULL;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", one_digest, &live), 0);
	assert_int_equal(begin(runs, "me", "x", one_digest, &same),
			 SBX_RUNS_SAME);
	assert_ptr_equal(live, same);
	sbx_live_release(&same);
	assert_int_equal(begin(runs, "me", "x", other_digest, &same),
			 SBX_RUNS_OTHER);
	/* Who did not choose the id cannot mean that one. */
	assert_int_equal(begin(runs, "me", "x", NULL, &same), SBX_RUNS_OTHER);
	end(&live, "{}", true);
	assert_int_equal(begin(runs, "me", "x", one_digest, &same),
			 SBX_RUNS_SAME);
	assert_string_equal(sbx_live_record(same), "{}");
	sbx_live_release(&same);
	sbx_runs_free(&runs);
}

static void test_owners(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *mine = NULL;
	struct sbx_live *yours = NULL;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", one_digest, &mine), 0);
	assert_null(sbx_runs_find(runs, "you", "x"));
	/* Nor is the border between the two names of any help. */
	assert_null(sbx_runs_find(runs, "m", "ex"));
	assert_int_equal(begin(runs, "you", "x", one_digest, &yours), 0);
	assert_ptr_not_equal(mine, yours);
	assert_listed(runs, "you", "x queued");
	assert_listed(runs, "nobody", "");
	end(&mine, "{}", true);
	end(&yours, "{}", true);
	sbx_runs_free(&runs);
}

static void test_list(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *first = NULL;
	struct sbx_live *last = NULL;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_listed(runs, "me", "");
	assert_int_equal(begin(runs, "me", "first", one_digest, &first), 0);
	run_once(runs, "second", "{}");
	assert_int_equal(begin(runs, "me", "last", NULL, &last), 0);
	sbx_live_started(last);
	assert_listed(runs, "me", "first queued, second done, last running");
	end(&last, "{}", true);
	assert_listed(runs, "me", "first queued, second done");
	end(&first, "{}", true);
	sbx_runs_free(&runs);
}

/* What is kept takes no more than its text; whoever wrote it had room. */
static void test_room(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;
	char *record = sbx_malloc(65536);

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", one_digest, &live), 0);
	strcpy(record, "{\"status\": 0}");
	sbx_live_end(live, record, SBX_OUTCOME_OK, true);
	assert_string_equal(sbx_live_record(live), "{\"status\": 0}");
	assert_in_range(malloc_usable_size((void *)sbx_live_record(live)), 14,
			64);
	sbx_live_release(&live);
	sbx_runs_free(&runs);
}

/* What got no byte of its input may be tried again. */
static void test_again(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", one_digest, &live), 0);
	end(&live, "{}", false);
	live = sbx_runs_find(runs, "me", "x");
	assert_non_null(live);
	sbx_live_release(&live);
	assert_int_equal(begin(runs, "me", "x", other_digest, &live), 0);
	end(&live, "{}", true);
	sbx_runs_free(&runs);
}

/* Nobody asks for what nobody was told to, so it takes no room. */
static void test_forgotten(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", NULL, &live), 0);
	end(&live, "{}", true);
	assert_null(sbx_runs_find(runs, "me", "x"));
	sbx_runs_free(&runs);
}

static bool is_there(struct sbx_runs *runs, const char *id)
{
	struct sbx_live *live = sbx_runs_find(runs, "me", id);
	bool found = live != NULL;

	sbx_live_release(&live);
	return found;
}

static void test_bounds(void **state)
{
	struct sbx_runs_limits few = plenty;
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;

	(void)state;
	few.records = 2;
	sbx_runs_new(&runs, &few);
	/* One that goes on is never forgotten. */
	assert_int_equal(begin(runs, "me", "goes-on", one_digest, &live), 0);
	run_once(runs, "1", "{}");
	run_once(runs, "2", "{}");
	run_once(runs, "3", "{}");
	assert_false(is_there(runs, "1"));
	assert_true(is_there(runs, "2"));
	assert_true(is_there(runs, "3"));
	assert_true(is_there(runs, "goes-on"));
	end(&live, "{}", true);
	sbx_runs_free(&runs);

	few = plenty;
	few.bytes = 10;
	sbx_runs_new(&runs, &few);
	run_once(runs, "1", "123456");
	run_once(runs, "2", "1234");
	assert_true(is_there(runs, "1"));
	run_once(runs, "3", "1");
	assert_false(is_there(runs, "1"));
	assert_true(is_there(runs, "2"));
	run_once(runs, "4", "12345678901");
	assert_false(is_there(runs, "4"));
	sbx_runs_free(&runs);

	few = plenty;
	few.keep_ms = -1;
	sbx_runs_new(&runs, &few);
	run_once(runs, "1", "{}");
	assert_false(is_there(runs, "1"));
	sbx_runs_free(&runs);
}

static void test_cancel(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", one_digest, &live), 0);
	assert_false(is_readable(sbx_live_cancel_fd(live)));
	sbx_live_cancel(live);
	assert_true(is_readable(sbx_live_cancel_fd(live)));
	end(&live, "{}", true);

	assert_int_equal(begin(runs, "me", "y", one_digest, &live), 0);
	sbx_runs_cancel_all(runs);
	assert_true(is_readable(sbx_live_cancel_fd(live)));
	end(&live, "{}", true);
	sbx_runs_cancel_all(runs);
	sbx_runs_free(&runs);
}

/* A client that hangs up ends its run, unless somebody else waits for it. */
static void test_hangup(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;
	struct sbx_live *same = NULL;
	int fds[2];

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(begin(runs, "me", "x", one_digest, &live), 0);
	sbx_live_watch(live, fds[0], true);
	assert_false(is_readable(sbx_live_cancel_fd(live)));
	/* It has said all, and still listens. */
	shutdown(fds[1], SHUT_WR);
	assert_false(is_readable(sbx_live_cancel_fd(live)));
	close(fds[1]);
	assert_true(is_readable(sbx_live_cancel_fd(live)));
	end(&live, "{}", true);
	close(fds[0]);

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(begin(runs, "me", "y", one_digest, &live), 0);
	sbx_live_watch(live, fds[0], true);
	assert_int_equal(begin(runs, "me", "y", one_digest, &same),
			 SBX_RUNS_SAME);
	close(fds[1]);
	assert_false(is_readable(sbx_live_cancel_fd(live)));
	assert_int_equal(sbx_live_wait(same, 60000, fds[0], true),
			 SBX_LIVE_ALONE);
	sbx_live_release(&same);
	end(&live, "{}", true);
	close(fds[0]);
	sbx_runs_free(&runs);
}

static void *wait_for_it(void *ctx)
{
	return sbx_live_wait(ctx, -1, -1, true) == SBX_LIVE_OVER ? ctx : NULL;
}

static void test_wait(void **state)
{
	struct sbx_runs *runs = NULL;
	struct sbx_live *live = NULL;
	struct sbx_live *same = NULL;
	pthread_t thread;
	void *result;

	(void)state;
	sbx_runs_new(&runs, &plenty);
	assert_int_equal(begin(runs, "me", "x", one_digest, &live), 0);
	assert_int_equal(sbx_live_wait(live, 0, -1, true), SBX_LIVE_RUNS);
	assert_int_equal(sbx_live_wait(live, 20, -1, true), SBX_LIVE_RUNS);
	same = sbx_live_hold(live);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_it, same), 0);
	end(&live, "{}", true);
	assert_int_equal(pthread_join(thread, &result), 0);
	assert_ptr_equal(result, same);
	assert_int_equal(sbx_live_wait(same, 0, -1, true), SBX_LIVE_OVER);
	sbx_live_release(&same);
	sbx_runs_free(&runs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_of_a_session),
		cmocka_unit_test(test_once),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_again),
		cmocka_unit_test(test_forgotten),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_hangup),
		cmocka_unit_test(test_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
