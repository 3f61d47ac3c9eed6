/* SPDX-License-Identifier: MIT */
#include "serve/stream.h"

#include <errno.h>
#include <pthread.h>
#include <sodium.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/frames.h"
#include "codec/json.h"

/*
 * Of events that are not sent yet: where an action has to wait, and where the
 * run has to that tells of it.  A byte may be six in JSON, of two streams.
 */
#define PENDING_MAX  ((size_t)1024 * 1024)
#define PENDING_MOST (PENDING_MAX + 2 * 6 * SBX_RUN_EVENTS_STEP + 4096)

/*
 * @sent	how many bytes of @pending have been taken
 * @stalled_at	since when, and with how much sent, there was no room; 0: there
 *		is
 * @room_fd	an eventfd that tells the writer when there is room again
 * @is_stuck	the reader has been given up
 * @has_ended	by the writer
 * @is_well	so it has ended
 * @is_closed	by the reader
 * @connection	the client's socket, as long as the reader is there
 */
struct sbx_stream {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum sbx_stream_form form;
	bool has_no_output;
	struct sbx_stream_source source;
	struct sbx_buf pending;
	size_t sent;
	double stalled_at;
	size_t stalled_sent;
	int room_fd;
	bool is_stuck;
	int connection;
	bool has_ended;
	bool is_well;
	bool is_closed;
};

void sbx_stream_new(struct sbx_stream **out, enum sbx_stream_form form,
		    const struct sbx_stream_source *source, int connection)
{
	struct sbx_stream *stream = sbx_calloc(1, sizeof(*stream));
	pthread_condattr_t attributes;

	/* Without one the writer looks again once a second. */
	stream->room_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	pthread_mutex_init(&stream->lock, NULL);
	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&stream->changed, &attributes);
	pthread_condattr_destroy(&attributes);
	stream->form = form;
	stream->source = *source;
	stream->connection = connection;
	/* An event is never cut: it has a record's size at most. */
	stream->pending = (struct sbx_buf)SBX_BUF_INIT(SIZE_MAX / 2);
	*out = stream;
}

void sbx_stream_leave_out_output(struct sbx_stream *stream)
{
	stream->has_no_output = true;
}

const char *sbx_stream_type(enum sbx_stream_form form)
{
	switch (form) {
	case SBX_STREAM_SSE:
		return "text/event-stream";
	case SBX_STREAM_BYTES:
		return "application/octet-stream";
	default:
		return "application/x-ndjson";
	}
}

bool sbx_stream_is_accepted(const char *accept, enum sbx_stream_form *form)
{
	*form = SBX_STREAM_LINES;
	if (accept && strcasestr(accept, "text/event-stream"))
		*form = SBX_STREAM_SSE;
	else if (accept && strcasestr(accept, "application/octet-stream"))
		*form = SBX_STREAM_BYTES;
	return accept && strcasestr(accept, sbx_stream_type(*form));
}

/* With the lock held; lets go of it.  Whoever is second frees it. */
static void let_go(struct sbx_stream *stream)
{
	bool is_last = stream->has_ended && stream->is_closed;

	pthread_cond_broadcast(&stream->changed);
	pthread_mutex_unlock(&stream->lock);
	if (!is_last)
		return;
	if (stream->source.release)
		stream->source.release(stream->source.ctx);
	sbx_buf_free(&stream->pending);
	sbx_close(&stream->room_fd);
	pthread_cond_destroy(&stream->changed);
	pthread_mutex_destroy(&stream->lock);
	free(stream);
}

/* False when nothing has changed for so long. */
static bool wait_for(struct sbx_stream *stream, double ms)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += (time_t)(ms / 1000);
	return pthread_cond_timedwait(&stream->changed, &stream->lock,
				      &until) != ETIMEDOUT;
}

static void cancel(struct sbx_stream *stream)
{
	if (stream->source.cancel)
		stream->source.cancel(stream->source.ctx);
}

/* --- the writer ------------------------------------------------------------ */

/* The reader is stuck in sending, and ends by this. */
static void give_up(struct sbx_stream *stream)
{
	stream->is_stuck = true;
	shutdown(stream->connection, SHUT_RDWR);
	cancel(stream);
}

