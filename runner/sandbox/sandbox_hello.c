/* SPDX-License-Identifier: MIT */
/*
 * Hearing HELLO.  init connects to the runner if it can, says HELLO there, and
 * says it again over the attached stream.  So by the time that the latter is
 * heard, the former has come or is not going to: nobody has to wait for it.
 * Whichever channel is not the sandbox's is closed, which is how init learns
 * of it, and where the other was waited for there is nothing left to find.
 * Until then neither is spoken on, not even a heartbeat: init would take that
 * for the choice.  It has time, and the engine may be asked for more before.
 */
#include "sandbox/sandbox_state.h"

#include <poll.h>

#include "base/clock.h"

/* A cold engine under load may need long to get a process going. */
#define HELLO_TIMEOUT_MS 30000

/*
 * Also what was heard there: the attached stream will say it again.  A session
 * has no other way, and is not begun.
 */
static void give_up_own(struct sbx_sandbox *sandbox)
{
	if (sandbox->is_session)
		sbx_direct_settle(sandbox->direct);
	else
		sbx_direct_free(&sandbox->direct);
	sbx_channel_free(&sandbox->own);
	sbx_buf_consume(&sandbox->own_hello, sandbox->own_hello.len);
}

static void listen_to_own(struct sbx_sandbox *sandbox, int *fd)
{
	const struct sbx_channel_handler handler = {
		.event = sbx_sandbox_on_event,
		.ctx = sandbox,
	};

	sbx_channel_new_direct(&sandbox->own, fd, &handler);
	if (sandbox->is_session)
		sbx_channel_set_session(sandbox->own);
	sbx_channel_listen(sandbox->own);
}

/* The only connection there will be, and only init's. */
static void accept_own(struct sbx_sandbox *sandbox)
{
	int fd = sbx_direct_accept(sandbox->direct, sandbox->pid);

	if (fd == SBX_DIRECT_REFUSED)
		give_up_own(sandbox);
	else if (fd >= 0)
		listen_to_own(sandbox, &fd);
}

/* What goes wrong there is no reason to fail: there is the other way. */
static void hear_own(struct sbx_sandbox *sandbox)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	int result;

	if (sandbox->direct && !sandbox->own)
		accept_own(sandbox);
	if (!sandbox->own)
		return;
	sandbox->hears_own = true;
	result = sbx_channel_pump(sandbox->own, &ignored);
	sandbox->hears_own = false;
	if (result != 0)
		give_up_own(sandbox);
}

/* They say the same; what matters is which way this one came. */
static void prefer_own(struct sbx_sandbox *sandbox)
{
	sandbox->is_direct = true;
	sbx_buf_free(&sandbox->hello);
	sandbox->hello = sandbox->own_hello;
	sandbox->own_hello = (struct sbx_buf){ .data = NULL };
}

static void use_own(struct sbx_sandbox *sandbox)
{
	sbx_channel_free(&sandbox->channel);
	sbx_stream_free(&sandbox->stream);
	sandbox->channel = sbx_take(sandbox->own);
	if (sandbox->is_session)
		sbx_direct_settle(sandbox->direct);
	else
		sbx_direct_free(&sandbox->direct);
}

void sbx_sandbox_choose(struct sbx_sandbox *sandbox)
{
	if (sandbox->is_direct)
		use_own(sandbox);
	else
		give_up_own(sandbox);
	sandbox->looked_at = sbx_clock_ms();
	sbx_channel_choose(sandbox->channel);
}

/* True when the caller wants the end. */
static bool wait_for_hello(const struct sbx_sandbox *sandbox, int cancel_fd)
{
	struct pollfd fds[] = {
		{ .fd = sbx_channel_fd(sandbox->channel), .events = POLLIN },
		{ .fd = cancel_fd, .events = POLLIN },
		{ .fd = -1, .events = POLLIN },
	};
	double left = sandbox->deadline - sbx_clock_ms();

	if (sandbox->own)
		fds[2].fd = sbx_channel_fd(sandbox->own);
	else if (sandbox->direct)
		fds[2].fd = sbx_direct_fd(sandbox->direct);
	if (left > SBX_WIRE_BEAT_INTERVAL_MS)
		left = SBX_WIRE_BEAT_INTERVAL_MS;
	if (poll(fds, SBX_ARRAY_SIZE(fds), left > 0 ? (int)left + 1 : 0) < 0)
		return false;
	return fds[1].revents != 0;
}

/* What did not even report may be no init of ours, but half a file. */
static int not_heard(const struct sbx_error *err)
{
	return err->outcome == SBX_OUTCOME_SANDBOX_FAILED
		       ? SBX_SANDBOX_NEEDS_INIT
		       : -1;
}

/* 1: it was heard; 0: not yet; -1. */
static int hear(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int result;

	hear_own(sandbox);
	if (sandbox->own_hello.len > 0)
		return 1;
	result = sbx_channel_pump(sandbox->channel, err);
	if (sandbox->hello.len > 0) {
		hear_own(sandbox);
		return 1;
	}
	if (result == SBX_CHANNEL_CLOSED)
		result = sbx_sandbox_lost(sandbox, err);
	return result;
}

static int listen_for_hello(struct sbx_sandbox *sandbox, int cancel_fd,
			    struct sbx_error *err)
{
	for (;;) {
		int result;

		sbx_sandbox_notice_sleep(sandbox);
		result = hear(sandbox, err);
		if (result < 0)
			return not_heard(err);
		if (result > 0)
			return 0;
		if (sbx_sandbox_is_over(sandbox))
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the engine started the sandbox, "
					     "and init did not speak in time");
		if (wait_for_hello(sandbox, cancel_fd))
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled before it started");
	}
}

int sbx_sandbox_hear_hello(struct sbx_sandbox *sandbox, int cancel_fd,
			   struct sbx_error *err)
{
	double patience = sbx_engine_patience(sandbox->engine);
	double began = sbx_clock_ms();
	int result;

	sbx_sandbox_enter(sandbox, SBX_SANDBOX_STARTING,
			  patience < HELLO_TIMEOUT_MS ? patience
						      : HELLO_TIMEOUT_MS);
	result = listen_for_hello(sandbox, cancel_fd, err);
	sbx_engine_set_patience(sandbox->engine,
				patience - (sbx_clock_ms() - began));
	if (result == 0 && sandbox->own && sandbox->own_hello.len > 0)
		prefer_own(sandbox);
	/* So long init waits for the first word. */
	if (sandbox->slept <= SBX_WIRE_FIRST_TIMEOUT_MS)
		sandbox->slept = 0;
	return result;
}
