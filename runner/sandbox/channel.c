/* SPDX-License-Identifier: MIT */
/*
 * Sending: whole frames are put together one batch at a time, and only when
 * the batch before has left, so that what is more urgent never waits for more
 * than one.  A batch is RUN; or else signals, then files, or INPUT as far as
 * credit goes, then INPUT_END, then BEAT when there is nothing else.  Short
 * input is copied into the batch, long input is sent from where it is.
 * Receiving is in channel_hear.c, what only sessions are told in
 * channel_session.c.
 */
#include "sandbox/channel.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/channel_run.h"
#include "sandbox/channel_state.h"
#include "secret/memory.h"

/* One pump takes at most so much, so that its caller sees its deadlines. */
#define RECV_AT_ONCE 64

static struct sbx_channel *
new_channel(const struct sbx_channel_handler *handler)
{
	struct sbx_channel *channel = sbx_calloc(1, sizeof(*channel));

	channel->socket = -1;
	channel->forward = -1;
	for (int i = 0; i < 3; i++)
		channel->fds[i] = -1;
	channel->handler = *handler;
	channel->credit = SBX_WIRE_WINDOW;
	channel->sent_at = sbx_clock_ms();
	channel->whole.max = SBX_WIRE_HELLO_MAX;
	channel->resting = true;
	return channel;
}

void sbx_channel_new(struct sbx_channel **out, struct sbx_stream *stream,
		     const struct sbx_channel_handler *handler)
{
	*out = new_channel(handler);
	(*out)->stream = stream;
}

void sbx_channel_new_direct(struct sbx_channel **out, int *fd,
			    const struct sbx_channel_handler *handler)
{
	*out = new_channel(handler);
	(*out)->socket = sbx_take_fd(fd);
}

static void forget_run(struct sbx_channel *channel)
{
	sbx_secret_free(&channel->run);
	channel->run_goes = false;
}

static void forget_fds(struct sbx_channel *channel)
{
	for (int i = 0; i < 3; i++)
		sbx_close(&channel->fds[i]);
}

static void need_buffers(struct sbx_channel *channel)
{
	if (!channel->buffers)
		channel->buffers =
			(struct sbx_channel_buffers *)sbx_secret_alloc_plain(
				SBX_SECRET_ALIGN(sizeof(*channel->buffers)));
}

static void free_buffers(struct sbx_channel *channel)
{
	unsigned char *memory = (unsigned char *)channel->buffers;

	sbx_secret_free(&memory);
	channel->buffers = NULL;
}

void sbx_channel_free(struct sbx_channel **slot)
{
	struct sbx_channel *channel = *slot;

	if (!channel)
		return;
	forget_run(channel);
	forget_fds(channel);
	sbx_channel_forget_order(channel);
	free_buffers(channel);
	sbx_close(&channel->socket);
	sbx_buf_free(&channel->whole);
	sbx_buf_free(&channel->into);
	free(channel);
	*slot = NULL;
}

void sbx_channel_rest(struct sbx_channel *channel)
{
	channel->resting = true;
}

int sbx_channel_fd(const struct sbx_channel *channel)
{
	return channel->stream ? sbx_stream_fd(channel->stream)
			       : channel->socket;
}

bool sbx_channel_has_sent(const struct sbx_channel *channel)
{
	return channel->has_sent;
}

bool sbx_channel_has_sent_input(const struct sbx_channel *channel)
{
	return channel->has_sent_input;
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
	channel->out_left = run->out ? run->out_limit : 0;
	channel->artifacts_left = run->out ? SBX_WIRE_FILES_MAX : 0;
	channel->resets = run->tmpfs != NULL;
	channel->detaches = run->flags & SBX_WIRE_RUN_DETACH;
	channel->has_sent = false;
	channel->resting = false;
	return 0;
}

