/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_FRAMES_H
#define SBX_CODEC_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Takes apart Docker's multiplexed stream: an 8-byte header (stream id, three
 * zero bytes, big-endian length), then that many bytes.  Docker Engine API,
 * ContainerAttach, "Stream format".  Nothing is buffered: payload is handed
 * on as it comes, a frame may come in several parts.
 */
struct sbx_frames {
	unsigned char header[8];
	unsigned int have;  /* bytes of the header that are there */
	uint32_t remaining; /* payload bytes still to come */
};

#define SBX_FRAMES_INIT                                                        \
	{                                                                      \
		.have = 0                                                      \
	}

#define SBX_FRAMES_STDOUT 1
#define SBX_FRAMES_STDERR 2

/* @stream: SBX_FRAMES_STDOUT or _STDERR.  -1 with @err set stops. */
typedef int (*sbx_frames_sink)(void *ctx, int stream, const void *data,
			       size_t size, struct sbx_error *err);

/*
 * Feeds @data.  0, or -1: the sink's error, or SANDBOX_FAILED when this is
 * not such a stream.
 */
int sbx_frames_feed(struct sbx_frames *frames, const void *data, size_t size,
		    sbx_frames_sink sink, void *ctx, struct sbx_error *err);

#endif
