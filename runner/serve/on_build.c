/* SPDX-License-Identifier: MIT */
#include "serve/on_build.h"

#include <pthread.h>

#include "base/mem.h"
#include "codec/json.h"
#include "serve/hangup.h"
#include "skill/skill_image.h"

/*
 * One build.  Where its events are sent it has a thread of its own, and
 * belongs to the stream.
 *
 * @hangup	ends it
 * @stream	the writer's end, or NULL
 */
struct build {
	struct sbx_service *service;
	struct sbx_skill skill;
	struct sbx_hangup hangup;
	struct sbx_stream *stream;
};

static int new_build(struct build **out, struct sbx_service *service,
		     const struct sbx_exchange *exchange, struct sbx_error *err)
{
	struct build *build = sbx_calloc(1, sizeof(*build));

	build->service = service;
	build->hangup = (struct sbx_hangup)SBX_HANGUP_INIT;
	if (sbx_catalog_load(&service->catalog, exchange->route.skill,
			     &build->skill, err) < 0 ||
	    sbx_hangup_open(&build->hangup, err) < 0) {
		sbx_skill_clear(&build->skill);
		free(build);
		return -1;
	}
	sbx_hangup_watch(&build->hangup, exchange->connection,
			 exchange->is_local);
	*out = build;
	return 0;
}

static void free_build(void *ctx)
{
	struct build *build = ctx;

	sbx_hangup_close(&build->hangup);
	sbx_skill_clear(&build->skill);
	free(build);
}

static void cancel_build(void *ctx)
{
	const struct build *build = ctx;

	sbx_hangup_ask(&build->hangup);
}

/* --- building -------------------------------------------------------------- */

/* Adds what it came to to the list @made. */
static int make_image(const struct build *build, struct sbx_engine *engine,
		      const struct sbx_skill_image_options *options,
		      const struct sbx_action *action, json_t *made,
		      struct sbx_error *err)
{
	cleanup_skill_image struct sbx_skill_image image = { .tag = NULL };

	if (sbx_skill_image_ensure(engine, &build->service->catalog,
				   &build->skill, action, options, &image,
				   err) < 0)
		return -1;
	json_array_append_new(made, json_pack("{s:s, s:s, s:b}", "image",
					      image.id, "tag", image.tag,
					      "built", image.built));
	return 0;
}

static int make_all(const struct build *build, struct sbx_engine *engine,
		    const struct sbx_skill_image_options *options, json_t *made,
		    struct sbx_error *err)
{
	cleanup_free const struct sbx_action **images =
		sbx_manifest_images(build->skill.manifest);

	for (size_t i = 0; images[i]; i++) {
		if (make_image(build, engine, options, images[i], made, err) <
		    0)
			return -1;
	}
	return 0;
}

static int make_images(const struct build *build,
		       struct sbx_skill_image_options *options, json_t *made,
		       struct sbx_error *err)
{
	struct sbx_service *service = build->service;
	struct sbx_pool_policy *policy = NULL;
	struct sbx_engine *engine = NULL;
	int result = -1;

	if (sbx_policy_watch_get(service->policies, &policy, err) == 0 &&
	    sbx_engines_borrow(service->engines, &engine, err) == 0) {
		options->policy = &policy->policy;
		sbx_engine_set_cancel_fd(engine, build->hangup.fd);
		result = make_all(build, engine, options, made, err);
	}
	sbx_engines_give(service->engines, &engine);
	sbx_pool_policy_unref(&policy);
	return result;
}

/* New reference: what it came to.  NULL with @err set. */
static json_t *perform(const struct build *build, struct sbx_error *err)
{
	struct sbx_skill_image_options options = { .force = false };
	json_auto_t *images = json_array();
	struct sbx_run_events events;
	json_t *output;

	if (build->stream) {
		sbx_stream_events(build->stream, &events);
		options.progress.line = events.line;
		options.progress.ctx = events.ctx;
	}

	if (make_images(build, &options, images, err) < 0)
		return NULL;
	/* The first, as if it were the only one, and then all. */
	output = json_copy(json_array_get(images, 0));
	json_object_set(output, "images", images);
	return json_pack("{s:i, s:o, s:n, s:s}", "status", 0, "output", output,
			 "error", "outcome", "ok");
}

/* --- with events ----------------------------------------------------------- */

static void *perform_and_tell(void *ctx)
{
	struct build *build = ctx;
	struct sbx_service *service = build->service;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *made = perform(build, &err);
	json_auto_t *said = made ? json_incref(made)
				 : sbx_answer_refusal(err.outcome, err.message);
	cleanup_free char *text = sbx_json_line(said);

	/* It may be the last that the build is needed for. */
	sbx_stream_end(sbx_take(build->stream), "answer", text, made != NULL);
	sbx_service_end(service);
	return NULL;
}

/* Takes @build. */
static void stream_build(const struct sbx_exchange *exchange,
			 struct build *build, enum sbx_stream_form form,
			 struct sbx_answer *answer)
{
	const struct sbx_stream_source source = {
		.cancel = cancel_build,
		.release = free_build,
		.ctx = build,
	};
	struct sbx_error err = SBX_ERROR_INIT;
	pthread_t thread;
	int errnum;

	sbx_stream_new(&build->stream, form, &source, exchange->connection);
	sbx_answer_stream(answer, build->stream, form);
	sbx_service_begin(build->service);
	errnum = pthread_create(&thread, NULL, perform_and_tell, build);
	if (errnum == 0) {
		pthread_detach(thread);
		return;
	}
	sbx_service_end(build->service);
	sbx_error_errno(&err, SBX_OUTCOME_INTERNAL, errnum,
			"there is no thread for the build");
	sbx_stream_end(sbx_take(build->stream), "answer", "{}", false);
	/* The reader's end goes with the answer that it was. */
	sbx_answer_refuse(answer, 200, err.outcome, "%s", err.message);
}

/* --- at once --------------------------------------------------------------- */

static void answer_build(const struct build *build, struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *made = perform(build, &err);

	if (made) {
		sbx_answer_header(answer, "Skillbox-Outcome", "ok");
		sbx_answer_json(answer, 200, made);
	} else if (err.outcome == SBX_OUTCOME_NOT_FOUND) {
		sbx_answer_error(answer, &err);
	} else {
		sbx_answer_refuse(answer, 200, err.outcome, "%s", err.message);
	}
}

void sbx_on_build(struct sbx_service *service,
		  const struct sbx_exchange *exchange,
		  struct sbx_answer *answer)
{
	enum sbx_stream_form form = SBX_STREAM_BYTES;
	struct sbx_error err = SBX_ERROR_INIT;
	struct build *build = NULL;

	if (new_build(&build, service, exchange, &err) < 0) {
		if (err.outcome == SBX_OUTCOME_NOT_FOUND)
			sbx_answer_error(answer, &err);
		else
			sbx_answer_refuse(answer, 200, err.outcome, "%s",
					  err.message);
		return;
	}
	if (sbx_stream_is_accepted(exchange->header(exchange->ctx, "Accept"),
				   &form) &&
	    form != SBX_STREAM_BYTES) {
		stream_build(exchange, build, form, answer);
		return;
	}
	answer_build(build, answer);
	free_build(build);
}
