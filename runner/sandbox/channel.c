/* SPDX-License-Identifier: MIT */
/*
 * Sending: whole frames are put together one batch at a time, and only when
 * the batch before has left, so that what is more urgent never waits for more
 * than one.  A batch is RUN; or else signals, then INPUT as far as credit
 * goes, then INPUT_END, then BEAT when there is nothing else.  Short input is
 * copied into the batch, long input is sent from where it is.
 *
 * Receiving: two layers of frames, Docker's and init's, neither aligned to the
 * other nor to what a receive returns.  Bytes of the action go on to the
 * handler as they come; frames that only make sense whole are collected first.
 * An init that has been taken over can say anything: whatever it may not say
 * at that point ends the pump, and nothing it says makes us keep more than
 * SBX_WIRE_HELLO_MAX bytes.
 */
#include "sandbox/channel.h"

#include <poll.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/frames.h"
#include "init/wire.h"
#include "sandbox/channel_run.h"
#include "secret/memory.h"

/* Input up to about this size goes out in one piece with what is around it. */
#define BATCH_SIZE (16 * 1024)

#define RECV_SIZE  (64 * 1024)
/* One pump takes at most so much, so that its caller sees its deadlines. */
#define RECV_AT_ONCE   64

#define HIGHEST_SIGNAL 64

/* What init may say depends on how far it has come. */
enum phase {
	SILENT,	 /* HELLO must come first */
	READY,	 /* nothing to say but ABORT until it gets RUN */
	RUNNING, /* STDOUT, STDERR, CREDIT */
	FILING,	 /* FILE has begun: then only EXIT */
	OVER,	 /* EXIT or ABORT was the last word */
};

/*
 * @run		RUN, until it has left; holds secrets
 * @run_goes	RUN is what is in flight
 * @has_sent	a byte of RUN has left
 * @batch	small frames on their way
 * @at, @left	what is left of RUN or of the batch
 * @direct, @direct_left	payload of the batch's last frame, in the input
 * @input, @input_left	not in any batch yet
 * @end_wanted	INPUT_END must follow the input
 * @credit	bytes of INPUT that may be sent
 * @under_way	bytes of INPUT sent and not credited
 * @signals	bit N-1: signal N must be sent
 * @broken	sending has failed; what init said is still to be heard
 * @header, @have, @payload_left	the frame that is coming in
 * @whole	its payload, when it is handed on whole
 * @file_left	bytes of FILE that init may still send
 * @received	may have secrets in it that the action prints
 */
struct sbx_channel {
	struct sbx_stream *stream;
	struct sbx_channel_handler handler;
	enum phase phase;

	unsigned char *run;
	size_t run_size;
	bool run_goes;
	bool has_sent;
	unsigned char batch[BATCH_SIZE];
	const unsigned char *at;
	size_t left;
	const unsigned char *direct;
	size_t direct_left;
	const unsigned char *input;
	size_t input_left;
	bool end_wanted;
	uint32_t credit;
	uint32_t under_way;
	uint64_t signals;
	double sent_at;
	bool broken;

	struct sbx_frames frames;
	unsigned char header[SBX_WIRE_HEADER_SIZE];
	unsigned int have;
	uint32_t payload_left;
	struct sbx_buf whole;
	uint32_t file_left;
	unsigned char received[RECV_SIZE];
};

void sbx_channel_new(struct sbx_channel **out, struct sbx_stream *stream,
		     const struct sbx_channel_handler *handler)
{
	struct sbx_channel *channel =
		(struct sbx_channel *)sbx_secret_alloc_plain(
			SBX_SECRET_ALIGN(sizeof(*channel)));

	memset(channel, 0, sizeof(*channel));
	channel->stream = stream;
	channel->handler = *handler;
	channel->credit = SBX_WIRE_WINDOW;
	channel->sent_at = sbx_clock_ms();
	channel->whole.max = SBX_WIRE_HELLO_MAX;
	*out = channel;
}

static void forget_run(struct sbx_channel *channel)
{
	sbx_secret_free(&channel->run);
	channel->run_goes = false;
}

void sbx_channel_free(struct sbx_channel **slot)
{
	struct sbx_channel *channel = *slot;
	unsigned char *memory = (unsigned char *)channel;

	if (!channel)
		return;
	forget_run(channel);
	sbx_buf_free(&channel->whole);
	sbx_secret_free(&memory);
	*slot = NULL;
}

int sbx_channel_fd(const struct sbx_channel *channel)
{
	return sbx_stream_fd(channel->stream);
}

bool sbx_channel_has_sent(const struct sbx_channel *channel)
{
	return channel->has_sent;
}

/* --- what is to be sent ---------------------------------------------------- */

