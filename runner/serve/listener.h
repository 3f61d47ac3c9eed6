/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_LISTENER_H
#define SBX_SERVE_LISTENER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"

/*
 * Sockets that requests come in on.
 *
 * @fd		listens, non-blocking
 * @is_local	a Unix socket
 * @path	of the Unix socket that we made and have to remove; or NULL
 * @dev, @ino	what it was when we made it
 * @hosts	TCP: how it may be called, as the header Host has it
 */
struct sbx_listener {
	int fd;
	bool is_local;
	char *path;
	dev_t dev;
	ino_t ino;
	struct sbx_strv hosts;
};

#define SBX_LISTENER_INIT                                                      \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Closes it, and removes the socket if it is still ours. */
void sbx_listener_close(struct sbx_listener *listener);

/*
 * Listens at @path, mode 0600 from its first moment.  A socket that nobody
 * listens at any more is replaced; two daemons that do so at once do it one
 * after the other.  MISCONFIGURED: another daemon listens there, something
 * else is in its place, the path is too long, it cannot be made.
 */
int sbx_listener_open_unix(struct sbx_listener *out, const char *path,
			   struct sbx_error *err);

/*
 * Listens at "ADDRESS:PORT", the address a numeric one (of IPv6 in brackets),
 * so that no resolver decides who can reach us.  INVALID for anything else,
 * MISCONFIGURED when it cannot be had.
 */
int sbx_listener_open_tcp(struct sbx_listener *out, const char *where,
			  struct sbx_error *err);

/*
 * Takes over what systemd listens at for us (sd_listen_fds(3): $LISTEN_PID,
 * $LISTEN_FDS), at most @max; *@n of them, 0 when there are none.
 * MISCONFIGURED for a descriptor that is no listening Unix socket.
 */
int sbx_listener_inherit(struct sbx_listener *out, size_t max, size_t *n,
			 struct sbx_error *err);

#endif
