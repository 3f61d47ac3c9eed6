/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_PROGRESS_LINES_H
#define SBX_SANDBOX_PROGRESS_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "sandbox/events.h"

/*
 * Finds in a stream the lines by which an action says how far it is:
 *
 *	::progress::{"progress":3,"total":10,"message":"three of ten"}
 *
 * One line, with its newline, of at most SBX_PROGRESS_LINE_MAX bytes; behind
 * the mark one JSON object with "progress", a number from 0, and if it likes
 * "total", a number above 0, and "message", a string without U+0000; nothing
 * else.  All other bytes pass unchanged, and so does a line that begins like
 * one of these and is none.  Pure.
 *
 * @held	the beginning of what may become such a line
 * @in_line	the line that goes on is none
 */
struct sbx_progress_lines {
	struct sbx_buf held;
	bool in_line;
};

#define SBX_PROGRESS_MARK     "::progress::"
#define SBX_PROGRESS_LINE_MAX 1024

#define SBX_PROGRESS_LINES_INIT                                                \
	{                                                                      \
		.held = SBX_BUF_INIT(SBX_PROGRESS_LINE_MAX)                    \
	}

/* In the order of the stream; @size is never 0. */
struct sbx_progress_sink {
	void (*bytes)(void *ctx, const void *data, size_t size);
	void (*progress)(void *ctx, const struct sbx_run_progress *progress);
	void *ctx;
};

void sbx_progress_lines_feed(struct sbx_progress_lines *lines, const void *data,
			     size_t size, const struct sbx_progress_sink *sink);

/* No more will come: what was held back passes. */
void sbx_progress_lines_end(struct sbx_progress_lines *lines,
			    const struct sbx_progress_sink *sink);

void sbx_progress_lines_free(struct sbx_progress_lines *lines);

#endif
