/* SPDX-License-Identifier: MIT */
#include "sandbox/sandbox_state.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "codec/json.h"
#include "secret/memory.h"

/* See sandbox_run.c, with what else makes up the five seconds. */
#define KILL_TIMEOUT_MS 1500

/* How long an engine may take to see that a container has ended. */
#define SETTLE_MS      1000
#define SETTLE_STEP_MS 10

/* --- what init says -------------------------------------------------------- */

void sbx_sandbox_enter(struct sbx_sandbox *sandbox,
		       enum sbx_sandbox_phase phase, double ms)
{
	sandbox->phase = phase;
	sandbox->deadline = sbx_clock_ms() + ms;
}

void sbx_sandbox_kill_all(struct sbx_sandbox *sandbox)
{
	if (sandbox->phase >= SBX_SANDBOX_KILLING)
		return;
	sbx_channel_send_signal(sandbox->channel, SIGKILL);
	sbx_sandbox_enter(sandbox, SBX_SANDBOX_KILLING, KILL_TIMEOUT_MS);
}

/* One byte too many ends the action. */
int sbx_sandbox_take(struct sbx_sandbox *sandbox,
		     enum sbx_collect_stream stream, const void *data,
		     size_t size, struct sbx_error *err)
{
	struct sbx_collect *collect = &sandbox->collect;

	if (sbx_collect_take(collect, stream, data, size, err) < 0)
		return -1;
	if (collect->streams[stream].is_cut && stream != SBX_COLLECT_FILE)
		sbx_sandbox_kill_all(sandbox);
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

/* What is too much is for sbx_sandbox_tend() to tell. */
static void keep_early(struct sbx_sandbox *sandbox,
		       struct sbx_sandbox_early *early, const void *data,
		       size_t size)
{
	size_t room = SBX_SANDBOX_EARLY_MAX - early->size;

	if (size > room) {
		sandbox->talkative = true;
		size = room;
	}
	if (size == 0)
		return;
	if (!early->data)
		early->data = sbx_secret_alloc_plain(SBX_SANDBOX_EARLY_MAX);
	memcpy(early->data + early->size, data, size);
	early->size += size;
}

void sbx_sandbox_forget_early(struct sbx_sandbox *sandbox)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sandbox->early); i++) {
		sbx_secret_free(&sandbox->early[i].data);
		sandbox->early[i].size = 0;
	}
}

static int take_output(struct sbx_sandbox *sandbox,
		       enum sbx_collect_stream stream, const void *data,
		       size_t size, struct sbx_error *err)
{
	if (sandbox->phase != SBX_SANDBOX_EARLY)
		return sbx_sandbox_take(sandbox, stream, data, size, err);
	if (stream != SBX_COLLECT_FILE)
		keep_early(sandbox, &sandbox->early[stream], data, size);
	return 0;
}

static void read_reset(struct sbx_sandbox_reset *reset,
		       const unsigned char *payload, size_t size)
{
	*reset = (struct sbx_sandbox_reset){
		.processes = sbx_wire_get32(payload),
		.emptied = sbx_wire_get32(payload + 4),
		.objects = sbx_wire_get32(payload + 12),
	};
	memcpy(reset->why, payload + SBX_WIRE_RESET_FIXED,
	       size - SBX_WIRE_RESET_FIXED);
}

/* What an early program left before it had its input is nobody's. */
static int take_artifact(struct sbx_sandbox *sandbox, const void *data,
			 size_t size, struct sbx_error *err)
{
	if (sandbox->phase == SBX_SANDBOX_EARLY)
		return 0;
	return sbx_artifacts_next(&sandbox->artifacts, (const char *)data + 8,
				  size - 8, sbx_wire_get64(data), err);
}

static int take_content(struct sbx_sandbox *sandbox, const void *data,
			size_t size, struct sbx_error *err)
{
	if (sandbox->phase == SBX_SANDBOX_EARLY)
		return 0;
	return sbx_artifacts_take(&sandbox->artifacts, data, size, err);
}

static int on_word(struct sbx_sandbox *sandbox, enum sbx_channel_event event,
		   const void *data, size_t size, struct sbx_error *err)
{
	switch (event) {
	case SBX_CHANNEL_HELLO:
		sbx_buf_append(sandbox->hears_own ? &sandbox->own_hello
						  : &sandbox->hello,
			       data, size);
		return 0;
	case SBX_CHANNEL_STDOUT:
		return take_output(sandbox, SBX_COLLECT_OUT, data, size, err);
	case SBX_CHANNEL_STDERR:
		return take_output(sandbox, SBX_COLLECT_ERR, data, size, err);
	case SBX_CHANNEL_FILE:
		return take_output(sandbox, SBX_COLLECT_FILE, data, size, err);
	case SBX_CHANNEL_ARTIFACT:
		return take_artifact(sandbox, data, size, err);
	case SBX_CHANNEL_CONTENT:
		return take_content(sandbox, data, size, err);
	case SBX_CHANNEL_FILES_DONE:
		sandbox->files_error = (int)sbx_wire_get32(data);
		sandbox->has_files = true;
		return 0;
	case SBX_CHANNEL_EXIT:
		sbx_channel_read_exit(data, &sandbox->exit);
		sandbox->has_exit = true;
		return 0;
	case SBX_CHANNEL_RESET:
		read_reset(&sandbox->reset, data, size);
		sandbox->has_reset = true;
		return 0;
	case SBX_CHANNEL_STATE:
		sbx_channel_read_state(data, &sandbox->state);
		sandbox->has_state = true;
		return 0;
	case SBX_CHANNEL_KEPT:
	case SBX_CHANNEL_LOG:
		sbx_sandbox_take_answer(sandbox, data, size);
		return 0;
	default:
		return 0;
	}
}

