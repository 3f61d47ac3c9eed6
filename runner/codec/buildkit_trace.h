/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_BUILDKIT_TRACE_H
#define SBX_CODEC_BUILDKIT_TRACE_H

#include <stddef.h>

#include "base/error.h"

/*
 * Turns BuildKit's trace into lines.  Each record is a StatusResponse (moby
 * buildkit, api/services/control/control.proto) in base64: the vertexes of the
 * build's graph as they change, and what they print.  The trace keeps what it
 * must know of the vertexes seen so far; records are otherwise independent.
 */
struct sbx_buildkit_trace;

/*
 * SBX_BUILDKIT_STEP	something begins or ends: "#3 [2/4] RUN make",
 *			"#3 cached", "#3 failed: exit code: 1"
 * SBX_BUILDKIT_LOG	a line of a step's output, as it is
 */
enum sbx_buildkit_kind {
	SBX_BUILDKIT_STEP,
	SBX_BUILDKIT_LOG,
};

/* @step: the number in front of the step's own lines; valid UTF-8. */
typedef void (*sbx_buildkit_sink)(void *ctx, enum sbx_buildkit_kind kind,
				  unsigned int step, const char *line);

void sbx_buildkit_trace_new(struct sbx_buildkit_trace **out);
void sbx_buildkit_trace_free(struct sbx_buildkit_trace **trace);

/*
 * Decodes one record.  UNAVAILABLE when it is neither base64 nor protobuf;
 * unknown fields are skipped.
 */
int sbx_buildkit_trace_feed(struct sbx_buildkit_trace *trace,
			    const char *base64, size_t size,
			    sbx_buildkit_sink sink, void *ctx,
			    struct sbx_error *err);

/* Hands out last lines that have no end. */
void sbx_buildkit_trace_flush(struct sbx_buildkit_trace *trace,
			      sbx_buildkit_sink sink, void *ctx);

#endif
