/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_CHANNEL_TALK_H
#define SBX_TESTS_CHANNEL_TALK_H

/*
 * A conversation of sandbox/channel.c with an init and over a connection that
 * are played here: what it sends is recorded, what it receives is scripted,
 * and so is the clock.  Included by one test program at a time, after cmocka.
 */

#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "codec/frames.h"
#include "init/wire.h"
#include "sandbox/channel.h"

/* --- the connection -------------------------------------------------------- */

/*
 * @in		what will be received, at most @chunk bytes at a time
 * @endless	@in starts again at its end
 * @closed	the other end closes behind @in
 * @lost	the connection breaks behind @in
 * @breaks_after	so many receives from now on it does; 0: never
 * @answer_at	what is in @in from here on comes when something was sent (@out
 *		is not empty); 0: at once
 * @before_recv	what happens elsewhere before each receive; or NULL
 * @out		what was sent
 * @takes	how many more bytes can be sent before it would block
 * @broken	sending fails
 */
struct sbx_stream {
	struct sbx_buf in;
	size_t at;
	size_t chunk;
	bool endless;
	bool closed;
	bool lost;
	unsigned int breaks_after;
	size_t answer_at;
	void (*before_recv)(void);
	struct sbx_buf out;
	size_t takes;
	bool broken;
	unsigned int n_recv;
	unsigned int n_send;
};

static double now_ms;

double sbx_clock_ms(void)
{
	return now_ms;
}

int sbx_stream_fd(const struct sbx_stream *stream)
{
	(void)stream;
	return 42;
}

ssize_t sbx_stream_send(struct sbx_stream *stream, const void *data,
			size_t size, struct sbx_error *err)
{
	stream->n_send++;
	if (stream->broken)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "broken");
	if (size > stream->takes)
		size = stream->takes;
	stream->takes -= size;
	return (ssize_t)sbx_buf_append(&stream->out, data, size);
}

ssize_t sbx_stream_recv(struct sbx_stream *stream, void *data, size_t size,
			struct sbx_error *err)
{
	stream->n_recv++;
	if (stream->before_recv)
		stream->before_recv();
	if (stream->breaks_after > 0 && stream->breaks_after-- == 1)
		stream->lost = true;
	if (stream->endless && stream->at == stream->in.len)
		stream->at = 0;
	if (stream->at == stream->in.len && stream->lost)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "lost");
	if (stream->at == stream->in.len)
		return stream->closed ? SBX_STREAM_CLOSED : 0;
	if (size > stream->chunk)
		size = stream->chunk;
	if (size > stream->in.len - stream->at)
		size = stream->in.len - stream->at;
	if (stream->answer_at > 0 && stream->out.len == 0 &&
	    size > stream->answer_at - stream->at)
		size = stream->answer_at - stream->at;
	memcpy(data, stream->in.data + stream->at, size);
	stream->at += size;
	return (ssize_t)size;
}

/* --- one conversation ------------------------------------------------------ */

/* @heard, @count: of each event, all its bytes and how often it came. */
struct talk {
	struct sbx_stream stream;
	struct sbx_channel *channel;
	struct sbx_error err;
	struct sbx_buf heard[SBX_CHANNEL_NOTE + 1];
	int count[SBX_CHANNEL_NOTE + 1];
	bool refuse;
	struct sbx_strv argv;
	struct sbx_strv env;
};

static inline int on_event(void *ctx, enum sbx_channel_event event,
			   const void *data, size_t size, struct sbx_error *err)
{
	struct talk *talk = ctx;

	if (talk->refuse)
		return sbx_error_set(err, SBX_OUTCOME_BUSY, "not now");
	talk->count[event]++;
	sbx_buf_append(&talk->heard[event], data, size);
	return 0;
}

static inline void begin(struct talk *talk)
{
	struct sbx_channel_handler handler = { on_event, talk };

	memset(talk, 0, sizeof(*talk));
	now_ms = 5000;
	talk->stream.chunk = SIZE_MAX;
	talk->stream.takes = SIZE_MAX;
	talk->stream.in.max = 64 * 1024 * 1024;
	talk->stream.out.max = 64 * 1024 * 1024;
	for (int i = 0; i <= SBX_CHANNEL_NOTE; i++)
		talk->heard[i].max = 1024 * 1024;
	sbx_strv_push(&talk->argv, "cat");
	sbx_strv_push(&talk->argv, "-u");
	sbx_strv_push(&talk->env, "A=1");
	sbx_channel_new(&talk->channel, &talk->stream, &handler);
}

