/* SPDX-License-Identifier: MIT */
/*
 * One thread and poll(2).  A connection is two sockets, the outer one of who
 * came and the inner one to the sandbox, and a flow of bytes each way, which
 * has one buffer: it is filled when it is empty and drained when there is
 * room, so that memory is bounded and who stalls holds up nobody but his own
 * peer.  The end of what one side says is passed on to the other; when both
 * have ended, so has the connection.  One that breaks is reset on both sides,
 * lest what was cut off looks whole.
 */
#include "sandbox/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#define BACKLOG	    512
#define BUFFER_SIZE (32 * 1024)

/* Who cannot be accepted, for want of descriptors, is tried again. */
#define REST_MS 100

enum { OUTER, INNER };

/*
 * @at, @left	of @data, what has been read and not written
 * @has_ended	nothing more will come
 * @is_passed	and that has been passed on
 */
struct flow {
	char data[BUFFER_SIZE];
	size_t at;
	size_t left;
	bool has_ended;
	bool is_passed;
};

/*
 * @flows	by the side they come from
 * @has_hung_up	nothing will ever happen there but what we do
 */
struct connection {
	int fds[2];
	struct flow flows[2];
	bool has_hung_up[2];
};

/*
 * @stop_fd	readable when the thread is to end
 * @is_resting	nobody is accepted for a while
 */
struct sbx_forward {
	struct sbx_forward_options options;
	struct sbx_publish port;
	int listener;
	int stop_fd;
	pthread_t thread;
	bool is_resting;
	struct connection *connections[SBX_FORWARD_CONNECTIONS_MAX];
	size_t n;
};

/* --- one connection --------------------------------------------------------- */

/* What was passed on is lost where the other side has not got it yet. */
static void reset(int fd)
{
	static const struct linger at_once = { .l_onoff = 1 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

static void end_connection(struct connection *connection, bool is_broken)
{
	for (int side = OUTER; side <= INNER; side++) {
		if (is_broken)
			reset(connection->fds[side]);
		sbx_close(&connection->fds[side]);
	}
	free(connection);
}

/* False when the connection is broken. */
static bool fill(struct flow *flow, int from)
{
	ssize_t got;

	if (flow->left > 0 || flow->has_ended)
		return true;
	got = recv(from, flow->data, sizeof(flow->data), MSG_DONTWAIT);
	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->at = 0;
	flow->left = (size_t)got;
	flow->has_ended = got == 0;
	return true;
}

static bool drain(struct flow *flow, int to)
{
	ssize_t given;

	if (flow->left > 0) {
		given = send(to, flow->data + flow->at, flow->left,
			     MSG_DONTWAIT | MSG_NOSIGNAL);
		if (given < 0)
			return errno == EAGAIN || errno == EINTR;
		flow->at += (size_t)given;
		flow->left -= (size_t)given;
	}
	if (flow->left == 0 && flow->has_ended && !flow->is_passed) {
		flow->is_passed = true;
		return shutdown(to, SHUT_WR) == 0;
	}
	return true;
}

/* What can happen at @side that gets us any further. */
static short events_of(const struct connection *connection, int side)
{
	const struct flow *from = &connection->flows[side];
	short events = 0;

	if (from->left == 0 && !from->has_ended)
		events |= POLLIN;
	if (connection->flows[!side].left > 0)
		events |= POLLOUT;
	return events;
}

/*
 * poll(2) always tells of a socket that hung up or was reset, also who can do
 * nothing about it as long as the other side stalls: to be told once is enough.
 * What has come before is passed on all the same.
 */
static void watch(const struct connection *connection, int side,
		  struct pollfd *out)
{
	short events = events_of(connection, side);
	bool is_of_use = events || !connection->has_hung_up[side];

	*out = (struct pollfd){
		.fd = is_of_use ? connection->fds[side] : -1,
		.events = events,
	};
}

/* A round for each flow; false when the connection has ended. */
static bool pass_on(struct connection *connection, const struct pollfd *polled,
		    bool *is_broken)
{
	*is_broken = true;
	for (int side = OUTER; side <= INNER; side++) {
		if (polled[side].revents & (POLLERR | POLLHUP))
			connection->has_hung_up[side] = true;
	}
	for (int side = OUTER; side <= INNER; side++) {
		struct flow *flow = &connection->flows[side];

		if (!fill(flow, connection->fds[side]) ||
		    !drain(flow, connection->fds[!side]))
			return false;
	}
	*is_broken = false;
	return !connection->flows[OUTER].is_passed ||
	       !connection->flows[INNER].is_passed;
}

/* --- who comes -------------------------------------------------------------- */

/* Small pieces go at once; a peer that is gone is found out some day. */
static void tune(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
}

/* Takes both. */
static void add_connection(struct sbx_forward *forward, int outer, int inner)
{
	struct connection *connection = sbx_calloc(1, sizeof(*connection));

	connection->fds[OUTER] = outer;
	connection->fds[INNER] = inner;
	tune(outer);
	tune(inner);
	forward->connections[forward->n++] = connection;
}

/* One at a time, for what is there to be passed on in between. */
static void accept_one(struct sbx_forward *forward)
{
	const struct sbx_forward_options *options = &forward->options;
	int outer = accept4(forward->listener, NULL, NULL,
			    SOCK_CLOEXEC | SOCK_NONBLOCK);
	int inner;

	if (outer < 0) {
		forward->is_resting = errno != EAGAIN && errno != EINTR &&
				      errno != ECONNABORTED;
		return;
	}
	inner = options->connect(options->ctx, forward->port.target);
	if (inner < 0) {
		reset(outer);
		sbx_close(&outer);
		return;
	}
	add_connection(forward, outer, inner);
}

/* --- the thread ------------------------------------------------------------- */

enum { STOP, LISTENER, FIRST };

#define POLLED_MAX (FIRST + 2 * SBX_FORWARD_CONNECTIONS_MAX)

/* How many there are of them. */
static nfds_t watch_all(const struct sbx_forward *forward,
			struct pollfd polled[static POLLED_MAX])
{
	bool accepts = !forward->is_resting &&
		       forward->n < SBX_FORWARD_CONNECTIONS_MAX;

	polled[STOP] =
		(struct pollfd){ .fd = forward->stop_fd, .events = POLLIN };
	polled[LISTENER] = (struct pollfd){
		.fd = accepts ? forward->listener : -1,
		.events = POLLIN,
	};
	for (size_t i = 0; i < forward->n; i++) {
		for (int side = OUTER; side <= INNER; side++)
			watch(forward->connections[i], side,
			      &polled[FIRST + 2 * i + (size_t)side]);
	}
	return FIRST + 2 * forward->n;
}

/* The last takes the place of one that has ended, so they go backwards. */
static void pass_all_on(struct sbx_forward *forward,
			const struct pollfd polled[static POLLED_MAX])
{
	for (size_t i = forward->n; i-- > 0;) {
		const struct pollfd *both = &polled[FIRST + 2 * i];
		bool is_broken;

		if ((both[OUTER].revents | both[INNER].revents) == 0 ||
		    pass_on(forward->connections[i], both, &is_broken))
			continue;
		end_connection(forward->connections[i], is_broken);
		forward->connections[i] = forward->connections[--forward->n];
	}
}

static void *forward_all(void *ctx)
{
	struct sbx_forward *forward = ctx;
	struct pollfd polled[POLLED_MAX];

	for (;;) {
		nfds_t count = watch_all(forward, polled);
		int n = poll(polled, count, forward->is_resting ? REST_MS : -1);

		forward->is_resting = false;
		if (n < 0)
			continue;
		if (polled[STOP].revents)
			break;
		pass_all_on(forward, polled);
		if (polled[LISTENER].revents)
			accept_one(forward);
	}
	while (forward->n > 0)
		end_connection(forward->connections[--forward->n], true);
	return NULL;
}

/* Signals are for the threads that wait for them. */
static int start_thread(struct sbx_forward *forward)
{
	sigset_t all;
	sigset_t before;
	int errnum;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	errnum = pthread_create(&forward->thread, NULL, forward_all, forward);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return errnum;
}

/* --- listening -------------------------------------------------------------- */

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t fill_address(const struct sbx_publish *port,
			      union address *out)
{
	*out = (union address){ .any.sa_family = AF_UNSPEC };
	if (strchr(port->host_ip, ':')) {
		out->v6.sin6_family = AF_INET6;
		out->v6.sin6_port = htons(port->published);
		inet_pton(AF_INET6, port->host_ip, &out->v6.sin6_addr);
		return sizeof(out->v6);
	}
	out->v4.sin_family = AF_INET;
	out->v4.sin_port = htons(port->published);
	inet_pton(AF_INET, port->host_ip, &out->v4.sin_addr);
	return sizeof(out->v4);
}

/* "::" is no word for all of IPv4 too: what was granted is one address. */
static int set_options(int fd, sa_family_t family)
{
	const int on = 1;

	if (family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0)
		return -1;
	return setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
}

/* The descriptor, and in *@port the one it got; -1 with errno. */
static int open_listener(const struct sbx_publish *wish, uint16_t *port)
{
	union address address;
	socklen_t size = fill_address(wish, &address);
	cleanup_fd int fd = socket(address.any.sa_family,
				   SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				   0);

	if (fd < 0 || set_options(fd, address.any.sa_family) < 0 ||
	    bind(fd, &address.any, size) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, &address.any, &size) < 0)
		return -1;
	*port = ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port
							: address.v4.sin_port);
	return sbx_take_fd(&fd);
}

