/* SPDX-License-Identifier: MIT */
/*
 * One question, one answer.  init may be frozen between the two: then the
 * answer is owed, and whoever comes next has to take it first, and throws away
 * what it brings.
 */
#include "sandbox/forward_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "init/wire.h"

#define ANSWER_MS 900

/*
 * @lock	held by who asks
 * @fd		or -1: of no use any more
 * @is_owed	the last answer has not come yet
 */
struct sbx_forward_socket {
	pthread_mutex_t lock;
	int fd;
	bool is_owed;
};

void sbx_forward_socket_new(struct sbx_forward_socket **out, int *fd)
{
	struct sbx_forward_socket *slot = sbx_calloc(1, sizeof(*slot));

	pthread_mutex_init(&slot->lock, NULL);
	slot->fd = sbx_take_fd(fd);
	*out = slot;
}

void sbx_forward_socket_free(struct sbx_forward_socket **slot)
{
	if (!*slot)
		return;
	sbx_close(&(*slot)->fd);
	pthread_mutex_destroy(&(*slot)->lock);
	free(sbx_take(*slot));
}

void sbx_forward_socket_renew(struct sbx_forward_socket *slot, int *fd)
{
	pthread_mutex_lock(&slot->lock);
	sbx_close(&slot->fd);
	slot->fd = sbx_take_fd(fd);
	slot->is_owed = false;
	pthread_mutex_unlock(&slot->lock);
}

/* A hang-up is seen without anybody asking. */
bool sbx_forward_socket_is_broken(struct sbx_forward_socket *slot)
{
	struct pollfd about;
	bool is_broken;

	pthread_mutex_lock(&slot->lock);
	about = (struct pollfd){ .fd = slot->fd };
	is_broken = slot->fd < 0 || poll(&about, 1, 0) != 0;
	pthread_mutex_unlock(&slot->lock);
	return is_broken;
}

static int break_it(struct sbx_forward_socket *slot, int errnum)
{
	sbx_close(&slot->fd);
	errno = errnum;
	return -1;
}

/* The descriptor that came along, or -1. */
static int take_descriptor(struct msghdr *message)
{
	struct cmsghdr *header = CMSG_FIRSTHDR(message);
	int fd = -1;

	if (header && header->cmsg_level == SOL_SOCKET &&
	    header->cmsg_type == SCM_RIGHTS &&
	    header->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(&fd, CMSG_DATA(header), sizeof(fd));
	return fd;
}

/* What is passed on has to be a connection, whoever is there. */
static bool is_stream(int fd)
{
	int type = 0, domain = 0;
	socklen_t size = sizeof(int);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
	       getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 &&
	       type == SOCK_STREAM && (domain == AF_INET || domain == AF_INET6);
}

/* Takes the answer, which is there. */
static int read_answer(struct sbx_forward_socket *slot)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control;
	unsigned char data[4];
	struct iovec vec = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  /* Not its space: two would fit in that. */
				  .msg_controllen = CMSG_LEN(sizeof(int)) };
	ssize_t got =
		recvmsg(slot->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	cleanup_fd int fd = got >= 0 ? take_descriptor(&message) : -1;
	uint32_t error;

	slot->is_owed = false;
	if (got <= 0)
		return break_it(slot, EPIPE);
	if (got != sizeof(data) || (message.msg_flags & MSG_CTRUNC))
		return break_it(slot, EPROTO);
	error = sbx_wire_get32(data);
	if ((error == 0) != (fd >= 0) || (fd >= 0 && !is_stream(fd)))
		return break_it(slot, EPROTO);
	if (error != 0)
		errno = (int)error;
	return sbx_take_fd(&fd);
}

static int await_answer(struct sbx_forward_socket *slot, double until)
{
	struct pollfd in = { .fd = slot->fd, .events = POLLIN };
	double left = until - sbx_clock_ms();

	if (left > 0 && poll(&in, 1, (int)left + 1) > 0)
		return read_answer(slot);
	errno = ETIMEDOUT;
	return -1;
}

/* Of a question that nobody waits for any more. */
static bool settle(struct sbx_forward_socket *slot, double until)
{
	if (slot->is_owed) {
		int fd = await_answer(slot, until);

		sbx_close(&fd);
	}
	return !slot->is_owed;
}

static int ask(struct sbx_forward_socket *slot, uint16_t port, double until)
{
	unsigned char data[4];

	if (!settle(slot, until)) {
		errno = ETIMEDOUT;
		return -1;
	}
	sbx_wire_put32(data, port);
	if (send(slot->fd, data, sizeof(data), MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    sizeof(data))
		return break_it(slot, EPIPE);
	slot->is_owed = true;
	return await_answer(slot, until);
}

int sbx_forward_socket_connect(struct sbx_forward_socket *slot, uint16_t port)
{
	double until = sbx_clock_ms() + ANSWER_MS;
	struct timespec at;
	int fd;

	/* ThreadSanitizer knows no lock by another clock. */
	clock_gettime(CLOCK_REALTIME, &at);
	at.tv_sec += 1;
	if (pthread_mutex_timedlock(&slot->lock, &at) != 0) {
		errno = ETIMEDOUT;
		return -1;
	}
	fd = ask(slot, port, until);
	pthread_mutex_unlock(&slot->lock);
	return fd;
}
