/* SPDX-License-Identifier: MIT */
#include "sandbox/plan.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/random.h"
#include "base/text.h"
#include "codec/json.h"
#include "engine/image.h"
#include "sandbox/init_volume.h"
#include "sandbox/runner.h"
#include "sandbox/sources.h"
#include "sandbox/spec.h"
#include "secret/memory.h"

/* --- life ------------------------------------------------------------------ */

struct sbx_plan *sbx_plan_ref(struct sbx_plan *plan)
{
	__atomic_add_fetch(&plan->refs, 1, __ATOMIC_RELAXED);
	return plan;
}

void sbx_plan_unref(struct sbx_plan **slot)
{
	struct sbx_plan *plan = *slot;

	*slot = NULL;
	if (!plan || __atomic_sub_fetch(&plan->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	sbx_strv_free(&plan->argv);
	sbx_strv_free(&plan->env);
	sbx_skill_image_clear(&plan->own_image);
	sbx_plan_unref(&plan->like);
	free(plan->host_paths);
	free(plan->host_devices);
	sbx_plan_secrets_clear(&plan->secrets);
	sbx_schema_free(&plan->input_schema);
	sbx_schema_free(&plan->output_schema);
	free(plan->session_name);
	sbx_grant_clear(&plan->grant);
	sbx_skill_clear(&plan->skill);
	free(plan);
}

/* --- reading --------------------------------------------------------------- */

static int no_action(const struct sbx_plan *plan, const char *action,
		     struct sbx_error *err)
{
	const struct sbx_manifest *manifest = plan->skill.manifest;
	cleanup_free const char **known = sbx_manifest_action_names(manifest);
	const char *nearest = sbx_text_nearest(action, known);

	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "skill %s has no action \"%s\"%s%s%s",
			     manifest->name, action,
			     nearest ? "; did you mean \"" : "",
			     nearest ? nearest : "", nearest ? "\"?" : "");
}

/* Between what the manifest has and what is asked for now. */
static void add_environment(struct sbx_action *action,
			    const struct sbx_plan_request *request)
{
	sbx_strv_extend_env(&action->environment, request->environment);
	sbx_strv_extend_env(&action->environment,
			    &request->overrides->environment);
}

/* What is left of an action in whose place something else runs. */
static void take_command(struct sbx_action *action)
{
	sbx_strv_free(&action->entrypoint);
	sbx_strv_free(&action->command);
	action->has_entrypoint = action->has_command = true;
	action->input = SBX_INPUT_STDIN;
	action->output = SBX_OUTPUT_TEXT;
	json_decref(action->input_schema);
	json_decref(action->output_schema);
	action->input_schema = action->output_schema = NULL;
	free(action->files_out);
	action->files_out = NULL;
}

/* The manifest asks, the policy grants. */
static int decide(struct sbx_plan *plan, const struct sbx_plan_request *request,
		  struct sbx_error *err)
{
	const struct sbx_wish wish = {
		.manifest = plan->skill.manifest,
		.action = sbx_manifest_action(plan->skill.manifest,
					      request->action),
		.overrides = request->overrides,
		.requester = request->requester,
		.owner = request->owner,
		.is_session = request->session != NULL,
	};

	if (!wish.action)
		return no_action(plan, request->action, err);
	if (sbx_grant_decide(request->policy, &wish, &plan->grant, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->grant.lowered.n; i++)
		sbx_progress_say(&request->lines, plan->grant.lowered.v[i]);
	if (request->environment)
		add_environment(&plan->grant.action, request);
	if (request->is_command)
		take_command(&plan->grant.action);
	return 0;
}

/* They have been compiled before, when the manifest was read. */
static int compile(const json_t *document, const char *what,
		   struct sbx_schema **out, struct sbx_error *err)
{
	cleanup_schema_problems struct sbx_schema_problems ignored =
		SBX_SCHEMA_PROBLEMS_INIT;

	if (document && sbx_schema_compile(document, out, &ignored, err) < 0)
		return sbx_error_wrap(err, "%s", what);
	return 0;
}

int sbx_plan_read(struct sbx_plan **out, const struct sbx_plan_request *request,
		  struct sbx_error *err)
{
	struct sbx_plan *plan = sbx_calloc(1, sizeof(*plan));
	const struct sbx_action *action = &plan->grant.action;

	plan->refs = 1;
	plan->build_ms = -1;
	if (request->session) {
		plan->is_session = true;
		plan->session = *request->session;
		plan->session_name = sbx_strdup(request->session->name);
		plan->session.name = plan->session_name;
	}
	*out = NULL;
	if (sbx_catalog_load(request->catalog, request->skill, &plan->skill,
			     err) < 0) {
		sbx_plan_unref(&plan);
		return -1;
	}
	*out = plan;
	if (decide(plan, request, err) < 0 ||
	    compile(action->output_schema, "output_schema",
		    &plan->output_schema, err) < 0)
		return -1;
	return compile(action->input_schema, "input_schema",
		       &plan->input_schema, err);
}

/* --- opening --------------------------------------------------------------- */

/* Of those that a session was given, what this action names; borrowed. */
static void pick_secrets(const struct sbx_plan_request *request,
			 const struct sbx_action *action,
			 struct sbx_secrets *out)
{
	out->v = sbx_calloc(action->n_secrets + 1, sizeof(*out->v));
	for (size_t i = 0; request->secrets && i < action->n_secrets; i++) {
		const struct sbx_secret *secret = sbx_secrets_find(
			request->secrets, action->secrets[i].name);

		if (secret)
			out->v[out->n++] = *secret;
	}
}

/* None of what a session was given is shown, whichever action named it. */
static int hide_all(struct sbx_plan *plan, const struct sbx_secrets *given,
		    struct sbx_error *err)
{
	for (size_t i = 0; given && i < given->n; i++) {
		const struct sbx_secret *secret = &given->v[i];
		unsigned char *copy;

		if (sbx_secrets_find(&plan->secrets.opened, secret->name))
			continue;
		if (sbx_secret_alloc(&copy, secret->size, err) < 0)
			return -1;
		memcpy(copy, secret->value, secret->size);
		sbx_secrets_set(&plan->secrets.opened, secret->name, &copy,
				secret->size);
	}
	return 0;
}

/* The keys are wiped with the end of it. */
static int look_up_secrets(struct sbx_plan *plan,
			   const struct sbx_plan_request *request,
			   const struct sbx_secrets *given,
			   struct sbx_error *err)
{
	cleanup_secret_lookup struct sbx_secret_lookup lookup = {
		.given = given,
		.owner = request->owner,
		.skill = request->skill,
		.skill_dir = plan->skill.dir,
		.keys = request->keys,
	};

	return sbx_plan_secrets_open(&plan->secrets, &lookup,
				     &plan->grant.action, err);
}

/* By one thread at a time. */
static int open_secrets(struct sbx_plan *plan,
			const struct sbx_plan_request *request,
			const struct sbx_secrets *given, struct sbx_error *err)
{
	int result;

	if (request->keys)
		pthread_mutex_lock(&request->keys->lock);
	result = look_up_secrets(plan, request, given, err);
	if (request->keys)
		pthread_mutex_unlock(&request->keys->lock);
	return result;
}

static struct sbx_sources sources(const struct sbx_plan *plan,
				  const struct sbx_plan_request *request,
				  struct sbx_engine *engine)
{
	return (struct sbx_sources){
		.engine = engine,
		.policy = request->policy,
		.keys = request->keys,
		.grant = &plan->grant,
	};
}

int sbx_plan_open(struct sbx_plan *plan, const struct sbx_plan_request *request,
		  struct sbx_engine *engine, struct sbx_error *err)
{
	const struct sbx_sources of = sources(plan, request, engine);
	struct sbx_secrets picked = { .n = 0 };
	int result;

	if (request->is_open) {
		pick_secrets(request, &plan->grant.action, &picked);
		result = open_secrets(plan, request, &picked, err);
		free(picked.v);
		return result < 0 ? -1 : hide_all(plan, request->secrets, err);
	}
	if (open_secrets(plan, request, request->secrets, err) < 0 ||
	    sbx_sources_find_devices(&plan->grant, &plan->host_devices, err) <
		    0)
		return -1;
	return sbx_sources_find(&of, &plan->host_paths, err);
}

/* --- finishing ------------------------------------------------------------- */

/* How often sources may change under an image that is made of them. */
#define IMAGE_ROUNDS 3

/* The image, by whoever makes it. */
static int ensure_image(struct sbx_plan *plan,
			const struct sbx_plan_request *request,
			struct sbx_engine *engine, struct sbx_error *err)
{
	const struct sbx_plan_images *images = request->images;
	const struct sbx_skill_image_options options = {
		.policy = request->policy,
		.progress = request->lines,
		.look_only = images != NULL,
	};
	double until = sbx_clock_ms() + (images ? images->wait_ms : 0);
	int result = -1;

	for (int round = 0; round < IMAGE_ROUNDS; round++) {
		result = sbx_skill_image_ensure(
			engine, request->catalog, &plan->skill,
			&plan->grant.action, &options, &plan->own_image, err);
		if (result == 0 || !images ||
		    err->outcome != SBX_OUTCOME_NOT_FOUND)
			return result;
		if (images->await(images->ctx, request->skill, request->action,
				  &request->lines, until, request->cancel_fd,
				  err) < 0)
			return -1;
	}
	return result;
}

/* One that somebody chose.  Of our own labels it may have those of a build. */
static int check_image(const struct sbx_plan_request *request,
		       const json_t *inspect, struct sbx_error *err)
{
	static const char *const labels[] = { SBX_LABEL_KIND, SBX_LABEL_NAME,
					      SBX_LABEL_KEY };
	json_auto_t *expected = json_object();

	for (size_t i = 0; i < SBX_ARRAY_SIZE(labels); i++) {
		json_t *value = sbx_json_at(inspect, "Config", "Labels",
					    labels[i], NULL);

		if (value)
			json_object_set(expected, labels[i], value);
	}
	if (sbx_grant_base(request->policy, request->skill, request->image,
			   err) < 0)
		return -1;
	return sbx_skill_image_check_labels(inspect, request->image, expected,
					    err);
}

static int look_at_image(struct sbx_plan *plan,
			 const struct sbx_plan_request *request,
			 struct sbx_engine *engine, struct sbx_error *err)
{
	const char *ref = request->image;
	json_auto_t *inspect = NULL;
	int result = sbx_image_inspect(engine, ref, &inspect, err);

	if (result == SBX_IMAGE_GONE)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "the engine has no image %s", ref);
	if (result == 0 && !request->is_open)
		result = check_image(request, inspect, err);
	if (result == 0)
		sbx_skill_image_describe(inspect, ref, &plan->own_image);
	return result;
}

static int get_image(struct sbx_plan *plan,
		     const struct sbx_plan_request *request,
		     struct sbx_engine *engine, struct sbx_plan *like,
		     struct sbx_error *err)
{
	double began = sbx_clock_ms();
	int result = 0;

	if (like) {
		plan->like = sbx_plan_ref(like);
		plan->image = like->image;
	} else if (request->image) {
		result = look_at_image(plan, request, engine, err);
	} else {
		result = ensure_image(plan, request, engine, err);
	}
	plan->build_ms = sbx_clock_ms() - began;
	if (result == 0 && !like)
		plan->image = &plan->own_image;
	return result;
}

static int fill_spec(const struct sbx_plan *plan, struct sbx_engine *engine,
		     const char *run_id, const struct sbx_sandbox_names *names,
		     struct sbx_spec *spec, struct sbx_error *err)
{
	*spec = (struct sbx_spec){
		.grant = &plan->grant,
		.image = plan->image,
		.image_id = plan->image->id,
		.run_id = run_id,
		.nonce = names->nonce,
		.init_dir = names->init_dir,
		.runner = sbx_runner_identity(),
		.host_paths = plan->host_paths,
		.host_devices = plan->host_devices,
		.traits = sbx_engine_traits(engine, err),
		.session = plan->is_session ? &plan->session : NULL,
		.init_volume = sbx_init_volume_name(),
		.init_hash = sbx_init_hash(),
	};
	return spec->traits ? 0 : -1;
}

static void hash_strings(struct sbx_hash *hash, const struct sbx_strv *list)
{
	uint64_t n = list->n;

	sbx_hash_bytes(hash, &n, sizeof(n));
	for (size_t i = 0; i < list->n; i++)
		sbx_hash_field(hash, list->v[i]);
}

static void hash_secret(struct sbx_hash *hash,
			const struct sbx_channel_secret *secret)
{
	uint64_t size = secret->size;

	sbx_hash_field(hash, secret->env ? secret->env : "");
	sbx_hash_field(hash, secret->file ? secret->file : "");
	sbx_hash_bytes(hash, &size, sizeof(size));
	sbx_hash_bytes(hash, secret->value, secret->size);
}

/* All that the engine is told, but for what is each sandbox's own. */
static void set_sandbox_key(struct sbx_plan *plan, const struct sbx_spec *spec)
{
	json_auto_t *body = sbx_spec_body(spec);
	cleanup_free char *text = sbx_json_line(body);
	size_t n = plan->grant.action.n_volumes;
	size_t n_devices = plan->grant.action.n_devices;
	struct sbx_hash *hash = NULL;

	sbx_hash_new(&hash);
	sbx_hash_field(hash, text);
	if (plan->host_paths)
		sbx_hash_bytes(hash, plan->host_paths,
			       n * sizeof(*plan->host_paths));
	if (plan->host_devices)
		sbx_hash_bytes(hash, plan->host_devices,
			       n_devices * sizeof(*plan->host_devices));
	sbx_hash_bytes(hash, &plan->grant.action.reuse,
		       sizeof(plan->grant.action.reuse));
	sbx_hash_finish(hash, plan->sandbox_key);
	sbx_hash_free(&hash);
}

/* All that init is told. */
static void set_key(struct sbx_plan *plan)
{
	const struct sbx_action *action = &plan->grant.action;
	struct sbx_hash *hash = NULL;

	sbx_hash_new(&hash);
	sbx_hash_field(hash, plan->sandbox_key);
	hash_strings(hash, &plan->argv);
	hash_strings(hash, &plan->env);
	for (size_t i = 0; i < plan->secrets.n_sent; i++)
		hash_secret(hash, &plan->secrets.sent[i]);
	sbx_hash_field(hash, plan->working_dir);
	sbx_hash_bytes(hash, &action->output, sizeof(action->output));
	sbx_hash_bytes(hash, &action->output_limit,
		       sizeof(action->output_limit));
	sbx_hash_field(hash, action->files_out ? action->files_out : "");
	sbx_hash_bytes(hash, &action->files_limit, sizeof(action->files_limit));
	sbx_hash_finish(hash, plan->key);
	sbx_hash_free(&hash);
}

static int work_out(struct sbx_plan *plan, struct sbx_engine *engine,
		    bool is_command, struct sbx_error *err)
{
	static const struct sbx_sandbox_names nobody;
	struct sbx_spec spec;

	if (fill_spec(plan, engine, "", &nobody, &spec, err) < 0 ||
	    sbx_spec_check(&spec, err) < 0)
		return -1;
	sbx_spec_argv(&spec, &plan->argv);
	if (plan->argv.n == 0 && !is_command)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "there is nothing to run: neither the "
				     "action nor the image has an entrypoint "
				     "or command");
	spec.run_id = NULL;
	if (sbx_spec_environment(&spec, NULL, NULL, &plan->env, err) < 0)
		return -1;
	spec.run_id = "";
	plan->working_dir = sbx_spec_working_dir(&spec);
	set_sandbox_key(plan, &spec);
	set_key(plan);
	return 0;
}