int sbx_channel_send_run(struct sbx_channel *channel,
			 const struct sbx_channel_run *run,
			 struct sbx_error *err)
{
	if (sbx_channel_run_encode(run, &channel->run, &channel->run_size,
				   err) < 0)
		return -1;
	channel->file_left = run->output_file ? run->output_file_limit : 0;
	return 0;
}

void sbx_channel_send_input(struct sbx_channel *channel, const void *data,
			    size_t size)
{
	channel->input = data;
	channel->input_left = size;
	channel->end_wanted = true;
}

void sbx_channel_send_signal(struct sbx_channel *channel, int signal)
{
	if (signal >= 1 && signal <= HIGHEST_SIGNAL)
		channel->signals |= 1ULL << (signal - 1);
}

static bool is_in_flight(const struct sbx_channel *channel)
{
	return channel->left > 0 || channel->direct_left > 0;
}

/* Nothing is told to an init that has not reported yet. */
static bool may_send_run(const struct sbx_channel *channel)
{
	return channel->run && channel->phase != SILENT;
}

static bool may_send_input(const struct sbx_channel *channel)
{
	return !channel->run && channel->input_left > 0 && channel->credit > 0;
}

static bool may_send_end(const struct sbx_channel *channel)
{
	return !channel->run && channel->end_wanted && channel->input_left == 0;
}

short sbx_channel_events(const struct sbx_channel *channel)
{
	bool waiting = is_in_flight(channel) || may_send_run(channel) ||
		       channel->signals || may_send_input(channel) ||
		       may_send_end(channel);

	if (waiting && !channel->broken && channel->phase != OVER)
		return POLLIN | POLLOUT;
	return POLLIN;
}

/* --- sending --------------------------------------------------------------- */

/* Adds a header to the batch, which has room for it by construction. */
static unsigned char *add_header(struct sbx_channel *channel, uint8_t type,
				 uint32_t size)
{
	unsigned char *at = channel->batch + channel->left;

	sbx_wire_put_header(at, type, size);
	channel->left += SBX_WIRE_HEADER_SIZE;
	return at + SBX_WIRE_HEADER_SIZE;
}

static void add_signals(struct sbx_channel *channel)
{
	for (int i = 1; i <= HIGHEST_SIGNAL; i++) {
		if (!(channel->signals & (1ULL << (i - 1))))
			continue;
		*add_header(channel, SBX_WIRE_SIGNAL, 1) = (unsigned char)i;
		channel->left++;
	}
	channel->signals = 0;
}

/* The most that fits the frame and the credit. */
static void add_input(struct sbx_channel *channel)
{
	size_t size = channel->input_left;
	unsigned char *at;

	if (size > channel->credit)
		size = channel->credit;
	if (size > SBX_WIRE_DATA_MAX)
		size = SBX_WIRE_DATA_MAX;
	at = add_header(channel, SBX_WIRE_INPUT, (uint32_t)size);
	/* Twice: behind it there must be room for INPUT_END. */
	if (channel->left + size + SBX_WIRE_HEADER_SIZE <= BATCH_SIZE) {
		memcpy(at, channel->input, size);
		channel->left += size;
	} else {
		channel->direct = channel->input;
		channel->direct_left = size;
	}
	channel->input += size;
	channel->input_left -= size;
	channel->credit -= (uint32_t)size;
	channel->under_way += (uint32_t)size;
}

/* Nothing is in flight: what comes next?  Possibly nothing. */
static void fill_batch(struct sbx_channel *channel)
{
	_Static_assert(BATCH_SIZE >
			       HIGHEST_SIGNAL * (SBX_WIRE_HEADER_SIZE + 1) +
				       3 * SBX_WIRE_HEADER_SIZE,
		       "all signals fit");

	if (may_send_run(channel)) {
		channel->at = channel->run;
		channel->left = channel->run_size;
		channel->run_goes = true;
		return;
	}
	channel->at = channel->batch;
	add_signals(channel);
	if (may_send_input(channel))
		add_input(channel);
	if (may_send_end(channel) && channel->direct_left == 0) {
		add_header(channel, SBX_WIRE_INPUT_END, 0);
		channel->end_wanted = false;
	}
	if (channel->left == 0 &&
	    sbx_clock_ms() - channel->sent_at >= SBX_WIRE_BEAT_INTERVAL_MS)
		add_header(channel, SBX_WIRE_BEAT, 0);
}

/* @sent bytes of what is in flight have left. */
static void advance(struct sbx_channel *channel, size_t sent)
{
	channel->sent_at = sbx_clock_ms();
	if (channel->left == 0) {
		channel->direct += sent;
		channel->direct_left -= sent;
		return;
	}
	channel->at += sent;
	channel->left -= sent;
	if (!channel->run_goes)
		return;
	if (!channel->has_sent)
		channel->phase = RUNNING;
	channel->has_sent = true;
	if (channel->left == 0)
		forget_run(channel);
}

