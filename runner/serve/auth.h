/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_AUTH_H
#define SBX_SERVE_AUTH_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/strv.h"

/*
 * Who may ask.  On a Unix socket that is told by the kernel, which knows the
 * user at the other end; over TCP by a bearer token (RFC 6750), and a browser
 * that somebody's page sends here is told by its headers Origin and Host.
 */

/* A token: what its hash is, so that two are compared in constant time. */
#define SBX_TOKEN_HASH_SIZE 32
struct sbx_token {
	unsigned char hash[SBX_TOKEN_HASH_SIZE];
};

/* Shorter ones can be guessed; longer ones fit no header. */
#define SBX_TOKEN_SIZE_MIN 16
#define SBX_TOKEN_SIZE_MAX 4096

/*
 * Reads the token in @path, the whole file but for a newline at its end.
 * MISCONFIGURED when it cannot be read, belongs to somebody else than root and
 * us, can be read by others, or is no token: too short, too long, or other
 * characters than the printable ones of ASCII without blanks.
 */
int sbx_token_read(const char *path, struct sbx_token *out,
		   struct sbx_error *err);

/* Whether @header, the value of Authorization or NULL, has that token. */
bool sbx_token_fits(const struct sbx_token *token, const char *header);

/* The user at the other end of a Unix socket; false when nobody can tell. */
bool sbx_peer_uid(int fd, uid_t *uid);

/* Whether that user may ask: root, and who the daemon is itself. */
bool sbx_peer_may_ask(uid_t uid);

/*
 * Whether a request that says so in its headers was meant for us: @host (or
 * NULL) is one of @hosts, and @origin (or NULL), where there is one, has such
 * a host too.  A page of any other site, and a name that was made to point here
 * (DNS rebinding), say something else.  Pure.
 */
bool sbx_host_is_ours(const struct sbx_strv *hosts, const char *host,
		      const char *origin);

#endif