int sbx_plan_finish(struct sbx_plan *plan,
		    const struct sbx_plan_request *request,
		    struct sbx_engine *engine, struct sbx_plan *like,
		    struct sbx_error *err)
{
	const struct sbx_sources of = sources(plan, request, engine);

	if (get_image(plan, request, engine, like, err) < 0)
		return -1;
	if (!request->is_open && sbx_sources_check(&of, plan->image->storage,
						   plan->host_paths, err) < 0)
		return -1;
	return work_out(plan, engine, request->is_command, err);
}

/* --- using ----------------------------------------------------------------- */

bool sbx_plan_checks_output(const struct sbx_plan *plan)
{
	enum sbx_output kind = plan->grant.action.output;

	return plan->output_schema ||
	       (kind != SBX_OUTPUT_AUTO && kind != SBX_OUTPUT_TEXT &&
		kind != SBX_OUTPUT_BINARY);
}

int sbx_plan_environment(const struct sbx_plan *plan, const char *run_id,
			 const json_t *input, const void *text, size_t size,
			 struct sbx_strv *env, struct sbx_error *err)
{
	bool by_env = plan->grant.action.input == SBX_INPUT_ENV;
	const struct sbx_spec spec = {
		.grant = &plan->grant,
		.image = plan->image,
		.run_id = run_id,
		.session = plan->is_session ? &plan->session : NULL,
	};
	cleanup_free char *copy = NULL;

