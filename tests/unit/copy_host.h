/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_COPY_HOST_H
#define SBX_TESTS_COPY_HOST_H

/* What the tests of the runner's side of copying have in common. */

#include <errno.h>
#include <stdarg.h>

#include "base/error.h"
#include "base/progress.h"
#include "copy_archive.h"
#include "sandbox/copy.h"
#include "scratch.h"

static struct sbx_error err;
static struct sbx_buf warnings = SBX_BUF_INIT(65536);

static inline void add_warning(void *ctx, const char *line)
{
	(void)ctx;
	sbx_buf_printf(&warnings, "%s\n", line);
}

static const struct sbx_progress warn_to = { .line = add_warning };
static const struct sbx_copy_limits plenty = { .bytes = 1 << 30,
					       .entries = 100000 };

static inline int copy_set_up(void **state)
{
	archive_clear();
	sbx_buf_consume(&warnings, warnings.len);
	err = (struct sbx_error)SBX_ERROR_INIT;
	umask(022);
	return scratch_enter(state);
}

static inline int copy_tear_down(void **state)
{
	return system("chmod -R u+rwx .") < 0 ? -1 : scratch_leave(state);
}

/* A file without a name that has @data in it, at its beginning. */
static inline int file_of(const void *data, size_t size)
{
	FILE *file = tmpfile();
	int fd;

	assert_non_null(file);
	fd = fcntl(fileno(file), F_DUPFD_CLOEXEC, 0);
	fclose(file);
	assert_true(fd >= 0);
	assert_int_equal(sbx_fd_write_all(fd, data, size), 0);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	return fd;
}

/* What is in it, in place of the archive. */
static inline void archive_from(int fd)
{
	archive_clear();
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(sbx_fd_read_all(fd, &archive, &err), 0);
}

static inline void assert_text(const char *path, const char *text)
{
	cleanup_buf struct sbx_buf found = SBX_BUF_INIT(1 << 22);

	if (sbx_file_read_nofollow(AT_FDCWD, path, &found, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(sbx_buf_text(&found), text);
}

static inline struct stat about(const char *path)
{
	struct stat st = { 0 };

	if (lstat(path, &st) < 0)
		fail_msg("%s: %s", path, strerror(errno));
	return st;
}

static inline void assert_missing(const char *path)
{
	struct stat st;

	assert_int_equal(lstat(path, &st), -1);
	assert_int_equal(errno, ENOENT);
}

static inline void assert_error(enum sbx_outcome outcome, const char *message)
{
	assert_string_equal(err.message, message);
	assert_int_equal(err.outcome, outcome);
	err = (struct sbx_error)SBX_ERROR_INIT;
}

static inline void assert_warnings(const char *text)
{
	assert_string_equal(sbx_buf_text(&warnings), text);
	sbx_buf_consume(&warnings, warnings.len);
}

#endif
