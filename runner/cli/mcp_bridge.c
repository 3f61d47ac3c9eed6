/* SPDX-License-Identifier: MIT */
#include "cli/mcp_bridge.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/remote.h"
#include "skill/fingerprint.h"

/* How long a daemon may take to say whether it does it. */
#define TAKE_MS	 2000

#define HEAD_MAX 4096

static int connect_to(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sbx_error ignored = SBX_ERROR_INIT;
	int fd;

	if (strlen(path) >= sizeof(address.sun_path))
		return -1;
	memcpy(address.sun_path, path, strlen(path) + 1);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd >= 0 &&
	    (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0 ||
	     sbx_remote_check_peer(fd, &ignored) < 0))
		sbx_close(&fd);
	return fd;
}

static bool write_all(int fd, const char *data, size_t size)
{
	while (size > 0) {
		struct pollfd out = { .fd = fd, .events = POLLOUT };
		ssize_t written = write(fd, data, size);

		if (written >= 0) {
			data += written;
			size -= (size_t)written;
		} else if (errno == EAGAIN) {
			poll(&out, 1, -1);
		} else if (errno != EINTR) {
			return false;
		}
	}
	return true;
}

static bool ask(int fd, const char *expect)
{
	cleanup_buf struct sbx_buf head = SBX_BUF_INIT(HEAD_MAX);

	sbx_buf_printf(&head,
		       "GET /mcp HTTP/1.1\r\nHost: localhost\r\n"
		       "Connection: Upgrade\r\nUpgrade: mcp\r\n"
		       "%s: %s\r\n\r\n",
		       SBX_EXPECT_HEADER, expect);
	return write_all(fd, head.data, head.len);
}

/*
 * The daemon says nothing of its own accord before it is spoken to, so what
 * comes is the head of its answer and no more.
 */
static bool is_taken(int fd)
{
	cleanup_buf struct sbx_buf head = SBX_BUF_INIT(HEAD_MAX);
	double until = sbx_clock_ms() + TAKE_MS;
	char data[HEAD_MAX];

	while (!strstr(sbx_buf_text(&head), "\r\n\r\n")) {
		struct pollfd in = { .fd = fd, .events = POLLIN };
		double left = until - sbx_clock_ms();
		ssize_t got;

		if (left <= 0 || poll(&in, 1, (int)left) <= 0)
			return false;
		got = read(fd, data, sizeof(data));
		if (got <= 0 ||
		    sbx_buf_append(&head, data, (size_t)got) < (size_t)got)
			return false;
	}
	return sbx_text_has_prefix(sbx_buf_text(&head), "HTTP/1.1 101 ");
}

/* Passes on what is there; false at the end, or when nobody takes it. */
static bool pass(int from, int to)
{
	char data[65536];
	ssize_t got = read(from, data, sizeof(data));

	if (got < 0)
		return errno == EAGAIN || errno == EINTR;
	return got > 0 && write_all(to, data, (size_t)got);
}

/*
 * The end of what the client says is passed on too; the daemon answers what it
 * has heard by then, and hangs up.  A client that hears nothing any more is
 * gone, and that it sees by us being gone.
 */
static void pump(int fd)
{
	enum { IN, SOCKET, OUT, COUNT };
	struct pollfd fds[COUNT] = {
		[IN] = { .fd = STDIN_FILENO, .events = POLLIN },
		[SOCKET] = { .fd = fd, .events = POLLIN },
		[OUT] = { .fd = STDOUT_FILENO },
	};

	for (;;) {
		if (poll(fds, COUNT, -1) < 0 && errno != EINTR)
			return;
		if (fds[OUT].revents)
			return;
		if (fds[SOCKET].revents && !pass(fd, STDOUT_FILENO))
			return;
		if (fds[IN].revents && !pass(STDIN_FILENO, fd)) {
			shutdown(fd, SHUT_WR);
			fds[IN].fd = -1;
		}
	}
}

bool sbx_mcp_bridge(const char *socket, const char *expect)
{
	cleanup_fd int fd = connect_to(socket);

	if (fd < 0 || !ask(fd, expect) || !is_taken(fd))
		return false;
	pump(fd);
	return true;
}
