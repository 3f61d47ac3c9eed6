/* SPDX-License-Identifier: MIT */
#include "init/forward.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Within one kernel: only a queue that is full takes any time. */
#define CONNECT_MS 50

void sbx_forward_use(struct sbx_init *init, int *fd)
{
	sbx_close(&init->forward_fd);
	init->forward_fd = *fd;
	*fd = -1;
}

static int finish(int fd)
{
	struct pollfd out = { .fd = fd, .events = POLLOUT };
	socklen_t size = sizeof(int);
	int error = ETIMEDOUT;

	if (errno != EINPROGRESS)
		return -1;
	if (poll(&out, 1, CONNECT_MS) > 0)
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
	errno = error;
	return error ? -1 : 0;
}

static int connect_to(const void *address, socklen_t size, int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && connect(fd, address, size) < 0 && finish(fd) < 0)
		sbx_close(&fd);
	return fd;
}

/* As "localhost" it may be either. */
static int connect_port(uint32_t port)
{
	const struct sockaddr_in v4 = {
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const struct sockaddr_in6 v6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons((uint16_t)port),
		.sin6_addr = IN6ADDR_LOOPBACK_INIT,
	};
	int fd = connect_to(&v4, sizeof(v4), AF_INET);
	int error = errno;

	if (fd < 0)
		fd = connect_to(&v6, sizeof(v6), AF_INET6);
	errno = error;
	return fd;
}

/* Small, into an empty socket: all or nothing. */
static bool answer(int to, uint32_t error, int fd)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	unsigned char data[4];
	struct iovec vec = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &vec, .msg_iovlen = 1 };

	sbx_wire_put32(data, error);
	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		control.header.cmsg_level = SOL_SOCKET;
		control.header.cmsg_type = SCM_RIGHTS;
		control.header.cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	}
	return sendmsg(to, &message, MSG_NOSIGNAL | MSG_DONTWAIT) ==
	       sizeof(data);
}

void sbx_forward_heard(struct sbx_init *init)
{
	unsigned char data[4];
	ssize_t got = recv(init->forward_fd, data, sizeof(data), MSG_DONTWAIT);
	int fd = -1;
	bool is_good;

	is_good = got == sizeof(data) && sbx_wire_get32(data) - 1 < 0xffff;
	if (is_good)
		fd = connect_port(sbx_wire_get32(data));
	if (is_good)
		is_good = answer(init->forward_fd, fd < 0 ? (uint32_t)errno : 0,
				 fd);
	sbx_close(&fd);
	if (!is_good)
		sbx_close(&init->forward_fd);
}
