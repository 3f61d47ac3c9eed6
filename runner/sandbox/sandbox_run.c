/* SPDX-License-Identifier: MIT */
/* From RUN to EXIT, see sandbox.c. */
#include "sandbox/sandbox_state.h"

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"

/*
 * When the action's time is over the caller is to have its record within 5 s,
 * whatever init and the engine do: after the usual grace period of 2 s this is
 * what remains, but for a little (and KILL_TIMEOUT_MS in sandbox_talk.c).
 * What the engine does not need of its part, at most GONE_TIMEOUT_MS, is for
 * the connection to close.
 */
#define END_PATIENCE_MS 1200
#define GONE_TIMEOUT_MS 500

/* init gives up before that. */
#define RESET_TIMEOUT_MS 2000

/* --- starting a program ---------------------------------------------------- */

static int send_run(struct sbx_sandbox *sandbox,
		    const struct sbx_sandbox_program *program,
		    struct sbx_error *err)
{
	const struct sbx_channel_run run = {
		.argv = program->argv,
		.env = program->env,
		.secrets = program->secrets,
		.n_secrets = program->n_secrets,
		.working_dir = program->working_dir,
		.output_file = program->output_file,
		.output_file_limit = (uint32_t)program->output_limit,
		.out = program->files_out,
		.out_limit = (uint32_t)program->files_limit,
		.tmpfs = program->reset && sandbox->is_direct ? &sandbox->tmpfs
							      : NULL,
		.flags = program->flags,
	};

	if (sbx_channel_send_run(sandbox->channel, &run, err) < 0)
		return -1;
	if (!sandbox->is_direct || program->flags & SBX_WIRE_RUN_DETACH)
		return 0;
	if (sbx_pipes_open(&sandbox->pipes, sandbox->uid, sandbox->gid, err) <
	    0)
		return -1;
	sbx_channel_give(sandbox->channel, sandbox->pipes.theirs);
	return 0;
}

/* Whichever way it goes. */
static void send_input(struct sbx_sandbox *sandbox,
		       const struct sbx_sandbox_program *program)
{
	if (program->flags & SBX_WIRE_RUN_DETACH)
		return;
	if (!sandbox->is_direct) {
		sbx_channel_send_input(sandbox->channel, program->input,
				       program->input_size);
		return;
	}
	sbx_pipes_grow(&sandbox->pipes);
	sbx_pipes_set_input(&sandbox->pipes, program->input,
			    program->input_size);
}

static bool has_sent_input(const struct sbx_sandbox *sandbox)
{
	if (sandbox->is_direct)
		return sandbox->pipes.has_fed;
	return sbx_channel_has_sent_input(sandbox->channel);
}

int sbx_sandbox_spawn(struct sbx_sandbox *sandbox,
		      const struct sbx_sandbox_program *program,
		      struct sbx_error *err)
{
	if (send_run(sandbox, program, err) < 0)
		return -1;
	sandbox->phase = SBX_SANDBOX_EARLY;
	sbx_channel_rest(sandbox->channel);
	return sbx_sandbox_tend(sandbox, err) < 0 ? -1 : 0;
}

static int too_early(const char *what, struct sbx_error *err)
{
	sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
		      "the program was started early and %s before there was "
		      "any input",
		      what);
	return SBX_SANDBOX_EXITED;
}

int sbx_sandbox_tend(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int result;

	sbx_sandbox_notice_sleep(sandbox);
	result = sbx_channel_pump(sandbox->channel, err);
	if (sandbox->has_exit)
		return too_early("ended", err);
	if (result == SBX_CHANNEL_CLOSED)
		return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
				     "the sandbox ended while it waited");
	if (result < 0)
		return -1;
	return sandbox->talkative ? too_early("wrote too much", err) : 0;
}

/* --- to its end ------------------------------------------------------------ */

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

