/* SPDX-License-Identifier: MIT */
#include "sandbox/run.h"

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "codec/json.h"
#include "codec/schema.h"
#include "sandbox/channel_run.h"
#include "sandbox/concurrency.h"
#include "sandbox/init_volume.h"
#include "sandbox/plan.h"
#include "sandbox/runner.h"
#include "sandbox/sandbox.h"
#include "sandbox/spec.h"
#include "sandbox/volume_upload.h"
#include "skill/limits_from.h"

/*
 * What may pass before the action has its input is no part of its time, but it
 * cannot be endless either: a caller who gives an action 10 s does not wait a
 * minute to hear that the engine is dead.  So the engine gets as long as the
 * action, and a little more.
 */
#define ENGINE_MIN_MS	3000
#define ENGINE_EXTRA_MS 2000

/* In hexadecimal, with the NUL. */
#define RUN_ID_SIZE (32 + 1)

#define RUN_ID_MAX  64

/* Everything one run holds while it goes through its stages. */
struct state {
	const struct sbx_run *run;
	struct sbx_record *record;
	struct sbx_plan_request request;
	struct sbx_plan *plan;
	json_t *input;
	struct sbx_input_limits limits;
	struct sbx_overrides overrides;
	struct sbx_slots place;
	struct sbx_slots place_of_action;
	struct sbx_strv env;
	struct sbx_sandbox *sandbox;
	struct sbx_pool_visit visit;
	bool is_finished; /* the plan */
	bool runs;	  /* the program, ahead of its input */
	bool may_go_on;	  /* another sandbox may be tried */
	bool is_clean;	  /* the sandbox may be used again */
	struct sbx_run_events events;
};

/* --- before anything is asked of the engine -------------------------------- */

static int check_run_id(const char *run_id, struct sbx_error *err)
{
	size_t good = strspn(run_id, "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789._-");

	if (good > 0 && good <= RUN_ID_MAX && run_id[good] == '\0')
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "run_id must be 1 to %d characters of "
			     "[A-Za-z0-9._-]",
			     RUN_ID_MAX);
}

/* The record names what was asked for, whatever becomes of it. */
static int name_run(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	struct sbx_record *record = state->record;
	char run_id[RUN_ID_SIZE];

	sbx_random_hex(run_id, RUN_ID_SIZE);
	sbx_strset(&record->skill, run->skill);
	sbx_strset(&record->action, run->action);
	sbx_strset(&record->owner, run->owner);
	sbx_strset(&record->traceparent, run->traceparent);
	sbx_strset(&record->run_id, run->run_id ? run->run_id : run_id);
	return check_run_id(record->run_id, err);
}

static int read_plan(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	int result = 0;

	if (run->pool)
		result = sbx_pool_enter(run->pool, &state->visit,
					&state->request, &state->plan, err);
	else if (run->session && run->session->plan && *run->session->plan)
		state->plan = sbx_plan_ref(*run->session->plan);
	state->is_finished = state->plan != NULL;
	if (result == 0 && !state->is_finished)
		result = sbx_plan_read(&state->plan, &state->request, err);
	if (!state->plan)
		return -1;
	sbx_strset(&state->record->skill_version,
		   state->plan->skill.manifest->version);
	return result;
}

/* Its standard input is empty, and nobody is there to fill it. */
static int check_detached(const struct sbx_run *run, bool has_input,
			  struct sbx_error *err)
{
	if (!has_input || !run->session || !run->session->detach)
		return 0;
	return sbx_error_set(
		err, SBX_OUTCOME_INVALID,
		"what is detached reads no input, and there is "
		"some: copy it into a file of the session (session "
		"cp), and detach a command that reads that");
}

static int parse_input(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	const struct sbx_action *action = &state->plan->grant.action;

	if ((int64_t)run->input_size > action->input_limit)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "input has %zu bytes, the action's "
				     "input_limit is %lld",
				     run->input_size,
				     (long long)action->input_limit);
	if (run->session && run->session->command)
		return check_detached(run, run->input_size > 0, err);
	if (sbx_json_parse(run->input, run->input_size, &state->input, err) < 0)
		return sbx_error_wrap(err, "input is not one JSON value");
	return check_detached(run,
			      action->input != SBX_INPUT_ENV &&
				      !sbx_json_says_nothing(state->input),
			      err);
}

static int check_files(struct state *state, struct sbx_error *err)
{
	const struct sbx_files *files = state->run->files;
	const struct sbx_action *action = &state->plan->grant.action;

	if (!files || files->n == 0)
		return 0;
	if (!action->files_in)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "files: the action takes none: its "
				     "manifest has no \"files.in\"");
	return sbx_files_check(files, action->files_limit, err);
}

