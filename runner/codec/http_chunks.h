/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_HTTP_CHUNKS_H
#define SBX_CODEC_HTTP_CHUNKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Takes a chunked body apart (RFC 9112, section 7.1).  Nothing is buffered:
 * data is handed on as it comes.  Extensions and trailers are passed over.
 *
 * @left	bytes of the present chunk that are still to come
 * @length	of the present line
 * @extra	bytes of extensions or trailers, which have to stay few
 * @ended	the last line of the body has been seen
 */
struct sbx_http_chunks {
	int state;
	uint64_t left;
	size_t length;
	size_t extra;
	bool ended;
};

#define SBX_HTTP_CHUNKS_INIT                                                   \
	{                                                                      \
		.state = 0                                                     \
	}

/*
 * Feeds @data, as far as it belongs to the body: *@used bytes.  0, or -1: the
 * sink's error, or UNAVAILABLE when it is no chunked body.
 */
int sbx_http_chunks_feed(struct sbx_http_chunks *chunks, const char *data,
			 size_t size, size_t *used,
			 int (*sink)(void *ctx, const void *data, size_t size,
				     struct sbx_error *err),
			 void *ctx, struct sbx_error *err);

#endif
