/* SPDX-License-Identifier: MIT */
#include "engine/connection.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"

/* How soon to try again when the engine's backlog is full. */
#define AGAIN_MS 5

struct sbx_connection {
	int fd;
};

int sbx_connection_fd(const struct sbx_connection *connection)
{
	return connection->fd;
}

static int wait_for(int fd, short events, int cancel_fd, double timeout_ms,
		    struct sbx_error *err)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	double until = sbx_clock_ms() + timeout_ms;

	for (;;) {
		double left = until - sbx_clock_ms();
		int ready = poll(fds, 2, left > 0 ? (int)left + 1 : 0);

		if (ready > 0 && fds[1].revents)
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled");
		if (ready > 0)
			return 1;
		if (ready == 0 && left <= 0)
			return 0;
	}
}

int sbx_connection_wait(const struct sbx_connection *connection, short events,
			int cancel_fd, double timeout_ms, struct sbx_error *err)
{
	return wait_for(connection->fd, events, cancel_fd, timeout_ms, err);
}

static int refused(const struct sbx_transport *transport, int errnum,
		   struct sbx_error *err)
{
	const char *advice = transport->ops->advice(transport, errnum);

	return sbx_error_errno(err, SBX_OUTCOME_UNAVAILABLE, errnum,
			       "cannot connect to the %s at %s%s%s%s",
			       transport->peer, transport->url,
			       advice ? " (" : "", advice ? advice : "",
			       advice ? ")" : "");
}

/* Whether the socket that is writable now is connected. */
static int check_connected(const struct sbx_transport *transport, int fd,
			   struct sbx_error *err)
{
	int errnum = 0;
	socklen_t size = sizeof(errnum);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &errnum, &size) < 0)
		errnum = errno;
	return errnum ? refused(transport, errnum, err) : 0;
}

int sbx_connection_open(struct sbx_connection **out,
			const struct sbx_transport *transport, int cancel_fd,
			double timeout_ms, struct sbx_error *err)
{
	double until = sbx_clock_ms() + timeout_ms;
	cleanup_fd int fd = -1;

	while ((fd = transport->ops->connect(transport)) < 0) {
		if (errno != EAGAIN || sbx_clock_ms() > until)
			return refused(transport, errno, err);
		if (wait_for(-1, 0, cancel_fd, AGAIN_MS, err) < 0)
			return -1;
	}
	switch (wait_for(fd, POLLOUT, cancel_fd, until - sbx_clock_ms(), err)) {
	case 0:
		return refused(transport, ETIMEDOUT, err);
	case 1:
		break;
	default:
		return -1;
	}
	if (check_connected(transport, fd, err) < 0)
		return -1;
	*out = sbx_calloc(1, sizeof(**out));
	(*out)->fd = sbx_take_fd(&fd);
	return 0;
}

void sbx_connection_close(struct sbx_connection **connection)
{
	if (!*connection)
		return;
	sbx_close(&(*connection)->fd);
	free(*connection);
	*connection = NULL;
}

static ssize_t moved(ssize_t result)
{
	if (result < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return result;
}

ssize_t sbx_connection_send(struct sbx_connection *connection, const void *data,
			    size_t size)
{
	return moved(send(connection->fd, data, size, MSG_NOSIGNAL));
}

ssize_t sbx_connection_recv(struct sbx_connection *connection, void *data,
			    size_t size)
{
	ssize_t result = recv(connection->fd, data, size, 0);

	return result == 0 ? SBX_CONNECTION_CLOSED : moved(result);
}
