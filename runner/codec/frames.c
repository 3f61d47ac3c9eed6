/* SPDX-License-Identifier: MIT */
#include "codec/frames.h"

#include <stdbool.h>
#include <string.h>

#define HEADER_SIZE 8

static int open_frame(struct sbx_frames *frames, struct sbx_error *err)
{
	const unsigned char *h = frames->header;
	bool known = h[0] == SBX_FRAMES_STDOUT || h[0] == SBX_FRAMES_STDERR;

	if (!known || h[1] || h[2] || h[3])
		return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
				     "the engine's stream is not made of "
				     "frames (header %02x%02x%02x%02x)",
				     h[0], h[1], h[2], h[3]);
	frames->remaining = (uint32_t)h[4] << 24 | (uint32_t)h[5] << 16 |
			    (uint32_t)h[6] << 8 | (uint32_t)h[7];
	/* An empty frame is over with its header. */
	if (frames->remaining == 0)
		frames->have = 0;
	return 0;
}

/* Takes header bytes; how many, or -1. */
static int feed_header(struct sbx_frames *frames, const unsigned char *data,
		       size_t size, struct sbx_error *err)
{
	size_t want = HEADER_SIZE - frames->have;

	if (want > size)
		want = size;
	memcpy(frames->header + frames->have, data, want);
	frames->have += (unsigned int)want;
	if (frames->have == HEADER_SIZE && open_frame(frames, err) < 0)
		return -1;
	return (int)want;
}

int sbx_frames_feed(struct sbx_frames *frames, const void *data, size_t size,
		    sbx_frames_sink sink, void *ctx, struct sbx_error *err)
{
	const unsigned char *at = data;
	const unsigned char *end = at + size;

	while (at < end) {
		size_t part = (size_t)(end - at);

		if (frames->have < HEADER_SIZE) {
			int used = feed_header(frames, at, part, err);

			if (used < 0)
				return -1;
			at += used;
			continue;
		}
		if (part > frames->remaining)
			part = frames->remaining;
		if (sink(ctx, frames->header[0], at, part, err) < 0)
			return -1;
		frames->remaining -= (uint32_t)part;
		if (frames->remaining == 0)
			frames->have = 0;
		at += part;
	}
	return 0;
}