/*
 * As much as the connection takes.  A failure is not one yet: it may be that
 * init has ended, and then its last frames are on their way to us.
 */
static void send_queued(struct sbx_channel *channel)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	while (!channel->broken && channel->phase != OVER) {
		const unsigned char *data;
		ssize_t sent;
		size_t size;

		if (!is_in_flight(channel))
			fill_batch(channel);
		if (!is_in_flight(channel))
			return;
		data = channel->left ? channel->at : channel->direct;
		size = channel->left ? channel->left : channel->direct_left;
		sent = sbx_stream_send(channel->stream, data, size, &ignored);
		if (sent == 0)
			return;
		if (sent < 0)
			channel->broken = true;
		else
			advance(channel, (size_t)sent);
	}
}

/* --- receiving ------------------------------------------------------------- */

static int not_allowed(const struct sbx_channel *channel, const char *why,
		       struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "init said what it must not: frame 0x%02x %s",
			     channel->header[0], why);
}

/* Allowed payload sizes and phases of each type of frame. */
struct rule {
	uint32_t min;
	uint32_t max;
	enum phase first;
	enum phase last;
};

static const struct rule *find_rule(uint8_t type)
{
	static const struct rule rules[] = {
		[SBX_WIRE_HELLO - SBX_WIRE_HELLO] = { 1, SBX_WIRE_HELLO_MAX,
						      SILENT, SILENT },
		[SBX_WIRE_STDOUT - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
						       RUNNING, RUNNING },
		[SBX_WIRE_STDERR - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
						       RUNNING, RUNNING },
		[SBX_WIRE_CREDIT - SBX_WIRE_HELLO] = { 4, 4, RUNNING, RUNNING },
		[SBX_WIRE_FILE - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
						     RUNNING, FILING },
		[SBX_WIRE_EXIT - SBX_WIRE_HELLO] = { SBX_WIRE_EXIT_SIZE,
						     SBX_WIRE_EXIT_SIZE,
						     RUNNING, FILING },
		[SBX_WIRE_ABORT - SBX_WIRE_HELLO] = { 0, SBX_WIRE_ABORT_MAX,
						      SILENT, FILING },
	};

	if (type < SBX_WIRE_HELLO || type > SBX_WIRE_ABORT)
		return NULL;
	return &rules[type - SBX_WIRE_HELLO];
}

/* A header is complete: may init say this now? */
static int check_header(struct sbx_channel *channel, struct sbx_error *err)
{
	const unsigned char *header = channel->header;
	const struct rule *rule = find_rule(header[0]);
	uint32_t size = sbx_wire_get32(header + 4);

	if (!rule || header[1] || header[2] || header[3])
		return not_allowed(channel, "is unknown", err);
	if (size < rule->min || size > rule->max)
		return not_allowed(channel, "has an impossible size", err);
	if (channel->phase < rule->first || channel->phase > rule->last)
		return not_allowed(channel, "comes out of turn", err);
	if (header[0] == SBX_WIRE_FILE) {
		if (size > channel->file_left)
			return not_allowed(channel, "is more than asked for",
					   err);
		channel->file_left -= size;
		channel->phase = FILING;
	}
	channel->payload_left = size;
	return 0;
}

static int tell(struct sbx_channel *channel, enum sbx_channel_event event,
		const void *data, size_t size, struct sbx_error *err)
{
	return channel->handler.event(channel->handler.ctx, event, data, size,
				      err);
}

static int take_credit(struct sbx_channel *channel, struct sbx_error *err)
{
	uint32_t credit =
		sbx_wire_get32((const unsigned char *)channel->whole.data);

	if (credit == 0 || credit > channel->under_way)
		return not_allowed(channel, "credits what was not sent", err);
	channel->under_way -= credit;
	channel->credit += credit;
	return 0;
}

static int take_exit(struct sbx_channel *channel, struct sbx_error *err)
{
	static const uint32_t lowest[] = {
		[SBX_WIRE_SIGNALED] = 1,
		[SBX_WIRE_EXEC_FAILED] = 1,
		[SBX_WIRE_CHDIR_FAILED] = 1,
	};
	static const uint32_t highest[] = { [SBX_WIRE_EXITED] = 255,
					    [SBX_WIRE_SIGNALED] =
						    HIGHEST_SIGNAL,
					    [SBX_WIRE_EXEC_FAILED] = 4095,
					    [SBX_WIRE_CHDIR_FAILED] = 4095 };
	const unsigned char *payload =
		(const unsigned char *)channel->whole.data;
	uint32_t kind = sbx_wire_get32(payload);
	uint32_t code = sbx_wire_get32(payload + 4);

	if (kind > SBX_WIRE_CHDIR_FAILED || code < lowest[kind] ||
	    code > highest[kind])
		return not_allowed(channel, "tells of an impossible end", err);
	channel->phase = OVER;
	return tell(channel, SBX_CHANNEL_EXIT, payload, SBX_WIRE_EXIT_SIZE,
		    err);
}

