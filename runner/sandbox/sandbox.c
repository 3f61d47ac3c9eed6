/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * The runner holds one connection per sandbox, on which channel.c talks to
 * init: a direct one where engine and runner share a kernel (direct.c), else
 * the container's attached streams.  The parts of this file own the order of
 * things: here create, verify, attach, start; sandbox_hello.c hears HELLO, over
 * either; sandbox_run.c sends RUN and input and has the clock until EXIT;
 * sandbox_talk.c hears what init says meanwhile.  Over a direct channel the
 * action's bytes go through pipes of the runner's (pipes.c), else through init
 * and the engine.  The clock's phases:
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
 * sandbox that is frozen or an engine that lost it.  Every byte of a running
 * action is read, wanted or not: an engine whose reader stalls blocks the
 * container.
 *
 * The engine calls in between are synchronous.  The attached stream is read
 * only when they are done, which is soon enough: the kernel's socket buffer
 * takes HELLO.
 */
#include "sandbox/sandbox.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/json.h"
#include "init/build_id.h"
#include "sandbox/discard.h"
#include "sandbox/init_volume.h"
#include "sandbox/sandbox_state.h"
#include "sandbox/spec_mounts.h"
#include "sandbox/volume_upload.h"
#include "secret/memory.h"

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

/* 0, SBX_SANDBOX_NEEDS_INIT with @err set, or -1. */
static int attach(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	const struct sbx_channel_handler handler = {
		.event = sbx_sandbox_on_event, .ctx = sandbox
	};
	int result = sbx_stream_attach(&sandbox->stream, sandbox->engine,
				       sandbox->id, err);

	if (result != 0)
		return result < 0 ? -1 : SBX_SANDBOX_NEEDS_INIT;
	sbx_channel_new(&sandbox->channel, sandbox->stream, &handler);
	if (sandbox->is_session)
		sbx_channel_set_session(sandbox->channel);
	sbx_channel_listen(sandbox->channel);
	return 0;
}

static int check_hello(struct sbx_sandbox *sandbox, const struct sbx_spec *spec,
		       struct sbx_error *err)
{
	cleanup_free struct sbx_hello_mount *mounts = NULL;
	cleanup_free struct sbx_hello_device *devices = NULL;
	struct sbx_hello_expected expected = {
		.build_id = SBX_INIT_BUILD_ID,
		.uid = spec->grant->action.uid,
		.gid = spec->grant->action.gid,
		.nofile = sbx_spec_nofile(spec),
		.gpus = spec->grant->action.gpus != 0,
	};
	int result;

	mounts = sbx_spec_mounts(spec, &expected.n_mounts);
	expected.mounts = mounts;
	devices = sbx_spec_devices(spec, &expected.n_devices);
	expected.devices = devices;
	result = sbx_hello_check(sandbox->hello.data, sandbox->hello.len,
				 &expected, err);
	if (result != SBX_HELLO_OTHER_BUILD)
		return result;
	sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED, "it is another build");
	return SBX_SANDBOX_NEEDS_INIT;
}

/* --- starting without an engine in between --------------------------------- */

/*
 * The engine that turned out to see other directories than we do: that of
 * another machine behind a forwarded socket, or of a root of its own.
 */
static _Atomic uint64_t far_engine;

static bool wants_direct(const struct sbx_engine *engine)
{
	const char *channel = getenv("SKILLBOX_CHANNEL");

	return sbx_text_has_prefix(sbx_engine_url(engine), "unix://") &&
	       far_engine != sbx_engine_identity(engine) &&
	       !(channel && strcmp(channel, "attached") == 0);
}

/* Where it cannot be had the attached stream is good enough. */
static int make_direct(struct sbx_sandbox *sandbox, const struct sbx_spec *spec,
		       struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (sandbox->is_session && spec->traits->closes_stdin &&
	    !wants_direct(sandbox->engine))
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "a session on %s needs an engine that "
				     "sees the directories of this machine: it "
				     "closes the input of whoever nobody is "
				     "attached to",
				     spec->traits->name);
	/* One runner at a time also where it is of no other use. */
	if (sandbox->is_session)
		return sbx_direct_new_session(&sandbox->direct, err);
	if (wants_direct(sandbox->engine))
		sbx_direct_new(&sandbox->direct, &ignored);
	return 0;
}

static void offer_direct(struct sbx_sandbox *sandbox, struct sbx_spec *spec)
{
	char random[13];

	if (!sandbox->direct || !wants_direct(sandbox->engine))
		return;
	sbx_random_hex(random, sizeof(random));
	snprintf(sandbox->channel_target, sizeof(sandbox->channel_target),
		 SBX_SPEC_INIT_PREFIX "%s", random);
	spec->channel_source = sbx_direct_path(sandbox->direct);
	spec->channel_target = sandbox->channel_target;
	spec->channel_path = sbx_direct_host_path(sandbox->direct);
}

/* The path is random: what names it failed because of it. */
static bool is_far(const struct sbx_sandbox *sandbox,
		   const struct sbx_error *why)
{
	if (!sandbox->direct ||
	    !strstr(why->message, sbx_direct_path(sandbox->direct)))
		return false;
	far_engine = sbx_engine_identity(sandbox->engine);
	return true;
}

/* Who may connect; nobody, where that cannot be told. */
static void find_pid(struct sbx_sandbox *sandbox)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	json_auto_t *state = NULL;

	if (sandbox->direct &&
	    sbx_container_inspect(sandbox->engine, sandbox->id, &state,
				  &ignored) == 0)
		sandbox->pid =
			(pid_t)sbx_json_int_at(0, state, "State", "Pid", NULL);
}

/* --- all of it ------------------------------------------------------------- */