int sbx_channel_send_files(struct sbx_channel *channel,
			   const struct sbx_files *files, const char *dir,
			   const struct sbx_strv *tmpfs, struct sbx_error *err)
{
	unsigned char head[SBX_WIRE_HEADER_SIZE + SBX_WIRE_INTO_FIXED];
	size_t size = SBX_WIRE_INTO_FIXED + strlen(dir) + 1;
	size_t n = tmpfs ? tmpfs->n : 0;

	for (size_t i = 0; i < n; i++)
		size += strlen(tmpfs->v[i]) + 1;
	if (size > SBX_WIRE_INTO_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the paths of all tmpfs are too long");
	sbx_wire_put_header(head, SBX_WIRE_FILES, (uint32_t)size);
	sbx_wire_put32(head + SBX_WIRE_HEADER_SIZE, (uint32_t)n);
	sbx_buf_free(&channel->into);
	channel->into.max = sizeof(head) + SBX_WIRE_INTO_MAX;
	sbx_buf_append(&channel->into, head, sizeof(head));
	sbx_buf_append(&channel->into, dir, strlen(dir) + 1);
	for (size_t i = 0; i < n; i++)
		sbx_buf_append(&channel->into, tmpfs->v[i],
			       strlen(tmpfs->v[i]) + 1);
	channel->files = files;
	channel->file = 0;
	channel->file_at = 0;
	channel->giving = SBX_CHANNEL_GIVES_INTO;
	channel->awaits_files = true;
	channel->resting = false;
	return 0;
}

void sbx_channel_give(struct sbx_channel *channel, int fds[3])
{
	for (int i = 0; i < 3; i++)
		channel->fds[i] = sbx_take_fd(&fds[i]);
}

void sbx_channel_send_input(struct sbx_channel *channel, const void *data,
			    size_t size)
{
	channel->input = data;
	channel->input_left = size;
	channel->end_wanted = true;
	channel->resting = false;
}

void sbx_channel_send_signal(struct sbx_channel *channel, int signal)
{
	if (signal >= 1 && signal <= SBX_CHANNEL_SIGNAL_MAX)
		channel->signals |= 1ULL << (signal - 1);
}

/* --- what may be sent ------------------------------------------------------ */

static bool is_in_flight(const struct sbx_channel *channel)
{
	return channel->left > 0 || channel->direct_left > 0;
}

/* Nothing is told to an init that has not reported yet. */
static bool may_send_run(const struct sbx_channel *channel)
{
	return channel->run && channel->phase != SBX_CHANNEL_SILENT;
}

static bool may_send_input(const struct sbx_channel *channel)
{
	return !channel->run && channel->input_left > 0 && channel->credit > 0;
}

static bool may_send_end(const struct sbx_channel *channel)
{
	return !channel->run && channel->end_wanted && channel->input_left == 0;
}

static bool may_send_files(const struct sbx_channel *channel)
{
	return channel->giving != SBX_CHANNEL_GIVES_NONE &&
	       channel->phase != SBX_CHANNEL_SILENT;
}

static bool may_send_order(const struct sbx_channel *channel)
{
	return channel->order && !channel->listens &&
	       (channel->phase != SBX_CHANNEL_SILENT ||
		channel->sync[0] != '\0');
}

static bool may_send_batch(const struct sbx_channel *channel)
{
	return channel->signals || may_send_files(channel) ||
	       may_send_input(channel) || may_send_end(channel);
}

short sbx_channel_events(const struct sbx_channel *channel)
{
	bool waiting = is_in_flight(channel) || may_send_order(channel) ||
		       may_send_run(channel) || may_send_batch(channel);

	if (waiting && !channel->broken && channel->phase != SBX_CHANNEL_OVER)
		return POLLIN | POLLOUT;
	return POLLIN;
}

/* --- sending --------------------------------------------------------------- */

/* Adds a header to the batch, which has room for it by construction. */
static unsigned char *add_header(struct sbx_channel *channel, uint8_t type,
				 uint32_t size)
{
	unsigned char *at = channel->buffers->batch + channel->left;

	sbx_wire_put_header(at, type, size);
	channel->left += SBX_WIRE_HEADER_SIZE;
	return at + SBX_WIRE_HEADER_SIZE;
}

static void add_signals(struct sbx_channel *channel)
{
	for (int i = 1; i <= SBX_CHANNEL_SIGNAL_MAX; i++) {
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
	if (channel->left + size + SBX_WIRE_HEADER_SIZE <=
	    SBX_CHANNEL_BATCH_SIZE) {
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

/* The next piece of what is given, of which only names are in the batch. */
static void add_file(struct sbx_channel *channel)
{
	const struct sbx_given_file *file = &channel->files->v[channel->file];
	size_t size;

	if (channel->giving == SBX_CHANNEL_GIVES_DATA) {
		size = file->size - channel->file_at;
		if (size > SBX_WIRE_DATA_MAX)
			size = SBX_WIRE_DATA_MAX;
		add_header(channel, SBX_WIRE_DATA, (uint32_t)size);
		channel->direct = file->data + channel->file_at;
		channel->direct_left = size;
		channel->file_at += size;
	} else if (channel->file == channel->files->n) {
		add_header(channel, SBX_WIRE_FILES_END, 0);
		channel->giving = SBX_CHANNEL_GIVES_NONE;
		return;
	} else {
		size = strlen(file->name);
		memcpy(add_header(channel, SBX_WIRE_NEW, (uint32_t)size),
		       file->name, size);
		channel->left += size;
		channel->giving = SBX_CHANNEL_GIVES_DATA;
	}
	if (channel->file_at < file->size)
		return;
	channel->file++;
	channel->file_at = 0;
	channel->giving = SBX_CHANNEL_GIVES_NEXT;
}

static void add_beat(struct sbx_channel *channel)
{
	int interval = channel->resting ? SBX_WIRE_BEAT_WAITING_MS
					: SBX_WIRE_BEAT_INTERVAL_MS;

	channel->input_goes = false;
	if (sbx_clock_ms() - channel->sent_at < interval)
		return;
	sbx_wire_put_header(channel->beat, SBX_WIRE_BEAT, 0);
	channel->at = channel->beat;
	channel->left = sizeof(channel->beat);
}

static void begin_files(struct sbx_channel *channel)
{
	channel->at = (const unsigned char *)channel->into.data;
	channel->left = channel->into.len;
	channel->input_goes = false;
	channel->giving = SBX_CHANNEL_GIVES_NEXT;
}

/* Nothing is in flight: what comes next?  Possibly nothing. */
static void fill_batch(struct sbx_channel *channel)
{
	_Static_assert(
		SBX_CHANNEL_BATCH_SIZE >
			SBX_CHANNEL_SIGNAL_MAX * (SBX_WIRE_HEADER_SIZE + 1) +
				3 * SBX_WIRE_HEADER_SIZE + SBX_WIRE_NAME_MAX,
		"all signals fit, and a name");

	if (may_send_order(channel)) {
		channel->at = channel->order;
		channel->left = channel->order_size;
		channel->order_goes = true;
		return;
	}
	if (may_send_run(channel)) {
		channel->at = channel->run;
		channel->left = channel->run_size;
		channel->run_goes = true;
		return;
	}
	if (!may_send_batch(channel)) {
		add_beat(channel);
		return;
	}
	if (channel->giving == SBX_CHANNEL_GIVES_INTO && !channel->signals) {
		begin_files(channel);
		return;
	}
	need_buffers(channel);
	channel->at = channel->buffers->batch;
	channel->input_goes =
		!may_send_files(channel) &&
		(may_send_input(channel) || may_send_end(channel));
	add_signals(channel);
	if (may_send_files(channel)) {
		if (channel->giving != SBX_CHANNEL_GIVES_INTO)
			add_file(channel);
		return;
	}
	if (may_send_input(channel))
		add_input(channel);
	if (may_send_end(channel) && channel->direct_left == 0) {
		add_header(channel, SBX_WIRE_INPUT_END, 0);
		channel->end_wanted = false;
	}
}

/* @sent bytes of what is in flight have left. */
static void advance(struct sbx_channel *channel, size_t sent)
{
	channel->sent_at = sbx_clock_ms();
	channel->has_sent_input = channel->has_sent_input ||
				  channel->input_goes;
	if (channel->left == 0) {
		channel->direct += sent;
		channel->direct_left -= sent;
		return;
	}
	channel->at += sent;
	channel->left -= sent;
	if (channel->order_goes && channel->left == 0)
		sbx_channel_forget_order(channel);
	if (!channel->run_goes)
		return;
	if (!channel->has_sent)
		channel->phase = SBX_CHANNEL_RUNNING;
	channel->has_sent = true;
	if (channel->left == 0)
		forget_run(channel);
}

/* Descriptors go with the first byte of what they are sent with, unix(7). */
static ssize_t send_fds(int socket, const int *fds, size_t n, const void *data,
			size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control = { .space = { 0 } };
	struct iovec vec = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen =
					  CMSG_SPACE(n * sizeof(int)) };

	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.header), fds, n * sizeof(int));
	return sendmsg(socket, &message, MSG_NOSIGNAL);
}

/* Those of what is in flight, while its first byte has not left. */
static const int *fds_to_send(const struct sbx_channel *channel, size_t *n)
{
	if (channel->run_goes && channel->fds[0] >= 0) {
		*n = 3;
		return channel->fds;
	}
	*n = 1;
	return channel->order_goes && channel->forward >= 0 ? &channel->forward
							    : NULL;
}

/* Bytes sent, 0 when it would block, -1. */
static ssize_t send_some(struct sbx_channel *channel, const void *data,
			 size_t size)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	const int *fds;
	ssize_t sent;
	size_t n;

	if (channel->stream)
		return sbx_stream_send(channel->stream, data, size, &ignored);
	fds = fds_to_send(channel, &n);
	sent = fds ? send_fds(channel->socket, fds, n, data, size)
		   : send(channel->socket, data, size, MSG_NOSIGNAL);
	if (sent < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (sent > 0 && n == 3)
		forget_fds(channel);
	else if (sent > 0 && fds)
		sbx_close(&channel->forward);
	return sent;
}

/*
 * As much as the connection takes.  A failure is not one yet: it may be that
 * init has ended, and then its last frames are on their way to us.
 */
static void send_queued(struct sbx_channel *channel)
{
	while (!channel->broken && !channel->listens &&
	       channel->phase != SBX_CHANNEL_OVER) {
		const unsigned char *data;
		ssize_t sent;
		size_t size;

		if (!is_in_flight(channel))
			fill_batch(channel);
		if (!is_in_flight(channel))
			return;
		data = channel->left ? channel->at : channel->direct;
		size = channel->left ? channel->left : channel->direct_left;
		sent = send_some(channel, data, size);
		if (sent == 0)
			return;
		if (sent < 0)
			channel->broken = true;
		else
			advance(channel, (size_t)sent);
	}
}

void sbx_channel_listen(struct sbx_channel *channel)
{
	channel->listens = true;
}

void sbx_channel_choose(struct sbx_channel *channel)
{
	channel->listens = false;
	channel->sent_at = -INFINITY;
	send_queued(channel);
}

/* --- both ------------------------------------------------------------------ */

int sbx_channel_pump(struct sbx_channel *channel, struct sbx_error *err)
{
	/* What comes straight from init is little, but for a file. */
	if (!channel->resting && (channel->stream || channel->file_left > 0 ||
				  channel->artifacts_left > 0))
		need_buffers(channel);
	else if (!is_in_flight(channel))
		free_buffers(channel);
	for (int i = 0; i < RECV_AT_ONCE; i++) {
		int result;

		send_queued(channel);
		result = sbx_channel_hear(channel, err);
		if (result == SBX_STREAM_CLOSED)
			return SBX_CHANNEL_CLOSED;
		if (result <= 0)
			return result;
	}
	return 0;
}
