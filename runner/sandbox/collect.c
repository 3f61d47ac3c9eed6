/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.  Bytes go through these, in this order:
 *
 *	limit		counts all that the action writes, lines of progress
 *			too: what costs the runner work has a bound
 *	redaction	nothing behind it ever sees a secret
 *	progress lines	of stderr only
 *	keep		for the record, and on to who listens
 *
 * Redaction and progress lines hold back what may be the beginning of
 * something, so at the end they are told in the same order.  A line of
 * progress that a secret stood in is judged as it is then: by a "***" for a
 * number it is no JSON any more, and stays in stderr like that.
 */
#include "sandbox/collect.h"

#include <math.h>

#include "base/clock.h"
#include "codec/frames.h"

int sbx_collect_begin(struct sbx_collect *collect,
		      const struct sbx_secrets *secrets, size_t limit,
		      const struct sbx_run_events *events,
		      struct sbx_error *err)
{
	collect->events = events;
	collect->lines = (struct sbx_progress_lines)SBX_PROGRESS_LINES_INIT;
	if (sbx_redactor_new(&collect->redactor, secrets, err) < 0)
		return -1;
	for (int i = 0; i < SBX_COLLECT_STREAMS; i++) {
		struct sbx_collected *stream = &collect->streams[i];

		stream->left = limit;
		stream->kept.max = limit;
		if (sbx_redaction_new(&stream->redaction, collect->redactor,
				      err) < 0)
			return -1;
	}
	return 0;
}

/* --- the last of the four -------------------------------------------------- */

struct sink {
	struct sbx_collect *collect;
	struct sbx_collected *stream;
};

/* The output file is a part of the record only. */
static void hand_on(const struct sink *sink, const void *data, size_t size)
{
	const struct sbx_collected *streams = sink->collect->streams;
	const struct sbx_run_events *events = sink->collect->events;

	if (!events || !events->output || size == 0 ||
	    sink->stream == &streams[SBX_COLLECT_FILE])
		return;
	events->output(events->ctx,
		       sink->stream == &streams[SBX_COLLECT_OUT]
			       ? SBX_FRAMES_STDOUT
			       : SBX_FRAMES_STDERR,
		       data, size);
}

static bool is_elsewhere(const struct sink *sink)
{
	const struct sbx_run_events *events = sink->collect->events;

	return events && events->has_stdout &&
	       sink->stream == &sink->collect->streams[SBX_COLLECT_OUT];
}

/* A mark may be longer than what it stands for. */
static void keep(void *ctx, const void *data, size_t size)
{
	const struct sink *sink = ctx;
	size_t kept;

	if (is_elsewhere(sink)) {
		hand_on(sink, data, size);
		return;
	}
	kept = sbx_buf_append(&sink->stream->kept, data, size);
	if (kept < size)
		sink->stream->is_cut = true;
	hand_on(sink, data, kept);
}

/* --- progress -------------------------------------------------------------- */

static void tell(struct sbx_collect *collect, double now)
{
	const struct sbx_run_events *events = collect->events;
	const struct sbx_run_progress *progress =
		sbx_pace_take(&collect->pace, now);

	if (progress && events && events->progress)
		events->progress(events->ctx, progress);
}

static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	const struct sink *sink = ctx;

	sbx_pace_put(&sink->collect->pace, progress);
	sbx_collect_tick(sink->collect);
}

double sbx_collect_wait(struct sbx_collect *collect)
{
	return sbx_pace_wait(&collect->pace, sbx_clock_ms());
}

void sbx_collect_tick(struct sbx_collect *collect)
{
	tell(collect, sbx_clock_ms());
}

/* --- the way through ------------------------------------------------------- */

static void split(void *ctx, const void *data, size_t size)
{
	struct sink *sink = ctx;
	const struct sbx_progress_sink to = {
		.bytes = keep,
		.progress = on_progress,
		.ctx = sink,
	};

	sbx_progress_lines_feed(&sink->collect->lines, data, size, &to);
}

/* What comes behind redaction. */
static sbx_redact_sink *next_of(const struct sink *sink)
{
	return sink->stream == &sink->collect->streams[SBX_COLLECT_ERR] ? split
									: keep;
}

int sbx_collect_take(struct sbx_collect *collect, enum sbx_collect_stream which,
		     const void *data, size_t size, struct sbx_error *err)
{
	struct sbx_collected *stream = &collect->streams[which];
	struct sink sink = { .collect = collect, .stream = stream };

	if (size > stream->left) {
		size = stream->left;
		stream->is_cut = true;
	}
	stream->left -= size;
	return sbx_redaction_feed(stream->redaction, data, size, next_of(&sink),
				  &sink, err);
}

static void end_lines(struct sbx_collect *collect)
{
	struct sink sink = {
		.collect = collect,
		.stream = &collect->streams[SBX_COLLECT_ERR],
	};
	const struct sbx_progress_sink to = { .bytes = keep, .ctx = &sink };

	sbx_progress_lines_end(&collect->lines, &to);
	tell(collect, INFINITY);
}

void sbx_collect_end(struct sbx_collect *collect, bool is_cut)
{
	for (int i = 0; i < SBX_COLLECT_STREAMS; i++) {
		struct sbx_collected *stream = &collect->streams[i];
		struct sink sink = { .collect = collect, .stream = stream };

		sbx_redaction_end(stream->redaction, is_cut || stream->is_cut,
				  next_of(&sink), &sink);
	}
	end_lines(collect);
}

void sbx_collect_clear(struct sbx_collect *collect)
{
	for (int i = 0; i < SBX_COLLECT_STREAMS; i++) {
		sbx_redaction_free(&collect->streams[i].redaction);
		sbx_buf_free(&collect->streams[i].kept);
	}
	sbx_redactor_free(&collect->redactor);
	sbx_progress_lines_free(&collect->lines);
	sbx_pace_free(&collect->pace);
}
