/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_TRANSPORT_H
#define SBX_ENGINE_TRANSPORT_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * How an engine is reached, or a daemon of ours.  A transport only knows how to
 * connect; what is said over the connection is the same for all of them.  A new
 * kind (TCP, TLS, ssh) is one more row of operations.
 */
struct sbx_transport;

/*
 * @scheme	of the URLs it serves
 * @parse	takes the part of the URL behind "scheme://"; INVALID
 * @connect	begins to connect: a new non-blocking socket, which is connected
 *		once it is writable, or -1 with errno; EAGAIN: try again later
 * @platform	of the engine: static string, "linux/amd64"
 * @identity	a number that is the same for URLs that lead to one engine, as
 *		far as that can be told
 * @advice	what to do about a connect(2) that failed with @errnum, or
 *		NULL: static string, a clause that fits in brackets
 */
struct sbx_transport_ops {
	const char *scheme;
	int (*parse)(struct sbx_transport *transport, const char *rest,
		     struct sbx_error *err);
	int (*connect)(const struct sbx_transport *transport);
	const char *(*platform)(const struct sbx_transport *transport);
	uint64_t (*identity)(const struct sbx_transport *transport);
	const char *(*advice)(const struct sbx_transport *transport,
			      int errnum);
};

/*
 * @peer	what is there: static, "engine"; whoever talks to something else
 *		says so
 * @url		as it was given
 * @address	what @parse made of the URL: the socket's path
 */
struct sbx_transport {
	const struct sbx_transport_ops *ops;
	const char *peer;
	char *url;
	char *address;
};

/* INVALID for a URL of a kind that is unknown, or not supported yet. */
int sbx_transport_new(struct sbx_transport **out, const char *url,
		      struct sbx_error *err);
void sbx_transport_free(struct sbx_transport **transport);

#endif
