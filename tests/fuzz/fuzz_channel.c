/* SPDX-License-Identifier: MIT */
/*
 * The runner's end of the channel, with any bytes from init.  The first byte
 * says what the runner does meanwhile (FUZZ_... below), the rest is init's
 * standard output, or with RAW the engine's stream itself.
 *
 * Whatever comes: in pieces of any size it comes to the same, what is told to
 * the owner keeps the order of init/wire.h and the limits, and what is sent is
 * frames that init would take, INPUT only as far as credit goes.
 */
#include <sys/socket.h>
#include <unistd.h>

#include "fuzz.h"

#include "codec/frames.h"
#include "init/wire.h"
#include "sandbox/channel.h"

#define FUZZ_RUN    0x01
#define FUZZ_INPUT  0x02
#define FUZZ_FILE   0x04
#define FUZZ_SIGNAL 0x08
#define FUZZ_SLOW   0x10 /* the connection takes few bytes at a time */
#define FUZZ_BREAK  0x20 /* and sometime none */
#define FUZZ_RAW    0x40
#define FUZZ_CLOSE  0x80

#define FILE_LIMIT  1000
#define OUT_LIMIT   2000
#define INPUT_SIZE  (SBX_WIRE_WINDOW + 5000)

/* --- the connection -------------------------------------------------------- */

struct sbx_stream {
	const char *in;
	size_t in_size;
	struct fuzz_pieces pieces;
	struct sbx_buf out;
	unsigned int how;
	size_t takes;
	bool has_run;
};

int sbx_stream_fd(const struct sbx_stream *stream)
{
	(void)stream;
	return -1;
}

ssize_t sbx_stream_send(struct sbx_stream *stream, const void *data,
			size_t size, struct sbx_error *err)
{
	if (stream->how & FUZZ_BREAK && stream->out.len > 100)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "broken");
	if (stream->how & FUZZ_SLOW && size > stream->takes)
		size = stream->takes;
	stream->takes -= stream->how & FUZZ_SLOW ? size : 0;
	if (size > 0 && *(const char *)data == SBX_WIRE_RUN)
		stream->has_run = true;
	return (ssize_t)sbx_buf_append(&stream->out, data, size);
}

ssize_t sbx_stream_recv(struct sbx_stream *stream, void *data, size_t size,
			struct sbx_error *err)
{
	(void)err;
	stream->takes = 1000;
	if (stream->in_size == 0)
		return stream->how & FUZZ_CLOSE ? SBX_STREAM_CLOSED : 0;
	if (size > stream->in_size)
		size = stream->in_size;
	/* Before RUN has left, what is behind HELLO would come too early. */
	if (stream->how & FUZZ_RUN && !stream->has_run)
		size = 1;
	size = fuzz_piece(&stream->pieces, size);
	memcpy(data, stream->in, size);
	stream->in += size;
	stream->in_size -= size;
	return (ssize_t)size;
}

/* --- the owner ------------------------------------------------------------- */

/* @heard: of each event, all its bytes; @count: how often it came. */
struct owner {
	struct sbx_buf heard[SBX_CHANNEL_NOTE + 1];
	unsigned int count[SBX_CHANNEL_NOTE + 1];
};

static int on_event(void *ctx, enum sbx_channel_event event, const void *data,
		    size_t size, struct sbx_error *err)
{
	struct owner *owner = ctx;

	(void)err;
	must(event <= SBX_CHANNEL_NOTE);
	if (event != SBX_CHANNEL_NOTE) {
		must(!owner->count[SBX_CHANNEL_EXIT]);
		must(!owner->count[SBX_CHANNEL_ABORT]);
	}
	if (event != SBX_CHANNEL_NOTE && event != SBX_CHANNEL_ABORT)
		must(owner->count[SBX_CHANNEL_HELLO] ==
		     (event == SBX_CHANNEL_HELLO ? 0 : 1));
	if (event == SBX_CHANNEL_STDOUT || event == SBX_CHANNEL_STDERR)
		must(!owner->count[SBX_CHANNEL_FILE]);
	if (event == SBX_CHANNEL_EXIT)
		must(size == SBX_WIRE_EXIT_SIZE);
	owner->count[event]++;
	must(sbx_buf_append(&owner->heard[event], data, size) == size);
	return 0;
}

/* --- what was sent --------------------------------------------------------- */

struct sent {
	bool run;
	bool ended;
	size_t input;
};

static void must_be_command(struct sent *sent, uint8_t type, size_t size)
{
	switch (type) {
	case SBX_WIRE_RUN:
		must(!sent->run && size > SBX_WIRE_RUN_FIXED);
		sent->run = true;
		break;
	case SBX_WIRE_INPUT:
		must(sent->run && !sent->ended);
		must(size >= 1 && size <= SBX_WIRE_DATA_MAX);
		break;
	case SBX_WIRE_INPUT_END:
		must(sent->run && !sent->ended && size == 0);
		sent->ended = true;
		break;
	case SBX_WIRE_SIGNAL:
		must(size == 1);
		break;
	default:
		must(type == SBX_WIRE_BEAT && size == 0);
	}
}

