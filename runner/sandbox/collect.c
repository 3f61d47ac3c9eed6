/* SPDX-License-Identifier: MIT */
#include "sandbox/collect.h"

#include "codec/frames.h"

int sbx_collect_begin(struct sbx_collect *collect,
		      const struct sbx_secrets *secrets, size_t limit,
		      const struct sbx_run_events *events,
		      struct sbx_error *err)
{
	collect->events = events;
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

struct sink {
	const struct sbx_collect *collect;
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

/* A mark may be longer than what it stands for. */
static void keep(void *ctx, const void *data, size_t size)
{
	const struct sink *sink = ctx;
	size_t kept = sbx_buf_append(&sink->stream->kept, data, size);

	if (kept < size)
		sink->stream->is_cut = true;
	hand_on(sink, data, kept);
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
	return sbx_redaction_feed(stream->redaction, data, size, keep, &sink,
				  err);
}

void sbx_collect_end(struct sbx_collect *collect, bool is_cut)
{
	for (int i = 0; i < SBX_COLLECT_STREAMS; i++) {
		struct sbx_collected *stream = &collect->streams[i];
		struct sink sink = { .collect = collect, .stream = stream };

		sbx_redaction_end(stream->redaction, is_cut || stream->is_cut,
				  keep, &sink);
	}
}

void sbx_collect_clear(struct sbx_collect *collect)
{
	for (int i = 0; i < SBX_COLLECT_STREAMS; i++) {
		sbx_redaction_free(&collect->streams[i].redaction);
		sbx_buf_free(&collect->streams[i].kept);
	}
	sbx_redactor_free(&collect->redactor);
}
