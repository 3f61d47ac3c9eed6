/* SPDX-License-Identifier: MIT */
/*
 * The runner's commands.  Frames come in pieces of any size; RUN is put
 * together in memory of its own, INPUT goes straight to the ring in front of
 * the action's stdin.  Standard input is always read: what keeps INPUT from
 * overflowing is the window, so a SIGNAL behind it is seen in any case.
 */
#include "init/command.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "init/detached.h"
#include "init/direct.h"
#include "init/forward.h"
#include "init/given.h"
#include "init/run.h"
#include "init/session.h"
#include "init/signals.h"

static struct {
	unsigned char header[SBX_WIRE_HEADER_SIZE];
	uint32_t have; /* bytes of the header */
	uint32_t size; /* of the payload */
	uint32_t got;  /* bytes of it */
	unsigned char signal;
} frame;

static unsigned char chunk[SBX_WIRE_DATA_MAX];
/* What of that are commands, where it may not be all. */
static unsigned char filtered[SBX_WIRE_DATA_MAX + SBX_WIRE_SYNC_SIZE];
static unsigned char run[SBX_WIRE_RUN_MAX];
/* FILES, a question, or a name with a NUL behind it. */
static unsigned char whole[SBX_WIRE_INTO_MAX];

/* Of a session's last program, which has not waited for it. */
static bool is_late_input(const struct sbx_init *init)
{
	return init->phase == SBX_WAITING && sbx_session_is_attached();
}

static int check_input(struct sbx_init *init)
{
	if (is_late_input(init))
		return 0;
	if (init->phase == SBX_WAITING || init->input_ended || init->is_direct)
		return sbx_abort(init, "INPUT out of turn", 0);
	if (frame.size > SBX_WIRE_WINDOW - init->owed - init->input.len)
		return sbx_abort(init, "INPUT over the window", 0);
	return 0;
}

static int check_session(struct sbx_init *init)
{
	if (init->session == 0)
		return sbx_abort(init, "a session's command", 0);
	if (init->phase != SBX_WAITING && frame.header[0] != SBX_WIRE_FORWARD)
		return sbx_abort(init, "a session's command out of turn", 0);
	return 0;
}

/* Is a frame of this type and size allowed now? */
static int check_header(struct sbx_init *init)
{
	static const struct {
		uint32_t min;
		uint32_t max;
	} sizes[] = {
		[SBX_WIRE_RUN] = { SBX_WIRE_RUN_FIXED + 1, SBX_WIRE_RUN_MAX },
		[SBX_WIRE_INPUT] = { 1, SBX_WIRE_DATA_MAX },
		[SBX_WIRE_INPUT_END] = { 0, 0 },
		[SBX_WIRE_SIGNAL] = { 1, 1 },
		[SBX_WIRE_BEAT] = { 0, 0 },
		[SBX_WIRE_FILES] = { SBX_WIRE_INTO_FIXED + 1,
				     SBX_WIRE_INTO_MAX },
		[SBX_WIRE_NEW] = { 1, SBX_WIRE_NAME_MAX },
		[SBX_WIRE_DATA] = { 1, SBX_WIRE_DATA_MAX },
		[SBX_WIRE_FILES_END] = { 0, 0 },
		[SBX_WIRE_KEEP] = { 0, SBX_WIRE_DATA_MAX },
		[SBX_WIRE_ASK] = { 4, 4 },
		[SBX_WIRE_FORWARD] = { 0, 0 },
		[SBX_WIRE_SIGNAL_DETACHED] = { 1, 1 },
		[SBX_WIRE_LEARN] = { SBX_WIRE_SYNC_RANDOM,
				     SBX_WIRE_SYNC_RANDOM },
	};
	unsigned char type = frame.header[0];

	if (type < SBX_WIRE_RUN || type > SBX_WIRE_LEARN || frame.header[1] ||
	    frame.header[2] || frame.header[3])
		return sbx_abort(init, "unknown command", 0);
	if (frame.size < sizes[type].min || frame.size > sizes[type].max)
		return sbx_abort(init, "command of impossible size", 0);
	if (type == SBX_WIRE_RUN && init->phase != SBX_WAITING)
		return sbx_abort(init, "second RUN", 0);
	if (type == SBX_WIRE_INPUT || type == SBX_WIRE_INPUT_END)
		return check_input(init);
	if (type >= SBX_WIRE_KEEP)
		return check_session(init);
	return 0;
}

/* INPUT that nobody can read any more counts as taken. */
static void take_input(struct sbx_init *init, const unsigned char *data,
		       uint32_t size)
{
	if (init->action_in < 0)
		init->owed += size;
	else
		sbx_ring_put(&init->input, data, size);
}