/* What happens at the end of each phase, and when the caller wants out. */
static int escalate(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	struct sbx_error why = SBX_ERROR_INIT;

	switch (sandbox->phase) {
	case SBX_SANDBOX_RUNNING:
		sbx_channel_send_signal(sandbox->channel, SIGTERM);
		sbx_sandbox_enter(
			sandbox, SBX_SANDBOX_ENDING,
			(double)sandbox->program->stop_grace_period_ms);
		break;
	case SBX_SANDBOX_ENDING:
		sbx_sandbox_kill_all(sandbox);
		break;
	case SBX_SANDBOX_KILLING:
		if (sbx_container_kill(sandbox->engine, sandbox->id, &why) < 0)
			return sbx_sandbox_engine_failed(sandbox, &why, err);
		sbx_sandbox_enter(sandbox, SBX_SANDBOX_GONE,
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
	if (sandbox->phase == SBX_SANDBOX_RUNNING)
		sandbox->result->timed_out = true;
	return escalate(sandbox, err);
}

static int on_cancel(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	sandbox->result->cancelled = true;
	return sandbox->phase == SBX_SANDBOX_RUNNING ? escalate(sandbox, err)
						     : 0;
}

static int on_output(void *ctx, int stream, const void *data, size_t size,
		     struct sbx_error *err)
{
	return sbx_sandbox_take(ctx,
				stream == 1 ? SBX_COLLECT_OUT : SBX_COLLECT_ERR,
				data, size, err);
}

/* Who may have no room is asked again before there can be much too much. */
static size_t most_output(const struct sbx_sandbox *sandbox)
{
	const struct sbx_run_events *events = sandbox->program->events;

	return events && events->has_room ? SBX_RUN_EVENTS_STEP : SIZE_MAX;
}

/*
 * What the action wrote was in its pipes before init could tell of its end.
 * Results are those of sbx_channel_pump().
 */
static int pump(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	struct sbx_pipes *pipes = &sandbox->pipes;
	int result = sbx_channel_pump(sandbox->channel, err);
	int read = 0;

	if (result < 0 || !sandbox->is_direct)
		return result;
	sbx_pipes_feed(pipes);
	if (sandbox->has_exit)
		read = sbx_pipes_drain(pipes, on_output, sandbox, err);
	else if (sbx_sandbox_wants_output(sandbox))
		read = sbx_pipes_read(pipes, most_output(sandbox), on_output,
				      sandbox, err);
	return read < 0 ? -1 : result;
}

static int pump_to_exit(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int cancel_fd = sandbox->program->cancel_fd;

	for (;;) {
		int result;

		sbx_sandbox_notice_sleep(sandbox);
		result = pump(sandbox, err);
		sbx_collect_tick(&sandbox->collect);
		if (sandbox->has_exit)
			return 0;
		if (result < 0)
			return -1;
		if (result == SBX_CHANNEL_CLOSED)
			return sandbox->phase == SBX_SANDBOX_GONE
				       ? killed(sandbox->result, err)
				       : sbx_sandbox_lost(sandbox, err);
		if (sbx_sandbox_is_over(sandbox) &&
		    on_deadline(sandbox, err) < 0)
			return -1;
		if (sbx_sandbox_wait(sandbox, cancel_fd)) {
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
	bool is_cut = ended < 0 || sandbox->phase != SBX_SANDBOX_RUNNING ||
		      result->exit.kind != SBX_WIRE_EXITED;

	if (result->exit.flags & SBX_WIRE_FILE_TRUNCATED)
		streams[SBX_COLLECT_FILE].is_cut = true;
	sbx_collect_end(&sandbox->collect, is_cut);
	result->out_truncated = streams[SBX_COLLECT_OUT].is_cut;
	result->err_truncated = streams[SBX_COLLECT_ERR].is_cut;
	if (streams[SBX_COLLECT_FILE].is_cut)
		result->exit.flags |= SBX_WIRE_FILE_TRUNCATED;
	sbx_artifacts_end(&sandbox->artifacts);
	if (sandbox->artifacts.is_cut)
		result->exit.flags |= SBX_WIRE_OUT_TRUNCATED;
}

static void begin_result(struct sbx_sandbox *sandbox,
			 struct sbx_sandbox_result *result)
{
	struct sbx_collected *streams = sandbox->collect.streams;

	memset(result, 0, sizeof(*result));
	sandbox->result = result;
	result->out = &streams[SBX_COLLECT_OUT].kept;
	result->err = &streams[SBX_COLLECT_ERR].kept;
	result->file = &streams[SBX_COLLECT_FILE].kept;
	result->artifacts = &sandbox->artifacts;
}

/* What it wrote while it waited goes the way of all else. */
static int take_early(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int result = 0;

	for (int i = 0; i < 2 && result == 0; i++) {
		const struct sbx_sandbox_early *early = &sandbox->early[i];

		if (early->size > 0)
			result = sbx_sandbox_take(sandbox, i, early->data,
						  early->size, err);
	}
	sbx_sandbox_forget_early(sandbox);
	return result;
}

/*
 * Who wanted out while the sandbox was made, which may not always be broken
 * off, has nothing run: it may be over before it is stopped.
 */
static int check_wanted(const struct sbx_sandbox_program *program,
			struct sbx_error *err)
{
	struct pollfd cancel = { .fd = program->cancel_fd, .events = POLLIN };

	if (poll(&cancel, 1, 0) > 0)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled by the caller");
	return 0;
}

/* With the program under way, or about to be. */
static int begin(struct sbx_sandbox *sandbox,
		 const struct sbx_sandbox_program *program,
		 struct sbx_error *err)
{
	bool is_early = sandbox->phase == SBX_SANDBOX_EARLY;

	if (sbx_collect_begin(&sandbox->collect, program->redacted,
			      (size_t)program->output_limit, program->events,
			      err) < 0)
		return -1;
	sbx_artifacts_begin(&sandbox->artifacts, sandbox->collect.redactor,
			    (size_t)program->files_limit);
	if (sbx_sandbox_give(sandbox, program, err) < 0 ||
	    check_wanted(program, err) < 0)
		return -1;
	/* Its end may have come since somebody looked after it. */
	if (is_early ? sbx_sandbox_tend(sandbox, err) != 0
		     : send_run(sandbox, program, err) < 0)
		return -1;
	send_input(sandbox, program);
	sbx_sandbox_enter(sandbox, SBX_SANDBOX_RUNNING,
			  (double)program->timeout_ms);
	return is_early ? take_early(sandbox, err) : 0;
}

int sbx_sandbox_run(struct sbx_sandbox *sandbox,
		    const struct sbx_sandbox_program *program,
		    struct sbx_sandbox_result *result, struct sbx_error *err)
{
	bool is_early = sandbox->phase == SBX_SANDBOX_EARLY;
	int cancel_fd = sbx_engine_cancel_fd(sandbox->engine);
	double patience = sbx_engine_patience(sandbox->engine);
	int ended;

	if (sandbox->is_session)
		sbx_sandbox_again(sandbox);
	begin_result(sandbox, result);
	sandbox->program = program;
	if (begin(sandbox, program, err) < 0)
		return -1;
	/* Who cancels ends the action; what that takes is still done. */
	sbx_engine_set_cancel_fd(sandbox->engine, -1);
	sbx_engine_set_patience(sandbox->engine, END_PATIENCE_MS);
	ended = pump_to_exit(sandbox, err);
	sbx_engine_set_patience(sandbox->engine, patience);
	sbx_engine_set_cancel_fd(sandbox->engine, cancel_fd);
	result->started = is_early ? has_sent_input(sandbox)
				   : sbx_channel_has_sent(sandbox->channel);
	sbx_pipes_close(&sandbox->pipes);
	result->exit = sandbox->exit;
	end_streams(sandbox, ended);
	if (ended == 0 && program->reset && sandbox->is_direct &&
	    sandbox->phase == SBX_SANDBOX_RUNNING)
		sbx_sandbox_enter(sandbox, SBX_SANDBOX_CLEANING,
				  RESET_TIMEOUT_MS);
	return ended;
}

/* --- and again ------------------------------------------------------------- */

static int not_again(const char *why, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "the sandbox cannot be used again: %s", why);
}

/* init's word for it, and that it has looked at all there is. */
static int check_reset(const struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	const struct sbx_sandbox_reset *reset = &sandbox->reset;
	cleanup_buf struct sbx_buf why = SBX_BUF_INIT(512);

	if (reset->why[0] != '\0') {
		sbx_text_escape(&why, reset->why, strlen(reset->why), false);
		return not_again(sbx_buf_text(&why), err);
	}
	if (reset->processes != 1)
		return not_again("more than init is left in it", err);
	if (reset->objects != 0)
		return not_again("objects are left in it", err);
	if (reset->emptied != sandbox->tmpfs.n)
		return not_again("not all of it was emptied", err);
	return 0;
}

int sbx_sandbox_reset_done(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int result;

	if (sandbox->phase == SBX_SANDBOX_READY)
		return 0;
	if (sandbox->phase != SBX_SANDBOX_CLEANING)
		return not_again(sandbox->is_direct
					 ? "its program did not end by itself"
					 : "there is no direct channel",
				 err);
	sbx_sandbox_notice_sleep(sandbox);
	result = sbx_channel_pump(sandbox->channel, err);
	if (!sandbox->has_reset) {
		if (result == SBX_CHANNEL_CLOSED)
			return not_again("init has ended", err);
		if (result < 0)
			return -1;
		return sbx_sandbox_is_over(sandbox)
			       ? not_again("that took too long", err)
			       : SBX_SANDBOX_RESETTING;
	}
	if (check_reset(sandbox, err) < 0)
		return -1;
	sandbox->has_exit = false;
	sandbox->has_reset = false;
	sandbox->phase = SBX_SANDBOX_READY;
	sandbox->has_files = false;
	sbx_artifacts_clear(&sandbox->artifacts);
	sbx_collect_clear(&sandbox->collect);
	memset(&sandbox->collect, 0, sizeof(sandbox->collect));
	sbx_channel_rest(sandbox->channel);
	return 0;
}
