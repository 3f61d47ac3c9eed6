/* SPDX-License-Identifier: MIT */
/*
 * Each question gets its own answer, also after one that came too late, and
 * whatever the other end says.  Who relies on it: serve/port_keeper.c.
 */
#include "sandbox/forward_socket.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "init/wire.h"

/* @theirs is init's end. */
struct fixture {
	struct sbx_forward_socket *socket;
	int theirs;
};

static void new_pair(struct fixture *f)
{
	int ends[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	f->theirs = ends[1];
	if (f->socket)
		sbx_forward_socket_renew(f->socket, &ends[0]);
	else
		sbx_forward_socket_new(&f->socket, &ends[0]);
	assert_int_equal(ends[0], -1);
}

static int set_up(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));

	new_pair(f);
	*state = f;
	return 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sbx_forward_socket_free(&f->socket);
	sbx_close(&f->theirs);
	free(f);
	return 0;
}

/* As init does; @n descriptors come along. */
static void answer(const struct fixture *f, uint32_t error, const int *fds,
		   size_t n)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(2 * sizeof(int))];
	} control = { .space = { 0 } };
	unsigned char data[4];
	struct iovec vec = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };

	sbx_wire_put32(data, error);
	if (n > 0) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(n * sizeof(int));
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	}
	assert_int_equal(sendmsg(f->theirs, &message, 0), sizeof(data));
}

static uint32_t asked(const struct fixture *f)
{
	unsigned char data[4];

	assert_int_equal(recv(f->theirs, data, sizeof(data), MSG_DONTWAIT),
			 sizeof(data));
	return sbx_wire_get32(data);
}

static int tcp_of(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	return fd;
}

static int tcp(void)
{
	return tcp_of(AF_INET);
}

static size_t count_fds(void)
{
	DIR *list = opendir("/proc/self/fd");
	size_t n = 0;

	assert_non_null(list);
	while (readdir(list))
		n++;
	closedir(list);
	return n;
}

/* The answer is there already: it is taken all the same. */
static void test_connects(void **state)
{
	struct fixture *f = *state;
	cleanup_fd int given = tcp();
	cleanup_fd int fd = -1;

	answer(f, 0, &given, 1);
	fd = sbx_forward_socket_connect(f->socket, 8080);
	assert_true(fd >= 0);
	assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(asked(f), 8080);
	assert_false(sbx_forward_socket_is_broken(f->socket));
}

/* What listens at localhost may do so at either. */
static void test_connects_by_v6(void **state)
{
	struct fixture *f = *state;
	cleanup_fd int given = tcp_of(AF_INET6);
	cleanup_fd int fd = -1;

	answer(f, 0, &given, 1);
	fd = sbx_forward_socket_connect(f->socket, 8080);
	assert_true(fd >= 0);
}

static void test_refused(void **state)
{
	struct fixture *f = *state;

	answer(f, ECONNREFUSED, NULL, 0);
	assert_int_equal(sbx_forward_socket_connect(f->socket, 1), -1);
	assert_int_equal(errno, ECONNREFUSED);
	assert_false(sbx_forward_socket_is_broken(f->socket));
}

/* What comes too late is nobody's, and is not the next one's. */
static void test_too_late(void **state)
{
	struct fixture *f = *state;
	int given = tcp();
	size_t before;

	assert_int_equal(sbx_forward_socket_connect(f->socket, 1), -1);
	assert_int_equal(errno, ETIMEDOUT);
	assert_int_equal(asked(f), 1);
	/* Nothing more is asked until that was answered. */
	assert_int_equal(sbx_forward_socket_connect(f->socket, 2), -1);
	assert_int_equal(errno, ETIMEDOUT);
	before = count_fds();
	answer(f, 0, &given, 1);
	answer(f, ECONNRESET, NULL, 0);
	assert_int_equal(sbx_forward_socket_connect(f->socket, 3), -1);
	assert_int_equal(errno, ECONNRESET);
	assert_int_equal(asked(f), 3);
	assert_int_equal(count_fds(), before);
	sbx_close(&given);
}

