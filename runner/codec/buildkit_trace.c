/* SPDX-License-Identifier: MIT */
#include "codec/buildkit_trace.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sodium.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/lines.h"

/* Beyond these a build's steps are no longer told apart. */
#define VERTEXES_MAX 4096

/* Field numbers of control.proto. */
#define RESPONSE_VERTEX	 1
#define RESPONSE_LOG	 3
#define RESPONSE_WARNING 4
#define VERTEX_DIGEST	 1
#define VERTEX_NAME	 3
#define VERTEX_CACHED	 4
#define VERTEX_STARTED	 5
#define VERTEX_ERROR	 7
#define LOG_VERTEX	 1
#define LOG_MSG		 4
#define WARNING_SHORT	 3

/*
 * @number	0 until something is told of it
 * @began	its name has been told, or is not worth telling
 * @ended	that it was cached or failed has been told
 */
struct vertex {
	char *digest;
	struct sbx_lines lines;
	unsigned int number;
	bool began;
	bool ended;
};

struct sbx_buildkit_trace {
	struct vertex *vertexes;
	size_t n;
	unsigned int numbers;
	sbx_buildkit_sink sink;
	void *ctx;
};

/* --- protobuf, as far as it is needed ---------------------------------- */

struct span {
	const unsigned char *data;
	size_t size;
};

#define SPAN_EMPTY                                                             \
	{                                                                      \
		(const unsigned char *)"", 0                                   \
	}

/*
 * One field (protobuf.dev, "Encoding"): @bytes for what has a length, @value
 * for a varint; fixed-width fields carry neither.
 */
struct field {
	uint64_t number;
	struct span bytes;
	uint64_t value;
};

static bool skip(struct span *span, uint64_t size)
{
	if (size > span->size)
		return false;
	span->data += size;
	span->size -= (size_t)size;
	return true;
}

static bool next_varint(struct span *span, uint64_t *out)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 64; shift += 7) {
		unsigned char byte;

		if (span->size == 0)
			return false;
		byte = span->data[0];
		skip(span, 1);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (!(byte & 0x80)) {
			*out = value;
			return true;
		}
	}
	return false;
}

/* Takes the next field off @span; false when it is malformed. */
static bool next_field(struct span *span, struct field *field)
{
	uint64_t tag;
	uint64_t size;

	if (!next_varint(span, &tag))
		return false;
	*field = (struct field){ .number = tag >> 3, .bytes = SPAN_EMPTY };
	switch (tag & 7) {
	case 0:
		return next_varint(span, &field->value);
	case 1:
		return skip(span, 8);
	case 2:
		if (!next_varint(span, &size))
			return false;
		field->bytes.data = span->data;
		field->bytes.size = (size_t)size;
		return skip(span, size);
	case 5:
		return skip(span, 4);
	default:
		return false;
	}
}

/* --- vertexes --------------------------------------------------------- */

static struct vertex *find_vertex(struct sbx_buildkit_trace *trace,
				  struct span digest)
{
	struct vertex *vertex;

	for (size_t i = 0; i < trace->n; i++) {
		const char *known = trace->vertexes[i].digest;

		if (strlen(known) == digest.size &&
		    memcmp(known, digest.data, digest.size) == 0)
			return &trace->vertexes[i];
	}
	if (trace->n == VERTEXES_MAX)
		return &trace->vertexes[VERTEXES_MAX - 1];
	trace->vertexes =
		sbx_realloc(trace->vertexes, (trace->n + 1) * sizeof(*vertex));
	vertex = &trace->vertexes[trace->n++];
	*vertex = (struct vertex){ .lines = SBX_LINES_INIT };
	vertex->digest = sbx_strndup((const char *)digest.data, digest.size);
	return vertex;
}

/* Steps are counted as they are first heard of. */
static unsigned int number_of(struct sbx_buildkit_trace *trace,
			      struct vertex *vertex)
{
	if (vertex->number == 0)
		vertex->number = ++trace->numbers;
	return vertex->number;
}

/* Says "#3 TEXT", in one line. */
static void tell(struct sbx_buildkit_trace *trace, struct vertex *vertex,
		 const char *prefix, struct span text)
{
	cleanup_buf struct sbx_buf line = SBX_BUF_INIT(SBX_LINES_MAX);
	unsigned int number = number_of(trace, vertex);

	sbx_buf_printf(&line, "#%u %s", number, prefix);
	sbx_text_to_utf8(&line, (const char *)text.data, text.size);
	for (size_t i = 0; i < line.len; i++) {
		if (strchr("\r\n", line.data[i]))
			line.data[i] = ' ';
	}
	trace->sink(trace->ctx, SBX_BUILDKIT_STEP, number, sbx_buf_text(&line));
}

static bool begins_with(struct span text, const char *prefix)
{
	size_t size = strlen(prefix);

	return text.size >= size && memcmp(text.data, prefix, size) == 0;
}

/* How our own context and Dockerfile get there is not worth a line. */
static bool is_housekeeping(struct span name)
{
	return begins_with(name, "[internal] load remote build context") ||
	       begins_with(name, "[internal] load build definition") ||
	       begins_with(name, "[internal] load .dockerignore") ||
	       begins_with(name, "[internal] load build context") ||
	       begins_with(name, "copy /context");
}

