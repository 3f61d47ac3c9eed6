/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_DAEMON_H
#define SBX_SERVE_DAEMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"

/*
 * What `skillbox serve` was told.
 *
 * @socket	path of the Unix socket; NULL for the default one, unless
 *systemd gave us sockets
 * @listen	"ADDRESS:PORT" of TCP
 * @hosts	"NAME:PORT", how it may be called over TCP besides
 * @token_file	what TCP asks for
 * @skills, @policy, @keys	as on the command line; or NULL
 * @engine	its URL
 * @record_dir	where records are kept; or NULL
 * @runs	at once, and how many wait for that
 * @body_max	bytes of one request
 * @request_ms	how long a client may take to say what it wants
 * @image_wait_ms	how long a call of a tool waits for its image
 * @has_sessions	there are tools of sessions
 * @say		gets lines for people
 */
struct sbx_daemon_options {
	const char *socket;
	const char *default_socket;
	struct sbx_strv listen;
	struct sbx_strv hosts;
	const char *token_file;
	const char *skills;
	const char *policy;
	const char *keys;
	const char *engine;
	const char *record_dir;
	unsigned int runs;
	unsigned int queue;
	size_t body_max;
	int64_t request_ms;
	int64_t image_wait_ms;
	bool has_sessions;
	void (*say)(const char *line);
};

#define SBX_DAEMON_RUNS	      64
#define SBX_DAEMON_QUEUE      256
#define SBX_DAEMON_REQUEST_MS 60000
#define SBX_DAEMON_BODY_MAX   ((size_t)66 * 1024 * 1024)

/*
 * Serves until SIGTERM or SIGINT: then no run begins any more, those that are
 * under way end, and it returns 0; a second signal cancels them, a third ends
 * the process.  SIGHUP has skills and policy read again.  To be called while
 * there is one thread.  -1 when it could not begin.
 */
int sbx_daemon_run(const struct sbx_daemon_options *options,
		   struct sbx_error *err);

#endif
