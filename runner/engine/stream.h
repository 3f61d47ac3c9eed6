/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_STREAM_H
#define SBX_ENGINE_STREAM_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/engine.h"

/*
 * A hijacked connection: the attached standard streams of one container.
 * Bytes sent reach the container's stdin; bytes received are Docker's
 * multiplexed stream (codec/frames.h takes them apart).
 */
struct sbx_stream;

/*
 * Attaches to a created container and returns after the engine's 101 (bytes
 * sent before it would be lost).  UNAVAILABLE or CANCELLED on failure.
 * SBX_STREAM_NO_COMMAND, with @err filled, as SBX_CONTAINER_NO_COMMAND of a
 * start: Podman gets the container ready here.
 */
#define SBX_STREAM_NO_COMMAND 1
int sbx_stream_attach(struct sbx_stream **out, struct sbx_engine *engine,
		      const char *container, struct sbx_error *err);

/* For poll(2) only. */
int sbx_stream_fd(const struct sbx_stream *stream);

/*
 * Neither blocks.  Bytes moved; 0 when it would block; SBX_STREAM_CLOSED
 * (receive only) at the end of the stream; -1 with UNAVAILABLE when the
 * connection is broken.  After a receive that returned bytes there may be
 * more even though poll(2) would say nothing: receive until 0.
 */
#define SBX_STREAM_CLOSED (-2)
ssize_t sbx_stream_send(struct sbx_stream *stream, const void *data,
			size_t size, struct sbx_error *err);
ssize_t sbx_stream_recv(struct sbx_stream *stream, void *data, size_t size,
			struct sbx_error *err);

/* Closes the connection: the container's stdin ends (StdinOnce). */
void sbx_stream_free(struct sbx_stream **stream);

#endif