/* What init reports, and what follows from it. */
static int meet(struct sbx_sandbox *sandbox, const struct sbx_spec *spec,
		int cancel_fd, struct sbx_error *err)
{
	int result;

	find_pid(sandbox);
	result = sbx_sandbox_hear_hello(sandbox, cancel_fd, err);
	if (result == 0)
		result = check_hello(sandbox, spec, err);
	if (result == 0)
		result = sbx_volume_give(sandbox->engine, spec, &sandbox->hello,
					 err);
	/* It would be looked for there: begun anew without (is_far). */
	if (result == 0 && sandbox->is_session && !sandbox->is_direct &&
	    spec->channel_source)
		result = sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				       "init did not come to %s",
				       sbx_direct_path(sandbox->direct));
	if (result == 0)
		sbx_sandbox_choose(sandbox);
	sbx_buf_free(&sandbox->hello);
	sandbox->phase = SBX_SANDBOX_READY;
	return result;
}

/* 0, SBX_SANDBOX_NEEDS_INIT with @err set, or -1; the caller frees the sandbox
 * unless it is 0. */
static int try_start(struct sbx_sandbox *sandbox, const struct sbx_spec *given,
		     int cancel_fd, double *start_ms, struct sbx_error *err)
{
	struct sbx_spec spec = *given;
	double began;
	int result;

	if (make_direct(sandbox, &spec, err) < 0)
		return -1;
	if (sandbox->direct)
		spec.channel_name = sbx_direct_name(sandbox->direct);
	offer_direct(sandbox, &spec);
	result = create(sandbox, &spec, err);
	if (result == 0)
		result = attach(sandbox, err);
	if (result != 0)
		return result;
	began = sandbox->looked_at = sbx_clock_ms();
	result = sbx_container_start(sandbox->engine, sandbox->id, err);
	if (result < 0 && err->outcome == SBX_OUTCOME_DENIED)
		return sbx_error_wrap(err, "sandbox.DeviceRequests");
	if (result == SBX_CONTAINER_NO_COMMAND)
		result = SBX_SANDBOX_NEEDS_INIT;
	else if (result == 0)
		result = meet(sandbox, &spec, cancel_fd, err);
	*start_ms = sbx_clock_ms() - began;
	return result;
}

/* All that an action can write to but its volumes, which are to stay. */
static void list_tmpfs(const struct sbx_spec *spec, struct sbx_strv *list)
{
	json_auto_t *all = sbx_spec_tmpfs_json(spec);
	const char *target;
	json_t *options;

	json_object_foreach (all, target, options)
		sbx_strv_push(list, target);
}

static struct sbx_sandbox *new_sandbox(struct sbx_engine *engine,
				       const struct sbx_spec *spec)
{
	struct sbx_sandbox *sandbox = sbx_calloc(1, sizeof(*sandbox));

	sandbox->engine = engine;
	sandbox->uid = spec->grant->action.uid;
	sandbox->gid = spec->grant->action.gid;
	sandbox->is_session = spec->session != NULL;
	sandbox->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	if (spec->grant->action.reuse == SBX_REUSE_RESET)
		list_tmpfs(spec, &sandbox->tmpfs);
	sandbox->hello.max = SBX_WIRE_HELLO_MAX;
	sandbox->own_hello.max = SBX_WIRE_HELLO_MAX;
	sandbox->note.max = 512;
	return sandbox;
}

static int not_our_init(struct sbx_error *err)
{
	sbx_error_wrap(err,
		       "the engine does not run the init it was given in "
		       "volume %s",
		       sbx_init_volume_name());
	err->outcome = SBX_OUTCOME_SANDBOX_FAILED;
	return -1;
}

int sbx_sandbox_start(struct sbx_sandbox **out, struct sbx_engine *engine,
		      const struct sbx_spec *spec, int cancel_fd,
		      double *start_ms, struct sbx_error *err)
{
	bool is_filled = false;

	*start_ms = -1;
	for (;;) {
		struct sbx_sandbox *sandbox = new_sandbox(engine, spec);
		struct sbx_error why = SBX_ERROR_INIT;
		int result =
			try_start(sandbox, spec, cancel_fd, start_ms, &why);
		bool again = result != 0 && is_far(sandbox, &why);

		if (result == 0) {
			*out = sandbox;
			return 0;
		}
		sbx_sandbox_free(&sandbox);
		if (again)
			continue;
		*err = why;
		if (result < 0)
			return -1;
		if (is_filled)
			return not_our_init(err);
		if (sbx_init_volume_fill(engine, err) < 0)
			return -1;
		is_filled = true;
	}
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
	sbx_channel_free(&sandbox->own);
	sbx_stream_free(&sandbox->stream);
	if (sandbox->is_kept)
		sbx_direct_leave(&sandbox->direct);
	else
		sbx_direct_free(&sandbox->direct);
	sbx_pipes_close(&sandbox->pipes);
	/* What has ended, or was killed, the engine removes by itself. */
	if (!sandbox->is_kept && !sandbox->has_exit &&
	    sandbox->phase != SBX_SANDBOX_GONE && !sandbox->no_engine &&
	    sandbox->name)
		sbx_discard(sandbox->engine, sandbox->id, sandbox->name);
	free(sandbox->name);
	sbx_buf_free(&sandbox->hello);
	sbx_buf_free(&sandbox->own_hello);
	sbx_buf_free(&sandbox->note);
	sbx_sandbox_forget_early(sandbox);
	sbx_secret_free(&sandbox->answer);
	sbx_strv_free(&sandbox->tmpfs);
	sbx_artifacts_clear(&sandbox->artifacts);
	sbx_collect_clear(&sandbox->collect);
	free(sandbox);
}