static int check_input(struct state *state, struct sbx_error *err)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	int result = 0;

	if (check_files(state, err) < 0 || parse_input(state, err) < 0)
		return -1;
	if (state->plan->input_schema)
		result = sbx_schema_check(state->plan->input_schema,
					  state->input, &problems, err);
	if (result == SBX_SCHEMA_MISFIT)
		return sbx_schema_problems_error(
			&problems, SBX_OUTCOME_INVALID,
			"the input does not fit the action's input_schema",
			err);
	return result < 0 ? sbx_error_wrap(err, "the input") : 0;
}

/* It has to be less than what the plan's sandboxes have. */
static bool needs_own_sandbox(const struct sbx_input_limits *limits)
{
	return limits->nano_cpus >= 0 || limits->mem_limit >= 0;
}

/*
 * What the input says of the run's limits.  The time-out is the run's own, but
 * for memory and CPUs it is as if the caller had asked for less: another plan,
 * and a sandbox by it.
 */
static int apply_input_limits(struct state *state, struct sbx_error *err)
{
	const struct sbx_progress lines = state->request.lines;
	struct sbx_plan *plan = NULL;
	int result;

	if (sbx_limits_from_input(&state->plan->grant.action, state->input,
				  &state->limits, err) < 0)
		return -1;
	if (!needs_own_sandbox(&state->limits))
		return 0;
	if (state->run->session)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the input asks for less memory or CPUs, "
				     "and in a session all runs share what it "
				     "was created with");
	state->overrides = *state->run->overrides;
	if (state->limits.nano_cpus >= 0)
		state->overrides.nano_cpus = state->limits.nano_cpus;
	if (state->limits.mem_limit >= 0)
		state->overrides.mem_limit = state->limits.mem_limit;
	state->request.overrides = &state->overrides;
	/* What was lowered has been said. */
	state->request.lines = (struct sbx_progress){ .line = NULL };
	result = sbx_plan_read(&plan, &state->request, err);
	state->request.lines = lines;
	if (result < 0) {
		sbx_plan_unref(&plan);
		return -1;
	}
	sbx_plan_unref(&state->plan);
	state->plan = plan;
	state->is_finished = false;
	state->visit.is_plain = false;
	return 0;
}

static int64_t timeout_of(const struct state *state)
{
	return state->limits.timeout_ms >= 0
		       ? state->limits.timeout_ms
		       : state->plan->grant.action.timeout_ms;
}

/* With a pool, that is a part of finishing it. */
static int open_plan(struct state *state, struct sbx_error *err)
{
	if (state->run->pool || state->is_finished)
		return 0;
	return sbx_plan_open(state->plan, &state->request, state->run->engine,
			     err);
}

static int take_place(struct state *state, struct sbx_error *err)
{
	const struct sbx_grant *grant = &state->plan->grant;
	const struct sbx_action *action = &grant->action;

	if (sbx_concurrency_begin(&state->place, grant->skill, NULL,
				  grant->concurrency, err) < 0)
		return -1;
	return sbx_concurrency_begin(&state->place_of_action, grant->skill,
				     action->name, action->concurrency, err);
}

/* --- the stages ------------------------------------------------------------ */

static void set_patience(const struct state *state)
{
	int64_t ms = timeout_of(state);

	sbx_engine_set_patience(
		state->run->engine,
		(double)(ms > ENGINE_MIN_MS ? ms : ENGINE_MIN_MS) +
			ENGINE_EXTRA_MS);
}

static int finish_plan(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	double began = sbx_clock_ms();
	int result = 0;

	set_patience(state);
	if (!state->is_finished && run->pool)
		result = sbx_pool_finish(&state->visit, &state->plan,
					 &state->request, run->engine,
					 run->cancel_fd, err);
	else if (!state->is_finished)
		result = sbx_plan_finish(state->plan, &state->request,
					 run->engine, NULL, err);
	if (result == 0 && run->session && run->session->plan &&
	    !*run->session->plan)
		*run->session->plan = sbx_plan_ref(state->plan);
	state->record->build_ms = run->pool || run->session
					  ? sbx_clock_ms() - began
					  : state->plan->build_ms;
	if (state->plan->image)
		sbx_strset(&state->record->image, state->plan->image->id);
	return result;
}

static const struct sbx_strv *argv_of(const struct state *state)
{
	const struct sbx_run_session *session = state->run->session;

	return session && session->command ? session->command
					   : &state->plan->argv;
}

/* What cannot be sent to a sandbox needs none. */
static int check_program(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	const struct sbx_plan *plan = state->plan;
	const struct sbx_channel_run program = {
		.argv = argv_of(state),
		.env = &state->env,
		.secrets = plan->secrets.sent,
		.n_secrets = plan->secrets.n_sent,
		.working_dir = plan->working_dir,
	};

	if (sbx_plan_environment(plan, state->record->run_id, state->input,
				 run->input, run->input_size, &state->env,
				 err) < 0)
		return -1;
	if (run->traceparent)
		sbx_strv_setenv(&state->env, "TRACEPARENT", run->traceparent);
	return sbx_channel_run_check(&program, err);
}

