/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * The runner holds one connection per sandbox: the container's attached
 * streams, on which channel.c talks to init.  This file owns the order of
 * things (create, verify, attach, start, HELLO, RUN, EXIT) and the clock:
 *
 *	waiting		from start to HELLO, at most HELLO_TIMEOUT_MS
 *	running		from RUN to EXIT, at most the action's time-out
 *	ending		SIGTERM sent, at most the grace period
 *	killing		SIGKILL sent, at most KILL_TIMEOUT_MS
 *	gone		the engine was told to kill the container, and did: at
 *			most GONE_TIMEOUT_MS
 *
 * init obeys signals whatever the action does, so the last step is for a
 * sandbox that is frozen or an engine that lost it.  Every byte is read all
 * the time, wanted or not: an engine whose reader stalls blocks the container.
 *
 * The engine calls in between are synchronous.  The attached stream is read
 * only when they are done, which is soon enough: the kernel's socket buffer
 * takes HELLO.
 */
#include "sandbox/sandbox.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "codec/frames.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/stream.h"
#include "init/build_id.h"
#include "sandbox/channel.h"
#include "sandbox/collect.h"
#include "sandbox/discard.h"
#include "sandbox/init_volume.h"
#include "sandbox/volume_upload.h"

/* A cold engine under load may need long to get a process going. */
#define HELLO_TIMEOUT_MS 30000
/*
 * When the action's time is over the caller is to have its record within 5 s,
 * whatever init and the engine do: after the usual grace period of 2 s this is
 * what remains, but for a little.  What the engine does not need of its part,
 * at most GONE_TIMEOUT_MS, is for the connection to close.
 */
#define KILL_TIMEOUT_MS 1500
#define END_PATIENCE_MS 1200
#define GONE_TIMEOUT_MS 500

enum phase { WAITING, RUNNING, ENDING, KILLING, GONE };

struct sbx_sandbox {
	struct sbx_engine *engine;
	char *name; /* once it may be there, whether or not we know its id */
	char id[SBX_CONTAINER_ID_SIZE];
	struct sbx_stream *stream;
	struct sbx_channel *channel;

	enum phase phase;
	double deadline; /* of the phase, on the monotonic clock */
	bool has_hello;
	bool has_exit;
	double looked_at; /* when this process last had a turn */
	double slept;	  /* its longest pause, if init can have noticed */
	bool no_engine;	  /* it does not answer: no use in asking again */

	struct sbx_buf hello;
	struct sbx_buf note; /* what the stream's stderr said */
	struct sbx_collect collect;
	const struct sbx_sandbox_program *program;
	struct sbx_sandbox_result *result;
};

/* --- what init says -------------------------------------------------------- */

static void enter(struct sbx_sandbox *sandbox, enum phase phase, double ms)
{
	sandbox->phase = phase;
	sandbox->deadline = sbx_clock_ms() + ms;
}

static void kill_all(struct sbx_sandbox *sandbox)
{
	if (sandbox->phase >= KILLING)
		return;
	sbx_channel_send_signal(sandbox->channel, SIGKILL);
	enter(sandbox, KILLING, KILL_TIMEOUT_MS);
}

/* One byte too many ends the action. */
static int take(struct sbx_sandbox *sandbox, enum sbx_collect_stream stream,
		const void *data, size_t size, struct sbx_error *err)
{
	struct sbx_collect *collect = &sandbox->collect;

	if (sbx_collect_take(collect, stream, data, size, err) < 0)
		return -1;
	if (collect->streams[stream].is_cut && stream != SBX_COLLECT_FILE)
		kill_all(sandbox);
	return 0;
}

static int out_of_turn(struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "init spoke out of turn");
}

static int aborted(const void *data, size_t size, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "init gave up: %.*s", (int)size,
			     (const char *)data);
}

