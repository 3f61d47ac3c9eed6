/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * The runner holds one connection per sandbox: the container's attached
 * streams, on which channel.c talks to init.  The parts of this file own the
 * order of things: here create, verify, attach, start, HELLO; sandbox_run.c
 * sends RUN and input and has the clock until EXIT; sandbox_talk.c hears what
 * init says meanwhile.  The clock's phases:
 *
 *	starting	from start to HELLO, at most HELLO_TIMEOUT_MS
 *	ready, early	a sandbox, or its program, waits for a request: no
 *			limit, whoever holds it looks after it
 *			(sbx_sandbox_tend)
 *	running		from the input to EXIT, at most the action's time-out
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

#include <string.h>

#include "base/clock.h"
#include "init/build_id.h"
#include "sandbox/discard.h"
#include "sandbox/init_volume.h"
#include "sandbox/sandbox_state.h"
#include "sandbox/volume_upload.h"

/* A cold engine under load may need long to get a process going. */
#define HELLO_TIMEOUT_MS 30000

#define NEEDS_INIT	 1 /* named outcome of a start: no init of ours is there */

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

		sbx_sandbox_notice_sleep(sandbox);
		result = sbx_channel_pump(sandbox->channel, err);
		if (result == SBX_CHANNEL_CLOSED && !sandbox->has_hello)
			result = sbx_sandbox_lost(sandbox, err);
		if (result < 0)
			return not_heard(err);
		if (sandbox->has_hello)
			break;
		if (sbx_sandbox_is_over(sandbox))
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the engine started the sandbox, "
					     "and init did not speak in time");
		if (sbx_sandbox_wait(sandbox, cancel_fd))
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

	sbx_sandbox_enter(sandbox, SBX_SANDBOX_STARTING,
			  patience < HELLO_TIMEOUT_MS ? patience
						      : HELLO_TIMEOUT_MS);
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
	const struct sbx_channel_handler handler = {
		.event = sbx_sandbox_on_event, .ctx = sandbox
	};
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
	sbx_buf_free(&sandbox->hello);
	sandbox->phase = SBX_SANDBOX_READY;
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

void sbx_sandbox_use(struct sbx_sandbox *sandbox, struct sbx_engine *engine)
{
	sandbox->engine = engine;
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
	if (!sandbox->has_exit && sandbox->phase != SBX_SANDBOX_GONE &&
	    !sandbox->no_engine && sandbox->name)
		sbx_discard(sandbox->engine, sandbox->id, sandbox->name);
	free(sandbox->name);
	sbx_buf_free(&sandbox->hello);
	sbx_buf_free(&sandbox->note);
	sbx_sandbox_forget_early(sandbox);
	sbx_collect_clear(&sandbox->collect);
	free(sandbox);
}