static int start_sandbox(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	struct sbx_record *record = state->record;
	double start_ms = -1;
	double began = sbx_clock_ms();
	int result = sbx_plan_start(state->plan, run->engine, record->run_id,
				    run->cancel_fd, &state->sandbox, &start_ms,
				    err);

	/* What it took besides is no stage of its own: to negotiate with the
	 * engine, to install init there and begin anew. */
	record->create_ms = sbx_clock_ms() - began - fmax(start_ms, 0);
	record->start_ms = start_ms;
	if (result == 0)
		record->start = "cold";
	return result;
}

/* One of the pool's, or else one that is started now. */
static int take_sandbox(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	struct sbx_record *record = state->record;
	struct sbx_pool_taken taken;
	double began = sbx_clock_ms();
	int result;

	state->may_go_on = false;
	result = sbx_pool_take(&state->visit, state->plan, run->engine,
			       run->cancel_fd, &taken, err);
	/* It may not be the first that it takes. */
	record->wait_ms = fmax(record->wait_ms, 0) + sbx_clock_ms() - began;
	if (result < 0)
		return -1;
	state->sandbox = taken.sandbox;
	state->runs = taken.runs;
	state->may_go_on = taken.sandbox != NULL;
	record->start = taken.sandbox ? taken.start : NULL;
	if (taken.sandbox)
		return 0;
	result = start_sandbox(state, err);
	sbx_pool_cold_end(&state->visit);
	return result;
}

static int use_session(struct state *state)
{
	state->sandbox = state->run->session->sandbox;
	state->record->start = "session";
	return 0;
}

static int get_sandbox(struct state *state, struct sbx_error *err)
{
	const struct sbx_run_events *events = &state->run->events;
	int result = state->run->session ? use_session(state)
		     : state->run->pool	 ? take_sandbox(state, err)
					 : start_sandbox(state, err);

	if (result == 0 && events->started)
		events->started(events->ctx, state->record->start);
	return result;
}

static void describe_program(struct state *state,
			     struct sbx_sandbox_program *program)
{
	const struct sbx_run *run = state->run;
	bool by_env = state->plan->grant.action.input == SBX_INPUT_ENV;

	sbx_plan_program(state->plan, program);
	program->argv = argv_of(state);
	program->env = &state->env;
	program->input = by_env ? NULL : run->input;
	program->input_size = by_env ? 0 : run->input_size;
	program->timeout_ms = timeout_of(state);
	program->files = run->files;
	program->cancel_fd = run->cancel_fd;
	state->events = run->events;
	state->events.has_stdout = run->events.has_stdout &&
				   !sbx_plan_checks_output(state->plan);
	program->events = &state->events;
	program->reset = run->pool &&
			 state->plan->grant.action.reuse == SBX_REUSE_RESET;
	if (run->session && run->session->working_dir)
		program->working_dir = run->session->working_dir;
	if (run->session && run->session->detach)
		program->flags = SBX_WIRE_RUN_DETACH;
}

static bool is_dead(const struct sbx_error *err)
{
	return err->outcome == SBX_OUTCOME_SANDBOX_FAILED ||
	       err->outcome == SBX_OUTCOME_UNAVAILABLE ||
	       err->outcome == SBX_OUTCOME_OOM;
}

static int run_program(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	const struct sbx_plan *plan = state->plan;
	struct sbx_record *record = state->record;
	struct sbx_sandbox_program program;
	struct sbx_sandbox_result result;
	char started_at[SBX_CLOCK_RFC3339_SIZE];
	double began = sbx_clock_ms();
	int ended;

	describe_program(state, &program);
	sbx_clock_rfc3339(started_at);
	ended = sbx_sandbox_run(state->sandbox, &program, &result, err);
	record->action_ms = sbx_clock_ms() - began;
	if (result.started)
		memcpy(record->started_at, started_at, sizeof(started_at));
	state->may_go_on = state->may_go_on && ended < 0 && !result.started &&
			   is_dead(err);
	if (ended < 0)
		return -1;
	sbx_record_end(record, &plan->grant.action,
		       &(struct sbx_ending){
			       .exit = result.exit,
			       .program = program.argv->v[0],
			       .working_dir = program.working_dir,
			       .out = result.out,
			       .err = result.err,
			       .file = result.file,
			       .artifacts = result.artifacts,
			       .output_schema = plan->output_schema,
			       .timeout_ms = program.timeout_ms,
			       .out_truncated = result.out_truncated,
			       .err_truncated = result.err_truncated,
			       .timed_out = result.timed_out,
			       .cancelled = result.cancelled,
			       .in_session = run->session != NULL,
		       });
	if (state->events.has_stdout) {
		json_decref(record->output);
		record->output = NULL;
	}
	state->is_clean = program.reset &&
			  (record->outcome == SBX_OUTCOME_OK ||
			   record->outcome == SBX_OUTCOME_FAILED);
	return 0;
}

