/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/text.h"
#include "sandbox/concurrency.h"

/* Names of this process's own, so that two runs of the test do not meet. */
static char skill[32];
static char other[32];

static int setup(void **state)
{
	(void)state;
	snprintf(skill, sizeof(skill), "test-%d", getpid());
	snprintf(other, sizeof(other), "other-%d", getpid());
	return 0;
}

static bool begin(struct sbx_slots *slots, const char *name, int64_t most)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_concurrency_begin(slots, name, NULL, most, &err) == 0)
		return true;
	assert_int_equal(err.outcome, SBX_OUTCOME_BUSY);
	assert_true(sbx_text_has_prefix(err.message, "skills.concurrency: "));
	sbx_concurrency_end(slots);
	return false;
}

static void test_bound(void **state)
{
	struct sbx_slots a, b, c, d;

	(void)state;
	assert_true(begin(&a, skill, 2));
	assert_true(begin(&b, skill, 2));
	assert_false(begin(&c, skill, 2));
	/* Another skill has places of its own, and one without a bound any. */
	assert_true(begin(&d, other, 1));
	sbx_concurrency_end(&d);
	assert_true(begin(&d, skill, 0));
	sbx_concurrency_end(&d);
	sbx_concurrency_end(&a);
	assert_true(begin(&c, skill, 2));
	sbx_concurrency_end(&b);
	sbx_concurrency_end(&c);
}

/* An action has places of its own, beside its skill's and other actions'. */
static void test_action(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_slots whole, a, b, again;

	(void)state;
	assert_true(begin(&whole, skill, 1));
	assert_int_equal(sbx_concurrency_begin(&a, skill, "a", 1, &err), 0);
	assert_int_equal(sbx_concurrency_begin(&b, skill, "b", 1, &err), 0);
	assert_int_equal(sbx_concurrency_begin(&again, skill, "a", 1, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUSY);
	assert_true(sbx_text_has_prefix(err.message, "concurrency: a of "));
	sbx_concurrency_end(&again);
	sbx_concurrency_end(&a);
	assert_int_equal(sbx_concurrency_begin(&again, skill, "a", 1, &err), 0);
	sbx_concurrency_end(&again);
	sbx_concurrency_end(&b);
	sbx_concurrency_end(&whole);
}

/* However a run dies, its place is free. */
static void test_killed(void **state)
{
	struct sbx_slots mine;
	int ready[2];
	char byte;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		if (begin(&mine, skill, 1) && write(ready[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_false(begin(&mine, skill, 1));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(begin(&mine, skill, 1));
	sbx_concurrency_end(&mine);
	close(ready[0]);
	close(ready[1]);
}

/* A bound that cannot be kept is not taken for none. */
static void test_uncountable(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_error second = SBX_ERROR_INIT;
	struct sbx_slots slots, action;
	struct rlimit old, nothing;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	nothing = old;
	nothing.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &nothing), 0);
	assert_int_equal(sbx_concurrency_begin(&slots, skill, NULL, 1, &err),
			 -1);
	assert_int_equal(sbx_concurrency_begin(&action, skill, "a", 1, &second),
			 -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_int_equal(second.outcome, SBX_OUTCOME_MISCONFIGURED);
	sbx_concurrency_end(&slots);
	sbx_concurrency_end(&action);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_action),
		cmocka_unit_test(test_killed),
		cmocka_unit_test(test_uncountable),
	};

	return cmocka_run_group_tests(tests, setup, NULL);
}
