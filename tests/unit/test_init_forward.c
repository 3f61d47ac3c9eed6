/* SPDX-License-Identifier: MIT */
/*
 * Connections to ports of a session's own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "init_session.h"

/* The loopback interface of @family, AF_INET or AF_INET6. */
static int listen_on(int family, int backlog, uint16_t *port)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr *address = family == AF_INET ? (struct sockaddr *)&v4
						     : (struct sockaddr *)&v6;
	socklen_t size = family == AF_INET ? sizeof(v4) : sizeof(v6);
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, address, size), 0);
	assert_int_equal(listen(fd, backlog), 0);
	assert_int_equal(getsockname(fd, address, &size), 0);
	*port = ntohs(family == AF_INET ? v4.sin_port : v6.sin6_port);
	return fd;
}

/* Our end of what is given to init. */
static int give(struct session *session)
{
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	box_give(&ends[1], 1);
	box_send(session->box, SBX_WIRE_FORWARD, NULL, 0);
	close(ends[1]);
	return ends[0];
}

/* init's answer, and the descriptor that came with it, or -1. */
static uint32_t ask_for(int fd, uint32_t port, int *connection)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	unsigned char data[4];
	struct iovec vec = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	*connection = -1;
	sbx_wire_put32(data, port);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != sizeof(data))
		return UINT32_MAX;
	if (CMSG_FIRSTHDR(&message))
		memcpy(connection, CMSG_DATA(CMSG_FIRSTHDR(&message)),
		       sizeof(int));
	return sbx_wire_get32(data);
}

/* What is written to the one comes out of the other, both ways. */
static void assert_connected(int one, int other)
{
	char text[3] = "";

	assert_int_equal(write(one, "hi", 2), 2);
	assert_int_equal(read(other, text, 2), 2);
	assert_string_equal(text, "hi");
	assert_int_equal(write(other, "ho", 2), 2);
	assert_int_equal(read(one, text, 2), 2);
	assert_string_equal(text, "ho");
}

/* As "localhost" is either. */
static void test_connects_to_ports(void **state)
{
	static const int families[] = { AF_INET, AF_INET6 };
	struct session session;
	int asking;

	(void)state;
	begin(&session, "60000");
	asking = give(&session);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(families); i++) {
		int listener, ours, theirs;
		uint16_t port;
		char byte;

		listener = listen_on(families[i], 5, &port);
		assert_int_equal(ask_for(asking, port, &ours), 0);
		assert_true(ours >= 0);
		theirs = accept(listener, NULL, NULL);
		assert_connected(ours, theirs);
		/* No other end is left with init. */
		close(ours);
		assert_int_equal(read(theirs, &byte, 1), 0);
		close(theirs);
		close(listener);
	}
	close(asking);
	end(&session);
}

/* It is there while something runs, and outlives its runner. */
static void test_others_come_and_go(void **state)
{
	struct session session;
	int asking, listener, ours;
	uint16_t port;

	(void)state;
	begin(&session, "60000");
	listener = listen_on(AF_INET, 5, &port);
	start(&session, "sleep 0.5");
	asking = give(&session);
	assert_int_equal(ask_for(asking, port, &ours), 0);
	close(ours);
	hear_exit(&session, SBX_WIRE_EXITED);
	leave(&session);
	assert_int_equal(ask_for(asking, port, &ours), 0);
	close(ours);
	close(listener);
	assert_int_equal(ask_for(asking, port, &ours), ECONNREFUSED);
	assert_int_equal(ours, -1);
	close(asking);
	end(&session);
}

/* Who asks last is who asks. */
static void test_another_one_asks(void **state)
{
	struct session session;
	int first, second, ours;
	char byte;

	(void)state;
	begin(&session, "60000");
	first = give(&session);
	second = give(&session);
	assert_int_equal(read(first, &byte, 1), 0);
	assert_int_equal(ask_for(second, 1, &ours), ECONNREFUSED);
	close(first);
	close(second);
	end(&session);
}

/* What makes no sense is the end of it, and of nothing else. */
static void test_questions_that_make_no_sense(void **state)
{
	static const struct {
		const char *data;
		size_t size;
	} bad[] = {
		{ "\0\0\0\0", 4 },
		{ "\0\0\1\0", 4 },
		{ "\1\0", 2 },
	};
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		int asking = give(&session);
		int ours;
		char byte;

		assert_int_equal(ask_for(asking, 1, &ours), ECONNREFUSED);
		assert_int_equal(write(asking, bad[i].data, bad[i].size),
				 bad[i].size);
		assert_int_equal(read(asking, &byte, 1), 0);
		close(asking);
	}
	assert_string_equal(run(&session, "echo still here"), "still here\n");
	end(&session);
}

static void leave_network(void)
{
	if (unshare(CLONE_NEWNET) < 0)
		_exit(121);
}

/* The loopback interface is down there. */
static void test_no_network(void **state)
{
	struct session session;
	int asking, ours;

	(void)state;
	box_mounts = leave_network;
	begin(&session, "60000");
	box_mounts = NULL;
	asking = give(&session);
	assert_int_equal(ask_for(asking, 1, &ours), ENETUNREACH);
	assert_int_equal(ours, -1);
	close(asking);
	end(&session);
}

/* A server that accepts nobody is not waited for. */
static void test_a_queue_that_is_full(void **state)
{
	struct session session;
	int asking, listener, ours;
	int others[8];
	uint32_t error = 0;
	uint16_t port;
	int n = 0;

	(void)state;
	begin(&session, "60000");
	asking = give(&session);
	listener = listen_on(AF_INET, 0, &port);
	while (error == 0 && n < 8)
		error = ask_for(asking, port, &others[n++]);
	assert_int_equal(error, ETIMEDOUT);
	assert_int_equal(others[--n], -1);
	while (n > 0)
		close(others[--n]);
	/* Whoever asks next has an answer nevertheless. */
	assert_int_equal(ask_for(asking, 1, &ours), ECONNREFUSED);
	close(listener);
	close(asking);
	end(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_connects_to_ports),
		cmocka_unit_test(test_others_come_and_go),
		cmocka_unit_test(test_another_one_asks),
		cmocka_unit_test(test_questions_that_make_no_sense),
		cmocka_unit_test(test_no_network),
		cmocka_unit_test(test_a_queue_that_is_full),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
