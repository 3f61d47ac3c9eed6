/* SPDX-License-Identifier: MIT */
/*
 * Only tags of the form skillbox/NAME:KEY (and skillbox/NAME:latest of a base)
 * that agree with the image's own labels are removed: labels are inherited,
 * so somebody's own image may carry those of our base it was built on.
 */
#include "skill/skill_image.h"

#include <string.h>

#include "codec/json.h"
#include "engine/image.h"
#include "skill/build_plan.h"

struct prune {
	struct sbx_engine *engine;
	bool dry_run;
	struct sbx_build_plans plans;
	json_t *present; /* "KIND NAME" -> keys, or null when not known */
	struct sbx_strv *removed;
};

/* Who an image says it is. */
struct claim {
	const char *kind;
	const char *name;
	const char *key;
};

static bool read_claim(const json_t *image, struct claim *claim)
{
	claim->kind = sbx_json_text_at(image, "Labels", SBX_LABEL_KIND, NULL);
	claim->name = sbx_json_text_at(image, "Labels", SBX_LABEL_NAME, NULL);
	claim->key = sbx_json_text_at(image, "Labels", SBX_LABEL_KEY, NULL);
	if (!claim->kind || !claim->name || !claim->key)
		return false;
	if (claim->name[strspn(claim->name,
			       "abcdefghijklmnopqrstuvwxyz0123456789-")])
		return false;
	return strcmp(claim->kind, SBX_BUILD_SKILL) == 0 ||
	       strcmp(claim->kind, SBX_BUILD_BASE) == 0;
}

/* The keys of all images that the skill has now: a list, or null. */
static json_t *keys_of_skill(struct prune *prune, const struct sbx_skill *skill)
{
	const struct sbx_manifest *manifest = skill->manifest;
	cleanup_free const struct sbx_action **images =
		sbx_manifest_images(manifest);
	json_auto_t *keys = json_array();

	for (size_t i = 0; images[i]; i++) {
		const struct sbx_build *build =
			sbx_manifest_build(manifest, images[i]);
		struct sbx_error ignored = SBX_ERROR_INIT;
		struct sbx_build_plan *plan = NULL;

		/* It is not built. */
		if (!build)
			continue;
		if (sbx_build_plan_skill(&prune->plans, skill, build, &plan,
					 &ignored) < 0)
			return json_null();
		json_array_append_new(keys, json_string(plan->key));
	}
	return sbx_take(keys);
}

/* The keys that skill or base has now: a list, or null. */
static json_t *find_present(struct prune *prune, const struct claim *claim)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_build_plan *plan = NULL;
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (strcmp(claim->kind, SBX_BUILD_BASE) == 0)
		return sbx_build_plan_base(&prune->plans, claim->name, &plan,
					   &ignored) < 0
			       ? json_null()
			       : json_pack("[s]", plan->key);
	if (sbx_catalog_load(prune->plans.catalog, claim->name, &skill,
			     &ignored) < 0)
		return json_null();
	return keys_of_skill(prune, &skill);
}

static bool has_key(const json_t *keys, const char *key)
{
	json_t *value;
	size_t i;

	json_array_foreach (keys, i, value) {
		if (strcmp(json_string_value(value), key) == 0)
			return true;
	}
	return false;
}

/* Whether nobody has a use for it, as far as we can tell. */
static bool is_old(struct prune *prune, const struct claim *claim)
{
	cleanup_free char *who =
		sbx_asprintf("%s %s", claim->kind, claim->name);
	json_t *present = json_object_get(prune->present, who);

	if (!present) {
		present = find_present(prune, claim);
		json_object_set_new(prune->present, who, present);
	}
	return json_is_array(present) && !has_key(present, claim->key);
}

static bool is_ours(const struct claim *claim, const char *tag)
{
	cleanup_free char *exact =
		sbx_asprintf("skillbox/%s:%s", claim->name, claim->key);
	cleanup_free char *latest =
		sbx_asprintf("skillbox/%s:latest", claim->name);

	return strcmp(tag, exact) == 0 ||
	       (strcmp(claim->kind, SBX_BUILD_BASE) == 0 &&
		strcmp(tag, latest) == 0);
}

static int remove_tag(struct prune *prune, const char *tag,
		      struct sbx_error *err)
{
	int result = 0;

	if (!prune->dry_run)
		result = sbx_image_remove(prune->engine, tag, err);
	if (result == 0)
		sbx_strv_push_take(
			prune->removed,
			sbx_asprintf("image %s (its sources have changed)",
				     tag));
	/* Gone already, or a container still uses it: then another time. */
	return result < 0 ? -1 : 0;
}

static int prune_image(struct prune *prune, const json_t *image,
		       struct sbx_error *err)
{
	json_t *tags = json_object_get(image, "RepoTags");
	struct claim claim;
	size_t i;
	json_t *tag;

	if (!read_claim(image, &claim) || !is_old(prune, &claim))
		return 0;
	json_array_foreach (tags, i, tag) {
		const char *text = json_string_value(tag);

		if (text && is_ours(&claim, text) &&
		    remove_tag(prune, text, err) < 0)
			return -1;
	}
	return 0;
}

int sbx_skill_image_prune(struct sbx_engine *engine,
			  const struct sbx_catalog *catalog, bool dry_run,
			  struct sbx_strv *removed, struct sbx_error *err)
{
	struct prune prune = {
		.engine = engine,
		.dry_run = dry_run,
		.plans = { .catalog = catalog,
			   .platform = sbx_engine_platform(engine) },
		.removed = removed,
	};
	json_auto_t *list = NULL;
	json_t *image;
	size_t i;
	int result = sbx_image_list(engine, SBX_LABEL_KEY, &list, err);

	if (result < 0)
		return -1;
	prune.present = json_object();
	json_array_foreach (list, i, image) {
		result = prune_image(&prune, image, err);
		if (result < 0)
			break;
	}
	json_decref(prune.present);
	sbx_build_plans_clear(&prune.plans);
	return result;
}