static int on_event(void *ctx, enum sbx_channel_event event, const void *data,
		    size_t size, struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = ctx;

	if (event == SBX_CHANNEL_NOTE) {
		sbx_buf_append(&sandbox->note, data, size);
		return 0;
	}
	if (event == SBX_CHANNEL_ABORT)
		return aborted(data, size, err);
	if ((event == SBX_CHANNEL_HELLO) != (sandbox->program == NULL))
		return out_of_turn(err);
	switch (event) {
	case SBX_CHANNEL_HELLO:
		sbx_buf_append(&sandbox->hello, data, size);
		sandbox->has_hello = true;
		break;
	case SBX_CHANNEL_STDOUT:
		return take(sandbox, SBX_COLLECT_OUT, data, size, err);
	case SBX_CHANNEL_STDERR:
		return take(sandbox, SBX_COLLECT_ERR, data, size, err);
	case SBX_CHANNEL_FILE:
		return take(sandbox, SBX_COLLECT_FILE, data, size, err);
	case SBX_CHANNEL_EXIT:
		sbx_channel_read_exit(data, &sandbox->result->exit);
		sandbox->has_exit = true;
		break;
	default:
		break;
	}
	return 0;
}

/* --- waiting --------------------------------------------------------------- */

/*
 * Waits until the stream or @cancel_fd has something, progress has had its
 * time or the phase is over, at most until the next heartbeat.  True when the
 * caller wants the end.
 */
static bool wait_for_news(struct sbx_sandbox *sandbox, int cancel_fd)
{
	struct pollfd fds[] = {
		{ .fd = sbx_channel_fd(sandbox->channel),
		  .events = sbx_channel_events(sandbox->channel) },
		{ .fd = cancel_fd, .events = POLLIN },
	};
	double left = sandbox->deadline - sbx_clock_ms();

	left = fmin(left, sbx_collect_wait(&sandbox->collect));
	left = fmax(fmin(left, SBX_WIRE_BEAT_INTERVAL_MS), 0);
	if (poll(fds, SBX_ARRAY_SIZE(fds), (int)left + 1) < 0)
		return false;
	return fds[1].revents != 0;
}

/* A runner that was stopped, starved or kept waiting sent no heartbeat. */
static void notice_sleep(struct sbx_sandbox *sandbox)
{
	double now = sbx_clock_ms();

	if (now - sandbox->looked_at > SBX_WIRE_BEAT_TIMEOUT_MS)
		sandbox->slept = now - sandbox->looked_at;
	sandbox->looked_at = now;
}

static bool is_over(const struct sbx_sandbox *sandbox)
{
	return sbx_clock_ms() >= sandbox->deadline;
}

/* The heartbeat is left to end what is in the container. */
static int engine_failed(struct sbx_sandbox *sandbox,
			 const struct sbx_error *why, struct sbx_error *err)
{
	sandbox->no_engine = why->outcome == SBX_OUTCOME_UNAVAILABLE;
	return sbx_error_set(err, why->outcome,
			     "the engine let go of the sandbox: %s",
			     why->message);
}

/* The engine killed what did not obey: for the reason we asked it to. */
static int killed(const struct sbx_sandbox_result *result,
		  struct sbx_error *err)
{
	enum sbx_outcome outcome = result->cancelled ? SBX_OUTCOME_CANCELLED
				   : result->timed_out
					   ? SBX_OUTCOME_TIMEOUT
					   : SBX_OUTCOME_OUTPUT_LIMIT;

	return sbx_error_set(err, outcome,
			     "the sandbox did not obey and was killed by the "
			     "engine");
}

/*
 * An engine removes a container (AutoRemove) about when we ask for it, and
 * still knows what has happened to it.
 */
static bool met_memory_limit(struct sbx_sandbox *sandbox, const json_t *state)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	bool oom = false;

	if (sbx_json_true_at(state, "State", "OOMKilled", NULL))
		return true;
	return sbx_container_had_oom(sandbox->engine, sandbox->id, &oom,
				     &ignored) == 0 &&
	       oom;
}

/* The stream closed before its time: the best reason there is. */
static int lost(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf note = SBX_BUF_INIT(512);
	json_auto_t *state = NULL;
	struct sbx_error why = SBX_ERROR_INIT;
	int result = sbx_container_inspect(sandbox->engine, sandbox->id, &state,
					   &why);

	if (result < 0)
		return engine_failed(sandbox, &why, err);
	if (met_memory_limit(sandbox, state))
		return sbx_error_set(err, SBX_OUTCOME_OOM,
				     "the memory limit was reached and the "
				     "kernel ended the whole sandbox");
	if (sandbox->slept > 0)
		return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
				     "this runner was held up for %.0f s, and "
				     "init ends a sandbox when it hears "
				     "nothing for %d s",
				     sandbox->slept / 1e3,
				     SBX_WIRE_BEAT_TIMEOUT_MS / 1000);
	sbx_text_escape(&note, sbx_buf_text(&sandbox->note),
			strcspn(sbx_buf_text(&sandbox->note), "\n"), false);
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "the sandbox ended without a word from init%s%s",
			     note.len ? ": " : "", sbx_buf_text(&note));
}

