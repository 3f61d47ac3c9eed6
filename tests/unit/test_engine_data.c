/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "skill/engine_data.h"

#define FLOOR_MAX (INT64_C(1) << 60)

static int check(const char *root, int64_t floor)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_engine_data_free(root, floor, &err);

	if (result < 0) {
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		assert_true(
			sbx_text_has_prefix(err.message, "engine.disk_free: "));
	}
	return result;
}

/* No disk has an exbibyte. */
static void test_floor(void **state)
{
	(void)state;
	assert_int_equal(check("/", 1), 0);
	assert_int_equal(check("/", FLOOR_MAX), -1);
	assert_int_equal(check("/tmp", FLOOR_MAX), -1);
}

/* What cannot be told is not taken for enough, unless nothing is asked. */
static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(check("/nonexistent/docker", 1), -1);
	assert_int_equal(check("/nonexistent/docker", 0), 0);
}

/* Docker's and Podman's own layout; no engine is asked. */
static void test_root(void **state)
{
	static const struct {
		const char *storage, *root;
	} samples[] = {
		{ "/var/lib/docker/overlay2/0123/diff", "/var/lib/docker" },
		{ "/var/lib/containers/storage/overlay/0123/diff",
		  "/var/lib/containers/storage" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		cleanup_free char *root = NULL;

		assert_int_equal(sbx_engine_data_root(NULL, samples[i].storage,
						      &root, &err),
				 0);
		assert_string_equal(root, samples[i].root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
