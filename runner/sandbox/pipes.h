/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_PIPES_H
#define SBX_SANDBOX_PIPES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * An action's stdin, stdout and stderr where init has been given them by the
 * runner: three new pipes.  The action can do no more to the runner with its
 * ends than write, read or close.  SIGPIPE must be ignored.
 *
 * @ours	ends that do not block: to stdin, from stdout, from stderr; -1
 *		once they are closed
 * @theirs	the other ends
 * @at, @left	input that has not been written
 * @ending	stdin is to end behind it
 * @has_fed	a byte of it was written, or its end was
 * @large	for an action that prints much
 */
struct sbx_pipes {
	int ours[3];
	int theirs[3];
	const unsigned char *at;
	size_t left;
	bool ending;
	bool has_fed;
	unsigned char *large;
};

#define SBX_PIPES_INIT                                                         \
	{                                                                      \
		.ours = { -1, -1, -1 }, .theirs = { -1, -1, -1 }               \
	}

/* Of an action that runs as @uid and @gid.  INTERNAL; then all is closed. */
int sbx_pipes_open(struct sbx_pipes *pipes, uid_t uid, gid_t gid,
		   struct sbx_error *err);
void sbx_pipes_close(struct sbx_pipes *pipes);

/* For much data, where there may be some: 1 MiB each. */
void sbx_pipes_grow(struct sbx_pipes *pipes);

/* The whole input, borrowed until it is written; then stdin ends. */
void sbx_pipes_set_input(struct sbx_pipes *pipes, const void *data,
			 size_t size);

/* Writes what the action takes now. */
void sbx_pipes_feed(struct sbx_pipes *pipes);

/* Gets what was read of stdout (@stream 1) or stderr (2); -1 stops. */
typedef int sbx_pipes_sink(void *ctx, int stream, const void *data, size_t size,
			   struct sbx_error *err);

/*
 * Reads what there is, of each stream at most @most bytes, and not for ever: so
 * much that the caller gets to see its deadlines.  0 or -1, the sink's error.
 */
int sbx_pipes_read(struct sbx_pipes *pipes, size_t most, sbx_pipes_sink *sink,
		   void *ctx, struct sbx_error *err);

/*
 * The same when nobody is left who could write, but for somebody that the
 * action handed its ends to: what is in the pipes at this moment, no more.
 */
int sbx_pipes_drain(struct sbx_pipes *pipes, sbx_pipes_sink *sink, void *ctx,
		    struct sbx_error *err);

#endif