#define NEEDS_INIT 1 /* named outcome of a start: no init of ours is there */

/* What did not even report may be no init of ours, but half a file. */
static int not_heard(const struct sbx_error *err)
{
	return err->outcome == SBX_OUTCOME_SANDBOX_FAILED ? NEEDS_INIT : -1;
}

/* 0, NEEDS_INIT with @err set, or -1. */
static int listen(struct sbx_sandbox *sandbox, int cancel_fd,
		  struct sbx_error *err)
{
	while (!sandbox->has_hello) {
		int result;

		notice_sleep(sandbox);
		result = sbx_channel_pump(sandbox->channel, err);
		if (result == SBX_CHANNEL_CLOSED && !sandbox->has_hello)
			result = lost(sandbox, err);
		if (result < 0)
			return not_heard(err);
		if (sandbox->has_hello)
			break;
		if (is_over(sandbox))
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the engine started the sandbox, "
					     "and init did not speak in time");
		if (wait_for_news(sandbox, cancel_fd))
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled before it started");
	}
	return 0;
}

/* As listen(); it is the engine's time that this takes. */
static int hear_hello(struct sbx_sandbox *sandbox, int cancel_fd,
		      struct sbx_error *err)
{
	double patience = sbx_engine_patience(sandbox->engine);
	double began = sbx_clock_ms();
	int result;

	enter(sandbox, WAITING,
	      patience < HELLO_TIMEOUT_MS ? patience : HELLO_TIMEOUT_MS);
	result = listen(sandbox, cancel_fd, err);
	sbx_engine_set_patience(sandbox->engine,
				patience - (sbx_clock_ms() - began));
	return result;
}

/* --- starting -------------------------------------------------------------- */

static int create(struct sbx_sandbox *sandbox, const struct sbx_spec *spec,
		  struct sbx_error *err)
{
	json_auto_t *body = sbx_spec_body(spec);
	json_auto_t *made = NULL;
	int result;

	sandbox->name = sbx_spec_name(spec);
	if (sbx_container_create(sandbox->engine, sandbox->name, body,
				 sandbox->id, err) < 0)
		return err->outcome == SBX_OUTCOME_DENIED
			       ? sbx_error_wrap(err, "sandbox.Runtime")
			       : -1;
	result =
		sbx_container_inspect(sandbox->engine, sandbox->id, &made, err);
	if (result == SBX_CONTAINER_GONE)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "container %s was removed before it ran",
				     sandbox->name);
	return result < 0 ? -1 : sbx_spec_verify(body, made, err);
}

/* 0, NEEDS_INIT with @err set, or -1. */
static int attach(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	const struct sbx_channel_handler handler = { .event = on_event,
						     .ctx = sandbox };
	int result = sbx_stream_attach(&sandbox->stream, sandbox->engine,
				       sandbox->id, err);

	if (result != 0)
		return result < 0 ? -1 : NEEDS_INIT;
	sbx_channel_new(&sandbox->channel, sandbox->stream, &handler);
	return 0;
}

static int check_hello(struct sbx_sandbox *sandbox, const struct sbx_spec *spec,
		       struct sbx_error *err)
{
	cleanup_free struct sbx_hello_mount *mounts = NULL;
	struct sbx_hello_expected expected = {
		.build_id = SBX_INIT_BUILD_ID,
		.uid = spec->grant->action.uid,
		.gid = spec->grant->action.gid,
		.nofile = sbx_spec_nofile(spec),
	};
	int result;

	mounts = sbx_spec_mounts(spec, &expected.n_mounts);
	expected.mounts = mounts;
	result = sbx_hello_check(sandbox->hello.data, sandbox->hello.len,
				 &expected, err);
	if (result != SBX_HELLO_OTHER_BUILD)
		return result;
	sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED, "it is another build");
	return NEEDS_INIT;
}

