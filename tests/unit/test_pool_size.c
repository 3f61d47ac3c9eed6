/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sandbox/pool_size.h"

static struct sbx_pool_size after(int n, double every_ms)
{
	struct sbx_pool_size size = SBX_POOL_SIZE_INIT;

	for (int i = 0; i < n; i++)
		sbx_pool_size_arrival(&size, i * every_ms);
	return size;
}

/* Nobody asked: nothing waits but what always does. */
static void test_nobody(void **state)
{
	struct sbx_pool_size size = SBX_POOL_SIZE_INIT;

	(void)state;
	assert_int_equal(sbx_pool_size_target(&size, 1e6, 0, 9), 0);
	assert_int_equal(sbx_pool_size_target(&size, 1e6, 3, 9), 3);
}

/* A steady stream is worth what it asks for in the time of a refill, and more;
 * twice the stream, or twice the time, is worth more of them. */
static void test_rate(void **state)
{
	struct sbx_pool_size slow = after(1000, 400);
	struct sbx_pool_size fast = after(10000, 40);

	(void)state;
	/* 0.5 arrivals in 200 ms, then 5. */
	assert_int_equal(sbx_pool_size_target(&slow, 1000 * 400, 0, 99), 2);
	assert_int_equal(sbx_pool_size_target(&fast, 10000 * 40, 0, 99), 10);
	for (int i = 0; i < 100; i++)
		sbx_pool_size_refill(&fast, 400);
	assert_int_equal(sbx_pool_size_target(&fast, 10000 * 40, 0, 99), 17);
	assert_int_equal(sbx_pool_size_target(&fast, 10000 * 40, 0, 4), 4);
}

/* The same requests count less the longer ago they were, and in the end not. */
static void test_decay(void **state)
{
	struct sbx_pool_size size = after(1000, 40);
	double end = 1000 * 40;
	int64_t before = 99;

	(void)state;
	for (int i = 0; i < 10; i++) {
		int64_t now = sbx_pool_size_target(
			&size, end + i * SBX_POOL_HALF_LIFE_MS, 1, 99);

		assert_true(now <= before);
		before = now;
	}
	assert_int_equal(before, 1);
	assert_int_equal(sbx_pool_size_target(&size, end + 20 * 60e3, 0, 99),
			 0);
}

/* One request keeps one sandbox for a minute or so. */
static void test_single(void **state)
{
	struct sbx_pool_size size = after(1, 0);

	(void)state;
	assert_int_equal(sbx_pool_size_target(&size, 0, 0, 9), 1);
	assert_int_equal(sbx_pool_size_target(&size, 60e3, 0, 9), 1);
	assert_int_equal(sbx_pool_size_target(&size, 600e3, 0, 9), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nobody),
		cmocka_unit_test(test_rate),
		cmocka_unit_test(test_decay),
		cmocka_unit_test(test_single),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
