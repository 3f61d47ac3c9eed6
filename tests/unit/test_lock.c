/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/lock.h"
#include "base/mem.h"

/* Tells by its exit status whether the lock was free. */
static bool is_free(const char *name)
{
	struct sbx_error err = SBX_ERROR_INIT;
	pid_t child = fork();
	int status;

	if (child == 0) {
		/* Its default action ends a child that waits. */
		alarm(1);
		_exit(sbx_lock_take(name, &err) >= 0 ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Locks leave their files behind; a test should not. */
static void remove_file_of(int fd)
{
	cleanup_free char *link = sbx_asprintf("/proc/self/fd/%d", fd);
	cleanup_free char *path = realpath(link, NULL);

	assert_non_null(path);
	assert_int_equal(unlink(path), 0);
}

/* One holder at a time; closing gives it back, and so does dying. */
static void test_lock(void **state)
{
	cleanup_free char *name = sbx_asprintf("test-%d", getpid());
	cleanup_free char *other = sbx_asprintf("test-%d-b", getpid());
	struct sbx_error err = SBX_ERROR_INIT;
	int fd = sbx_lock_take(name, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(is_free(name));
	assert_true(is_free(other));
	close(fd);
	assert_true(is_free(name));
	assert_true(is_free(name));
	fd = sbx_lock_take(name, &err);
	remove_file_of(fd);
	close(fd);
	fd = sbx_lock_take(other, &err);
	remove_file_of(fd);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
