/* SPDX-License-Identifier: MIT */
#include "sandbox/runner.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * A runner may be called dead only for certain: prune would take a living
 * one's containers away otherwise.
 */

static void test_own_identity_is_alive(void **state)
{
	char first[160];

	(void)state;
	snprintf(first, sizeof(first), "%s", sbx_runner_identity());
	assert_string_equal(first, sbx_runner_identity());
	assert_int_equal(sbx_runner_state(first), SBX_RUNNER_ALIVE);
}

/* The command of /proc/PID/stat may look like the fields behind it. */
static void test_odd_command_name(void **state)
{
	char name[16] = { 0 };
	char before[160];

	(void)state;
	assert_int_equal(prctl(PR_GET_NAME, name), 0);
	snprintf(before, sizeof(before), "%s", sbx_runner_identity());
	assert_int_equal(prctl(PR_SET_NAME, ") S 1 2 (3) 4"), 0);
	assert_string_equal(sbx_runner_identity(), before);
	assert_int_equal(prctl(PR_SET_NAME, name), 0);
}

static void test_child_lives_and_dies(void **state)
{
	char identity[160] = "";
	int fds[2];
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		const char *own = sbx_runner_identity();

		if (write(fds[1], own, strlen(own) + 1) > 0)
			pause();
		_exit(0);
	}
	assert_true(child > 0);
	assert_true(read(fds[0], identity, sizeof(identity)) > 0);
	assert_string_not_equal(identity, sbx_runner_identity());
	assert_int_equal(sbx_runner_state(identity), SBX_RUNNER_ALIVE);
	kill(child, SIGKILL);
	/* Whose parent does not care for it is as dead. */
	assert_int_equal(waitid(P_PID, (id_t)child, NULL, WEXITED | WNOWAIT),
			 0);
	assert_int_equal(sbx_runner_state(identity), SBX_RUNNER_DEAD);
	waitpid(child, NULL, 0);
	assert_int_equal(sbx_runner_state(identity), SBX_RUNNER_DEAD);
	close(fds[0]);
	close(fds[1]);
}

/* Its first thread has ended; what it made is still in use. */
static void *stay(void *fd)
{
	const char *own = sbx_runner_identity();

	if (write(*(int *)fd, own, strlen(own) + 1) > 0)
		pause();
	return NULL;
}

static void test_other_threads_live(void **state)
{
	char identity[160] = "";
	int fds[2];
	pthread_t thread;
	pid_t child;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		pthread_create(&thread, NULL, stay, &fds[1]);
		pthread_exit(NULL);
	}
	assert_true(read(fds[0], identity, sizeof(identity)) > 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(sbx_runner_state(identity), SBX_RUNNER_ALIVE);
		usleep(1000);
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(fds[0]);
	close(fds[1]);
}

/* The pid was given out again: it is another process. */
static void test_other_start_time_is_dead(void **state)
{
	char identity[160];
	char *last;

	(void)state;
	snprintf(identity, sizeof(identity), "%s", sbx_runner_identity());
	last = strrchr(identity, ':');
	assert_non_null(last);
	strcpy(last, ":1");
	assert_int_equal(sbx_runner_state(identity), SBX_RUNNER_DEAD);
}

/* What a process in new namespaces (@flags) is called. */
static void identity_in(int flags, char identity[static 160])
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	if (fork() == 0) {
		/* Those of pid and time are for children. */
		if (unshare(flags) == 0 && fork() == 0) {
			const char *own = sbx_runner_identity();

			_exit(write(fds[1], own, strlen(own) + 1) < 0);
		}
		wait(NULL);
		_exit(0);
	}
	close(fds[1]);
	assert_true(read(fds[0], identity, 160) > 0);
	close(fds[0]);
	wait(NULL);
}

/* What means something else there, pids and times, is not judged here. */
static void test_other_namespaces(void **state)
{
	static const int kinds[] = { CLONE_NEWPID | CLONE_NEWUSER,
				     CLONE_NEWTIME | CLONE_NEWUSER };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		char identity[160];

		identity_in(kinds[i], identity);
		assert_int_equal(sbx_runner_state(identity),
				 SBX_RUNNER_ELSEWHERE);
	}
}

static void test_elsewhere(void **state)
{
	char identity[160], changed[200];
	const char *rest;

	(void)state;
	snprintf(identity, sizeof(identity), "%s", sbx_runner_identity());
	rest = strchr(identity, ':');
	assert_non_null(rest);
	snprintf(changed, sizeof(changed),
		 "00000000-0000-0000-0000-000000000000%s", rest);
	assert_int_equal(sbx_runner_state(changed), SBX_RUNNER_ELSEWHERE);

	snprintf(changed, sizeof(changed), "%.*s:1:%d:2",
		 (int)(rest - identity), identity, (int)getpid());
	assert_int_equal(sbx_runner_state(changed), SBX_RUNNER_ELSEWHERE);
}

/* A label that nobody of ours can have written condemns nothing. */
static void test_nonsense_is_elsewhere(void **state)
{
	static const char *const samples[] = { "", ":", "::::", "x:1:2:3",
					       "unknown:0:1:0" };
	char longer[200];

	(void)state;
	for (size_t i = 0; i < sizeof(samples) / sizeof(samples[0]); i++)
		assert_int_equal(sbx_runner_state(samples[i]),
				 SBX_RUNNER_ELSEWHERE);
	snprintf(longer, sizeof(longer), "%s:9", sbx_runner_identity());
	assert_int_equal(sbx_runner_state(longer), SBX_RUNNER_ELSEWHERE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_own_identity_is_alive),
		cmocka_unit_test(test_odd_command_name),
		cmocka_unit_test(test_child_lives_and_dies),
		cmocka_unit_test(test_other_threads_live),
		cmocka_unit_test(test_other_start_time_is_dead),
		cmocka_unit_test(test_other_namespaces),
		cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_nonsense_is_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
