/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_SESSION_REMOTE_H
#define SBX_CLI_SESSION_REMOTE_H

#include <jansson.h>

#include "base/error.h"
#include "cli/request.h"
#include "skill/grant.h"

/*
 * A session that the daemon is asked to make.
 *
 * @socket	path
 * @action, @ttl, @image	as written, or NULL
 * @request	of it what is text as it was written; the rest is in @overrides
 * @cancel_fd	readable when the caller wants out
 */
struct sbx_session_remote {
	const char *socket;
	const char *name;
	const char *skill;
	const char *action;
	const char *ttl;
	const char *image;
	const struct sbx_request_options *request;
	const struct sbx_overrides *overrides;
	int cancel_fd;
};

/* 0 and what the daemon says of it, a new reference; as sbx_remote_call(). */
int sbx_session_remote_create(const struct sbx_session_remote *remote,
			      json_t **out, struct sbx_error *err);

#endif