/*
 * A sandbox that waited may die in the moment when it is taken.  While nothing
 * has left that could have an effect another one will do.
 */
static int run_somewhere(struct state *state, struct sbx_error *err)
{
	for (;;) {
		int result = get_sandbox(state, err);

		if (result == 0)
			result = run_program(state, err);
		if (result == 0 || !state->may_go_on)
			return result;
		state->sandbox = NULL;
		sbx_pool_died(&state->visit);
	}
}

static int go_through(struct state *state, struct sbx_error *err)
{
	if (name_run(state, err) < 0 || read_plan(state, err) < 0 ||
	    check_input(state, err) < 0 || apply_input_limits(state, err) < 0 ||
	    open_plan(state, err) < 0 || take_place(state, err) < 0 ||
	    finish_plan(state, err) < 0 || check_program(state, err) < 0)
		return -1;
	return run_somewhere(state, err);
}

static void set_session(struct sbx_plan_request *request,
			const struct sbx_run_session *session)
{
	request->session = &session->about;
	request->is_open = true;
	request->image = session->image;
	request->environment = session->environment;
	request->is_command = session->command != NULL;
}

void sbx_run_action(const struct sbx_run *run, struct sbx_record *record)
{
	struct state state = {
		.run = run,
		.record = record,
		.request = { .catalog = run->catalog,
			     .policy = run->policy,
			     .requester = run->requester,
			     .skill = run->skill,
			     .action = run->action,
			     .owner = run->owner,
			     .overrides = run->overrides,
			     .secrets = run->secrets,
			     .keys = run->keys,
			     .lines = { .line = run->events.line,
					.ctx = run->events.ctx },
			     .images = run->images,
			     .cancel_fd = run->cancel_fd },
		.limits = SBX_INPUT_LIMITS_INIT,
		.place.fd = -1,
		.place_of_action.fd = -1,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	double began = sbx_clock_ms() - run->queued_ms;

	if (run->session)
		set_session(&state.request, run->session);
	sbx_record_init(record);
	if (run->queued_ms > 0)
		record->wait_ms = run->queued_ms;
	if (go_through(&state, &err) < 0)
		sbx_record_fail(record, &err);
	record->duration_ms = sbx_clock_ms() - began;

	sbx_engine_set_patience(run->engine, INFINITY);
	if (run->pool)
		sbx_pool_leave(&state.visit, state.plan, &state.sandbox,
			       state.is_clean);
	if (!run->session)
		sbx_sandbox_free(&state.sandbox);
	sbx_concurrency_end(&state.place_of_action);
	sbx_concurrency_end(&state.place);
	sbx_strv_free(&state.env);
	sbx_plan_unref(&state.plan);
	json_decref(state.input);
}

/* --- the probe ------------------------------------------------------------- */

/* The tightest sandbox there is, of an image with nothing in it. */
static void probe_grant(const struct sbx_policy *policy,
			struct sbx_grant *grant)
{
	struct sbx_action *action = &grant->action;

	sbx_strset(&grant->owner, "doctor");
	sbx_strset(&grant->skill, "probe");
	sbx_strset(&action->name, "probe");
	action->network = SBX_NETWORK_NONE;
	action->nano_cpus = 1000000000;
	action->mem_limit = 64 * 1024 * 1024;
	action->pids_limit = 16;
	sbx_action_set_ulimit(action, "nofile", 64, 64);
	action->uid = sbx_policy_uid(policy, grant->owner, grant->skill);
	action->gid = action->uid;
}

int sbx_run_probe(struct sbx_engine *engine, const struct sbx_policy *policy,
		  struct sbx_error *err)
{
	struct sbx_sandbox_names names;
	struct sbx_grant grant = { .owner = NULL };
	struct sbx_spec spec = {
		.grant = &grant,
		.run_id = "probe",
		.nonce = names.nonce,
		.init_dir = names.init_dir,
		.runner = sbx_runner_identity(),
		.init_volume = sbx_init_volume_name(),
		.init_hash = sbx_init_hash(),
	};
	double start_ms;
	struct sbx_sandbox *sandbox = NULL;
	int result = -1;

	sbx_sandbox_names(&names);
	probe_grant(policy, &grant);
	spec.traits = sbx_engine_traits(engine, err);
	if (spec.traits && sbx_empty_image(engine, &spec.image_id, err) == 0)
		result = sbx_sandbox_start(&sandbox, engine, &spec, -1,
					   &start_ms, err);
	sbx_sandbox_free(&sandbox);
	sbx_grant_clear(&grant);
	return result;
}
