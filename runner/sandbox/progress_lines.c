/* SPDX-License-Identifier: MIT */
#include "sandbox/progress_lines.h"

#include <string.h>

#include "codec/json.h"

#define MARK_SIZE (sizeof(SBX_PROGRESS_MARK) - 1)

/* Of the members: how many are known, and are what they have to be. */
static size_t read_members(const json_t *object, struct sbx_run_progress *out)
{
	const json_t *done = json_object_get(object, "progress");
	const json_t *total = json_object_get(object, "total");
	const json_t *message = json_object_get(object, "message");

	*out = (struct sbx_run_progress){
		.done = json_is_number(done) ? json_number_value(done) : -1,
		.total = json_is_number(total) ? json_number_value(total) : -1,
		.message = sbx_json_plain_text(message),
	};
	return (size_t)(out->done >= 0) + (out->total > 0) +
	       (out->message != NULL);
}

/* @line without its mark; false when it is not what it seemed to be. */
static bool report(const char *line, size_t size,
		   const struct sbx_progress_sink *sink)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_run_progress progress;
	json_auto_t *object = NULL;

	if (sbx_json_parse(line, size, &object, &ignored) < 0 ||
	    read_members(object, &progress) != json_object_size(object) ||
	    progress.done < 0)
		return false;
	sink->progress(sink->ctx, &progress);
	return true;
}

static void release(struct sbx_progress_lines *lines,
		    const struct sbx_progress_sink *sink)
{
	if (lines->held.len)
		sink->bytes(sink->ctx, sbx_buf_text(&lines->held),
			    lines->held.len);
	sbx_buf_free(&lines->held);
}

static void end_line(struct sbx_progress_lines *lines,
		     const struct sbx_progress_sink *sink)
{
	const char *line = sbx_buf_text(&lines->held);

	if (report(line + MARK_SIZE, lines->held.len - MARK_SIZE, sink))
		sbx_buf_free(&lines->held);
	else
		release(lines, sink);
}

/* One byte of a line that still may be one; false when it cannot be by it. */
static bool hold(struct sbx_progress_lines *lines, char byte,
		 const struct sbx_progress_sink *sink)
{
	size_t held = lines->held.len;

	if ((held < MARK_SIZE && byte != SBX_PROGRESS_MARK[held]) ||
	    sbx_buf_append(&lines->held, &byte, 1) == 0) {
		lines->in_line = true;
		release(lines, sink);
		return false;
	}
	if (byte == '\n')
		end_line(lines, sink);
	return true;
}

/* How many bytes at @data are of the line that goes on, with its end. */
static size_t skip_line(struct sbx_progress_lines *lines, const char *data,
			size_t size)
{
	const char *end = memchr(data, '\n', size);

	if (!end)
		return size;
	lines->in_line = false;
	return (size_t)(end + 1 - data);
}

/* Whole runs of ordinary lines pass in one piece: [from, at). */
void sbx_progress_lines_feed(struct sbx_progress_lines *lines, const void *data,
			     size_t size, const struct sbx_progress_sink *sink)
{
	const char *bytes = data;
	size_t from = 0;
	size_t at = 0;

	while (at < size) {
		if (lines->in_line) {
			at += skip_line(lines, bytes + at, size - at);
			continue;
		}
		if (lines->held.len == 0 && bytes[at] != SBX_PROGRESS_MARK[0]) {
			lines->in_line = true;
			continue;
		}
		if (from < at)
			sink->bytes(sink->ctx, bytes + from, at - from);
		from = at;
		if (hold(lines, bytes[at], sink))
			from = ++at;
	}
	if (from < at)
		sink->bytes(sink->ctx, bytes + from, at - from);
}

void sbx_progress_lines_end(struct sbx_progress_lines *lines,
			    const struct sbx_progress_sink *sink)
{
	release(lines, sink);
}

void sbx_progress_lines_free(struct sbx_progress_lines *lines)
{
	sbx_buf_free(&lines->held);
}