static void check_nonsense(struct fixture *f)
{
	assert_int_equal(sbx_forward_socket_connect(f->socket, 1), -1);
	assert_int_equal(errno, EPROTO);
	assert_true(sbx_forward_socket_is_broken(f->socket));
	assert_int_equal(sbx_forward_socket_connect(f->socket, 1), -1);
	assert_int_equal(errno, EPIPE);
	sbx_close(&f->theirs);
	new_pair(f);
	assert_false(sbx_forward_socket_is_broken(f->socket));
}

static void test_nonsense(void **state)
{
	struct fixture *f = *state;
	int given[2] = { tcp(), tcp() };
	int file = open("/dev/null", O_RDWR | O_CLOEXEC);
	int datagrams = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int local = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t before = count_fds();

	answer(f, 0, NULL, 0);
	check_nonsense(f);
	answer(f, EPERM, given, 1);
	check_nonsense(f);
	answer(f, 0, given, 2);
	check_nonsense(f);
	answer(f, 0, &file, 1);
	check_nonsense(f);
	answer(f, 0, &datagrams, 1);
	check_nonsense(f);
	answer(f, 0, &local, 1);
	check_nonsense(f);
	assert_int_equal(send(f->theirs, "x", 1, 0), 1);
	check_nonsense(f);
	assert_int_equal(count_fds(), before);
	sbx_close(&given[0]);
	sbx_close(&given[1]);
	sbx_close(&file);
	sbx_close(&datagrams);
	sbx_close(&local);
}

static volatile sig_atomic_t was_signaled;

static void note_signal(int number)
{
	(void)number;
	was_signaled = true;
}

static void test_hang_up(void **state)
{
	struct fixture *f = *state;

	signal(SIGPIPE, note_signal);
	sbx_close(&f->theirs);
	assert_true(sbx_forward_socket_is_broken(f->socket));
	assert_int_equal(sbx_forward_socket_connect(f->socket, 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_false(was_signaled);
}

/* Between question and answer. */
static void test_hang_up_meanwhile(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(shutdown(f->theirs, SHUT_WR), 0);
	assert_int_equal(sbx_forward_socket_connect(f->socket, 1), -1);
	assert_int_equal(errno, EPIPE);
	assert_true(sbx_forward_socket_is_broken(f->socket));
}

/* --- many at once ----------------------------------------------------------- */

#define THREADS 8
#define ROUNDS	200

/* Answers each with the port that it asked for. */
static void *play_init(void *ctx)
{
	const struct fixture *f = ctx;
	unsigned char data[4];

	while (recv(f->theirs, data, sizeof(data), MSG_WAITALL) == sizeof(data))
		send(f->theirs, data, sizeof(data), MSG_NOSIGNAL);
	return NULL;
}

struct asker {
	struct fixture *f;
	int errnum;
	bool is_good;
};

static void *ask_often(void *ctx)
{
	struct asker *asker = ctx;

	asker->is_good = true;
	for (int i = 0; i < ROUNDS; i++)
		asker->is_good &= sbx_forward_socket_connect(
					  asker->f->socket,
					  (uint16_t)asker->errnum) < 0 &&
				  errno == asker->errnum;
	return NULL;
}

static void test_many(void **state)
{
	struct fixture *f = *state;
	struct asker askers[THREADS];
	pthread_t threads[THREADS];
	pthread_t init;

	assert_int_equal(pthread_create(&init, NULL, play_init, f), 0);
	for (int i = 0; i < THREADS; i++) {
		askers[i] = (struct asker){ .f = f, .errnum = i + 1 };
		assert_int_equal(pthread_create(&threads[i], NULL, ask_often,
						&askers[i]),
				 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_true(askers[i].is_good);
	}
	sbx_forward_socket_free(&f->socket);
	pthread_join(init, NULL);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_connects),	   TEST(test_refused),
		TEST(test_too_late),	   TEST(test_nonsense),
		TEST(test_hang_up),	   TEST(test_hang_up_meanwhile),
		TEST(test_connects_by_v6), TEST(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