/* While nothing runs; that these were asked for the channel has seen to. */
static bool may_come_unasked(enum sbx_channel_event event)
{
	return event == SBX_CHANNEL_FILES_DONE || event == SBX_CHANNEL_STATE ||
	       event == SBX_CHANNEL_KEPT || event == SBX_CHANNEL_LOG;
}

int sbx_sandbox_on_event(void *ctx, enum sbx_channel_event event,
			 const void *data, size_t size, struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = ctx;

	if (event == SBX_CHANNEL_NOTE) {
		sbx_buf_append(&sandbox->note, data, size);
		return 0;
	}
	if (event == SBX_CHANNEL_ABORT)
		return aborted(data, size, err);
	if ((event == SBX_CHANNEL_HELLO) !=
		    (sandbox->phase == SBX_SANDBOX_STARTING) ||
	    (sandbox->phase == SBX_SANDBOX_READY && !may_come_unasked(event)))
		return out_of_turn(err);
	return on_word(sandbox, event, data, size, err);
}

/* --- waiting --------------------------------------------------------------- */

bool sbx_sandbox_wants_output(const struct sbx_sandbox *sandbox)
{
	const struct sbx_run_events *events = sandbox->program->events;

	return !events || !events->has_room || events->has_room(events->ctx);
}

bool sbx_sandbox_wait(struct sbx_sandbox *sandbox, int cancel_fd)
{
	bool wants_output = sbx_sandbox_wants_output(sandbox);
	const struct sbx_pipes *pipes = &sandbox->pipes;
	int room_fd = wants_output ? -1 : sandbox->program->events->room_fd;
	struct pollfd fds[] = {
		{ .fd = sbx_channel_fd(sandbox->channel),
		  .events = sbx_channel_events(sandbox->channel) },
		{ .fd = cancel_fd, .events = POLLIN },
		{ .fd = pipes->ours[0], .events = POLLOUT },
		{ .fd = wants_output ? pipes->ours[1] : -1, .events = POLLIN },
		{ .fd = wants_output ? pipes->ours[2] : -1, .events = POLLIN },
		{ .fd = room_fd, .events = POLLIN },
	};
	double left = sandbox->deadline - sbx_clock_ms();

	left = fmin(left, sbx_collect_wait(&sandbox->collect));
	left = fmax(fmin(left, SBX_WIRE_BEAT_INTERVAL_MS), 0);
	if (poll(fds, SBX_ARRAY_SIZE(fds), (int)left + 1) < 0)
		return false;
	return fds[1].revents != 0;
}

/* A runner that was stopped, starved or kept waiting sent no heartbeat. */
void sbx_sandbox_notice_sleep(struct sbx_sandbox *sandbox)
{
	double now = sbx_clock_ms();

	if (now - sandbox->looked_at > SBX_WIRE_BEAT_TIMEOUT_MS)
		sandbox->slept = now - sandbox->looked_at;
	sandbox->looked_at = now;
}

bool sbx_sandbox_is_over(const struct sbx_sandbox *sandbox)
{
	return sbx_clock_ms() >= sandbox->deadline;
}

/* The heartbeat is left to end what is in the container. */
int sbx_sandbox_engine_failed(struct sbx_sandbox *sandbox,
			      const struct sbx_error *why,
			      struct sbx_error *err)
{
	sandbox->no_engine = why->outcome == SBX_OUTCOME_UNAVAILABLE;
	return sbx_error_set(err, why->outcome,
			     "the engine let go of the sandbox: %s",
			     why->message);
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

/*
 * A direct channel closes when init dies, which is before the engine knows
 * about it.
 */
static int inspect_ended(struct sbx_sandbox *sandbox, json_t **state,
			 struct sbx_error *why)
{
	double until = sbx_clock_ms() + SETTLE_MS;

	for (;;) {
		int result = sbx_container_inspect(sandbox->engine, sandbox->id,
						   state, why);

		if (result != 0 || !sandbox->is_direct ||
		    !sbx_json_true_at(*state, "State", "Running", NULL) ||
		    sbx_clock_ms() >= until)
			return result;
		json_decref(*state);
		*state = NULL;
		poll(NULL, 0, SETTLE_STEP_MS);
	}
}

int sbx_sandbox_lost(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf note = SBX_BUF_INIT(512);
	json_auto_t *state = NULL;
	struct sbx_error why = SBX_ERROR_INIT;
	int result = inspect_ended(sandbox, &state, &why);

	if (result < 0)
		return sbx_sandbox_engine_failed(sandbox, &why, err);
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