/* Frames, of which the last may not be whole; how much INPUT there was. */
static size_t read_sent(const struct sbx_buf *out)
{
	struct sent sent = { .run = false };
	size_t at = 0;

	while (out->len - at >= SBX_WIRE_HEADER_SIZE) {
		const unsigned char *header = (unsigned char *)out->data + at;
		size_t size = sbx_wire_get32(header + 4);

		must(!header[1] && !header[2] && !header[3]);
		must_be_command(&sent, header[0], size);
		at += SBX_WIRE_HEADER_SIZE;
		if (size > out->len - at)
			size = out->len - at;
		if (header[0] == SBX_WIRE_INPUT)
			sent.input += size;
		at += size;
	}
	return sent.input;
}

/* All that init gave, whether or not it was right to. */
static size_t credit_in(const char *data, size_t size)
{
	size_t credit = SBX_WIRE_WINDOW;

	while (size >= SBX_WIRE_HEADER_SIZE) {
		const unsigned char *header = (const unsigned char *)data;
		size_t payload = sbx_wire_get32(header + 4);

		data += SBX_WIRE_HEADER_SIZE;
		size -= SBX_WIRE_HEADER_SIZE;
		if (payload > size)
			break;
		if (header[0] == SBX_WIRE_CREDIT && payload == 4)
			credit += sbx_wire_get32((const unsigned char *)data);
		data += payload;
		size -= payload;
	}
	return credit;
}

/* --- one conversation ------------------------------------------------------ */

static void ask(struct sbx_channel *channel, unsigned int how)
{
	static const char input[INPUT_SIZE];
	struct sbx_strv argv = SBX_STRV_INIT;
	struct sbx_strv env = SBX_STRV_INIT;
	struct sbx_error err = fuzz_error();
	struct sbx_channel_run run = {
		.argv = &argv,
		.env = &env,
		.output_file = how & FUZZ_FILE ? "/tmp/out" : NULL,
		.output_file_limit = FILE_LIMIT,
		.out = how & FUZZ_FILE ? "/out" : NULL,
		.out_limit = OUT_LIMIT,
	};

	sbx_strv_push(&argv, "cat");
	sbx_strv_push(&env, "A=1");
	if (how & FUZZ_RUN)
		must(sbx_channel_send_run(channel, &run, &err) == 0);
	if (how & FUZZ_RUN && how & FUZZ_INPUT)
		sbx_channel_send_input(channel, input, sizeof(input));
	if (how & FUZZ_SIGNAL)
		sbx_channel_send_signal(channel, 15);
	sbx_strv_free(&argv);
	sbx_strv_free(&env);
}

/* The outcome of the last pump; as often as there is something to do. */
static int pump(struct sbx_channel *channel, struct sbx_stream *stream)
{
	struct sbx_error err = fuzz_error();
	int result = 0;
	size_t moved;

	do {
		moved = stream->out.len - stream->in_size;
		result = sbx_channel_pump(channel, &err);
		must_fit(result, &err);
		must(fuzz_is_harmless(err.message));
	} while (result == 0 && moved != stream->out.len - stream->in_size);
	return result;
}

static int talk(struct owner *owner, const struct sbx_buf *in, unsigned int how,
		unsigned int kind, size_t credit)
{
	struct sbx_stream stream = { .in = in->data,
				     .in_size = in->len,
				     .pieces = fuzz_pieces(kind),
				     .out = SBX_BUF_INIT((size_t)1 << 24),
				     .how = how,
				     .takes = 1000 };
	struct sbx_channel_handler handler = { on_event, owner };
	struct sbx_channel *channel = NULL;
	size_t input;
	int result;

	for (int i = 0; i <= SBX_CHANNEL_NOTE; i++)
		owner->heard[i].max = in->len;
	sbx_channel_new(&channel, &stream, &handler);
	ask(channel, how);
	result = pump(channel, &stream);
	input = read_sent(&stream.out);
	must(how & FUZZ_RAW || input <= credit);
	/*
	 * Where nothing was refused, no more was credited than was sent, or is
	 * in the frame that was being sent when EXIT came.
	 */
	must(how & FUZZ_RAW || result < 0 ||
	     credit - SBX_WIRE_WINDOW <=
		     input + (how & FUZZ_SLOW ? SBX_WIRE_DATA_MAX : 0));
	must(input <= INPUT_SIZE);
	must(owner->heard[SBX_CHANNEL_FILE].len <=
	     (how & FUZZ_FILE ? FILE_LIMIT : 0));
	must(owner->heard[SBX_CHANNEL_CONTENT].len <=
	     (how & FUZZ_FILE ? OUT_LIMIT : 0));
	must(owner->count[SBX_CHANNEL_ARTIFACT] <=
	     (how & FUZZ_FILE ? SBX_WIRE_FILES_MAX : 0));
	must(!owner->count[SBX_CHANNEL_FILES_DONE]);
	must(how & FUZZ_RUN || !owner->count[SBX_CHANNEL_EXIT]);
	must(how & FUZZ_RUN || !owner->count[SBX_CHANNEL_STDOUT]);
	must(how & FUZZ_RUN || !owner->count[SBX_CHANNEL_STDERR]);
	must(!sbx_channel_has_sent(channel) || how & FUZZ_RUN);
	sbx_channel_free(&channel);
	sbx_buf_free(&stream.out);
	return result;
}

