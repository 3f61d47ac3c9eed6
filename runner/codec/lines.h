/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_LINES_H
#define SBX_CODEC_LINES_H

#include <stddef.h>

#include "base/buf.h"

/*
 * Makes lines of text out of a program's output as it comes in pieces.  What
 * was meant for a terminal is reduced to what one would see there at the end:
 * a carriage return starts the line anew, escape sequences (ECMA-48: CSI, OSC)
 * go.  The lines are valid UTF-8 without a NUL and not otherwise escaped.
 */
struct sbx_lines {
	struct sbx_buf partial;
};

/* A longer line comes as several. */
#define SBX_LINES_MAX 4096

#define SBX_LINES_INIT                                                         \
	{                                                                      \
		.partial = SBX_BUF_INIT(SBX_LINES_MAX)                         \
	}

typedef void (*sbx_lines_sink)(void *ctx, const char *line);

void sbx_lines_feed(struct sbx_lines *lines, const char *data, size_t size,
		    sbx_lines_sink sink, void *ctx);

/* Hands out what is there of a last line without an end. */
void sbx_lines_flush(struct sbx_lines *lines, sbx_lines_sink sink, void *ctx);

void sbx_lines_free(struct sbx_lines *lines);

#endif
