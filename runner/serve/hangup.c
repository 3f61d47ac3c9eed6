/* SPDX-License-Identifier: MIT */
#include "serve/hangup.h"

#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

#include "base/mem.h"

short sbx_hangup_events(bool is_local)
{
	return is_local ? 0 : POLLRDHUP;
}

int sbx_hangup_open(struct sbx_hangup *hangup, struct sbx_error *err)
{
	struct epoll_event event = { .events = EPOLLIN };

	hangup->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	hangup->fd = epoll_create1(EPOLL_CLOEXEC);
	if (hangup->event_fd >= 0 && hangup->fd >= 0 &&
	    epoll_ctl(hangup->fd, EPOLL_CTL_ADD, hangup->event_fd, &event) == 0)
		return 0;
	sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			"no descriptors for a run");
	sbx_hangup_close(hangup);
	return -1;
}

void sbx_hangup_close(struct sbx_hangup *hangup)
{
	sbx_close(&hangup->fd);
	sbx_close(&hangup->event_fd);
}

void sbx_hangup_ask(const struct sbx_hangup *hangup)
{
	eventfd_write(hangup->event_fd, 1);
}

/* EPOLLHUP and EPOLLERR come unasked. */
void sbx_hangup_watch(const struct sbx_hangup *hangup, int connection,
		      bool is_local)
{
	struct epoll_event event = { .events = is_local ? 0 : EPOLLRDHUP };

	epoll_ctl(hangup->fd, EPOLL_CTL_ADD, connection, &event);
}

void sbx_hangup_ignore(const struct sbx_hangup *hangup, int connection)
{
	epoll_ctl(hangup->fd, EPOLL_CTL_DEL, connection, NULL);
}