/* A frame that is handed on whole has come to its end. */
static int take_whole(struct sbx_channel *channel, struct sbx_error *err)
{
	switch (channel->header[0]) {
	case SBX_WIRE_HELLO:
		channel->phase = READY;
		return tell(channel, SBX_CHANNEL_HELLO, channel->whole.data,
			    channel->whole.len, err);
	case SBX_WIRE_CREDIT:
		return take_credit(channel, err);
	case SBX_WIRE_EXIT:
		return take_exit(channel, err);
	case SBX_WIRE_ABORT:
		channel->phase = OVER;
		return tell(channel, SBX_CHANNEL_ABORT,
			    sbx_buf_text(&channel->whole), channel->whole.len,
			    err);
	default:
		return 0;
	}
}

/* Some of the frame's payload, possibly of size 0 when it has none. */
static int take_payload(struct sbx_channel *channel, const void *data,
			size_t size, struct sbx_error *err)
{
	int result;

	channel->payload_left -= (uint32_t)size;
	switch (channel->header[0]) {
	case SBX_WIRE_STDOUT:
		result = tell(channel, SBX_CHANNEL_STDOUT, data, size, err);
		break;
	case SBX_WIRE_STDERR:
		result = tell(channel, SBX_CHANNEL_STDERR, data, size, err);
		break;
	case SBX_WIRE_FILE:
		result = tell(channel, SBX_CHANNEL_FILE, data, size, err);
		break;
	default:
		sbx_buf_append(&channel->whole, data, size);
		if (channel->payload_left > 0)
			return 0;
		result = take_whole(channel, err);
		sbx_buf_consume(&channel->whole, channel->whole.len);
	}
	if (channel->payload_left == 0)
		channel->have = 0;
	return result;
}

/* Bytes of init's stdout. */
static int take_wire(struct sbx_channel *channel, const unsigned char *data,
		     size_t size, struct sbx_error *err)
{
	while (size > 0) {
		size_t missing = SBX_WIRE_HEADER_SIZE - channel->have;
		size_t used = size;

		if (missing > 0) {
			used = size < missing ? size : missing;
			memcpy(channel->header + channel->have, data, used);
			channel->have += (unsigned int)used;
			if (used < missing)
				return 0;
			if (check_header(channel, err) < 0)
				return -1;
			if (channel->payload_left == 0 &&
			    take_payload(channel, data, 0, err) < 0)
				return -1;
		} else {
			if (used > channel->payload_left)
				used = channel->payload_left;
			if (take_payload(channel, data, used, err) < 0)
				return -1;
		}
		data += used;
		size -= used;
	}
	return 0;
}

static int on_frame(void *ctx, int stream, const void *data, size_t size,
		    struct sbx_error *err)
{
	struct sbx_channel *channel = ctx;

	if (stream == SBX_FRAMES_STDERR)
		return tell(channel, SBX_CHANNEL_NOTE, data, size, err);
	return take_wire(channel, data, size, err);
}

/* One receive: 1, 0 when nothing was there, SBX_STREAM_CLOSED, or -1. */
static int receive(struct sbx_channel *channel, struct sbx_error *err)
{
	ssize_t got = sbx_stream_recv(channel->stream, channel->received,
				      sizeof(channel->received), err);

	if (got <= 0)
		return (int)got;
	if (sbx_frames_feed(&channel->frames, channel->received, (size_t)got,
			    on_frame, channel, err) < 0)
		return -1;
	return 1;
}

int sbx_channel_pump(struct sbx_channel *channel, struct sbx_error *err)
{
	for (int i = 0; i < RECV_AT_ONCE; i++) {
		int result;

		send_queued(channel);
		result = receive(channel, err);
		if (result == SBX_STREAM_CLOSED)
			return SBX_CHANNEL_CLOSED;
		if (result <= 0)
			return result;
	}
	return 0;
}

void sbx_channel_read_exit(const void *payload, struct sbx_wire_exit *out)
{
	const unsigned char *at = payload;

	out->kind = sbx_wire_get32(at);
	out->code = sbx_wire_get32(at + 4);
	out->oom_kills = sbx_wire_get64(at + 8);
	out->cpu_us = sbx_wire_get64(at + 16);
	out->max_rss_bytes = sbx_wire_get64(at + 24);
	out->leftover = sbx_wire_get32(at + 32);
	out->flags = sbx_wire_get32(at + 36);
}