	if (!by_env) {
		sbx_strv_extend(env, &plan->env);
		sbx_strv_setenv(env, "SKILL_RUN_ID", run_id);
		return 0;
	}
	copy = sbx_strndup(text, size);
	return sbx_spec_environment(&spec, input, copy, env, err);
}

void sbx_plan_program(const struct sbx_plan *plan,
		      struct sbx_sandbox_program *program)
{
	const struct sbx_action *action = &plan->grant.action;

	*program = (struct sbx_sandbox_program){
		.argv = &plan->argv,
		.env = &plan->env,
		.secrets = plan->secrets.sent,
		.n_secrets = plan->secrets.n_sent,
		.redacted = &plan->secrets.opened,
		.working_dir = plan->working_dir,
		.output_file = action->output == SBX_OUTPUT_FILE
				       ? SBX_SPEC_OUTPUT_PATH
				       : NULL,
		.files_in = action->files_in,
		.files_out = action->files_out,
		.files_limit = action->files_limit,
		.timeout_ms = action->timeout_ms,
		.stop_grace_period_ms = action->stop_grace_period_ms,
		.output_limit = action->output_limit,
		.cancel_fd = -1,
	};
}

/* init's directory is not the nonce: that one is for everybody to see. */
void sbx_sandbox_names(struct sbx_sandbox_names *out)
{
	char random[sizeof(out->nonce)];

	sbx_random_hex(out->nonce, sizeof(out->nonce));
	sbx_random_hex(random, sizeof(random));
	snprintf(out->init_dir, sizeof(out->init_dir),
		 SBX_SPEC_INIT_PREFIX "%s", random);
}

int sbx_plan_start(const struct sbx_plan *plan, struct sbx_engine *engine,
		   const char *run_id, int cancel_fd, struct sbx_sandbox **out,
		   double *start_ms, struct sbx_error *err)
{
	struct sbx_sandbox_names names;
	struct sbx_spec spec;

	sbx_sandbox_names(&names);
	if (fill_spec(plan, engine, run_id, &names, &spec, err) < 0)
		return -1;
	return sbx_sandbox_start(out, engine, &spec, cancel_fd, start_ms, err);
}
