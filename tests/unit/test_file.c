/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"

/* A directory of its own for each test, with the file "hello" in it. */
struct place {
	char path[32];
	int fd;
};

static int set_up(void **state)
{
	struct place *place = sbx_calloc(1, sizeof(*place));
	int fd;

	strcpy(place->path, "/tmp/test_file.XXXXXX");
	if (!mkdtemp(place->path))
		return -1;
	place->fd = open(place->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fd = openat(place->fd, "hello", O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, "hello", 5) != 5)
		return -1;
	close(fd);
	*state = place;
	return 0;
}

static int tear_down(void **state)
{
	static const char *const names[] = { "hello", "link", "fifo" };
	struct place *place = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++)
		unlinkat(place->fd, names[i], 0);
	rmdir(place->path);
	close(place->fd);
	free(place);
	return 0;
}

static void test_read(void **state)
{
	const struct place *place = *state;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(10);
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_file_read(place->fd, "hello", &out, &err), 0);
	assert_int_equal(sbx_file_read(place->fd, "hello", &out, &err), 0);
	assert_string_equal(sbx_buf_text(&out), "hellohello");
	assert_int_equal(err.outcome, SBX_OUTCOME_OK);
}

static void check_refused(const struct place *place, const char *name,
			  size_t max, enum sbx_outcome outcome)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(max);
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_file_read(place->fd, name, &out, &err), -1);
	assert_int_equal(err.outcome, outcome);
	assert_non_null(strstr(err.message, name));
	assert_int_equal(out.len, 0);
}

/* Nothing but a regular file of a good size is read, and nothing blocks. */
static void test_refuses(void **state)
{
	const struct place *place = *state;

	assert_int_equal(mkfifoat(place->fd, "fifo", 0600), 0);
	check_refused(place, "fifo", 100, SBX_OUTCOME_INVALID);
	check_refused(place, ".", 100, SBX_OUTCOME_INVALID);
	check_refused(place, "/dev/zero", 100, SBX_OUTCOME_INVALID);
	check_refused(place, "hello", 4, SBX_OUTCOME_INVALID);
	check_refused(place, "missing", 100, SBX_OUTCOME_NOT_FOUND);
	check_refused(place, "hello/x", 100, SBX_OUTCOME_NOT_FOUND);
}

/* Files of /proc say that their size is 0. */
static void test_size_unknown(void **state)
{
	cleanup_buf struct sbx_buf all = SBX_BUF_INIT(100000);
	cleanup_buf struct sbx_buf small = SBX_BUF_INIT(2);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(
		sbx_file_read(AT_FDCWD, "/proc/self/status", &all, &err), 0);
	assert_true(all.len > 10);
	assert_int_equal(
		sbx_file_read(AT_FDCWD, "/proc/self/status", &small, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
}

static void test_nofollow(void **state)
{
	const struct place *place = *state;
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(10);
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(symlinkat("hello", place->fd, "link"), 0);
	assert_int_equal(sbx_file_read(place->fd, "link", &out, &err), 0);
	assert_int_equal(sbx_file_read_nofollow(place->fd, "link", &out, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_string_equal(err.message, "link is a symbolic link");
	assert_int_equal(sbx_file_read_nofollow(place->fd, "hello", &out, &err),
			 0);
}

/* Both ends are non-blocking, and there is more than a pipe holds. */
static void test_pipe(void **state)
{
	enum { SIZE = 1000000 };
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(SIZE);
	cleanup_free char *data = sbx_malloc(SIZE);
	struct sbx_error err = SBX_ERROR_INIT;
	int ends[2];
	pid_t child;
	int status;

	(void)state;
	memset(data, 'x', SIZE);
	assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
	child = fork();
	if (child == 0)
		_exit(sbx_fd_write_all(ends[1], data, SIZE) == 0 ? 0 : 1);
	close(ends[1]);
	assert_int_equal(sbx_fd_read_all(ends[0], &out, &err), 0);
	assert_int_equal(out.len, SIZE);
	assert_memory_equal(out.data, data, SIZE);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(ends[0]);
}

static void test_too_much(void **state)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(3);
	struct sbx_error err = SBX_ERROR_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	assert_int_equal(sbx_fd_write_all(ends[1], "1234", 4), 0);
	close(ends[1]);
	assert_int_equal(sbx_fd_read_all(ends[0], &out, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	close(ends[0]);
}

static void test_bad_descriptors(void **state)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(3);
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_fd_read_all(-1, &out, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_int_equal(sbx_fd_write_all(-1, "x", 1), -1);
}

/* It is in no directory, keeps what is written, and closes on exec. */
static void test_unnamed(void **state)
{
	const struct place *place = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_fd int fd = -1;
	struct stat about;
	char data[4];

	setenv("TMPDIR", place->path, 1);
	fd = sbx_file_unnamed(&err);
	assert_true(fd >= 0);
	assert_int_equal(fstat(fd, &about), 0);
	assert_int_equal(about.st_nlink, 0);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	assert_int_equal(write(fd, "text", 4), 4);
	assert_int_equal(pread(fd, data, 4, 0), 4);
	assert_memory_equal(data, "text", 4);

	setenv("TMPDIR", "/nowhere", 1);
	assert_int_equal(sbx_file_unnamed(&err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INTERNAL);
	assert_non_null(strstr(err.message, "/nowhere"));
	unsetenv("TMPDIR");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_read, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_refuses, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_nofollow, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_unnamed, set_up,
						tear_down),
		cmocka_unit_test(test_size_unknown),
		cmocka_unit_test(test_pipe),
		cmocka_unit_test(test_too_much),
		cmocka_unit_test(test_bad_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