static inline void end(struct talk *talk)
{
	sbx_channel_free(&talk->channel);
	assert_null(talk->channel);
	sbx_buf_free(&talk->stream.in);
	sbx_buf_free(&talk->stream.out);
	for (int i = 0; i <= SBX_CHANNEL_NOTE; i++)
		sbx_buf_free(&talk->heard[i]);
	sbx_strv_free(&talk->argv);
	sbx_strv_free(&talk->env);
}

/* Bytes of init's stdout (1) or stderr (2), in one frame of Docker's. */
static inline void docker_says(struct talk *talk, int stream, const void *data,
			       size_t size)
{
	unsigned char header[8] = { (unsigned char)stream,
				    0,
				    0,
				    0,
				    (unsigned char)(size >> 24),
				    (unsigned char)(size >> 16),
				    (unsigned char)(size >> 8),
				    (unsigned char)size };

	sbx_buf_append(&talk->stream.in, header, sizeof(header));
	sbx_buf_append(&talk->stream.in, data, size);
}

static inline void init_says(struct talk *talk, uint8_t type,
			     const void *payload, size_t size)
{
	cleanup_buf struct sbx_buf frame = SBX_BUF_INIT(1024 * 1024);
	unsigned char header[SBX_WIRE_HEADER_SIZE];

	sbx_wire_put_header(header, type, (uint32_t)size);
	sbx_buf_append(&frame, header, sizeof(header));
	sbx_buf_append(&frame, payload, size);
	docker_says(talk, SBX_FRAMES_STDOUT, frame.data, frame.len);
}

static inline void init_credits(struct talk *talk, uint32_t credit)
{
	unsigned char payload[4];

	sbx_wire_put32(payload, credit);
	init_says(talk, SBX_WIRE_CREDIT, payload, sizeof(payload));
}

static inline void init_exits(struct talk *talk, uint32_t kind, uint32_t code)
{
	unsigned char payload[SBX_WIRE_EXIT_SIZE] = { 0 };

	sbx_wire_put32(payload, kind);
	sbx_wire_put32(payload + 4, code);
	init_says(talk, SBX_WIRE_EXIT, payload, sizeof(payload));
}

static inline int pump(struct talk *talk)
{
	return sbx_channel_pump(talk->channel, &talk->err);
}

static inline void send_run(struct talk *talk, const char *file, uint32_t limit)
{
	struct sbx_channel_run run = {
		.argv = &talk->argv,
		.env = &talk->env,
		.output_file = file,
		.output_file_limit = limit,
	};

	assert_int_equal(sbx_channel_send_run(talk->channel, &run, &talk->err),
			 0);
}

/* HELLO heard. */
static inline void begin_ready(struct talk *talk)
{
	begin(talk);
	init_says(talk, SBX_WIRE_HELLO, "facts", 5);
	assert_int_equal(pump(talk), 0);
}

/* HELLO heard and RUN sent; what was sent so far is forgotten. */
static inline void begin_running(struct talk *talk)
{
	begin_ready(talk);
	send_run(talk, "/tmp/out", 100);
	assert_int_equal(pump(talk), 0);
	sbx_buf_consume(&talk->stream.out, talk->stream.out.len);
}

/* Takes the first frame off what was sent; its payload is copied. */
static inline int sent_frame(struct talk *talk, struct sbx_buf *payload)
{
	struct sbx_buf *out = &talk->stream.out;
	const unsigned char *at = (const unsigned char *)out->data;
	size_t size;
	int type;

	if (out->len < SBX_WIRE_HEADER_SIZE)
		return -1;
	size = sbx_wire_get32(at + 4);
	assert_true(out->len >= SBX_WIRE_HEADER_SIZE + size);
	assert_int_equal(at[1] | at[2] | at[3], 0);
	type = at[0];
	if (payload)
		sbx_buf_append(payload, at + SBX_WIRE_HEADER_SIZE, size);
	sbx_buf_consume(out, SBX_WIRE_HEADER_SIZE + size);
	return type;
}

static inline void assert_heard(struct talk *talk, enum sbx_channel_event event,
				const char *expected)
{
	assert_string_equal(sbx_buf_text(&talk->heard[event]), expected);
}

static inline void assert_error(struct talk *talk, enum sbx_outcome outcome,
				const char *part)
{
	assert_int_equal(talk->err.outcome, outcome);
	if (!strstr(talk->err.message, part))
		fail_msg("\"%s\" has no \"%s\"", talk->err.message, part);
}

#endif
