/* SPDX-License-Identifier: MIT */
#include "sandbox/run.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/progress.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/schema.h"
#include "sandbox/channel_run.h"
#include "sandbox/concurrency.h"
#include "sandbox/init_volume.h"
#include "sandbox/run_secrets.h"
#include "sandbox/runner.h"
#include "sandbox/sandbox.h"
#include "sandbox/sources.h"
#include "sandbox/spec.h"
#include "sandbox/volume_upload.h"
#include "skill/skill_image.h"

/*
 * What may pass before the action has its input is no part of its time, but it
 * cannot be endless either: a caller who gives an action 10 s does not wait a
 * minute to hear that the engine is dead.  So the engine gets as long as the
 * action, and a little more.
 */
#define ENGINE_MIN_MS	3000
#define ENGINE_EXTRA_MS 2000

/* In hexadecimal, with the NUL. */
#define NONCE_SIZE    (12 + 1)
#define RUN_ID_SIZE   (32 + 1)

#define RUN_ID_MAX    64

#define INIT_DIR_SIZE (sizeof(SBX_SPEC_INIT_PREFIX) + NONCE_SIZE - 1)

/* Everything one run holds while it goes through its stages. */
struct state {
	const struct sbx_run *run;
	struct sbx_record *record;
	struct sbx_progress lines;
	json_t *input;
	struct sbx_schema *output_schema;
	struct sbx_skill skill;
	struct sbx_grant grant;
	struct sbx_run_secrets secrets;
	struct sbx_slots place;
	struct sbx_slots place_of_action;
	struct sbx_skill_image image;
	char nonce[NONCE_SIZE];
	char init_dir[INIT_DIR_SIZE];
	struct sbx_host_path *host_paths;
	struct sbx_spec spec;
	struct sbx_strv argv;
	struct sbx_strv env;
	struct sbx_sandbox *sandbox;
};

/* Not the container's nonce: that one is for everybody to see. */
static void choose_init_dir(char out[static INIT_DIR_SIZE])
{
	char random[NONCE_SIZE];

	sbx_random_hex(random, NONCE_SIZE);
	snprintf(out, INIT_DIR_SIZE, SBX_SPEC_INIT_PREFIX "%s", random);
}

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
	sbx_random_hex(state->nonce, NONCE_SIZE);
	choose_init_dir(state->init_dir);
	sbx_strset(&record->skill, run->skill);
	sbx_strset(&record->action, run->action);
	sbx_strset(&record->owner, run->owner);
	sbx_strset(&record->run_id, run->run_id ? run->run_id : run_id);
	return check_run_id(record->run_id, err);
}

static int no_action(const struct state *state, struct sbx_error *err)
{
	cleanup_free const char **known =
		sbx_manifest_action_names(state->skill.manifest);
	const char *nearest = sbx_text_nearest(state->run->action, known);

	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "skill %s has no action \"%s\"%s%s%s",
			     state->run->skill, state->run->action,
			     nearest ? "; did you mean \"" : "",
			     nearest ? nearest : "", nearest ? "\"?" : "");
}

/* The manifest asks, the policy grants. */
static int find_action(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	struct sbx_wish wish = { .overrides = run->overrides,
				 .requester = run->requester,
				 .owner = run->owner };

	if (sbx_catalog_load(run->catalog, run->skill, &state->skill, err) < 0)
		return -1;
	sbx_strset(&state->record->skill_version,
		   state->skill.manifest->version);
	wish.manifest = state->skill.manifest;
	wish.action = sbx_manifest_action(wish.manifest, run->action);
	if (!wish.action)
		return no_action(state, err);
	if (sbx_grant_decide(run->policy, &wish, &state->grant, err) < 0)
		return -1;
	for (size_t i = 0; i < state->grant.lowered.n; i++)
		sbx_progress_say(&state->lines, state->grant.lowered.v[i]);
	return 0;
}

static int check_input(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	const struct sbx_action *action = &state->grant.action;

	if ((int64_t)run->input_size > action->input_limit)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "input has %zu bytes, the action's "
				     "input_limit is %lld",
				     run->input_size,
				     (long long)action->input_limit);
	if (sbx_json_parse(run->input, run->input_size, &state->input, err) < 0)
		return sbx_error_wrap(err, "input is not one JSON value");
	return 0;
}

/* They have been compiled before, when the manifest was read. */
static int compile(const json_t *document, struct sbx_schema **out,
		   struct sbx_error *err)
{
	cleanup_schema_problems struct sbx_schema_problems ignored =
		SBX_SCHEMA_PROBLEMS_INIT;