/* 0, NEEDS_INIT with @err set, or -1; the caller frees the sandbox unless it is
 * 0. */
static int try_start(struct sbx_sandbox *sandbox, const struct sbx_spec *spec,
		     int cancel_fd, struct sbx_sandbox_times *times,
		     struct sbx_error *err)
{
	double began = sbx_clock_ms();
	int result;

	result = create(sandbox, spec, err);
	if (result == 0)
		result = attach(sandbox, err);
	if (result != 0)
		return result;
	times->create_ms = sbx_clock_ms() - began;

	began = sandbox->looked_at = sbx_clock_ms();
	result = sbx_container_start(sandbox->engine, sandbox->id, err);
	if (result == SBX_CONTAINER_NO_COMMAND)
		return NEEDS_INIT;
	if (result < 0)
		return -1;
	result = hear_hello(sandbox, cancel_fd, err);
	if (result == 0)
		result = check_hello(sandbox, spec, err);
	if (result == 0)
		result = sbx_volume_give(sandbox->engine, spec, &sandbox->hello,
					 err);
	times->start_ms = sbx_clock_ms() - began;
	return result;
}

static struct sbx_sandbox *new_sandbox(struct sbx_engine *engine)
{
	struct sbx_sandbox *sandbox = sbx_calloc(1, sizeof(*sandbox));

	sandbox->engine = engine;
	sandbox->hello.max = SBX_WIRE_HELLO_MAX;
	sandbox->note.max = 512;
	return sandbox;
}

int sbx_sandbox_start(struct sbx_sandbox **out, struct sbx_engine *engine,
		      const struct sbx_spec *spec, int cancel_fd,
		      struct sbx_sandbox_times *times, struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = new_sandbox(engine);
	struct sbx_error first = SBX_ERROR_INIT;
	int result = try_start(sandbox, spec, cancel_fd, times, &first);

	if (result < 0)
		*err = first;
	if (result == NEEDS_INIT) {
		sbx_sandbox_free(&sandbox);
		if (sbx_init_volume_fill(engine, err) < 0)
			return -1;
		sandbox = new_sandbox(engine);
		result = try_start(sandbox, spec, cancel_fd, times, err);
	}
	if (result == 0) {
		*out = sandbox;
		return 0;
	}
	if (result == NEEDS_INIT) {
		sbx_error_wrap(err,
			       "the engine does not run the init it was given "
			       "in volume %s",
			       sbx_init_volume_name());
		err->outcome = SBX_OUTCOME_SANDBOX_FAILED;
	}
	sbx_sandbox_free(&sandbox);
	return -1;
}

/* --- running --------------------------------------------------------------- */

/* What happens at the end of each phase, and when the caller wants out. */
static int escalate(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	struct sbx_error why = SBX_ERROR_INIT;

	switch (sandbox->phase) {
	case RUNNING:
		sbx_channel_send_signal(sandbox->channel, SIGTERM);
		enter(sandbox, ENDING,
		      (double)sandbox->program->stop_grace_period_ms);
		break;
	case ENDING:
		kill_all(sandbox);
		break;
	case KILLING:
		if (sbx_container_kill(sandbox->engine, sandbox->id, &why) < 0)
			return engine_failed(sandbox, &why, err);
		enter(sandbox, GONE,
		      fmin(sbx_engine_patience(sandbox->engine),
			   GONE_TIMEOUT_MS));
		break;
	default:
		/* It was; only the connection does not say so. */
		return killed(sandbox->result, err);
	}
	return 0;
}

static int on_deadline(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	if (sandbox->phase == RUNNING)
		sandbox->result->timed_out = true;
	return escalate(sandbox, err);
}

static int on_cancel(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	sandbox->result->cancelled = true;
	return sandbox->phase == RUNNING ? escalate(sandbox, err) : 0;
}

