/* SPDX-License-Identifier: MIT */
#include "skill/grant_session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"

/* Who relies on it: sandbox/session_create.c, for each session. */

static void test_most(void **state)
{
	struct sbx_policy policy = { .sessions.most = 2 };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_grant_session(&policy, "o", 0, &err), 0);
	assert_int_equal(sbx_grant_session(&policy, "o", 1, &err), 0);
	assert_int_equal(sbx_grant_session(&policy, "o", 2, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
	assert_string_equal(err.message,
			    "sessions.most: o has 2 sessions, and the policy "
			    "grants 2; stop one of them first");
	policy.sessions.most = 0;
	assert_int_equal(sbx_grant_session(&policy, "o", 0, &err), -1);
}

static void test_ttl(void **state)
{
	const struct sbx_policy policy = { .sessions.ttl_ms = 60000 };
	char *line = NULL;

	(void)state;
	assert_int_equal(sbx_grant_session_ttl(&policy, 60000, &line), 60000);
	assert_null(line);
	assert_int_equal(sbx_grant_session_ttl(&policy, 61000, &line), 60000);
	assert_string_equal(line, "sessions.ttl: 1m1s was asked for, 1m is "
				  "granted");
	free(line);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_ttl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
