/* SPDX-License-Identifier: MIT */
#include "serve/on_skills.h"

#include "codec/json.h"
#include "skill/skill_image.h"

/* How long the engine may take to say whether it has an image. */
#define LOOK_MS 3000

/* --- describing ------------------------------------------------------------ */

static json_t *describe_action(const struct sbx_action *action)
{
	json_t *object = json_pack("{s:s?, s:I}", "description",
				   action->description, "timeout_ms",
				   (json_int_t)action->timeout_ms);

	if (action->input_schema)
		json_object_set(object, "input_schema", action->input_schema);
	if (action->output_schema)
		json_object_set(object, "output_schema", action->output_schema);
	return object;
}

static json_t *describe(const struct sbx_manifest *manifest)
{
	return json_pack("{s:s, s:s?, s:s?}", "name", manifest->name, "version",
			 manifest->version, "description",
			 manifest->description);
}

/* What is wrong with a skill is told in its place. */
static json_t *describe_or_error(const struct sbx_catalog *catalog,
				 const char *name)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_catalog_load(catalog, name, &skill, &err) == 0)
		return describe(skill.manifest);
	return json_pack("{s:s, s:s}", "name", name, "error", err.message);
}

void sbx_on_skills(struct sbx_service *service,
		   const struct sbx_exchange *exchange,
		   struct sbx_answer *answer)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *all;

	(void)exchange;
	if (sbx_catalog_names(&service->catalog, &names, NULL, &err) < 0) {
		sbx_answer_error(answer, &err);
		return;
	}
	all = json_array();
	for (size_t i = 0; i < names.n; i++)
		json_array_append_new(
			all, describe_or_error(&service->catalog, names.v[i]));
	sbx_answer_json(answer, 200, json_pack("{s:o}", "skills", all));
}

/* --- images ---------------------------------------------------------------- */

static int find_image(struct sbx_service *service,
		      const struct sbx_skill *skill,
		      const struct sbx_action *action,
		      struct sbx_skill_image *out, struct sbx_error *err)
{
	struct sbx_skill_image_options options = { .look_only = true };
	struct sbx_pool_policy *policy = NULL;
	struct sbx_engine *engine = NULL;
	int result = -1;

	if (sbx_policy_watch_get(service->policies, &policy, err) == 0 &&
	    sbx_engines_borrow(service->engines, &engine, err) == 0) {
		options.policy = &policy->policy;
		sbx_engine_set_patience(engine, LOOK_MS);
		result = sbx_skill_image_ensure(engine, &service->catalog,
						skill, action, &options, out,
						err);
	}
	sbx_engines_give(service->engines, &engine);
	sbx_pool_policy_unref(&policy);
	return result;
}

static json_t *describe_image(struct sbx_service *service,
			      const struct sbx_skill *skill,
			      const struct sbx_action *action)
{
	cleanup_skill_image struct sbx_skill_image image = { .tag = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	bool ready = find_image(service, skill, action, &image, &err) == 0;

	return json_pack("{s:b, s:s?, s:s?, s:s?}", "ready", ready, "id",
			 image.id, "tag", image.tag, "error",
			 ready ? NULL : err.message);
}

/* With the image, where the action has one of its own. */
static json_t *describe_actions(struct sbx_service *service,
				const struct sbx_skill *skill)
{
	const struct sbx_manifest *manifest = skill->manifest;
	json_t *actions = json_object();

	for (size_t i = 0; i < manifest->n_actions; i++) {
		const struct sbx_action *action = &manifest->actions[i];
		json_t *object = describe_action(action);

		if (action->build)
			json_object_set_new(
				object, "image",
				describe_image(service, skill, action));
		json_object_set_new(actions, action->name, object);
	}
	return actions;
}

void sbx_on_skills_one(struct sbx_service *service,
		       const struct sbx_exchange *exchange,
		       struct sbx_answer *answer)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_action *shared;
	json_t *all;

	if (sbx_catalog_load(&service->catalog, exchange->route.skill, &skill,
			     &err) < 0) {
		if (err.outcome == SBX_OUTCOME_NOT_FOUND)
			sbx_answer_error(answer, &err);
		else
			sbx_answer_json(answer, 200,
					json_pack("{s:s, s:s}", "name",
						  exchange->route.skill,
						  "error", err.message));
		return;
	}
	all = describe(skill.manifest);
	json_object_set_new(all, "actions", describe_actions(service, &skill));
	shared = sbx_manifest_shares_image(skill.manifest);
	if (shared)
		json_object_set_new(all, "image",
				    describe_image(service, &skill, shared));
	sbx_answer_json(answer, 200, all);
}
