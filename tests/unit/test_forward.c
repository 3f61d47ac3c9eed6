/* SPDX-License-Identifier: MIT */
/*
 * What comes at the host's port gets to the sandbox whole, and back, whatever
 * others do at the same time; and nothing is left of it in the end.  The
 * sandbox is a listener of our own.
 */
#include "sandbox/forward.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#define TARGET	 8080
#define BIG	 (10 * 1024 * 1024)
#define MANY	 300
#define MOST	 SBX_FORWARD_CONNECTIONS_MAX
#define SHORT_MS 100
#define LONG_MS	 10000

/*
 * @sandbox	a listener: what is in the sandbox
 * @refuses	nothing listens there
 */
struct fixture {
	int sandbox;
	struct sockaddr_in address;
	atomic_bool refuses;
	struct sbx_publish port;
	struct sbx_forward *forward;
};

static struct sockaddr_in loopback(uint16_t port)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_port = htons(port) };

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return address;
}

static int connect_at(const struct sockaddr_in *address)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) ==
	    0)
		return fd;
	sbx_close(&fd);
	return -1;
}

static int connect_inside(void *ctx, uint16_t target)
{
	const struct fixture *f = ctx;

	if (f->refuses || target != TARGET)
		return -1;
	return connect_at(&f->address);
}

static int start(struct fixture *f, struct sbx_error *err)
{
	const struct sbx_forward_options options = {
		.port = &f->port,
		.connect = connect_inside,
		.ctx = f,
	};

	return sbx_forward_new(&f->forward, &options, err);
}

static int set_up(void **state)
{
	static struct fixture f;
	struct sbx_error err = SBX_ERROR_INIT;
	socklen_t size = sizeof(f.address);

	f = (struct fixture){ .address = loopback(0),
			      .port = { .target = TARGET,
					.host_ip = SBX_PUBLISH_LOOPBACK } };
	f.sandbox = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*state = &f;
	return f.sandbox < 0 ||
	       bind(f.sandbox, (struct sockaddr *)&f.address, size) < 0 ||
	       listen(f.sandbox, 512) < 0 ||
	       getsockname(f.sandbox, (struct sockaddr *)&f.address, &size) <
		       0 ||
	       start(&f, &err) < 0;
}

static int tear_down(void **state)
{
	struct fixture *f = *state;

	sbx_forward_free(&f->forward);
	assert_null(f->forward);
	sbx_close(&f->sandbox);
	return 0;
}

/* Who comes, who must be let in. */
static int come(const struct fixture *f)
{
	struct sockaddr_in address = loopback(sbx_forward_port(f->forward));
	int fd = connect_at(&address);

	assert_true(fd >= 0);
	return fd;
}

static bool is_readable(int fd, int ms)
{
	struct pollfd in = { .fd = fd, .events = POLLIN };

	return poll(&in, 1, ms) == 1;
}

/* Who has come into the sandbox. */
static int welcome(const struct fixture *f)
{
	int fd;

	assert_true(is_readable(f->sandbox, LONG_MS));
	fd = accept4(f->sandbox, NULL, NULL, SOCK_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void say(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL),
			 strlen(text));
}

static void hear(int fd, const char *text)
{
	char got[64] = "";
	size_t size = strlen(text);

	assert_true(is_readable(fd, LONG_MS));
	assert_int_equal(recv(fd, got, size, MSG_WAITALL), size);
	assert_string_equal(got, text);
}

