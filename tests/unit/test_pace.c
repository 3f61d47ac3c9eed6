/* SPDX-License-Identifier: MIT */
/*
 * Who listens never gets more than a burst and then ten a second, is told the
 * latest and not the oldest, and always hears the last.
 */
#include "sandbox/pace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define START 1e9

static void put(struct sbx_pace *pace, double done, const char *message)
{
	const struct sbx_run_progress progress = { done, -1, message };

	sbx_pace_put(pace, &progress);
}

/* What goes on at @now, -1 for nothing. */
static double take(struct sbx_pace *pace, double now)
{
	const struct sbx_run_progress *progress = sbx_pace_take(pace, now);

	return progress ? progress->done : -1;
}

static void test_burst(void **state)
{
	struct sbx_pace pace = { .spent = 0 };

	(void)state;
	assert_true(take(&pace, START) == -1);
	for (int i = 0; i < SBX_PACE_BURST; i++) {
		put(&pace, i, NULL);
		assert_true(take(&pace, START) == i);
	}
	put(&pace, 100, NULL);
	assert_true(take(&pace, START) == -1);
	assert_true(take(&pace, INFINITY) == 100);
	assert_true(take(&pace, INFINITY) == -1);
	sbx_pace_free(&pace);
}

/* 100,000 in a second, one every 10 microseconds. */
static void test_flood(void **state)
{
	struct sbx_pace pace = { .spent = 0 };
	int told = 0;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		double now = START + i / 100.0;
		double done;

		put(&pace, i, "message");
		done = take(&pace, now);
		assert_true(done == -1 || done == i);
		told += done >= 0;
	}
	assert_in_range(told, SBX_PACE_BURST + 9, SBX_PACE_BURST + 10);
	sbx_pace_free(&pace);
}

static void test_wait(void **state)
{
	struct sbx_pace pace = { .spent = 0 };
	double left;

	(void)state;
	assert_true(isinf(sbx_pace_wait(&pace, START)));
	for (int i = 0; i <= SBX_PACE_BURST; i++) {
		put(&pace, i, NULL);
		take(&pace, START);
	}
	left = sbx_pace_wait(&pace, START + 1);
	assert_true(fabs(left - (SBX_PACE_INTERVAL_MS - 1)) < 1e-6);
	assert_true(take(&pace, START + SBX_PACE_INTERVAL_MS - 1) == -1);
	put(&pace, 77, NULL);
	assert_true(take(&pace, START + SBX_PACE_INTERVAL_MS + 1) == 77);
	assert_true(isinf(sbx_pace_wait(&pace, START + 200)));
	sbx_pace_free(&pace);
}

/* What is told is a copy of all of it. */
static void test_copy(void **state)
{
	char message[] = "first";
	struct sbx_run_progress progress = { 3, 10, message };
	struct sbx_pace pace = { .spent = 0 };
	const struct sbx_run_progress *told;

	(void)state;
	sbx_pace_put(&pace, &progress);
	strcpy(message, "other");
	told = sbx_pace_take(&pace, START);
	assert_true(told->done == 3 && told->total == 10);
	assert_string_equal(told->message, "first");
	put(&pace, 4, NULL);
	assert_null(sbx_pace_take(&pace, START)->message);
	sbx_pace_free(&pace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_burst),
		cmocka_unit_test(test_flood),
		cmocka_unit_test(test_wait),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
