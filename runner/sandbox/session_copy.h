/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SESSION_COPY_H
#define SBX_SANDBOX_SESSION_COPY_H

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "engine/engine.h"
#include "sandbox/copy.h"

/*
 * Files into and out of a session, as an archive (sandbox/copy.h): who has
 * files or a tar makes one of them first, or out of it.
 */

/* What may be copied at once. */
#define SBX_SESSION_COPY_BYTES	 (1024LL * 1024 * 1024)
#define SBX_SESSION_COPY_ENTRIES 100000
extern const struct sbx_copy_limits sbx_session_copy_max;

#define SBX_SESSION_COPY_TIMEOUT_MS (10LL * 60 * 1000)

/*
 * @path	in the session, of its user; what is relative is below
 *		SBX_WORKSPACE
 * @fd		a file, borrowed: the archive, from its beginning to its end; or
 *		what is written behind what it has
 * @wait_ms	how long another's run is waited for, then BUSY
 * @lines	hears what was left out
 */
struct sbx_session_copy {
	const char *owner;
	const char *name;
	const char *path;
	int fd;
	int64_t timeout_ms;
	double wait_ms;
	const struct sbx_progress *lines;
};

/*
 * 0, or SBX_SESSION_COPY_PARTLY when something could not be copied and all
 * else may have been: @err has the last of what is to be said of that, @lines
 * the rest.  -1 as sbx_session_run() fails, and INVALID for what is too much;
 * what went in until then is there, and what came out is no whole archive.
 */
#define SBX_SESSION_COPY_PARTLY 1
int sbx_session_copy_in(struct sbx_engine *engine,
			const struct sbx_session_copy *copy,
			struct sbx_error *err);
int sbx_session_copy_out(struct sbx_engine *engine,
			 const struct sbx_session_copy *copy,
			 struct sbx_error *err);

#endif
