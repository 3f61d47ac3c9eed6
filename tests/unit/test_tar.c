/* SPDX-License-Identifier: MIT */
#include "codec/tar.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/* Fields of a ustar header: POSIX.1-2017, pax, "ustar Interchange Format". */
static long octal(const char *at)
{
	return strtol(at, NULL, 8);
}

/*
 * What installs init on an engine: a root entry that sets owner and mode, a
 * file nobody may read, a second link to it.
 */
static void test_entries(void **state)
{
	static const struct sbx_tar_entry entries[] = {
		{ .type = SBX_TAR_DIRECTORY,
		  .path = "/",
		  .mode = 0755,
		  .uid = 200123,
		  .gid = 200124 },
		{ .type = SBX_TAR_FILE,
		  .path = "init.1",
		  .mode = 0111,
		  .data = "hello",
		  .size = 5 },
		{ .type = SBX_TAR_HARDLINK,
		  .path = "init",
		  .mode = 0111,
		  .link = "init.1" },
	};
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;
	const char *header;

	(void)state;
	assert_int_equal(sbx_tar_write(&out, entries, 3, &err), 0);
	assert_true(out.len >= 6 * 512 && out.len % 512 == 0);

	header = out.data;
	assert_string_equal(header, "/");
	assert_int_equal(octal(header + 100), 0755);
	assert_int_equal(octal(header + 108), 200123);
	assert_int_equal(octal(header + 116), 200124);
	assert_int_equal(header[156], '5');

	header += 512;
	assert_string_equal(header, "init.1");
	assert_int_equal(octal(header + 100), 0111);
	assert_int_equal(octal(header + 124), 5);
	assert_int_equal(octal(header + 136), 0);
	assert_memory_equal(header + 512, "hello", 6);

	header += 1024;
	assert_string_equal(header, "init");
	assert_int_equal(header[156], '1');
	assert_string_equal(header + 157, "init.1");
}

/* Every id there is can own a volume; the policy gives 200000 to 265535. */
static void test_owners(void **state)
{
	static const uint32_t ids[] = { 0,	262143,	 262144,
					265535, 2097152, UINT32_MAX - 1 };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(ids); i++) {
		const struct sbx_tar_entry entry = { .type = SBX_TAR_DIRECTORY,
						     .path = "/",
						     .mode = 0755,
						     .uid = ids[i],
						     .gid = ids[i] };
		cleanup_buf struct sbx_buf out = SBX_BUF_INIT(65536);
		struct sbx_error err = SBX_ERROR_INIT;
		char record[32];
		const char *header;

		assert_int_equal(sbx_tar_write(&out, &entry, 1, &err), 0);
		header = out.data;
		if (ids[i] < 1 << 18) {
			assert_int_equal(octal(header + 108), ids[i]);
			assert_int_equal(octal(header + 116), ids[i]);
			continue;
		}
		assert_int_equal(header[156], 'x');
		snprintf(record, sizeof(record), " uid=%u\n", ids[i]);
		assert_non_null(
			memmem(header, out.len, record, strlen(record)));
		record[1] = 'g';
		assert_non_null(
			memmem(header, out.len, record, strlen(record)));
	}
}

static void test_too_large(void **state)
{
	static const char data[4096];
	static const struct sbx_tar_entry entry = { .type = SBX_TAR_FILE,
						    .path = "f",
						    .data = data,
						    .size = sizeof(data) };
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(2048);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_tar_write(&out, &entry, 1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INTERNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_entries),
		cmocka_unit_test(test_owners),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
