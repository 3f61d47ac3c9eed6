/* SPDX-License-Identifier: MIT */
#include "serve/listener.h"

#include <errno.h>
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
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"

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
	err = (struct sbx_error)SBX_ERROR_INIT;
	assert_int_equal(sbx_listener_open_unix(&listener, "", &err), -1);
	assert_non_null(strstr(err.message, "1 to 107 bytes"));
	assert_int_equal(listener.fd, -1);
	free(long_path);
}

/* A socket that is there, and maybe somebody who listens at it. */
static int put_socket(int backlog)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(
		bind(fd, (const struct sockaddr *)&address, sizeof(address)),
		0);
	if (backlog >= 0)
		assert_int_equal(listen(fd, backlog), 0);
	return fd;
}

static int reach(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	strcpy(address.sun_path, path);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) ==
	    0)
		return fd;
	close(fd);
	return -1;
}

static void refuse(const char *why)
{
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_listener_open_unix(&listener, path, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_int_equal(listener.fd, -1);
	if (!strstr(err.message, why))
		fail_msg("'%s' does not say '%s'", err.message, why);
	assert_int_equal(access(path, F_OK), 0);
}

static void test_a_stale_socket_is_replaced(void **state)
{
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	int fd;

	(void)state;
	close(put_socket(5));
	assert_int_equal(sbx_listener_open_unix(&listener, path, &err), 0);
	assert_true(listener.is_local);
	fd = reach();
	assert_true(fd >= 0);
	close(fd);
	sbx_listener_close(&listener);
}

static void test_another_daemon_keeps_its_place(void **state)
{
	int fd = put_socket(5);
	int client;

	(void)state;
	refuse("another daemon does");
	client = reach();
	assert_true(client >= 0);
	close(client);
	close(fd);
	unlink(path);
	/* One that has more to do than it can take. */
	fd = put_socket(0);
	client = reach();
	assert_true(client >= 0);
	assert_int_equal(reach(), -1);
	assert_int_equal(errno, EAGAIN);
	refuse("another daemon does");
	close(client);
	close(fd);
}

static void test_no_file_is_replaced(void **state)
{
	(void)state;
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	refuse("no socket");
}

/* What is there in the end may be another daemon's. */
static void test_no_other_is_removed(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		struct sbx_listener listener = SBX_LISTENER_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_listener_open_unix(&listener, path, &err),
				 0);
		if (i == 0)
			listener.dev ^= 1;
		else
			listener.ino ^= 1;
		sbx_listener_close(&listener);
		assert_int_equal(access(path, F_OK), 0);
		assert_int_equal(listener.fd, -1);
	}
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
		"127.0.0.1:+80",
		"127.0.0.1: 80",
		"::1:80",
		"[::1]",
		"[::1:80",
		"[127.0.0.1]:80",
		"[::1]:x",
		"[::1x:0",
		"x::1]:0",
		"127.1:80",
		"0x7f.0.0.1:80",
	};
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_listener other = SBX_LISTENER_INIT;
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
	/* Somebody has it already. */
	assert_int_equal(
		sbx_listener_open_tcp(&other, listener.hosts.v[0], &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_int_equal(other.fd, -1);
	sbx_listener_close(&listener);
	/* Whoever comes from elsewhere does not call it localhost. */
	assert_int_equal(sbx_listener_open_tcp(&listener, "0.0.0.0:0", &err),
			 0);
	assert_int_equal(listener.hosts.n, 1);
	sbx_listener_close(&listener);
	/* Not every machine has it. */
	err = (struct sbx_error)SBX_ERROR_INIT;
	if (sbx_listener_open_tcp(&listener, "[::1]:0", &err) < 0) {
		assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
		return;
	}
	assert_int_equal(listener.hosts.n, 2);
	assert_int_equal(strncmp(listener.hosts.v[0], "[::1]:", 6), 0);
	sbx_listener_close(&listener);
}

/* --- of systemd ------------------------------------------------------------ */

/* As systemd would start us, with @fd; takes it. */
static int inherit(int fd, const char *pid, const char *count,
		   struct sbx_listener *out, size_t *n)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int was = fd == 3 ? -1 : fcntl(3, F_DUPFD_CLOEXEC, 10);
	int result;

	if (fd >= 0 && fd != 3) {
		assert_int_equal(dup2(fd, 3), 3);
		close(fd);
	}
	if (fd >= 0)
		assert_int_equal(fcntl(3, F_SETFD, 0), 0);
	pid ? setenv("LISTEN_PID", pid, 1) : unsetenv("LISTEN_PID");
	count ? setenv("LISTEN_FDS", count, 1) : unsetenv("LISTEN_FDS");
	setenv("LISTEN_FDNAMES", "x", 1);
	*n = 99;
	result = sbx_listener_inherit(out, 2, n, &err);
	assert_null(getenv("LISTEN_PID"));
	assert_null(getenv("LISTEN_FDS"));
	assert_null(getenv("LISTEN_FDNAMES"));
	if (result < 0)
		assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	else if (*n > 0)
		assert_int_equal(fcntl(3, F_GETFD), FD_CLOEXEC);
	if (*n > 0 && result == 0)
		assert_true(fcntl(3, F_GETFL) & O_NONBLOCK);
	if (was >= 0) {
		dup2(was, 3);
		close(was);
	} else if (fd >= 0) {
		close(3);
	}
	return result;
}

static void test_inherit(void **state)
{
	static const char *const counts[] = { NULL, "", "0", "-1", " 1", "1x" };
	struct sbx_listener out[2] = { SBX_LISTENER_INIT, SBX_LISTENER_INIT };
	char own[16];
	char other[16];
	size_t n;

	(void)state;
	snprintf(own, sizeof(own), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	assert_int_equal(inherit(put_socket(5), own, "1", out, &n), 0);
	assert_int_equal(n, 1);
	assert_int_equal(out[0].fd, 3);
	assert_true(out[0].is_local);
	/* It is not ours to remove. */
	assert_null(out[0].path);
	assert_int_equal(access(path, F_OK), 0);
	/* Nothing was meant for us. */
	assert_int_equal(inherit(-1, other, "1", out, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(inherit(-1, NULL, "1", out, &n), 0);
	assert_int_equal(n, 0);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(counts); i++) {
		assert_int_equal(inherit(-1, own, counts[i], out, &n), 0);
		assert_int_equal(n, 0);
	}
	assert_int_equal(inherit(-1, own, "3", out, &n), -1);
	assert_int_equal(n, 0);
}

/* Whoever reaches it by TCP would be taken for one who may. */
static void test_inherit_no_other(void **state)
{
	struct sbx_listener out[2] = { SBX_LISTENER_INIT, SBX_LISTENER_INIT };
	struct sbx_listener tcp = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	char own[16];
	int fds[2];
	size_t n;

	(void)state;
	snprintf(own, sizeof(own), "%d", getpid());
	assert_int_equal(sbx_listener_open_tcp(&tcp, "127.0.0.1:0", &err), 0);
	assert_int_equal(inherit(dup(tcp.fd), own, "1", out, &n), -1);
	sbx_listener_close(&tcp);
	assert_int_equal(inherit(put_socket(-1), own, "1", out, &n), -1);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(inherit(dup(fds[0]), own, "1", out, &n), -1);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(out[0].fd, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_mode),
		TEST(test_paths),
		TEST(test_a_stale_socket_is_replaced),
		TEST(test_another_daemon_keeps_its_place),
		TEST(test_no_file_is_replaced),
		TEST(test_no_other_is_removed),
		cmocka_unit_test(test_tcp),
		TEST(test_inherit),
		TEST(test_inherit_no_other),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
