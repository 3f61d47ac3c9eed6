/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
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
		_exit(sbx_lock_take(name, -1, &err) >= 0 ? 0 : 1);
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
	int fd = sbx_lock_take(name, -1, &err);

	(void)state;
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_false(is_free(name));
	assert_true(is_free(other));
	close(fd);
	assert_true(is_free(name));
	assert_true(is_free(name));
	fd = sbx_lock_take(name, -1, &err);
	sbx_lock_drop(name, &fd);
	assert_int_equal(fd, -1);
	fd = sbx_lock_take(other, -1, &err);
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
			fd = sbx_lock_take(name, -1, &err);
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

/* Who waits stops when he is told to, or when his time is over. */
static void test_waiting_has_an_end(void **state)
{
	cleanup_free char *name = sbx_asprintf("test-%d", getpid());
	struct sbx_error err = SBX_ERROR_INIT;
	int fd = sbx_lock_take(name, -1, &err);
	int other = sbx_lock_open(name, &err);
	double began = sbx_clock_ms();
	int ends[2];

	(void)state;
	assert_true(fd >= 0 && other >= 0);
	assert_int_equal(sbx_lock_wait(other, "it", 50, -1, &err),
			 SBX_LOCK_BUSY);
	assert_true(sbx_clock_ms() - began >= 50);
	assert_int_equal(err.outcome, SBX_OUTCOME_OK);
	assert_int_equal(sbx_lock_wait(other, "it", 0, -1, &err),
			 SBX_LOCK_BUSY);
	/* What is not to be read is nobody's wish to end. */
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sbx_lock_wait(other, "it", 50, ends[0], &err),
			 SBX_LOCK_BUSY);
	assert_int_equal(write(ends[1], "x", 1), 1);
	assert_int_equal(sbx_lock_wait(other, "it", INFINITY, ends[0], &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	assert_string_equal(err.message, "cancelled while it was waited for");
	assert_int_equal(sbx_lock_take(name, ends[0], &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	/* What is free need not be waited for. */
	sbx_lock_drop(name, &fd);
	assert_int_equal(sbx_lock_wait(other, "it", 0, ends[0], &err), 0);
	fd = sbx_lock_take(name, ends[0], &err);
	assert_true(fd >= 0);
	sbx_lock_drop(name, &fd);
	assert_int_equal(sbx_lock_wait(-1, "it", INFINITY, -1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INTERNAL);
	close(other);
	close(ends[0]);
	close(ends[1]);
}

/* Whoever waits has it soon after it was given back, and costs little. */
static void test_waiting_is_idle(void **state)
{
	cleanup_free char *name = sbx_asprintf("test-%d", getpid());
	struct sbx_error err = SBX_ERROR_INIT;
	int fd = sbx_lock_take(name, -1, &err);
	pid_t child = fork();
	struct rusage usage;
	int status;

	(void)state;
	assert_true(fd >= 0);
	if (child == 0) {
		close(fd);
		_exit(sbx_lock_take(name, -1, &err) >= 0 ? 0 : 1);
	}
	poll(NULL, 0, 400);
	assert_int_equal(waitpid(child, &status, WNOHANG), 0);
	sbx_lock_drop(name, &fd);
	assert_int_equal(wait4(child, &status, 0, &usage), child);
	assert_int_equal(status, 0);
	/* Each time it asks it sleeps once. */
	assert_in_range(usage.ru_nvcsw, 5, 200);
	fd = sbx_lock_take(name, -1, &err);
	sbx_lock_drop(name, &fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),
		cmocka_unit_test(test_dropped_lock_is_held_by_one),
		cmocka_unit_test(test_waiting_has_an_end),
		cmocka_unit_test(test_waiting_is_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