static void hear_end(int fd)
{
	char byte;

	assert_true(is_readable(fd, LONG_MS));
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

static void hear_reset(int fd)
{
	char byte;

	assert_true(is_readable(fd, LONG_MS));
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
}

static void close_both(int a, int b)
{
	close(a);
	close(b);
}

static size_t n_descriptors(void)
{
	DIR *list = opendir("/proc/self/fd");
	size_t n = 0;

	while (readdir(list))
		n++;
	closedir(list);
	return n;
}

/* What this process computes in a while in which it has nothing to do. */
static double idle_ms(void)
{
	struct timespec before, after;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	poll(NULL, 0, 5 * SHORT_MS);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	return (double)(after.tv_sec - before.tv_sec) * 1e3 +
	       (double)(after.tv_nsec - before.tv_nsec) / 1e6;
}

static void assert_idle(void)
{
	double ms = idle_ms();

	if (ms > SHORT_MS)
		fail_msg("%g ms of %d were spent", ms, 5 * SHORT_MS);
}

/* Writes until nothing is taken any more. */
static void flood(int fd)
{
	static const char data[4096];
	struct pollfd out = { .fd = fd, .events = POLLOUT };

	while (poll(&out, 1, 2 * SHORT_MS) == 1)
		assert_true(send(fd, data, sizeof(data),
				 MSG_DONTWAIT | MSG_NOSIGNAL) > 0 ||
			    errno == EAGAIN);
}

/* --- what is passed on ------------------------------------------------------ */

static void test_both_ways(void **state)
{
	struct fixture *f = *state;
	int outer = come(f);
	int inner = welcome(f);

	say(outer, "ping");
	hear(inner, "ping");
	say(inner, "pong");
	hear(outer, "pong");
	say(outer, "again");
	hear(inner, "again");
	close_both(outer, inner);
}

static char pattern(size_t at, int side)
{
	return (char)((at * 31 + at / 4093 + (size_t)side) & 0xff);
}

/* One end: says BIG bytes of its own, and hears those of the other. */
struct talk {
	int fd;
	int side;
	size_t said;
	size_t heard;
};

static void say_more(struct talk *talk)
{
	char data[16384];
	size_t size = BIG - talk->said;
	ssize_t given;

	size = size < sizeof(data) ? size : sizeof(data);
	for (size_t i = 0; i < size; i++)
		data[i] = pattern(talk->said + i, talk->side);
	given = send(talk->fd, data, size, MSG_DONTWAIT | MSG_NOSIGNAL);
	assert_true(given > 0 || errno == EAGAIN);
	talk->said += given > 0 ? (size_t)given : 0;
	if (talk->said == BIG)
		shutdown(talk->fd, SHUT_WR);
}

/* 0 at the end. */
static int hear_more(struct talk *talk)
{
	char data[16384];
	ssize_t got = recv(talk->fd, data, sizeof(data), MSG_DONTWAIT);

	assert_true(got >= 0);
	for (ssize_t i = 0; i < got; i++)
		assert_int_equal(data[i],
				 pattern(talk->heard + (size_t)i, !talk->side));
	talk->heard += (size_t)got;
	return got > 0;
}

static void test_much_both_ways_at_once(void **state)
{
	struct fixture *f = *state;
	struct talk talks[] = { { .fd = come(f), .side = 0 },
				{ .fd = welcome(f), .side = 1 } };
	struct pollfd both[2];
	int n_open = 2;

	for (int i = 0; i < 2; i++)
		both[i].fd = talks[i].fd;
	while (n_open > 0) {
		for (int i = 0; i < 2; i++)
			both[i].events = talks[i].said < BIG ? POLLIN | POLLOUT
							     : POLLIN;
		assert_true(poll(both, 2, LONG_MS) > 0);
		for (int i = 0; i < 2; i++) {
			if (both[i].revents & POLLOUT)
				say_more(&talks[i]);
			if (both[i].revents & POLLIN && !hear_more(&talks[i])) {
				both[i].fd = -1;
				n_open--;
			}
		}
	}
	for (int i = 0; i < 2; i++) {
		assert_int_equal(talks[i].said, BIG);
		assert_int_equal(talks[i].heard, BIG);
	}
	close_both(talks[0].fd, talks[1].fd);
}

/* Who has said all may still be answered, whichever side that is. */
static void half_close(int first, int second, int silence_ms)
{
	say(first, "question");
	shutdown(first, SHUT_WR);
	hear(second, "question");
	hear_end(second);
	assert_false(is_readable(first, silence_ms));
	say(second, "answer");
	hear(first, "answer");
	close(second);
	hear_end(first);
	close(first);
}

static void test_half_close(void **state)
{
	struct fixture *f = *state;
	int outer = come(f);

	half_close(outer, welcome(f), SHORT_MS);
	outer = come(f);
	half_close(welcome(f), outer, SHORT_MS);
}

/* What was cut off must not look whole, whichever side did it. */
static void test_reset(void **state)
{
	static const struct linger at_once = { .l_onoff = 1 };
	struct fixture *f = *state;

	for (int side = 0; side < 2; side++) {
		int outer = come(f);
		int inner = welcome(f);
		int from = side == 0 ? outer : inner;
		int to = side == 0 ? inner : outer;

		say(from, "half of");
		hear(to, "half of");
		setsockopt(from, SOL_SOCKET, SO_LINGER, &at_once,
			   sizeof(at_once));
		close(from);
		hear_reset(to);
		close(to);
	}
}

/* SIGPIPE would end this program. */
static void test_nobody_reads(void **state)
{
	struct fixture *f = *state;
	int outer = come(f);
	int inner = welcome(f);
	int tries = 0;

	close(inner);
	hear_end(outer);
	while (send(outer, "x", 1, MSG_NOSIGNAL) == 1 && tries < LONG_MS / 5) {
		poll(NULL, 0, 5);
		tries++;
	}
	assert_true(tries < LONG_MS / 5);
	close(outer);
	outer = come(f);
	inner = welcome(f);
	say(outer, "still there");
	hear(inner, "still there");
	close_both(outer, inner);
}

/* --- many at once ----------------------------------------------------------- */

/* 4 descriptors for each: two of ours, two of the forwarder's. */
static void allow_descriptors(rlim_t soft)
{
	struct rlimit limit;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_true(limit.rlim_max >= soft);
	limit.rlim_cur = soft;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

/* By what it says: they need not come in the order of their coming. */
static int say_number(int outer, int number)
{
	return send(outer, &number, sizeof(number), MSG_NOSIGNAL) ==
	       sizeof(number);
}

static int hear_number(int inner)
{
	int number = -1;

	assert_int_equal(recv(inner, &number, sizeof(number), MSG_WAITALL),
			 sizeof(number));
	return number;
}

/* So many are let in, the others once there is room; all are served. */
static void test_many(void **state)
{
	struct fixture *f = *state;
	int outer[MANY];
	int inner[MANY];
	bool seen[MANY] = { false };

	allow_descriptors(2048);
	for (int i = 0; i < MANY; i++) {
		outer[i] = come(f);
		assert_true(say_number(outer[i], i));
	}
	for (int i = 0; i < MOST; i++)
		inner[i] = welcome(f);
	assert_false(is_readable(f->sandbox, SHORT_MS));
	assert_idle();
	for (int i = 0; i < MANY; i++) {
		int number;

		if (i >= MOST)
			inner[i] = welcome(f);
		number = hear_number(inner[i]);
		assert_true(number >= 0 && number < MANY && !seen[number]);
		seen[number] = true;
		say(inner[i], "served");
		hear(outer[number], "served");
		close(inner[i]);
		hear_end(outer[number]);
		close(outer[number]);
	}
	assert_false(is_readable(f->sandbox, SHORT_MS));
}

static void test_who_stalls_holds_up_nobody(void **state)
{
	struct fixture *f = *state;
	int stalled_outer = come(f);
	int stalled_inner = welcome(f);
	int outer = come(f);
	int inner = welcome(f);

	flood(stalled_outer);
	flood(stalled_inner);
	say(outer, "ping");
	hear(inner, "ping");
	say(inner, "pong");
	hear(outer, "pong");
	assert_idle();
	close_both(stalled_outer, stalled_inner);
	close_both(outer, inner);
}

/* poll(2) tells of those who left again and again. */
static void test_who_left_costs_nothing(void **state)
{
	struct fixture *f = *state;
	int outer = come(f);
	int inner = welcome(f);
	int reset_outer = come(f);
	int reset_inner = welcome(f);

	shutdown(inner, SHUT_WR);
	hear_end(outer);
	flood(outer);
	close(outer);
	flood(reset_outer);
	say(reset_inner, "unread");
	assert_true(is_readable(reset_outer, LONG_MS));
	close(reset_outer);
	assert_idle();
	close_both(inner, reset_inner);
}

/* --- what goes wrong -------------------------------------------------------- */

static void test_refused(void **state)
{
	struct fixture *f = *state;
	int outer, inner;

	f->refuses = true;
	outer = come(f);
	hear_reset(outer);
	close(outer);
	f->refuses = false;
	outer = come(f);
	inner = welcome(f);
	say(outer, "ping");
	hear(inner, "ping");
	close_both(outer, inner);
}

/* Nobody can be let in; that is tried again, but not all the time. */
static void test_no_descriptors(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in address = loopback(sbx_forward_port(f->forward));
	struct rlimit before;
	int outer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int first_free = dup(outer);
	int inner;

	getrlimit(RLIMIT_NOFILE, &before);
	close(first_free);
	allow_descriptors((rlim_t)first_free);
	assert_int_equal(
		connect(outer, (struct sockaddr *)&address, sizeof(address)),
		0);
	assert_idle();
	assert_false(is_readable(f->sandbox, 0));
	allow_descriptors(before.rlim_cur);
	inner = welcome(f);
	say(outer, "late");
	hear(inner, "late");
	close_both(outer, inner);
}

static void test_address_in_use(void **state)
{
	struct fixture *f = *state;
	uint16_t port = sbx_forward_port(f->forward);
	struct fixture second = { .port = { .target = TARGET,
					    .published = port,
					    .host_ip = SBX_PUBLISH_LOOPBACK } };
	struct sbx_error err = SBX_ERROR_INIT;
	size_t before = n_descriptors();
	cleanup_free char *expected = sbx_asprintf(
		"cannot listen on 127.0.0.1:%u: Address already in use", port);

	assert_int_equal(start(&second, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	assert_string_equal(err.message, expected);
	assert_null(second.forward);
	assert_int_equal(n_descriptors(), before);
}

/* An address that this host does not have (RFC 5737 and 3849). */
static void test_no_such_address(void **state)
{
	static const struct sbx_publish ports[] = {
		{ .target = TARGET, .published = 8080, .host_ip = "192.0.2.1" },
		{ .target = TARGET,
		  .published = 8080,
		  .host_ip = "2001:db8::1" },
	};
	static const char *const messages[] = {
		"cannot listen on 192.0.2.1:8080: ",
		"cannot listen on [2001:db8::1]:8080: ",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(ports); i++) {
		struct fixture other = { .port = ports[i] };
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(start(&other, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
		assert_memory_equal(err.message, messages[i],
				    strlen(messages[i]));
	}
}

/* --- where it listens ------------------------------------------------------- */

/* Not at any other address of the host: 127.0.0.2 is as near as any. */
static void test_only_there(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in address = loopback(sbx_forward_port(f->forward));
	int fd;

	fd = connect_at(&address);
	assert_true(fd >= 0);
	close(fd);
	close(welcome(f));
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + 1);
	assert_int_equal(connect_at(&address), -1);
	assert_int_equal(errno, ECONNREFUSED);
}

static bool has_ipv6(void)
{
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	cleanup_fd int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd >= 0 &&
	       bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

/* "::" is all of IPv6, and nothing of IPv4. */
static void test_ipv6(void **state)
{
	struct fixture *f = *state;
	struct sockaddr_in6 address = { .sin6_family = AF_INET6,
					.sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in v4;
	struct sbx_error err = SBX_ERROR_INIT;
	int outer, inner;

	if (!has_ipv6())
		return;
	sbx_forward_free(&f->forward);
	strcpy(f->port.host_ip, "::");
	assert_int_equal(start(f, &err), 0);
	address.sin6_port = htons(sbx_forward_port(f->forward));
	outer = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(
		connect(outer, (struct sockaddr *)&address, sizeof(address)),
		0);
	inner = welcome(f);
	say(outer, "ping");
	hear(inner, "ping");
	close_both(outer, inner);
	v4 = loopback(sbx_forward_port(f->forward));
	assert_int_equal(connect_at(&v4), -1);
}

/* --- the end ---------------------------------------------------------------- */

/* Descriptors that a program of ours would get. */
static int n_inherited(void)
{
	int n = 0;

	for (int fd = 0; fd < 1024; fd++) {
		int flags = fcntl(fd, F_GETFD);

		n += flags >= 0 && !(flags & FD_CLOEXEC);
	}
	return n;
}

/* Those who are there are cut off, and no descriptor is left. */
static void test_free_with_connections(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	int outer[5], inner[5];
	struct sockaddr_in address;
	int inherited;
	size_t before;

	sbx_forward_free(&f->forward);
	before = n_descriptors();
	inherited = n_inherited();
	assert_int_equal(start(f, &err), 0);
	address = loopback(sbx_forward_port(f->forward));
	for (int i = 0; i < 5; i++) {
		outer[i] = come(f);
		inner[i] = welcome(f);
	}
	say(outer[0], "ping");
	hear(inner[0], "ping");
	flood(outer[1]);
	assert_int_equal(n_inherited(), inherited);
	sbx_forward_free(&f->forward);
	assert_null(f->forward);
	for (int i = 0; i < 5; i++) {
		hear_reset(outer[i]);
		if (i != 1)
			hear_reset(inner[i]);
		close_both(outer[i], inner[i]);
	}
	assert_int_equal(n_descriptors(), before);
	assert_int_equal(connect_at(&address), -1);
}

/* Neither do those that end by themselves leave one. */
static void test_ended_leave_nothing(void **state)
{
	struct fixture *f = *state;
	size_t before = n_descriptors();

	for (int i = 0; i < 2 * MOST; i++) {
		int outer = come(f);

		half_close(outer, welcome(f), 0);
	}
	for (int i = 0; i < LONG_MS && n_descriptors() > before; i++)
		poll(NULL, 0, 1);
	assert_int_equal(n_descriptors(), before);
}

static void test_free_nothing(void **state)
{
	struct sbx_forward *none = NULL;

	(void)state;
	sbx_forward_free(&none);
	assert_null(none);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_both_ways),
		TEST(test_much_both_ways_at_once),
		TEST(test_half_close),
		TEST(test_reset),
		TEST(test_nobody_reads),
		TEST(test_who_stalls_holds_up_nobody),
		TEST(test_who_left_costs_nothing),
		TEST(test_refused),
		TEST(test_no_descriptors),
		TEST(test_many),
		TEST(test_address_in_use),
		TEST(test_no_such_address),
		TEST(test_only_there),
		TEST(test_ipv6),
		TEST(test_free_with_connections),
		TEST(test_ended_leave_nothing),
		cmocka_unit_test(test_free_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
