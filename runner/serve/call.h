/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_CALL_H
#define SBX_SERVE_CALL_H

#include <stddef.h>

#include "base/error.h"
#include "sandbox/files.h"
#include "secret/secrets.h"
#include "skill/grant.h"

/*
 * What a client asks for, in C: a run, a session, or a run in one.
 *
 * @skill, @action	valid names; NULL where they need not be given
 * @session		valid, or NULL: of the session, or the one it is in
 * @input		the bytes of the member "input" as they stand in the
 *			body, borrowed from there; "{}" without it; or those of
 *			"stdin", which are @data
 * @overrides		of the members "config" and "publish"
 * @secrets		of "config"
 * @files		of the member "files"
 * @run_id, @owner	valid ones, or NULL
 * @image, @ttl_ms	of a session; or NULL, or SBX_CALL_TTL_UNSAID
 * @command, @working_dir, @detach	of a run in a session; no command, or
 *			NULL, or false
 */
struct sbx_call {
	char *session;
	char *skill;
	char *action;
	const char *input;
	size_t input_size;
	struct sbx_overrides overrides;
	struct sbx_secrets secrets;
	struct sbx_files files;
	char *run_id;
	char *owner;
	char *image;
	int64_t ttl_ms;
	struct sbx_strv command;
	unsigned char *data;
	char *working_dir;
	bool detach;
};

#define SBX_CALL_TTL_UNSAID (-1)

#define SBX_CALL_INIT                                                          \
	{                                                                      \
		.overrides = SBX_OVERRIDES_INIT, .ttl_ms = SBX_CALL_TTL_UNSAID \
	}
void sbx_call_clear(struct sbx_call *call);

/*
 * Decodes the body of POST /v1/runs.  INVALID for what is no JSON or has a
 * member that is unknown, missing or of another shape; MISCONFIGURED when there
 * is no memory for secrets.  No value of a secret is in a message.
 */
int sbx_call_decode(const char *body, size_t size, struct sbx_call *out,
		    struct sbx_error *err);

/* The same of POST /v1/sessions. */
int sbx_call_decode_session(const char *body, size_t size, struct sbx_call *out,
			    struct sbx_error *err);

/*
 * The same of POST /v1/sessions/{session}/runs: it has either a command, with
 * "stdin", or an action, which may be the session's own, with "input"; and of
 * "config" nothing but variables and a time-out.  @session is left alone.
 */
int sbx_call_decode_in_session(const char *body, size_t size,
			       struct sbx_call *out, struct sbx_error *err);

#endif