/* Until there is room, or nobody takes anything any more. */
static bool has_room(struct sbx_stream *stream)
{
	while (!stream->is_closed && !stream->is_stuck &&
	       stream->pending.len - stream->sent >= PENDING_MOST) {
		size_t before = stream->sent;

		if (!wait_for(stream, SBX_STREAM_STALL_MS) &&
		    stream->sent == before && !stream->is_closed)
			give_up(stream);
	}
	return !stream->is_closed && !stream->is_stuck;
}

/* The same without waiting, for who can do something else meanwhile. */
static bool look_for_room(struct sbx_stream *stream)
{
	double now = sbx_clock_ms();
	eventfd_t ignored;

	if (stream->is_closed || stream->is_stuck ||
	    stream->pending.len - stream->sent < PENDING_MAX) {
		stream->stalled_at = 0;
		return true;
	}
	eventfd_read(stream->room_fd, &ignored);
	if (stream->stalled_at <= 0 || stream->stalled_sent != stream->sent) {
		stream->stalled_at = now;
		stream->stalled_sent = stream->sent;
	} else if (now - stream->stalled_at > SBX_STREAM_STALL_MS) {
		give_up(stream);
	}
	return false;
}

static bool is_welcome(void *ctx)
{
	struct sbx_stream *stream = ctx;
	bool result;

	pthread_mutex_lock(&stream->lock);
	result = look_for_room(stream);
	pthread_mutex_unlock(&stream->lock);
	return result;
}

/* Not each time: what is left would be moved more often than sent. */
static void drop_sent(struct sbx_stream *stream)
{
	if (stream->sent < stream->pending.len && stream->sent < PENDING_MAX)
		return;
	sbx_buf_consume(&stream->pending, stream->sent);
	stream->sent = 0;
}

static void append(struct sbx_stream *stream, const char *name,
		   const char *data)
{
	struct sbx_buf *out = &stream->pending;

	drop_sent(stream);
	if (stream->form == SBX_STREAM_SSE) {
		sbx_buf_puts(out, "event: ");
		sbx_buf_puts(out, name);
		sbx_buf_puts(out, "\ndata: ");
		sbx_buf_puts(out, data);
		sbx_buf_puts(out, "\n\n");
	} else {
		sbx_buf_puts(out, "{\"event\": \"");
		sbx_buf_puts(out, name);
		sbx_buf_puts(out, "\", \"data\": ");
		sbx_buf_puts(out, data);
		sbx_buf_puts(out, "}\n");
	}
}

void sbx_stream_put(struct sbx_stream *stream, const char *name,
		    const char *data)
{
	pthread_mutex_lock(&stream->lock);
	if (has_room(stream)) {
		append(stream, name, data);
		pthread_cond_broadcast(&stream->changed);
	}
	pthread_mutex_unlock(&stream->lock);
}

static void say(struct sbx_stream *stream, const char *name, json_t *data)
{
	cleanup_free char *text = sbx_json_line(data);

	json_decref(data);
	sbx_stream_put(stream, name, text);
}

static void put_bytes(struct sbx_stream *stream, const void *data, size_t size)
{
	pthread_mutex_lock(&stream->lock);
	if (has_room(stream)) {
		drop_sent(stream);
		sbx_buf_append(&stream->pending, data, size);
		pthread_cond_broadcast(&stream->changed);
	}
	pthread_mutex_unlock(&stream->lock);
}

static void on_line(void *ctx, const char *line)
{
	say(ctx, "build", json_pack("{s:s}", "line", line));
}

static void on_started(void *ctx, const char *start)
{
	say(ctx, "started", json_pack("{s:s}", "start", start));
}

static json_t *base64(const void *data, size_t size)
{
	size_t room =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	cleanup_free char *text = sbx_malloc(room);

	sodium_bin2base64(text, room, data, size,
			  sodium_base64_VARIANT_ORIGINAL);
	return json_string(text);
}

