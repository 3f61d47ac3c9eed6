/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
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
	sbx_lock_drop(name, &fd);
	assert_int_equal(fd, -1);
	fd = sbx_lock_take(other, &err);
	remove_file_of(fd);
	close(fd);
}

/*
 * Each holds it alone, though all remove its file: what one waits for may be a
 * file that has no name any more when it gets it.
 */
static void test_dropped_lock_is_held_by_one(void **state)
{
	cleanup_free char *name = sbx_asprintf("test-%d", getpid());
	int *counts = mmap(NULL, 2 * sizeof(*counts), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int fd;

	(void)state;
	for (int i = 0; i < 8; i++) {
		if (fork() > 0)
			continue;
		for (int j = 0; j < 300; j++) {
			fd = sbx_lock_take(name, &err);
			if (fd < 0 || __atomic_fetch_add(&counts[0], 1,
							 __ATOMIC_SEQ_CST) != 0)
				_exit(1);
			sched_yield();
			counts[1]++;
			__atomic_fetch_sub(&counts[0], 1, __ATOMIC_SEQ_CST);
			sbx_lock_drop(name, &fd);
		}
		_exit(0);
	}
	for (int i = 0; i < 8; i++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(counts[1], 8 * 300);
	munmap(counts, 2 * sizeof(*counts));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_dropped_lock_is_held_by_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