static int begin(struct sbx_forward *forward, struct sbx_error *err)
{
	struct sbx_publish *port = &forward->port;
	bool is_v6 = strchr(port->host_ip, ':') != NULL;
	int errnum;

	forward->listener = open_listener(port, &port->published);
	if (forward->listener < 0)
		return sbx_error_errno(err, SBX_OUTCOME_UNAVAILABLE, errno,
				       is_v6 ? "cannot listen on [%s]:%u"
					     : "cannot listen on %s:%u",
				       port->host_ip, port->published);
	forward->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	errnum = forward->stop_fd < 0 ? errno : start_thread(forward);
	if (errnum == 0)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errnum,
			       "there is no thread to forward with");
}

static void free_forward(struct sbx_forward *forward)
{
	sbx_close(&forward->listener);
	sbx_close(&forward->stop_fd);
	free(forward);
}

int sbx_forward_new(struct sbx_forward **out,
		    const struct sbx_forward_options *options,
		    struct sbx_error *err)
{
	struct sbx_forward *forward = sbx_calloc(1, sizeof(*forward));

	forward->options = *options;
	forward->port = *options->port;
	forward->listener = -1;
	forward->stop_fd = -1;
	if (begin(forward, err) < 0) {
		free_forward(forward);
		return -1;
	}
	*out = forward;
	return 0;
}

uint16_t sbx_forward_port(const struct sbx_forward *forward)
{
	return forward->port.published;
}

void sbx_forward_free(struct sbx_forward **forward)
{
	if (!*forward)
		return;
	eventfd_write((*forward)->stop_fd, 1);
	pthread_join((*forward)->thread, NULL);
	free_forward(sbx_take(*forward));
}
