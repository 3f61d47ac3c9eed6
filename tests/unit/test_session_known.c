/* SPDX-License-Identifier: MIT */
#include "sandbox/session_known.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

#include <cmocka.h>

static struct sbx_known_session *make(const char *owner, const char *name)
{
	struct sbx_known_session *known = sbx_known_session_new();

	known->session.owner = sbx_strdup(owner);
	known->session.name = sbx_strdup(name);
	return known;
}

static void put(struct sbx_sessions *sessions, const char *owner,
		const char *name)
{
	struct sbx_known_session *known = make(owner, name);

	sbx_sessions_put(sessions, known);
	sbx_known_session_unref(&known);
}

static bool is_known(struct sbx_sessions *sessions, const char *owner,
		     const char *name)
{
	cleanup_known_session struct sbx_known_session *known =
		sbx_sessions_get(sessions, owner, name);

	return known != NULL;
}

/* What one owner has is nobody else's. */
static void test_by_owner_and_name(void **state)
{
	struct sbx_sessions *sessions;

	(void)state;
	sbx_sessions_new(&sessions);
	put(sessions, "ann", "one");
	assert_true(is_known(sessions, "ann", "one"));
	assert_false(is_known(sessions, "bob", "one"));
	assert_false(is_known(sessions, "ann", "two"));
	assert_false(is_known(NULL, "ann", "one"));
	sbx_sessions_free(&sessions);
}

/* The newer one is there; who has the older keeps it, and cannot undo that. */
static void test_one_takes_the_place_of_another(void **state)
{
	cleanup_known_session struct sbx_known_session *old = NULL;
	cleanup_known_session struct sbx_known_session *new = NULL;
	struct sbx_sessions *sessions;

	(void)state;
	sbx_sessions_new(&sessions);
	put(sessions, "ann", "one");
	old = sbx_sessions_get(sessions, "ann", "one");
	put(sessions, "ann", "one");
	new = sbx_sessions_get(sessions, "ann", "one");
	assert_ptr_not_equal(old, new);
	sbx_sessions_forget(sessions, old);
	assert_true(is_known(sessions, "ann", "one"));
	sbx_sessions_forget(sessions, new);
	assert_false(is_known(sessions, "ann", "one"));
	sbx_sessions_free(&sessions);
	assert_string_equal(old->session.name, "one");
}

static void test_any_number_of_them(void **state)
{
	struct sbx_sessions *sessions;
	char name[16];

	(void)state;
	sbx_sessions_new(&sessions);
	for (int i = 0; i < 1000; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		put(sessions, "ann", name);
		assert_true(is_known(sessions, "ann", name));
	}
	assert_false(is_known(sessions, "ann", "s0"));
	sbx_sessions_free(&sessions);
}

static struct sbx_plan *make_plan(void)
{
	struct sbx_plan *plan = sbx_calloc(1, sizeof(*plan));

	plan->refs = 1;
	return plan;
}

/* Of an action, or of commands, and for a second. */
static void test_plans(void **state)
{
	cleanup_known_session struct sbx_known_session *known =
		make("ann", "one");
	cleanup_plan struct sbx_plan *plan = make_plan();
	struct sbx_plan *found;

	(void)state;
	assert_null(sbx_known_plan_get(known, "act", false));
	sbx_known_plan_put(known, "act", false, plan);
	found = sbx_known_plan_get(known, "act", false);
	assert_ptr_equal(found, plan);
	sbx_plan_unref(&found);
	assert_null(sbx_known_plan_get(known, "act", true));
	assert_null(sbx_known_plan_get(known, "other", false));
	usleep(1100000);
	assert_null(sbx_known_plan_get(known, "act", false));
	for (int i = 0; i < 20; i++) {
		char action[8];

		snprintf(action, sizeof(action), "a%d", i);
		sbx_known_plan_put(known, action, false, plan);
	}
	assert_null(sbx_known_plan_get(known, "a0", false));
	found = sbx_known_plan_get(known, "a19", false);
	assert_ptr_equal(found, plan);
	sbx_plan_unref(&found);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_by_owner_and_name),
		cmocka_unit_test(test_one_takes_the_place_of_another),
		cmocka_unit_test(test_any_number_of_them),
		cmocka_unit_test(test_plans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
