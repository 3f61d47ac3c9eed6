/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_HANGUP_H
#define SBX_SERVE_HANGUP_H

#include <stdbool.h>

#include "base/error.h"

/*
 * One descriptor for all that can end a run: somebody asks for it, or the
 * client is gone.  It is an epoll(7) instance, which is readable when one of
 * what is in it is ready; so nobody has to watch the clients, and none is
 * missed.  Any thread may use it.
 *
 * @fd		what to wait for with poll(2); never read from
 * @event_fd	somebody asked
 */
struct sbx_hangup {
	int fd;
	int event_fd;
};

#define SBX_HANGUP_INIT                                                        \
	{                                                                      \
		.fd = -1, .event_fd = -1                                       \
	}

/* INTERNAL when there are no descriptors left. */
int sbx_hangup_open(struct sbx_hangup *hangup, struct sbx_error *err);
void sbx_hangup_close(struct sbx_hangup *hangup);

/* Makes @fd readable for good. */
void sbx_hangup_ask(const struct sbx_hangup *hangup);

/*
 * Makes @fd readable when the peer of @connection is gone.  Of a Unix socket
 * that is for certain, and one that has only said all it had to say is not
 * gone; TCP cannot tell the two apart.
 */
void sbx_hangup_watch(const struct sbx_hangup *hangup, int connection,
		      bool is_local);
void sbx_hangup_ignore(const struct sbx_hangup *hangup, int connection);

/* The events of poll(2) that say the same; POLLHUP is never asked for. */
short sbx_hangup_events(bool is_local);

#endif