static void owner_free(struct owner *owner)
{
	for (int i = 0; i <= SBX_CHANNEL_NOTE; i++)
		sbx_buf_free(&owner->heard[i]);
}

/* init's bytes in frames of the engine's, which cut where they like. */
static void wrap(struct sbx_buf *out, const char *data, size_t size,
		 unsigned int how)
{
	struct fuzz_pieces pieces = fuzz_pieces(3);

	out->max = 9 * size + 16;
	if (how & FUZZ_RAW) {
		sbx_buf_append(out, data, size);
		return;
	}
	while (size > 0) {
		size_t piece = size > 4096 ? size : fuzz_piece(&pieces, size);
		unsigned char header[8] = { SBX_FRAMES_STDOUT, 0, 0, 0 };

		for (int i = 0; i < 4; i++)
			header[7 - i] = (unsigned char)(piece >> (8 * i));
		sbx_buf_append(out, header, sizeof(header));
		sbx_buf_append(out, data, piece);
		data += piece;
		size -= piece;
	}
}

/* Of each event the same bytes. */
static void must_be_same(const struct owner *a, const struct owner *b)
{
	for (int i = 0; i <= SBX_CHANNEL_NOTE; i++) {
		must(a->heard[i].len == b->heard[i].len);
		must(!a->heard[i].len ||
		     memcmp(a->heard[i].data, b->heard[i].data,
			    a->heard[i].len) == 0);
	}
}

/*
 * The same bytes over a direct channel, which has no frames of an engine's and
 * none of init's for the action's streams.
 */
static void talk_directly(const char *data, size_t size, unsigned int how)
{
	struct sbx_error err = fuzz_error();
	struct owner owner = { .count = { 0 } };
	struct sbx_channel_handler handler = { on_event, &owner };
	struct sbx_channel *channel = NULL;
	int ends[2];
	int result;

	if (size > 64 * 1024)
		size = 64 * 1024;
	for (int i = 0; i <= SBX_CHANNEL_NOTE; i++)
		owner.heard[i].max = size;
	must(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends) == 0);
	must(write(ends[1], data, size) == (ssize_t)size);
	sbx_channel_new_direct(&channel, &ends[0], &handler);
	ask(channel, how & ~(unsigned int)FUZZ_INPUT);
	do
		result = sbx_channel_pump(channel, &err);
	while (result == 0 && recv(ends[1], (char[4096]){ 0 }, 4096, 0) > 0);
	must_fit(result, &err);
	must(fuzz_is_harmless(err.message));
	must(!owner.count[SBX_CHANNEL_STDOUT]);
	must(!owner.count[SBX_CHANNEL_STDERR]);
	must(!owner.count[SBX_CHANNEL_NOTE]);
	must(owner.heard[SBX_CHANNEL_FILE].len <=
	     (how & FUZZ_FILE ? FILE_LIMIT : 0));
	sbx_channel_free(&channel);
	close(ends[1]);
	owner_free(&owner);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_buf in = SBX_BUF_INIT(0);
	struct owner first = { .count = { 0 } };
	unsigned int how;
	size_t credit;
	int result = 0;

	if (size == 0)
		return 0;
	how = data[0];
	wrap(&in, (const char *)data + 1, size - 1, how);
	credit = credit_in((const char *)data + 1, size - 1);
	for (unsigned int kind = 0; kind < FUZZ_PIECES; kind++) {
		struct owner owner = { .count = { 0 } };

		if (kind == 0) {
			result = talk(&first, &in, how, kind, credit);
			continue;
		}
		/* What credit is right depends on what was sent by then. */
		if (talk(&owner, &in, how, kind, credit) != result)
			must(how & (FUZZ_INPUT | FUZZ_SLOW));
		else if (result >= 0 || !(how & (FUZZ_INPUT | FUZZ_SLOW)))
			must_be_same(&first, &owner);
		owner_free(&owner);
	}
	if (!(how & FUZZ_RAW))
		talk_directly((const char *)data + 1, size - 1, how);
	owner_free(&first);
	sbx_buf_free(&in);
	return 0;
}