static void on_output(void *ctx, int stream, const void *data, size_t size)
{
	bool is_text = sbx_text_is_utf8(data, size);

	say(ctx, stream == SBX_FRAMES_STDERR ? "stderr" : "stdout",
	    json_pack("{s:o}", is_text ? "text" : "base64",
		      is_text ? json_stringn(data, size) : base64(data, size)));
}

static void on_bytes(void *ctx, int stream, const void *data, size_t size)
{
	if (stream == SBX_FRAMES_STDOUT)
		put_bytes(ctx, data, size);
}

static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	json_t *data = json_pack("{s:f}", "progress", progress->done);

	if (progress->total >= 0)
		json_object_set_new(data, "total", json_real(progress->total));
	if (progress->message)
		json_object_set_new(data, "message",
				    json_string(progress->message));
	say(ctx, "progress", data);
}

void sbx_stream_events(struct sbx_stream *stream, struct sbx_run_events *out)
{
	if (stream->form == SBX_STREAM_BYTES) {
		*out = (struct sbx_run_events){
			.output = on_bytes,
			.has_room = is_welcome,
			.room_fd = stream->room_fd,
			.has_stdout = true,
			.ctx = stream,
		};
		return;
	}
	*out = (struct sbx_run_events){
		.line = on_line,
		.started = on_started,
		.output = stream->has_no_output ? NULL : on_output,
		.has_room = is_welcome,
		.room_fd = stream->room_fd,
		.progress = on_progress,
		.ctx = stream,
	};
}

void sbx_stream_end(struct sbx_stream *stream, const char *name,
		    const char *data, bool is_well)
{
	pthread_mutex_lock(&stream->lock);
	if (name && !stream->is_closed && stream->form != SBX_STREAM_BYTES)
		append(stream, name, data);
	stream->has_ended = true;
	stream->is_well = is_well;
	let_go(stream);
}

/* --- the reader ------------------------------------------------------------ */

/* With the lock held. */
static bool has_failed(const struct sbx_stream *stream)
{
	return stream->form == SBX_STREAM_BYTES && stream->has_ended &&
	       !stream->is_well;
}

bool sbx_stream_begins(struct sbx_stream *stream)
{
	bool begins;

	pthread_mutex_lock(&stream->lock);
	while (stream->pending.len == 0 && !stream->has_ended)
		wait_for(stream, SBX_STREAM_BEAT_MS);
	begins = stream->pending.len > 0 || !has_failed(stream);
	pthread_mutex_unlock(&stream->lock);
	return begins;
}

/* With the lock held.  The writer is woken for something worth while. */
static void take(struct sbx_stream *stream, size_t size)
{
	size_t left = stream->pending.len - stream->sent;

	stream->sent += size;
	pthread_cond_broadcast(&stream->changed);
	if (left >= PENDING_MAX / 2 && left - size < PENDING_MAX / 2)
		eventfd_write(stream->room_fd, 1);
}

ssize_t sbx_stream_read(struct sbx_stream *stream, char *data, size_t size)
{
	static const char beat[] = ":\n\n";
	size_t got = 0;

	pthread_mutex_lock(&stream->lock);
	while (stream->sent == stream->pending.len && !stream->has_ended &&
	       got == 0) {
		/* To find out whether the client is still there. */
		if (wait_for(stream, SBX_STREAM_BEAT_MS) ||
		    stream->form != SBX_STREAM_SSE)
			continue;
		got = strlen(beat);
		memcpy(data, beat, got);
	}
	if (got == 0) {
		got = stream->pending.len - stream->sent;
		got = got < size ? got : size;
		if (got)
			memcpy(data, stream->pending.data + stream->sent, got);
		take(stream, got);
	}
	if (got == 0 && has_failed(stream)) {
		pthread_mutex_unlock(&stream->lock);
		return -1;
	}
	pthread_mutex_unlock(&stream->lock);
	return (ssize_t)got;
}

void sbx_stream_close(struct sbx_stream *stream)
{
	pthread_mutex_lock(&stream->lock);
	if (!stream->has_ended)
		cancel(stream);
	stream->is_closed = true;
	eventfd_write(stream->room_fd, 1);
	let_go(stream);
}
