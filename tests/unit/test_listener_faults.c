/* SPDX-License-Identifier: MIT */
/*
 * Whatever the kernel refuses on the way, nobody listens in the end, and it is
 * told why.
 */
#include "serve/listener.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/lock.h"
#include "faulty_calls.h"

static int take_lock(const char *name, int cancel_fd, struct sbx_error *err)
{
	if (is_faulty("lock"))
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "no lock");
	return sbx_lock_take(name, cancel_fd, err);
}

#define socket(...)	 FAULTY(socket, __VA_ARGS__)
#define bind(...)	 FAULTY(bind, __VA_ARGS__)
#define listen(...)	 FAULTY(listen, __VA_ARGS__)
#define fchmod(...)	 FAULTY(fchmod, __VA_ARGS__)
#define lstat(...)	 FAULTY(lstat, __VA_ARGS__)
#define unlink(...)	 FAULTY(unlink, __VA_ARGS__)
#define setsockopt(...)	 FAULTY(setsockopt, __VA_ARGS__)
#define getsockname(...) FAULTY(getsockname, __VA_ARGS__)
#define sbx_lock_take	 take_lock

/* The source has one of its own. */
#undef fail
#define fail listener_fail

#include "../../runner/serve/listener.c"

#undef fail
#define fail() _fail(__FILE__, __LINE__)
#undef unlink

static char directory[64];
static char where[128];

static int set_up(void **state)
{
	(void)state;
	faulty(NULL, 0, 0);
	snprintf(directory, sizeof(directory), "/tmp/sbx-listener.XXXXXX");
	if (!mkdtemp(directory))
		return -1;
	snprintf(where, sizeof(where), "%s/s", directory);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	unlink(where);
	return rmdir(directory);
}

/* A socket that nobody listens at. */
static void put_stale(void)
{
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_listener_open_unix(&listener, where, &err), 0);
	listener.ino ^= 1;
	sbx_listener_close(&listener);
	assert_int_equal(access(where, F_OK), 0);
}

static void assert_refused(int result, const struct sbx_listener *listener,
			   const struct sbx_error *err, const char *call)
{
	if (result != -1)
		fail_msg("%s fails, and somebody listens", call);
	assert_int_equal(listener->fd, -1);
	if (!strstr(err->message, strerror(ENOMEM)))
		fail_msg("%s: %s", call, err->message);
}

static void test_unix(void **state)
{
	static const struct {
		const char *call;
		int skip;
		bool is_stale;
	} faults[] = {
		{ "socket", 0, false }, { "fchmod", 0, false },
		{ "bind", 0, false },	{ "listen", 0, false },
		{ "lstat", 0, false },	{ "socket", 1, true },
		{ "lstat", 0, true },	{ "unlink", 0, true },
		{ "bind", 1, true },	{ "lstat", 1, true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(faults); i++) {
		struct sbx_listener listener = SBX_LISTENER_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		int result;

		faulty(NULL, 0, 0);
		unlink(where);
		if (faults[i].is_stale)
			put_stale();
		faulty(faults[i].call, ENOMEM, faults[i].skip);
		result = sbx_listener_open_unix(&listener, where, &err);
		assert_refused(result, &listener, &err, faults[i].call);
	}
}

/* Without it two may take one another for gone. */
static void test_no_lock(void **state)
{
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	faulty("lock", 0, 0);
	assert_int_equal(sbx_listener_open_unix(&listener, where, &err), -1);
	assert_string_equal(err.message, "no lock");
	assert_int_equal(access(where, F_OK), -1);
}

static void test_tcp(void **state)
{
	static const char *const calls[] = { "socket", "setsockopt", "bind",
					     "listen" };
	struct sbx_listener listener = SBX_LISTENER_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(calls); i++) {
		int result;

		faulty(calls[i], ENOMEM, 0);
		result = sbx_listener_open_tcp(&listener, "127.0.0.1:0", &err);
		assert_refused(result, &listener, &err, calls[i]);
	}
	/* Where it is is not known: then nobody calls it right. */
	faulty("getsockname", ENOMEM, 0);
	assert_int_equal(sbx_listener_open_tcp(&listener, "127.0.0.1:0", &err),
			 0);
	assert_int_equal(listener.hosts.n, 0);
	sbx_listener_close(&listener);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_unix),
		TEST(test_no_lock),
		TEST(test_tcp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
