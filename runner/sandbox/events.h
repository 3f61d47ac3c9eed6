/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_EVENTS_H
#define SBX_SANDBOX_EVENTS_H

#include <stdbool.h>
#include <stddef.h>

/* What a run tells while it goes on.  The record comes at the end of it. */

/*
 * How far an action says it is.
 *
 * @done	at least 0
 * @total	what @done will be at the end; negative: it does not say
 * @message	valid UTF-8 but not escaped, or NULL
 */
struct sbx_run_progress {
	double done;
	double total;
	const char *message;
};

/*
 * Who listens.  Each may be NULL.  All are called by the thread that runs the
 * action, in the order in which things happen, and what they get is valid
 * during the call.  One that takes long holds up the run, and init bears only
 * some seconds of that.
 *
 * @line	of what goes on before the action runs, such as a build: valid
 *		UTF-8 but not escaped
 * @started	there is a sandbox, and the action is about to get its input;
 *		@start is the record's "start"
 * @output	bytes as the action writes them, without secrets, unescaped and
 *		within the limit; @stream is SBX_FRAMES_STDOUT or
 *		SBX_FRAMES_STDERR
 * @has_room	whether more output is welcome, SBX_RUN_EVENTS_STEP bytes of
 *		each stream; while it is not what the action writes stays in
 *		its pipes, where it has some
 * @room_fd	readable when @has_room may tell something else than it did
 * @progress	never many: of what comes faster the latest counts
 * @has_stdout	what @output gets of stdout the record need not have, so that it
 *		may be more than memory holds; it does have it where all of it
 *		has to be looked at, and then @output gets it, too
 */
#define SBX_RUN_EVENTS_STEP ((size_t)256 * 1024)
struct sbx_run_events {
	void (*line)(void *ctx, const char *line);
	void (*started)(void *ctx, const char *start);
	void (*output)(void *ctx, int stream, const void *data, size_t size);
	bool (*has_room)(void *ctx);
	int room_fd;
	void (*progress)(void *ctx, const struct sbx_run_progress *progress);
	bool has_stdout;
	void *ctx;
};

#endif
