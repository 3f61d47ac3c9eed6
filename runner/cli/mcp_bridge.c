/* SPDX-License-Identifier: MIT */
#include "cli/mcp_bridge.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/text.h"
#include "cli/remote.h"
#include "serve/mcp_stream.h"
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

static bool ask(int fd, const char *expect, bool has_sessions)
{
	cleanup_buf struct sbx_buf head = SBX_BUF_INIT(HEAD_MAX);

	sbx_buf_printf(&head,
		       "GET /mcp HTTP/1.1\r\nHost: localhost\r\n"
		       "Connection: Upgrade\r\nUpgrade: mcp\r\n"
		       "%s: %s\r\n%s: %s\r\n\r\n",
		       SBX_EXPECT_HEADER, expect, SBX_MCP_SESSIONS_HEADER,
		       has_sessions ? "yes" : "no");
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

/* --- passing on ------------------------------------------------------------ */

/*
 * One direction: what has been read of @from goes to @to, and only then is more
 * read.
 *
 * @is_over	nothing more comes
 */
struct flow {
	int from;
	int to;
	char data[65536];
	size_t begin;
	size_t end;
	bool is_over;
};

/*
 * @up, @down	from the client, and to it
 * @has_parted	the daemon has said that this is the end
 */
struct bridge {
	struct flow up;
	struct flow down;
	bool has_parted;
};

static bool is_empty(const struct flow *flow)
{
	return flow->begin == flow->end;
}

static void fill(struct flow *flow)
{
	ssize_t got = read(flow->from, flow->data, sizeof(flow->data));

	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	flow->begin = 0;
	flow->end = got > 0 ? (size_t)got : 0;
	flow->is_over = got <= 0;
}

/* False when nobody takes it. */
static bool drain(struct flow *flow)
{
	ssize_t written = write(flow->to, flow->data + flow->begin,
				flow->end - flow->begin);

	if (written < 0)
		return errno == EAGAIN || errno == EINTR;
	flow->begin += (size_t)written;
	return true;
}

/* The end of what the client says is passed on too. */
static void pass_up(struct flow *up, bool may_read, bool may_write)
{
	if (may_read && is_empty(up)) {
		fill(up);
		may_write = true;
	}
	/* What the daemon takes no more it will not answer. */
	if (may_write && !is_empty(up) && !drain(up)) {
		up->end = up->begin;
		up->is_over = true;
	}
	if (up->is_over && is_empty(up) && up->to >= 0) {
		shutdown(up->to, SHUT_WR);
		up->to = -1;
	}
}

/* False when nobody hears it. */
static bool pass_down(struct bridge *bridge, bool may_read, bool may_write)
{
	struct flow *down = &bridge->down;

	if (may_read && is_empty(down)) {
		fill(down);
		may_write = true;
		if (!is_empty(down) &&
		    down->data[down->end - 1] == SBX_MCP_FAREWELL) {
			down->end--;
			down->is_over = true;
			bridge->has_parted = true;
		}
	}
	return !may_write || is_empty(down) || drain(down);
}

enum { IN, OUT, SOCKET, COUNT };

/* A hang-up is told unasked: it is only asked where something comes of it. */
static void ask_for(const struct bridge *bridge, struct pollfd *fds)
{
	const struct flow *up = &bridge->up;
	const struct flow *down = &bridge->down;
	bool takes = is_empty(down) && !down->is_over;
	bool gives = !is_empty(up);

	fds[IN].fd = is_empty(up) && !up->is_over ? up->from : -1;
	fds[IN].events = POLLIN;
	fds[OUT].fd = down->to;
	fds[OUT].events = is_empty(down) ? 0 : POLLOUT;
	fds[SOCKET].fd = takes || gives ? down->from : -1;
	fds[SOCKET].events =
		(short)((takes ? POLLIN : 0) | (gives ? POLLOUT : 0));
}

/*
 * Neither direction waits for the other: the daemon reads no more while it
 * cannot write.  A client that hears nothing any more is gone, and that it sees
 * by us being gone.  False when it is the daemon that is, without a word.
 */
static bool pump(struct bridge *bridge)
{
	struct pollfd fds[COUNT];

	while (!bridge->down.is_over || !is_empty(&bridge->down)) {
		ask_for(bridge, fds);
		if (poll(fds, COUNT, -1) < 0) {
			if (errno != EINTR)
				return false;
			continue;
		}
		if (fds[OUT].revents & (POLLERR | POLLHUP | POLLNVAL))
			return true;
		pass_up(&bridge->up, fds[IN].revents,
			fds[SOCKET].revents & ~POLLIN);
		if (!pass_down(bridge, fds[SOCKET].revents & ~POLLOUT,
			       fds[OUT].revents))
			return true;
	}
	return bridge->has_parted;
}

/* A terminal is whoever's else, too, and would stay so. */
static void make_nonblocking(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags >= 0 && !isatty(fd))
		fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

int sbx_mcp_bridge(const char *socket, const char *expect, bool has_sessions,
		   struct sbx_error *err)
{
	cleanup_fd int fd = connect_to(socket);
	struct bridge bridge = {
		.up = { .from = STDIN_FILENO, .to = fd },
		.down = { .from = fd, .to = STDOUT_FILENO },
	};

	if (fd < 0 || !ask(fd, expect, has_sessions) || !is_taken(fd))
		return SBX_MCP_BRIDGE_REFUSED;
	make_nonblocking(fd);
	make_nonblocking(STDOUT_FILENO);
	if (pump(&bridge))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "the daemon at %s is gone, and with it what it "
			     "has not answered",
			     socket);
}