static int pump_to_exit(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int cancel_fd = sandbox->program->cancel_fd;

	for (;;) {
		int result;

		notice_sleep(sandbox);
		result = sbx_channel_pump(sandbox->channel, err);
		sbx_collect_tick(&sandbox->collect);
		if (sandbox->has_exit)
			return 0;
		if (result < 0)
			return -1;
		if (result == SBX_CHANNEL_CLOSED)
			return sandbox->phase == GONE
				       ? killed(sandbox->result, err)
				       : lost(sandbox, err);
		if (is_over(sandbox) && on_deadline(sandbox, err) < 0)
			return -1;
		if (wait_for_news(sandbox, cancel_fd)) {
			if (on_cancel(sandbox, err) < 0)
				return -1;
			/* It stays readable: once is enough. */
			cancel_fd = -1;
		}
	}
}

/* An action that did not come to its end may have been in the middle of a
 * word. */
static void end_streams(struct sbx_sandbox *sandbox, int ended)
{
	struct sbx_sandbox_result *result = sandbox->result;
	struct sbx_collected *streams = sandbox->collect.streams;
	bool is_cut = ended < 0 || sandbox->phase != RUNNING ||
		      result->exit.kind != SBX_WIRE_EXITED;

	if (result->exit.flags & SBX_WIRE_FILE_TRUNCATED)
		streams[SBX_COLLECT_FILE].is_cut = true;
	sbx_collect_end(&sandbox->collect, is_cut);
	result->out_truncated = streams[SBX_COLLECT_OUT].is_cut;
	result->err_truncated = streams[SBX_COLLECT_ERR].is_cut;
	if (streams[SBX_COLLECT_FILE].is_cut)
		result->exit.flags |= SBX_WIRE_FILE_TRUNCATED;
}

int sbx_sandbox_run(struct sbx_sandbox *sandbox,
		    const struct sbx_sandbox_program *program,
		    struct sbx_sandbox_result *result, struct sbx_error *err)
{
	const struct sbx_channel_run run = {
		.argv = program->argv,
		.env = program->env,
		.secrets = program->secrets,
		.n_secrets = program->n_secrets,
		.working_dir = program->working_dir,
		.output_file = program->output_file,
		.output_file_limit = (uint32_t)program->output_limit,
	};
	struct sbx_collect *collect = &sandbox->collect;
	int cancel_fd = sbx_engine_cancel_fd(sandbox->engine);
	double patience = sbx_engine_patience(sandbox->engine);
	int ended;

	memset(result, 0, sizeof(*result));
	sandbox->program = program;
	sandbox->result = result;
	result->out = &collect->streams[SBX_COLLECT_OUT].kept;
	result->err = &collect->streams[SBX_COLLECT_ERR].kept;
	result->file = &collect->streams[SBX_COLLECT_FILE].kept;

	if (sbx_collect_begin(collect, program->redacted,
			      (size_t)program->output_limit, program->events,
			      err) < 0 ||
	    sbx_channel_send_run(sandbox->channel, &run, err) < 0)
		return -1;
	sbx_channel_send_input(sandbox->channel, program->input,
			       program->input_size);
	enter(sandbox, RUNNING, (double)program->timeout_ms);
	/* Who cancels ends the action; what that takes is still done. */
	sbx_engine_set_cancel_fd(sandbox->engine, -1);
	sbx_engine_set_patience(sandbox->engine, END_PATIENCE_MS);
	ended = pump_to_exit(sandbox, err);
	sbx_engine_set_patience(sandbox->engine, patience);
	sbx_engine_set_cancel_fd(sandbox->engine, cancel_fd);
	result->started = sbx_channel_has_sent(sandbox->channel);
	end_streams(sandbox, ended);
	return ended;
}

void sbx_sandbox_free(struct sbx_sandbox **slot)
{
	struct sbx_sandbox *sandbox = *slot;

	if (!sandbox)
		return;
	*slot = NULL;
	sbx_channel_free(&sandbox->channel);
	sbx_stream_free(&sandbox->stream);
	/* What has ended, or was killed, the engine removes by itself. */
	if (!sandbox->has_exit && sandbox->phase != GONE &&
	    !sandbox->no_engine && sandbox->name)
		sbx_discard(sandbox->engine, sandbox->id, sandbox->name);
	free(sandbox->name);
	sbx_buf_free(&sandbox->hello);
	sbx_buf_free(&sandbox->note);
	sbx_collect_clear(&sandbox->collect);
	free(sandbox);
}
