/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_STREAM_H
#define SBX_SERVE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "sandbox/events.h"

/*
 * The events of a run, or of a build, on their way from the thread that does
 * it to the one that sends them.  What is not sent yet is bounded: a client
 * that is slow holds up its action, and one that takes nothing for
 * SBX_STREAM_STALL_MS has gone away.
 */
struct sbx_stream;

#define SBX_STREAM_STALL_MS 30000.0
#define SBX_STREAM_BEAT_MS  15000.0

/*
 * JSON Lines; Server-Sent Events (WHATWG HTML, section 9.2); or no events but
 * the bytes of stdout.
 */
enum sbx_stream_form { SBX_STREAM_LINES, SBX_STREAM_SSE, SBX_STREAM_BYTES };

/* Whether a header Accept (or NULL) asks for one, and in which form. */
bool sbx_stream_is_accepted(const char *accept, enum sbx_stream_form *form);

/*
 * What it tells of.  @cancel ends that, from any thread; @release is called
 * when neither writer nor reader is there any more.  Each may be NULL.
 */
struct sbx_stream_source {
	void (*cancel)(void *ctx);
	void (*release)(void *ctx);
	void *ctx;
};

/* Has a writer and a reader; each lets go of it when it has done. */
void sbx_stream_new(struct sbx_stream **out, enum sbx_stream_form form,
		    const struct sbx_stream_source *source, int connection);

/* What the action writes is told by the record only; before it runs. */
void sbx_stream_leave_out_output(struct sbx_stream *stream);

/* "application/x-ndjson", "text/event-stream", "application/octet-stream" */
const char *sbx_stream_type(enum sbx_stream_form form);

/* For struct sbx_run, of the writer. */
void sbx_stream_events(struct sbx_stream *stream, struct sbx_run_events *out);

/* An event of the writer's own: its name, and the text of its JSON. */
void sbx_stream_put(struct sbx_stream *stream, const char *name,
		    const char *data);

/*
 * The writer's last words: an event called @name, @data its JSON, or NULL for
 * none, and whether all went well.  Lets go.
 */
void sbx_stream_end(struct sbx_stream *stream, const char *name,
		    const char *data, bool is_well);

/*
 * Waits until there is something to read or it has ended: true, unless it is of
 * bytes and there are none because the run failed.
 */
bool sbx_stream_begins(struct sbx_stream *stream);

/*
 * Takes what there is, at most @size bytes; waits until there is something, or
 * for the time for a sign of life.  0 at the end, -1 when that is the end of
 * bytes of a run that failed.
 */
ssize_t sbx_stream_read(struct sbx_stream *stream, char *data, size_t size);

/* The reader lets go; before the end that cancels the run. */
void sbx_stream_close(struct sbx_stream *stream);

#endif
