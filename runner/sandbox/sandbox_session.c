/* SPDX-License-Identifier: MIT */
/*
 * What only sessions have, see sandbox.h.  A runner that comes back listens in
 * the session's directory, where init looks for it; whoever else of the sandbox
 * connects, because it may, is sent away and waited past.
 */
#include "sandbox/sandbox_state.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "secret/memory.h"

/* init answers from memory. */
#define ANSWER_MS  5000
#define ANSWER_MAX SBX_WIRE_LOG_MAX
_Static_assert(ANSWER_MAX >= SBX_WIRE_KEPT_MAX, "either fits");

/* --- waiting --------------------------------------------------------------- */

/* True when somebody wants the end. */
static bool wait_for(int fd, short events, double until, int cancel_fd)
{
	struct pollfd fds[] = {
		{ .fd = fd, .events = events },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	double left = fmin(until - sbx_clock_ms(), SBX_WIRE_BEAT_INTERVAL_MS);

	if (poll(fds, SBX_ARRAY_SIZE(fds), (int)fmax(left, 0) + 1) < 0)
		return false;
	return fds[1].revents != 0;
}

/* Until what was queued has left, and then *@done, which init brings about. */
static int await(struct sbx_sandbox *sandbox, const bool *done, double until,
		 int cancel_fd, struct sbx_error *err)
{
	for (;;) {
		int result;

		sbx_sandbox_notice_sleep(sandbox);
		result = sbx_channel_pump(sandbox->channel, err);
		if (*done && !sbx_channel_has_order(sandbox->channel))
			return 0;
		if (result == SBX_CHANNEL_CLOSED)
			return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
					     "the session has ended");
		if (result < 0)
			return -1;
		if (sbx_clock_ms() >= until)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the session's init does not "
					     "answer");
		if (wait_for(sbx_channel_fd(sandbox->channel),
			     sbx_channel_events(sandbox->channel), until,
			     cancel_fd))
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled by the caller");
	}
}

/* --- meeting it again ------------------------------------------------------- */

/* Whoever is not init is sent away: processes of the sandbox may connect. */
static int accept_init(struct sbx_sandbox *sandbox, double until, int cancel_fd,
		       struct sbx_error *err)
{
	for (;;) {
		int fd = sbx_direct_accept(sandbox->direct, sandbox->pid);

		if (fd >= 0)
			return fd;
		if (sbx_clock_ms() >= until)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the session's init does not come "
					     "to %s",
					     sbx_direct_path(sandbox->direct));
		if (fd != SBX_DIRECT_REFUSED &&
		    wait_for(sbx_direct_fd(sandbox->direct), POLLIN, until,
			     cancel_fd))
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled by the caller");
	}
}

static int check_version(const struct sbx_sandbox *sandbox,
			 struct sbx_error *err)
{
	if (sandbox->state.version == SBX_WIRE_VERSION)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "the session was made by another version of "
			     "skillbox: stop it, and make a new one");
}

static const struct sbx_channel_handler handler = {
	.event = sbx_sandbox_on_event,
};

static int meet_in_directory(struct sbx_sandbox *sandbox, double until,
			     int cancel_fd, struct sbx_error *err)
{
	struct sbx_channel_handler own = handler;
	int fd = -1;

	if (sbx_direct_listen(sandbox->direct, err) == 0)
		fd = accept_init(sandbox, until, cancel_fd, err);
	sbx_direct_settle(sandbox->direct);
	if (fd < 0)
		return -1;
	own.ctx = sandbox;
	sandbox->is_direct = true;
	sbx_channel_new_direct(&sandbox->channel, &fd, &own);
	return 0;
}

static int meet_attached(struct sbx_sandbox *sandbox, const char *sync,
			 struct sbx_error *err)
{
	struct sbx_channel_handler own = handler;
	int result = sbx_stream_attach(&sandbox->stream, sandbox->engine,
				       sandbox->id, err);

	if (result > 0)
		sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			      "the session cannot be attached to");
	if (result != 0)
		return -1;
	own.ctx = sandbox;
	sbx_channel_new(&sandbox->channel, sandbox->stream, &own);
	sbx_channel_sync(sandbox->channel, sync);
	return 0;
}

static int meet(struct sbx_sandbox *sandbox, const char *sync, double until,
		int cancel_fd, struct sbx_error *err)
{
	int result = *sync ? meet_attached(sandbox, sync, err)
			   : meet_in_directory(sandbox, until, cancel_fd, err);

	if (result < 0)
		return -1;
	sbx_channel_set_session(sandbox->channel);
	sandbox->looked_at = sbx_clock_ms();
	if (await(sandbox, &sandbox->has_state, until, cancel_fd, err) < 0)
		return -1;
	return check_version(sandbox, err);
}

