/* SPDX-License-Identifier: MIT */
/*
 * Receiving: two layers of frames, Docker's and init's (over a direct
 * connection only the latter), neither aligned to the
 * other nor to what a receive returns.  Bytes of the action go on to the
 * handler as they come; frames that only make sense whole are collected first.
 * An init that has been taken over can say anything: whatever it may not say
 * at that point ends the pump, and nothing it says makes us keep more than
 * SBX_WIRE_HELLO_MAX bytes.
 */
#include "sandbox/channel_state.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

/* What is received at a time while little is expected, on the stack. */
#define RECV_SMALL 4096

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
	enum sbx_channel_phase first;
	enum sbx_channel_phase last;
};

static const struct rule *find_rule(uint8_t type)
{
	static const struct rule rules[] = {
		[SBX_WIRE_HELLO - SBX_WIRE_HELLO] = { 1, SBX_WIRE_HELLO_MAX,
						      SBX_CHANNEL_SILENT,
						      SBX_CHANNEL_SILENT },
		[SBX_WIRE_STDOUT - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
						       SBX_CHANNEL_RUNNING,
						       SBX_CHANNEL_RUNNING },
		[SBX_WIRE_STDERR - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
						       SBX_CHANNEL_RUNNING,
						       SBX_CHANNEL_RUNNING },
		[SBX_WIRE_CREDIT - SBX_WIRE_HELLO] = { 4, 4,
						       SBX_CHANNEL_RUNNING,
						       SBX_CHANNEL_RUNNING },
		[SBX_WIRE_FILE - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
						     SBX_CHANNEL_RUNNING,
						     SBX_CHANNEL_FILING },
		[SBX_WIRE_EXIT - SBX_WIRE_HELLO] = { SBX_WIRE_EXIT_SIZE,
						     SBX_WIRE_EXIT_SIZE,
						     SBX_CHANNEL_RUNNING,
						     SBX_CHANNEL_LISTING },
		[SBX_WIRE_ABORT - SBX_WIRE_HELLO] = { 0, SBX_WIRE_ABORT_MAX,
						      SBX_CHANNEL_SILENT,
						      SBX_CHANNEL_RESETTING },
		[SBX_WIRE_RESET - SBX_WIRE_HELLO] = { SBX_WIRE_RESET_FIXED,
						      SBX_WIRE_RESET_MAX,
						      SBX_CHANNEL_RESETTING,
						      SBX_CHANNEL_RESETTING },
		[SBX_WIRE_FILES_DONE -
			SBX_WIRE_HELLO] = { 4, 4, SBX_CHANNEL_READY,
					    SBX_CHANNEL_RUNNING },
		[SBX_WIRE_ARTIFACT - SBX_WIRE_HELLO] = { 8 + 1,
							 8 + SBX_WIRE_NAME_MAX,
							 SBX_CHANNEL_RUNNING,
							 SBX_CHANNEL_LISTING },
		[SBX_WIRE_CONTENT - SBX_WIRE_HELLO] = { 1, SBX_WIRE_DATA_MAX,
							SBX_CHANNEL_LISTING,
							SBX_CHANNEL_LISTING },
		[SBX_WIRE_STATE - SBX_WIRE_HELLO] = { SBX_WIRE_STATE_SIZE,
						      SBX_WIRE_STATE_SIZE,
						      SBX_CHANNEL_SILENT,
						      SBX_CHANNEL_READY },
		[SBX_WIRE_KEPT - SBX_WIRE_HELLO] = { 0, SBX_WIRE_DATA_MAX,
						     SBX_CHANNEL_READY,
						     SBX_CHANNEL_READY },
		[SBX_WIRE_LOG - SBX_WIRE_HELLO] = { 0, SBX_WIRE_DATA_MAX,
						    SBX_CHANNEL_READY,
						    SBX_CHANNEL_READY },
	};

	if (type < SBX_WIRE_HELLO || type > SBX_WIRE_LOG)
		return NULL;
	return &rules[type - SBX_WIRE_HELLO];
}

/* The action's input and output, where they go through init. */
static bool is_of_streams(uint8_t type)
{
	return type == SBX_WIRE_STDOUT || type == SBX_WIRE_STDERR ||
	       type == SBX_WIRE_CREDIT;
}

/* Of a session, to what was asked; its first STATE nobody has to ask for. */
static const char *begin_answer(struct sbx_channel *channel, uint32_t size)
{
	static const struct {
		uint32_t question;
		size_t most;
	} answers[] = {
		{ SBX_WIRE_ASK_STATE, SBX_WIRE_STATE_SIZE },
		{ SBX_WIRE_ASK_KEPT, SBX_WIRE_KEPT_MAX },
		{ SBX_WIRE_ASK_LOG, SBX_WIRE_LOG_MAX },
	};
	int i = channel->header[0] - SBX_WIRE_STATE;

	if (!channel->is_session)
		return "is of a session";
	if (channel->phase == SBX_CHANNEL_SILENT)
		return NULL;
	if (channel->question != answers[i].question)
		return "comes out of turn";
	channel->told += size;
	return channel->told > answers[i].most ? "is more than there can be"
					       : NULL;
}