	return document ? sbx_schema_compile(document, out, &ignored, err) : 0;
}

static int check_schemas(struct state *state, struct sbx_error *err)
{
	const struct sbx_action *action = &state->grant.action;
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_schema struct sbx_schema *schema = NULL;
	int result = 0;

	if (compile(action->output_schema, &state->output_schema, err) < 0)
		return sbx_error_wrap(err, "output_schema");
	if (compile(action->input_schema, &schema, err) < 0)
		return sbx_error_wrap(err, "input_schema");
	if (schema)
		result = sbx_schema_check(schema, state->input, &problems, err);
	if (result == SBX_SCHEMA_MISFIT)
		return sbx_schema_problems_error(
			&problems, SBX_OUTCOME_INVALID,
			"the input does not fit the action's input_schema",
			err);
	return result < 0 ? sbx_error_wrap(err, "the input") : 0;
}

/* Before the engine is asked for anything. */
static int open_secrets(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	cleanup_secret_lookup struct sbx_secret_lookup lookup = {
		.given = run->secrets,
		.owner = run->owner,
		.skill = run->skill,
		.skill_dir = state->skill.dir,
		.keys = run->keys,
	};

	return sbx_run_secrets_open(&state->secrets, &lookup,
				    &state->grant.action, err);
}

static int find_sources(struct state *state, struct sbx_error *err)
{
	return sbx_sources_find(state->run->engine, state->run->policy,
				&state->grant, &state->host_paths, err);
}

static int take_place(struct state *state, struct sbx_error *err)
{
	const struct sbx_grant *grant = &state->grant;
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
	int64_t ms = state->grant.action.timeout_ms;

	sbx_engine_set_patience(
		state->run->engine,
		(double)(ms > ENGINE_MIN_MS ? ms : ENGINE_MIN_MS) +
			ENGINE_EXTRA_MS);
}

static int get_image(struct state *state, struct sbx_error *err)
{
	const struct sbx_skill_image_options options = {
		.policy = state->run->policy,
		.progress = state->lines,
	};
	double began = sbx_clock_ms();
	int result;

	set_patience(state);
	result = sbx_skill_image_ensure(state->run->engine, state->run->catalog,
					&state->skill, &options, &state->image,
					err);
	state->record->build_ms = sbx_clock_ms() - began;
	if (result == 0)
		sbx_strset(&state->record->image, state->image.id);
	return result;
}

static int check_sources(struct state *state, struct sbx_error *err)
{
	return sbx_sources_check(state->run->engine, state->run->policy,
				 &state->grant, state->image.storage,
				 state->host_paths, err);
}

static int write_spec(struct state *state, struct sbx_error *err)
{
	const struct sbx_run *run = state->run;
	bool by_env = state->grant.action.input == SBX_INPUT_ENV;
	cleanup_free char *text =
		by_env ? sbx_strndup(run->input, run->input_size) : NULL;

	state->spec = (struct sbx_spec){
		.grant = &state->grant,
		.image = &state->image,
		.image_id = state->image.id,
		.run_id = state->record->run_id,
		.nonce = state->nonce,
		.init_dir = state->init_dir,
		.runner = sbx_runner_identity(),
		.host_paths = state->host_paths,
		.traits = sbx_engine_traits(run->engine, err),
		.init_volume = sbx_init_volume_name(),
		.init_hash = sbx_init_hash(),
	};
	if (!state->spec.traits || sbx_spec_check(&state->spec, err) < 0)
		return -1;
	sbx_spec_argv(&state->spec, &state->argv);
	return sbx_spec_environment(&state->spec, by_env ? state->input : NULL,
				    text, &state->env, err);
}

/* What cannot be sent to a sandbox needs none. */
static int check_program(struct state *state, struct sbx_error *err)
{
	const struct sbx_channel_run run = {
		.argv = &state->argv,
		.env = &state->env,
		.secrets = state->secrets.sent,
		.n_secrets = state->secrets.n_sent,
		.working_dir = sbx_spec_working_dir(&state->spec),
	};

	if (state->argv.n == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "there is nothing to run: neither the "
				     "action nor the image has an entrypoint "
				     "or command");
	return sbx_channel_run_check(&run, err);
}

static int start_sandbox(struct state *state, struct sbx_error *err)
{
	const struct sbx_run_events *events = &state->run->events;
	struct sbx_record *record = state->record;
	struct sbx_sandbox_times times = { .create_ms = -1, .start_ms = -1 };
	int result = sbx_sandbox_start(&state->sandbox, state->run->engine,
				       &state->spec, state->run->cancel_fd,
				       &times, err);

	record->create_ms = times.create_ms;
	record->start_ms = times.start_ms;
	if (result == 0)
		record->start = "cold";
	if (result == 0 && events->started)
		events->started(events->ctx, record->start);
	return result;
}

