/* SPDX-License-Identifier: MIT */
#include "serve/listener.h"

#include <errno.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "serve/auth.h"

/* Who relies on it: serve/daemon.c.  What else it does is in serve-access.bats.
 */

static char directory[64];
static char path[128];

static int set_up(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/sbx-listener.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(path, sizeof(path), "%s/s", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(directory);
}

/* Looks at the socket until it is told to stop; 0 when it was always 0600. */
static _Noreturn void watch(int stop_fd)
{
	char done;
	ssize_t got = -1;
	long seen = 0;

	while (got < 0) {
		struct stat st;

		if (stat(path, &st) == 0) {
			seen++;
			if ((st.st_mode & 0777) != 0600)
				_exit(1);
		}
		got = recv(stop_fd, &done, 1, MSG_DONTWAIT);
	}
	_exit(seen ? 0 : 2);
}

/* Not for a moment, and whatever the umask is, may another mode be seen. */
static void test_mode(void **state)
{
	mode_t old = umask(0);
	int fds[2];
	pid_t child;
	int status;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	child = fork();
	if (child == 0)
		watch(fds[1]);
	for (int i = 0; i < 500; i++) {
		struct sbx_listener listener = SBX_LISTENER_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_listener_open_unix(&listener, path, &err),
				 0);
		sbx_listener_close(&listener);
		assert_int_equal(access(path, F_OK), -1);
	}
	assert_int_equal(write(fds[0], "", 1), 1);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	close(fds[0]);
	close(fds[1]);
	umask(old);
}

static void test_paths(void **state)
{
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	char *long_path = sbx_asprintf("%s/%0200d", directory, 0);

	(void)state;
	assert_int_equal(sbx_listener_open_unix(&listener, long_path, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_int_equal(sbx_listener_open_unix(&listener, "", &err), -1);
	assert_int_equal(listener.fd, -1);
	free(long_path);
}

static void test_tcp(void **state)
{
	static const char *const wrong[] = {
		"",
		"80",
		":80",
		"localhost:80",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:-1",
		"127.0.0.1:65536",
		"127.0.0.1:8a",
		"::1:80",
		"[::1]",
		"[::1:80",
		"[127.0.0.1]:80",
		"127.1:80",
		"0x7f.0.0.1:80",
	};
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(wrong); i++) {
		if (sbx_listener_open_tcp(&listener, wrong[i], &err) == 0)
			fail_msg("listens at %s", wrong[i]);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	}
	assert_int_equal(sbx_listener_open_tcp(&listener, "127.0.0.1:0", &err),
			 0);
	assert_false(listener.is_local);
	assert_int_equal(listener.hosts.n, 2);
	assert_int_equal(strncmp(listener.hosts.v[0], "127.0.0.1:", 10), 0);
	assert_int_equal(strncmp(listener.hosts.v[1], "localhost:", 10), 0);
	assert_string_not_equal(listener.hosts.v[0], "127.0.0.1:0");
	sbx_listener_close(&listener);
}

static void test_hosts(void **state)
{
	static char *names[] = { (char *)"127.0.0.1:80", (char *)"Name:80" };
	const struct sbx_strv hosts = { .v = names, .n = 2 };

	(void)state;
	assert_true(sbx_host_is_ours(&hosts, "127.0.0.1:80", NULL));
	assert_true(sbx_host_is_ours(&hosts, "name:80", NULL));
	assert_false(sbx_host_is_ours(&hosts, NULL, NULL));
	assert_false(sbx_host_is_ours(&hosts, "", NULL));
	assert_false(sbx_host_is_ours(&hosts, "127.0.0.1", NULL));
	assert_false(sbx_host_is_ours(&hosts, "127.0.0.1:80.evil", NULL));
	assert_false(sbx_host_is_ours(&hosts, "evil:80", "http://name:80"));
	assert_true(sbx_host_is_ours(&hosts, "name:80", "http://name:80"));
	assert_true(sbx_host_is_ours(&hosts, "name:80", "https://name:80"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "http://evil:80"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "null"));
	assert_false(sbx_host_is_ours(&hosts, "name:80", ""));
	assert_false(sbx_host_is_ours(&hosts, "name:80", "ftp://name:80"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_mode, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_paths, set_up, tear_down),
		cmocka_unit_test(test_tcp),
		cmocka_unit_test(test_hosts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