/* What follows from a frame that has begun; NULL, or why it may not be. */
static const char *begin_frame(struct sbx_channel *channel, uint32_t size)
{
	switch (channel->header[0]) {
	case SBX_WIRE_FILE:
		if (size > channel->file_left)
			return "is more than asked for";
		channel->file_left -= size;
		channel->phase = SBX_CHANNEL_FILING;
		return NULL;
	case SBX_WIRE_ARTIFACT:
		if (channel->artifacts_left == 0)
			return "is more than asked for";
		channel->artifacts_left--;
		channel->phase = SBX_CHANNEL_LISTING;
		return NULL;
	case SBX_WIRE_CONTENT:
		if (size > channel->content_left)
			return "is more than was announced";
		channel->content_left -= size;
		return NULL;
	case SBX_WIRE_FILES_DONE:
		return channel->awaits_files &&
				       channel->giving == SBX_CHANNEL_GIVES_NONE
			       ? NULL
			       : "comes out of turn";
	case SBX_WIRE_STATE:
	case SBX_WIRE_KEPT:
	case SBX_WIRE_LOG:
		return begin_answer(channel, size);
	default:
		return NULL;
	}
}

/* A header is complete: may init say this now? */
static int check_header(struct sbx_channel *channel, struct sbx_error *err)
{
	const unsigned char *header = channel->header;
	const struct rule *rule = find_rule(header[0]);
	uint32_t size = sbx_wire_get32(header + 4);
	const char *why;

	if (!rule || header[1] || header[2] || header[3])
		return not_allowed(channel, "is unknown", err);
	if (size < rule->min || size > rule->max)
		return not_allowed(channel, "has an impossible size", err);
	if (channel->phase < rule->first || channel->phase > rule->last)
		return not_allowed(channel, "comes out of turn", err);
	if (!channel->stream && is_of_streams(header[0]))
		return not_allowed(channel, "is of streams it has not got",
				   err);
	why = begin_frame(channel, size);
	if (why)
		return not_allowed(channel, why, err);
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
		[SBX_WIRE_SIGNALED] = 1,     [SBX_WIRE_EXEC_FAILED] = 1,
		[SBX_WIRE_CHDIR_FAILED] = 1, [SBX_WIRE_DETACHED] = 2,
		[SBX_WIRE_FILES_FAILED] = 1,
	};
	static const uint32_t highest[] = {
		[SBX_WIRE_EXITED] = 255,
		[SBX_WIRE_SIGNALED] = SBX_CHANNEL_SIGNAL_MAX,
		[SBX_WIRE_EXEC_FAILED] = 4095,
		[SBX_WIRE_CHDIR_FAILED] = 4095,
		[SBX_WIRE_DETACHED] = INT32_MAX,
		[SBX_WIRE_FILES_FAILED] = 4095
	};
	const unsigned char *payload =
		(const unsigned char *)channel->whole.data;
	uint32_t kind = sbx_wire_get32(payload);
	uint32_t code = sbx_wire_get32(payload + 4);

	if (kind > SBX_WIRE_FILES_FAILED || code < lowest[kind] ||
	    code > highest[kind] ||
	    (kind == SBX_WIRE_DETACHED && !channel->detaches) ||
	    (kind == SBX_WIRE_FILES_FAILED && !channel->is_session))
		return not_allowed(channel, "tells of an impossible end", err);
	channel->phase = channel->is_session ? SBX_CHANNEL_READY
			 : channel->resets   ? SBX_CHANNEL_RESETTING
					     : SBX_CHANNEL_OVER;
	return tell(channel, SBX_CHANNEL_EXIT, payload, SBX_WIRE_EXIT_SIZE,
		    err);
}

/* An init that has been taken over names files as it likes. */
static int take_artifact(struct sbx_channel *channel, struct sbx_error *err)
{
	const struct sbx_buf *whole = &channel->whole;
	uint64_t size = sbx_wire_get64((const unsigned char *)whole->data);

	if (!sbx_wire_is_name(whole->data + 8, (uint32_t)whole->len - 8))
		return not_allowed(channel, "has an impossible name", err);
	if (size > channel->out_left)
		return not_allowed(channel, "is more than asked for", err);
	channel->out_left -= (uint32_t)size;
	channel->content_left = size;
	return tell(channel, SBX_CHANNEL_ARTIFACT, whole->data, whole->len,
		    err);
}

static int take_files_done(struct sbx_channel *channel, struct sbx_error *err)
{
	channel->awaits_files = false;
	return tell(channel, SBX_CHANNEL_FILES_DONE, channel->whole.data,
		    channel->whole.len, err);
}

static int take_state(struct sbx_channel *channel, struct sbx_error *err)
{
	channel->phase = SBX_CHANNEL_READY;
	channel->question = 0;
	return tell(channel, SBX_CHANNEL_STATE, channel->whole.data,
		    channel->whole.len, err);
}