static bool read_vertex(struct sbx_buildkit_trace *trace, struct span span)
{
	struct span name = SPAN_EMPTY;
	struct span digest = SPAN_EMPTY;
	struct span error = SPAN_EMPTY;
	struct vertex *vertex;
	bool started = false;
	bool cached = false;
	struct field field;

	while (span.size > 0) {
		if (!next_field(&span, &field))
			return false;
		if (field.number == VERTEX_DIGEST)
			digest = field.bytes;
		else if (field.number == VERTEX_NAME)
			name = field.bytes;
		else if (field.number == VERTEX_CACHED)
			cached = field.value;
		else if (field.number == VERTEX_STARTED)
			started = true;
		else if (field.number == VERTEX_ERROR)
			error = field.bytes;
	}
	vertex = find_vertex(trace, digest);
	if ((started || cached) && !vertex->began) {
		vertex->began = true;
		if (is_housekeeping(name))
			vertex->ended = true;
		else
			tell(trace, vertex, "", name);
	}
	if ((cached || error.size) && !vertex->ended) {
		vertex->ended = true;
		tell(trace, vertex, error.size ? "failed: " : "cached", error);
	}
	return true;
}

/* --- output ----------------------------------------------------------- */

/* Where the lines of one vertex go. */
struct log_sink {
	struct sbx_buildkit_trace *trace;
	unsigned int number;
};

static void on_line(void *ctx, const char *line)
{
	struct log_sink *log = ctx;

	log->trace->sink(log->trace->ctx, SBX_BUILDKIT_LOG, log->number, line);
}

static bool read_log(struct sbx_buildkit_trace *trace, struct span span)
{
	struct span digest = SPAN_EMPTY;
	struct span text = SPAN_EMPTY;
	struct log_sink log = { .trace = trace };
	struct vertex *vertex;
	struct field field;

	while (span.size > 0) {
		if (!next_field(&span, &field))
			return false;
		if (field.number == LOG_VERTEX)
			digest = field.bytes;
		else if (field.number == LOG_MSG)
			text = field.bytes;
	}
	vertex = find_vertex(trace, digest);
	log.number = number_of(trace, vertex);
	sbx_lines_feed(&vertex->lines, (const char *)text.data, text.size,
		       on_line, &log);
	return true;
}

static bool read_warning(struct sbx_buildkit_trace *trace, struct span span)
{
	struct span digest = SPAN_EMPTY;
	struct span text = SPAN_EMPTY;
	struct field field;

	while (span.size > 0) {
		if (!next_field(&span, &field))
			return false;
		if (field.number == LOG_VERTEX)
			digest = field.bytes;
		else if (field.number == WARNING_SHORT)
			text = field.bytes;
	}
	tell(trace, find_vertex(trace, digest), "warning: ", text);
	return true;
}

static bool read_response(struct sbx_buildkit_trace *trace, struct span span)
{
	struct field field;
	bool ok = true;

	while (span.size > 0 && ok) {
		if (!next_field(&span, &field))
			return false;
		if (field.number == RESPONSE_VERTEX)
			ok = read_vertex(trace, field.bytes);
		else if (field.number == RESPONSE_LOG)
			ok = read_log(trace, field.bytes);
		else if (field.number == RESPONSE_WARNING)
			ok = read_warning(trace, field.bytes);
	}
	return ok;
}

int sbx_buildkit_trace_feed(struct sbx_buildkit_trace *trace,
			    const char *base64, size_t size,
			    sbx_buildkit_sink sink, void *ctx,
			    struct sbx_error *err)
{
	size_t room = size / 4 * 3 + 3;
	cleanup_free unsigned char *data = sbx_malloc(room);
	struct span span = { .data = data };

	if (sodium_base642bin(data, room, base64, size, NULL, &span.size, NULL,
			      sodium_base64_VARIANT_ORIGINAL) != 0)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "BuildKit's trace is not base64");
	trace->sink = sink;
	trace->ctx = ctx;
	if (!read_response(trace, span))
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "BuildKit's trace is malformed");
	return 0;
}

void sbx_buildkit_trace_flush(struct sbx_buildkit_trace *trace,
			      sbx_buildkit_sink sink, void *ctx)
{
	struct log_sink log = { .trace = trace };

	trace->sink = sink;
	trace->ctx = ctx;
	for (size_t i = 0; i < trace->n; i++) {
		log.number = trace->vertexes[i].number;
		sbx_lines_flush(&trace->vertexes[i].lines, on_line, &log);
	}
}

void sbx_buildkit_trace_new(struct sbx_buildkit_trace **out)
{
	*out = sbx_calloc(1, sizeof(**out));
}

void sbx_buildkit_trace_free(struct sbx_buildkit_trace **trace)
{
	if (!*trace)
		return;
	for (size_t i = 0; i < (*trace)->n; i++) {
		free((*trace)->vertexes[i].digest);
		sbx_lines_free(&(*trace)->vertexes[i].lines);
	}
	free((*trace)->vertexes);
	free(*trace);
	*trace = NULL;
}
