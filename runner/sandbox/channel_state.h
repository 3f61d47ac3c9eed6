/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_CHANNEL_STATE_H
#define SBX_SANDBOX_CHANNEL_STATE_H

#include "sandbox/channel.h"

#include "base/buf.h"
#include "codec/frames.h"

/* What the two halves of a channel share, and nobody else includes. */

/* Input up to about this size goes out in one piece with what is around it. */
#define SBX_CHANNEL_BATCH_SIZE (16 * 1024)

#define SBX_CHANNEL_RECV_SIZE  (64 * 1024)

#define SBX_CHANNEL_SIGNAL_MAX 64

/* What init may say depends on how far it has come. */
enum sbx_channel_phase {
	SBX_CHANNEL_SILENT,    /* HELLO must come first */
	SBX_CHANNEL_READY,     /* nothing to say but ABORT until it gets RUN */
	SBX_CHANNEL_RUNNING,   /* STDOUT, STDERR, CREDIT */
	SBX_CHANNEL_FILING,    /* FILE has begun: then ARTIFACT, EXIT */
	SBX_CHANNEL_LISTING,   /* ARTIFACT has: CONTENT, then only EXIT */
	SBX_CHANNEL_RESETTING, /* EXIT was heard, RESET follows */
	SBX_CHANNEL_OVER,      /* EXIT or ABORT was the last word */
};

/* What of the files that are given comes next. */
enum sbx_channel_giving {
	SBX_CHANNEL_GIVES_NONE,
	SBX_CHANNEL_GIVES_INTO, /* FILES */
	SBX_CHANNEL_GIVES_NEXT, /* NEW, or FILES_END behind the last */
	SBX_CHANNEL_GIVES_DATA, /* DATA of the one that has begun */
};

/*
 * @batch	small frames on their way
 * @received	may have secrets in it that the action prints
 */
struct sbx_channel_buffers {
	unsigned char batch[SBX_CHANNEL_BATCH_SIZE];
	unsigned char received[SBX_CHANNEL_RECV_SIZE];
};

/*
 * @stream	or, where that is NULL, @socket: init itself
 * @fds		the action's streams, until they have left with RUN; else -1
 * @listens	only, as it may not be the one
 * @run		RUN, until it has left; holds secrets
 * @run_goes	RUN is what is in flight
 * @has_sent	a byte of RUN has left
 * @input_goes	INPUT or its end is in what is in flight
 * @has_sent_input	a byte of that has left
 * @resting	nobody waits for anything: no buffers, beats far apart
 * @buffers	NULL until they are needed
 * @beat	a heartbeat on its way
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
 * @artifacts_left, @out_left	files that init may still send, and their bytes
 * @content_left	bytes that may come of the one that has begun
 * @resets	RESET follows EXIT
 * @is_session	RUN may follow EXIT
 * @detaches	what RUN has started may go on behind EXIT
 * @sync, @matched	that init has to say before anything counts, or "", and
 *		how much of it has come
 * @question	that has not been answered, or 0; @told bytes of that have come
 * @order	KEEP, ASK or FORWARD until it has left, @order_goes when it is
 *		what is in flight; @forward goes with it, or -1
 * @giving	of @files, up to byte @file_at of the one numbered @file
 * @into	the frame FILES
 * @awaits_files	FILES_DONE may come
 */
struct sbx_channel {
	struct sbx_stream *stream;
	int socket;
	int fds[3];
	struct sbx_channel_handler handler;
	enum sbx_channel_phase phase;
	bool listens;

	unsigned char *run;
	size_t run_size;
	bool run_goes;
	bool has_sent;
	bool input_goes;
	bool has_sent_input;
	bool resting;
	struct sbx_channel_buffers *buffers;
	unsigned char beat[SBX_WIRE_HEADER_SIZE];
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
	uint32_t artifacts_left;
	uint32_t out_left;
	uint64_t content_left;
	bool resets;

	bool is_session;
	bool detaches;
	char sync[SBX_WIRE_SYNC_SIZE + 1];
	uint32_t matched;
	uint32_t question;
	size_t told;
	unsigned char *order;
	size_t order_size;
	bool order_goes;
	int forward;

	enum sbx_channel_giving giving;
	const struct sbx_files *files;
	size_t file;
	size_t file_at;
	struct sbx_buf into;
	bool awaits_files;
};

/* Whatever became of it. */
void sbx_channel_forget_order(struct sbx_channel *channel);

/*
 * One receive, and all that comes of it: 1, 0 when nothing was there,
 * SBX_STREAM_CLOSED, or -1.
 */
int sbx_channel_hear(struct sbx_channel *channel, struct sbx_error *err);

#endif
