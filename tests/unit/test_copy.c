/* SPDX-License-Identifier: MIT */
/* Names, limits, and an archive as it is written. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "copy_host.h"

static void assert_name(const char *path, const char *name)
{
	cleanup_free char *found = sbx_copy_name(path);

	assert_string_equal(found, name);
}

/* As docker cp has it. */
static void test_names(void **state)
{
	(void)state;
	assert_name("a", "a");
	assert_name("a/", "a");
	assert_name("x/a//", "a");
	assert_name("/a", "a");
	assert_name(".a", ".a");
	assert_name("..a", "..a");
	assert_name("a/...", "...");
	assert_name("a/.", ".");
	assert_name("a/..", ".");
	assert_name("a/../", ".");
	assert_name(".", ".");
	assert_name("..", ".");
	assert_name("/", ".");
	assert_name("//", ".");
	assert_name("", ".");
}

static void test_limits(void **state)
{
	const struct sbx_copy_limits max = { .bytes = 10, .entries = 2 };
	struct sbx_copy_limits used = { .bytes = 0 };

	(void)state;
	assert_int_equal(sbx_copy_count(&used, &max, 11, &err), -1);
	assert_int_equal(sbx_copy_count(&used, &max, UINT64_MAX, &err), -1);
	assert_int_equal(sbx_copy_count(&used, &max, 9, &err), 0);
	assert_int_equal(sbx_copy_count(&used, &max, 2, &err), -1);
	assert_int_equal(sbx_copy_count(&used, &max, UINT64_MAX, &err), -1);
	assert_int_equal(sbx_copy_count(&used, &max, 1, &err), 0);
	assert_int_equal(used.bytes, 10);
	assert_int_equal(sbx_copy_count(&used, &max, 0, &err), -1);
	assert_int_equal(used.entries, 2);
}

/* The writer's archive is the one that the tests make by hand. */
static void test_written(void **state)
{
	const struct sbx_copy_entry entries[] = {
		{ .name = "t", .mode = S_IFDIR | 0755, .mtime = LONG_AGO },
		{ .name = "t/f",
		  .mode = S_IFREG | 04755,
		  .mtime = LONG_AGO,
		  .size = 5 },
		{ .name = "t/empty", .mode = S_IFREG | 0644, .mtime = LONG_AGO },
		{ .name = "t/link",
		  .mode = S_IFLNK | 0777,
		  .mtime = LONG_AGO,
		  .target = "f" },
	};
	cleanup_buf struct sbx_buf expected = SBX_BUF_INIT(1 << 20);
	cleanup_fd int fd = file_of("", 0);
	struct sbx_copy_writer writer;

	(void)state;
	sbx_copy_writer_init(&writer, fd);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(entries); i++) {
		assert_int_equal(
			sbx_copy_write_header(&writer, &entries[i], &err), 0);
		for (size_t n = 0; n < entries[i].size; n++)
			assert_int_equal(sbx_copy_write_data(
						 &writer, &"bytes"[n], 1, &err),
					 0);
	}
	assert_int_equal(sbx_copy_write_end(&writer, &err), 0);
	sbx_copy_writer_clear(&writer);
	add_dir("t");
	add("t/f", S_IFREG | 0755, "bytes");
	add_file("t/empty", "");
	add_link("t/link", "f");
	add_end();
	sbx_buf_append(&expected, archive.data, archive.len);
	archive_from(fd);
	assert_int_equal(archive.len, expected.len);
	/* But for the time of the end. */
	assert_memory_equal(archive.data, expected.data,
			    expected.len - SBX_CPIO_HEADER_SIZE - 14);
}

static void test_shown(void **state)
{
	cleanup_free char *shown = sbx_copy_shown("a\x1b[0m\n");
	cleanup_free char *nothing = sbx_copy_shown("");

	(void)state;
	assert_string_equal(shown, "a\\x1b[0m\\x0a");
	assert_string_equal(nothing, "");
}

int main(void)
{
#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, copy_set_up, copy_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_names),
		TEST(test_limits),
		TEST(test_written),
		TEST(test_shown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