int sbx_sandbox_reopen(struct sbx_sandbox **out, struct sbx_engine *engine,
		       const char *id, const struct sbx_sandbox_init *init,
		       struct sbx_direct **direct, double ms, int cancel_fd,
		       struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = sbx_calloc(1, sizeof(*sandbox));

	sandbox->engine = engine;
	sandbox->pid = init->pid;
	sandbox->direct = sbx_take(*direct);
	sandbox->uid = init->uid;
	sandbox->gid = init->gid;
	sandbox->phase = SBX_SANDBOX_READY;
	sandbox->is_session = sandbox->is_kept = true;
	sandbox->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	sandbox->note.max = 512;
	snprintf(sandbox->id, sizeof(sandbox->id), "%s", id);
	if (meet(sandbox, init->sync, sbx_clock_ms() + ms, cancel_fd, err) <
	    0) {
		sbx_sandbox_free(&sandbox);
		return -1;
	}
	*out = sandbox;
	return 0;
}

void sbx_sandbox_again(struct sbx_sandbox *sandbox)
{
	sandbox->has_exit = false;
	sandbox->has_files = false;
	sandbox->phase = SBX_SANDBOX_READY;
	sbx_artifacts_clear(&sandbox->artifacts);
	sbx_collect_clear(&sandbox->collect);
	memset(&sandbox->collect, 0, sizeof(sandbox->collect));
}

/* --- what it is asked ------------------------------------------------------- */

void sbx_sandbox_take_answer(struct sbx_sandbox *sandbox, const void *data,
			     size_t size)
{
	sandbox->has_answer = size == 0;
	/* The channel lets no more through than there can be. */
	if (sandbox->answer && size <= ANSWER_MAX - sandbox->answered) {
		memcpy(sandbox->answer + sandbox->answered, data, size);
		sandbox->answered += size;
	}
}

static int ask(struct sbx_sandbox *sandbox, enum sbx_wire_question question,
	       struct sbx_error *err)
{
	bool *done = question == SBX_WIRE_ASK_STATE ? &sandbox->has_state
						    : &sandbox->has_answer;

	*done = false;
	sandbox->answered = 0;
	sbx_channel_ask(sandbox->channel, question);
	return await(sandbox, done, sbx_clock_ms() + ANSWER_MS, -1, err);
}

int sbx_sandbox_state(struct sbx_sandbox *sandbox, struct sbx_wire_state *out,
		      struct sbx_error *err)
{
	if (ask(sandbox, SBX_WIRE_ASK_STATE, err) < 0)
		return -1;
	*out = sandbox->state;
	return 0;
}

int sbx_sandbox_kept(struct sbx_sandbox *sandbox, unsigned char **out,
		     size_t *size, struct sbx_error *err)
{
	if (sbx_secret_alloc(&sandbox->answer, ANSWER_MAX, err) < 0 ||
	    ask(sandbox, SBX_WIRE_ASK_KEPT, err) < 0)
		return -1;
	*size = sandbox->answered;
	*out = sbx_take(sandbox->answer);
	return 0;
}

int sbx_sandbox_log(struct sbx_sandbox *sandbox, struct sbx_buf *out,
		    struct sbx_error *err)
{
	sandbox->answer = sbx_secret_alloc_plain(ANSWER_MAX);
	if (ask(sandbox, SBX_WIRE_ASK_LOG, err) < 0)
		return -1;
	sbx_buf_append(out, sandbox->answer, sandbox->answered);
	sbx_secret_free(&sandbox->answer);
	return 0;
}

/* What is queued, until it has left. */
static int flush(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	static const bool done = true;

	return await(sandbox, &done, sbx_clock_ms() + ANSWER_MS, -1, err);
}

bool sbx_sandbox_is_attached(const struct sbx_sandbox *sandbox)
{
	return !sandbox->is_direct;
}

int sbx_sandbox_learn(struct sbx_sandbox *sandbox, const char *random,
		      struct sbx_error *err)
{
	sbx_channel_learn(sandbox->channel, random);
	return flush(sandbox, err);
}

/* That it has been heard is known when something behind it is answered. */
int sbx_sandbox_keep(struct sbx_sandbox *sandbox, const void *data, size_t size,
		     struct sbx_error *err)
{
	struct sbx_wire_state ignored;

	if (sbx_channel_keep(sandbox->channel, data, size, err) < 0 ||
	    flush(sandbox, err) < 0 ||
	    sbx_sandbox_state(sandbox, &ignored, err) < 0)
		return -1;
	sandbox->is_kept = true;
	return 0;
}

int sbx_sandbox_signal(struct sbx_sandbox *sandbox, int signal,
		       struct sbx_error *err)
{
	sbx_channel_signal_detached(sandbox->channel, signal);
	return flush(sandbox, err);
}

int sbx_sandbox_forward(struct sbx_sandbox *sandbox, int *out,
			struct sbx_error *err)
{
	struct sbx_wire_state ignored;
	int ends[2];

	if (!sandbox->is_direct)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "connections into a session need an "
				     "engine on this machine");
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot make a pair of sockets");
	sbx_channel_forward(sandbox->channel, &ends[1]);
	if (flush(sandbox, err) < 0 ||
	    sbx_sandbox_state(sandbox, &ignored, err) < 0) {
		sbx_close(&ends[0]);
		return -1;
	}
	*out = ends[0];
	return 0;
}

const struct sbx_direct *sbx_sandbox_direct(const struct sbx_sandbox *sandbox)
{
	return sandbox->direct;
}