static void describe_program(const struct state *state,
			     struct sbx_sandbox_program *program)
{
	const struct sbx_run *run = state->run;
	const struct sbx_action *action = &state->grant.action;
	bool by_env = action->input == SBX_INPUT_ENV;

	*program = (struct sbx_sandbox_program){
		.argv = &state->argv,
		.env = &state->env,
		.secrets = state->secrets.sent,
		.n_secrets = state->secrets.n_sent,
		.redacted = &state->secrets.opened,
		.working_dir = sbx_spec_working_dir(&state->spec),
		.input = by_env ? NULL : run->input,
		.input_size = by_env ? 0 : run->input_size,
		.output_file = action->output == SBX_OUTPUT_FILE
				       ? SBX_SPEC_OUTPUT_PATH
				       : NULL,
		.timeout_ms = action->timeout_ms,
		.stop_grace_period_ms = action->stop_grace_period_ms,
		.output_limit = action->output_limit,
		.cancel_fd = run->cancel_fd,
		.events = &run->events,
	};
}

static int run_program(struct state *state, struct sbx_error *err)
{
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
	if (ended < 0)
		return -1;
	sbx_record_end(record, &state->grant.action,
		       &(struct sbx_ending){
			       .exit = result.exit,
			       .program = state->argv.v[0],
			       .working_dir = program.working_dir,
			       .out = result.out,
			       .err = result.err,
			       .file = result.file,
			       .output_schema = state->output_schema,
			       .out_truncated = result.out_truncated,
			       .err_truncated = result.err_truncated,
			       .timed_out = result.timed_out,
			       .cancelled = result.cancelled,
		       });
	return 0;
}

static int go_through(struct state *state, struct sbx_error *err)
{
	if (name_run(state, err) < 0 || find_action(state, err) < 0 ||
	    check_input(state, err) < 0 || check_schemas(state, err) < 0 ||
	    open_secrets(state, err) < 0 || find_sources(state, err) < 0 ||
	    take_place(state, err) < 0 || get_image(state, err) < 0 ||
	    check_sources(state, err) < 0 || write_spec(state, err) < 0 ||
	    check_program(state, err) < 0 || start_sandbox(state, err) < 0)
		return -1;
	return run_program(state, err);
}

void sbx_run_action(const struct sbx_run *run, struct sbx_record *record)
{
	struct state state = {
		.run = run,
		.record = record,
		.lines = { .line = run->events.line, .ctx = run->events.ctx },
		.place.fd = -1,
		.place_of_action.fd = -1,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	double began = sbx_clock_ms();

	sbx_record_init(record);
	if (go_through(&state, &err) < 0)
		sbx_record_fail(record, &err);
	record->duration_ms = sbx_clock_ms() - began;

	sbx_engine_set_patience(run->engine, INFINITY);
	sbx_sandbox_free(&state.sandbox);
	sbx_concurrency_end(&state.place_of_action);
	sbx_concurrency_end(&state.place);
	free(state.host_paths);
	sbx_strv_free(&state.argv);
	sbx_strv_free(&state.env);
	sbx_skill_image_clear(&state.image);
	sbx_run_secrets_clear(&state.secrets);
	sbx_grant_clear(&state.grant);
	sbx_skill_clear(&state.skill);
	sbx_schema_free(&state.output_schema);
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
	char nonce[NONCE_SIZE];
	char init_dir[INIT_DIR_SIZE];
	struct sbx_grant grant = { .owner = NULL };
	struct sbx_spec spec = {
		.grant = &grant,
		.run_id = "probe",
		.nonce = nonce,
		.init_dir = init_dir,
		.runner = sbx_runner_identity(),
		.init_volume = sbx_init_volume_name(),
		.init_hash = sbx_init_hash(),
	};
	struct sbx_sandbox_times times;
	struct sbx_sandbox *sandbox = NULL;
	int result = -1;

	sbx_random_hex(nonce, NONCE_SIZE);
	choose_init_dir(init_dir);
	probe_grant(policy, &grant);
	spec.traits = sbx_engine_traits(engine, err);
	if (spec.traits && sbx_empty_image(engine, &spec.image_id, err) == 0)
		result = sbx_sandbox_start(&sandbox, engine, &spec, -1, &times,
					   err);
	sbx_sandbox_free(&sandbox);
	sbx_grant_clear(&grant);
	return result;
}
