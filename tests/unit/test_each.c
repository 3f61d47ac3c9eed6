/* SPDX-License-Identifier: MIT */
#include "base/each.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Who relies on it: mcp/tools.c, for manifests that are all to be read. */

#define MAX 1000

static atomic_int done[MAX + 1];

static void work(void *ctx, size_t i)
{
	assert_ptr_equal(ctx, done);
	atomic_fetch_add(&done[i], 1);
}

/* Each once, and none besides, however many there are. */
static void test_each(void **state)
{
	static const size_t sizes[] = { 0, 1, 2, 31, 32, 33, MAX };
	static const size_t batches[] = { 1, 32, 2 * MAX };

	(void)state;
	for (size_t s = 0; s < sizeof(sizes) / sizeof(*sizes); s++) {
		for (size_t b = 0; b < 3; b++) {
			for (size_t i = 0; i <= MAX; i++)
				done[i] = 0;
			sbx_each(sizes[s], batches[b], work, done);
			for (size_t i = 0; i <= MAX; i++)
				assert_int_equal(done[i], i < sizes[s]);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