/* Some of the payload. */
static int take(struct sbx_init *init, const unsigned char *data, uint32_t size)
{
	int result = 0;

	switch (frame.header[0]) {
	case SBX_WIRE_RUN:
		memcpy(run + frame.got, data, size);
		break;
	case SBX_WIRE_INPUT:
		if (!is_late_input(init))
			take_input(init, data, size);
		break;
	case SBX_WIRE_SIGNAL:
	case SBX_WIRE_SIGNAL_DETACHED:
		frame.signal = data[0];
		break;
	case SBX_WIRE_FILES:
	case SBX_WIRE_NEW:
	case SBX_WIRE_ASK:
	case SBX_WIRE_LEARN:
		memcpy(whole + frame.got, data, size);
		break;
	case SBX_WIRE_DATA:
		result = sbx_given_data(init, data, size);
		break;
	case SBX_WIRE_KEEP:
		result = sbx_session_keep(init, data, size);
		break;
	}
	frame.got += size;
	return result;
}

/* RUN may carry secrets: they stay nowhere but in the action. */
static int start(struct sbx_init *init)
{
	int result = sbx_run_start(init, run, frame.size);

	explicit_bzero(run, frame.size);
	return result;
}

static int complete(struct sbx_init *init)
{
	int result = 0;

	switch (frame.header[0]) {
	case SBX_WIRE_RUN:
		result = start(init);
		break;
	case SBX_WIRE_INPUT_END:
		init->input_ended = !is_late_input(init);
		break;
	case SBX_WIRE_SIGNAL:
		result = sbx_signals_send(init, frame.signal);
		break;
	case SBX_WIRE_FILES:
		result = sbx_given_begin(init, whole, frame.size);
		break;
	case SBX_WIRE_NEW:
		result = sbx_given_new(init, (char *)whole, frame.size);
		break;
	case SBX_WIRE_FILES_END:
		result = sbx_given_end(init);
		break;
	case SBX_WIRE_KEEP:
		if (frame.size == 0)
			result = sbx_session_keep(init, NULL, 0);
		break;
	case SBX_WIRE_ASK:
		result = sbx_session_ask(init, sbx_wire_get32(whole));
		break;
	case SBX_WIRE_SIGNAL_DETACHED:
		sbx_detached_signal(frame.signal);
		break;
	case SBX_WIRE_LEARN:
		result = sbx_session_learn(init, whole);
		break;
	case SBX_WIRE_FORWARD:
		if (init->forward_given < 0)
			return sbx_abort(init, "FORWARD without a socket", 0);
		sbx_forward_use(init, &init->forward_given);
		break;
	}
	frame.have = 0;
	return result;
}

/* Consumes some of @data: a header, or a payload, as far as it is there. */
static int step(struct sbx_init *init, const unsigned char *data, uint32_t size,
		uint32_t *used)
{
	uint32_t missing = sizeof(frame.header) - frame.have;

	if (missing > 0) {
		*used = size < missing ? size : missing;
		memcpy(frame.header + frame.have, data, *used);
		frame.have += *used;
		if (*used < missing)
			return 0;
		frame.size = sbx_wire_get32(frame.header + 4);
		frame.got = 0;
		if (check_header(init) < 0)
			return SBX_ABORT;
	} else {
		missing = frame.size - frame.got;
		*used = size < missing ? size : missing;
		if (take(init, data, *used) < 0)
			return SBX_ABORT;
	}
	return frame.got == frame.size ? complete(init) : 0;
}

void sbx_command_forget(void)
{
	if (frame.have == sizeof(frame.header) &&
	    frame.header[0] == SBX_WIRE_RUN)
		explicit_bzero(run, frame.got);
	frame.have = 0;
}

static int step_through(struct sbx_init *init, unsigned char *data,
			uint32_t size)
{
	uint32_t used, at = 0;
	int result = 0;

	while (result == 0 && at < size) {
		result = step(init, data + at, size - at, &used);
		at += used;
	}
	explicit_bzero(data, size);
	return result;
}

/* Over the attached streams runners come and go without a word. */
static int take_attached(struct sbx_init *init, uint32_t size)
{
	bool is_new;
	uint32_t n = sbx_session_filter(init, chunk, size, filtered, &is_new);

	explicit_bzero(chunk, size);
	if (is_new) {
		sbx_command_forget();
		explicit_bzero(filtered + n, sizeof(filtered) - n);
	}
	sbx_heard(init);
	return step_through(init, filtered, n);
}

int sbx_command_read(struct sbx_init *init)
{
	ssize_t got = init->is_direct
			      ? sbx_direct_read(init, chunk, sizeof(chunk))
			      : read(STDIN_FILENO, chunk, sizeof(chunk));

	if (init->why)
		return SBX_ABORT;
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (got <= 0) {
		init->is_deaf = !init->is_direct;
		return sbx_direct_instead(init);
	}
	if (sbx_session_is_attached())
		return take_attached(init, (uint32_t)got);
	/* Who speaks here does not use the other way. */
	sbx_close(&init->direct);
	sbx_heard(init);
	return step_through(init, chunk, (uint32_t)got);
}
