/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_REQUEST_H
#define SBX_CLI_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/strv.h"
#include "sandbox/files.h"
#include "secret/secrets.h"
#include "skill/grant.h"

/* What `skillbox run` makes of its arguments, before anything runs. */

/* What is read of an input at most; an action's own limit is lower. */
#define SBX_REQUEST_INPUT_MAX	 (64 * 1024 * 1024)
#define SBX_REQUEST_ENV_FILE_MAX (1024 * 1024)

/* The options that become overrides, as they were written; NULL: not given. */
struct sbx_request_options {
	struct sbx_strv env;
	struct sbx_strv env_files;
	struct sbx_strv volumes;
	struct sbx_strv secrets;
	struct sbx_strv files;
	struct sbx_strv publish;
	const char *network;
	const char *timeout;
	const char *memory;
	const char *cpus;
	const char *pids_limit;
};

/*
 * The overrides that can be told from the command line alone: everything but
 * the environment.  INVALID: "--timeout: 'soon' is not a duration ...".
 */
int sbx_request_overrides(const struct sbx_request_options *options,
			  struct sbx_overrides *out, struct sbx_error *err);

/* None of them is given. */
bool sbx_request_is_plain(const struct sbx_request_options *options);

/*
 * The environment: the files' first, then -e, the later wins.  INVALID for
 * a file that cannot be read, and for "-e NAME" where NAME is not set here.
 */
int sbx_request_environment(const struct sbx_request_options *options,
			    struct sbx_strv *out, struct sbx_error *err);

/*
 * Adds the lines of @data, an env file as `docker run --env-file` reads it:
 * "NAME=value" taken as it stands (no quotes, nothing trimmed), "NAME" from
 * our own environment when it is set there, "#" comments, empty lines.
 * INVALID: "FILE:LINE: ...".  Pure but for getenv(3).
 */
int sbx_request_env_lines(const char *data, size_t size, const char *file,
			  struct sbx_strv *out, struct sbx_error *err);

/* "NAME=value", or "NAME" to take it from here.  INVALID. */
int sbx_request_env_entry(const char *entry, struct sbx_strv *out,
			  struct sbx_error *err);

/*
 * Reads what "NAME=@FILE" and "NAME=fd:N" say.  INVALID, naming the secret and
 * never what was given as its value; CANCELLED; MISCONFIGURED (no memory for
 * secrets).
 */
int sbx_request_secrets(const struct sbx_strv *options, struct sbx_secrets *out,
			struct sbx_error *err);

/*
 * Reads what "NAME=PATH" say.  INVALID, CANCELLED.
 */
int sbx_request_files(const struct sbx_strv *options, int cancel_fd,
		      struct sbx_files *out, struct sbx_error *err);

/* All of a file, appended to @out.  INVALID, CANCELLED. */
int sbx_request_read_file(const char *path, int cancel_fd, struct sbx_buf *out,
			  struct sbx_error *err);

/*
 * The input: @argument itself, "@FILE", "-" for stdin, NULL for "{}".
 * Appended to @out.  INVALID (unreadable, too large), or CANCELLED when
 * @cancel_fd became readable before it was whole.
 */
int sbx_request_input(const char *argument, int cancel_fd, struct sbx_buf *out,
		      struct sbx_error *err);

#endif
