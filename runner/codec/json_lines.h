/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_JSON_LINES_H
#define SBX_CODEC_JSON_LINES_H

#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/* Takes apart a stream of JSON objects, one a line, as it comes in pieces. */
struct sbx_json_lines {
	struct sbx_buf line;
};

#define SBX_JSON_LINES_MAX ((size_t)8 << 20)

#define SBX_JSON_LINES_INIT                                                    \
	{                                                                      \
		.line = SBX_BUF_INIT(SBX_JSON_LINES_MAX)                       \
	}

/* @value is borrowed.  -1 with @err set stops. */
typedef int (*sbx_json_lines_sink)(void *ctx, const json_t *value,
				   struct sbx_error *err);

/*
 * Hands on each complete line; empty lines do not count.  0, or -1: the
 * sink's error, or UNAVAILABLE for what is no JSON object or longer than
 * SBX_JSON_LINES_MAX.
 */
int sbx_json_lines_feed(struct sbx_json_lines *lines, const char *data,
			size_t size, sbx_json_lines_sink sink, void *ctx,
			struct sbx_error *err);

/* The same for a last line without an end. */
int sbx_json_lines_flush(struct sbx_json_lines *lines, sbx_json_lines_sink sink,
			 void *ctx, struct sbx_error *err);

void sbx_json_lines_free(struct sbx_json_lines *lines);

#endif