/* An empty frame is the end of it; of others this may be the end. */
static int take_answer(struct sbx_channel *channel, const void *data,
		       size_t size, struct sbx_error *err)
{
	if (sbx_wire_get32(channel->header + 4) == 0)
		channel->question = 0;
	return tell(channel,
		    channel->header[0] == SBX_WIRE_KEPT ? SBX_CHANNEL_KEPT
							: SBX_CHANNEL_LOG,
		    data, size, err);
}

/* A frame that is handed on whole has come to its end. */
static int take_whole(struct sbx_channel *channel, struct sbx_error *err)
{
	switch (channel->header[0]) {
	case SBX_WIRE_HELLO:
		channel->phase = SBX_CHANNEL_READY;
		return tell(channel, SBX_CHANNEL_HELLO, channel->whole.data,
			    channel->whole.len, err);
	case SBX_WIRE_CREDIT:
		return take_credit(channel, err);
	case SBX_WIRE_EXIT:
		return take_exit(channel, err);
	case SBX_WIRE_STATE:
		return take_state(channel, err);
	case SBX_WIRE_ARTIFACT:
		return take_artifact(channel, err);
	case SBX_WIRE_FILES_DONE:
		return take_files_done(channel, err);
	case SBX_WIRE_RESET:
		channel->phase = SBX_CHANNEL_READY;
		return tell(channel, SBX_CHANNEL_RESET, channel->whole.data,
			    channel->whole.len, err);
	case SBX_WIRE_ABORT:
		channel->phase = SBX_CHANNEL_OVER;
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
	case SBX_WIRE_CONTENT:
		result = tell(channel, SBX_CHANNEL_CONTENT, data, size, err);
		break;
	case SBX_WIRE_KEPT:
	case SBX_WIRE_LOG:
		result = take_answer(channel, data, size, err);
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

/* How many bytes are in front of what counts. */
static size_t skip_to_sync(struct sbx_channel *channel,
			   const unsigned char *data, size_t size)
{
	size_t i = 0;

	while (channel->sync[0] != '\0' && i < size) {
		channel->matched = sbx_wire_sync(channel->sync,
						 channel->matched, data[i++]);
		if (channel->matched == SBX_WIRE_SYNC_SIZE)
			channel->sync[0] = '\0';
	}
	return i;
}

static int on_frame(void *ctx, int stream, const void *data, size_t size,
		    struct sbx_error *err)
{
	struct sbx_channel *channel = ctx;
	size_t skipped;

	if (stream == SBX_FRAMES_STDERR)
		return tell(channel, SBX_CHANNEL_NOTE, data, size, err);
	skipped = skip_to_sync(channel, data, size);
	return take_wire(channel, (const unsigned char *)data + skipped,
			 size - skipped, err);
}

static ssize_t receive_some(struct sbx_channel *channel, unsigned char *data,
			    size_t size, struct sbx_error *err)
{
	ssize_t got;

	if (channel->stream)
		return sbx_stream_recv(channel->stream, data, size, err);
	got = recv(channel->socket, data, size, 0);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	/* A peer that dies with something unread resets the connection. */
	if (got == 0 || (got < 0 && errno == ECONNRESET))
		return SBX_STREAM_CLOSED;
	if (got < 0)
		return sbx_error_errno(err, SBX_OUTCOME_UNAVAILABLE, errno,
				       "the connection to init broke");
	return got;
}

static int receive_to(struct sbx_channel *channel, unsigned char *data,
		      size_t size, struct sbx_error *err)
{
	ssize_t got = receive_some(channel, data, size, err);

	if (got <= 0)
		return (int)got;
	if (!channel->stream)
		return take_wire(channel, data, (size_t)got, err) < 0 ? -1 : 1;
	return sbx_frames_feed(&channel->frames, data, (size_t)got, on_frame,
			       channel, err) < 0
		       ? -1
		       : 1;
}

int sbx_channel_hear(struct sbx_channel *channel, struct sbx_error *err)
{
	unsigned char small[RECV_SMALL];
	int result;

	if (channel->buffers)
		return receive_to(channel, channel->buffers->received,
				  SBX_CHANNEL_RECV_SIZE, err);
	result = receive_to(channel, small, sizeof(small), err);
	if (result != 0)
		explicit_bzero(small, sizeof(small));
	return result;
}

void sbx_channel_read_state(const void *payload, struct sbx_wire_state *out)
{
	const unsigned char *at = payload;

	out->version = sbx_wire_get32(at);
	out->detached = sbx_wire_get32(at + 4);
	out->uptime_ms = sbx_wire_get64(at + 8);
	out->idle_ms = sbx_wire_get64(at + 16);
	out->left_ms = sbx_wire_get64(at + 24);
	out->cpu_us = sbx_wire_get64(at + 32);
	out->memory = sbx_wire_get64(at + 40);
	out->processes = sbx_wire_get32(at + 48);
	out->kept = sbx_wire_get32(at + 52);
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
