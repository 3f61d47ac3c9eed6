/* SPDX-License-Identifier: MIT */
/*
 * An unchanged skill costs a reading of its sources and of its bases' (the
 * key), and one question to the engine: is skillbox/NAME:KEY there?
 *
 * Else, under a lock of that key, so that one process builds and the others
 * find what it built:
 *
 *	ask again -> the same for each base -> rootfs.tar, if the base has a
 *	script for it -> build -> ask again, for what came of it
 *
 * Locks are taken in the order in which images build on each other, which has
 * no cycles.
 */
#include "skill/skill_image.h"

#include <stdatomic.h>
#include <string.h>

#include "base/lock.h"
#include "codec/json.h"
#include "codec/units.h"
#include "engine/image.h"
#include "skill/build_plan.h"
#include "skill/build_source.h"
#include "skill/engine_data.h"
#include "skill/grant.h"
#include "skill/rootfs.h"

#define ROOTFS_TAR "rootfs.tar"

struct work {
	struct sbx_engine *engine;
	const struct sbx_skill_image_options *options;
};

static void say(const struct work *work, const char *what, const char *tag)
{
	cleanup_free char *line = sbx_asprintf("%s %s", what, tag);

	sbx_progress_say(&work->options->progress, line);
}

static bool is_base(const struct sbx_build_plan *plan)
{
	return strcmp(plan->kind, SBX_BUILD_BASE) == 0;
}

/* --- asking ---------------------------------------------------------------*/

static json_t *labels_of(const struct sbx_build_plan *plan)
{
	return json_pack("{s:s, s:s, s:s}", SBX_LABEL_KIND, plan->kind,
			 SBX_LABEL_NAME, plan->name, SBX_LABEL_KEY, plan->key);
}

/* 0 and *@out, SBX_IMAGE_GONE, or -1. */
static int look(const struct work *work, const struct sbx_build_plan *plan,
		json_t **out, struct sbx_error *err)
{
	json_auto_t *inspect = NULL;
	json_auto_t *labels = labels_of(plan);
	int result = sbx_image_inspect(work->engine, plan->tag, &inspect, err);

	if (result != 0)
		return result;
	if (sbx_skill_image_check_labels(inspect, plan->tag, labels, err) < 0)
		return -1;
	*out = sbx_take(inspect);
	return 0;
}

/* --- building -------------------------------------------------------------*/

static int ensure(const struct work *work, const struct sbx_build_plan *plan,
		  bool force, json_t **out, bool *built, struct sbx_error *err);

static int ensure_bases(const struct work *work,
			const struct sbx_build_plan *plan,
			struct sbx_error *err)
{
	for (size_t i = 0; i < plan->n_bases; i++) {
		json_auto_t *inspect = NULL;
		bool built;

		if (ensure(work, plan->bases[i], false, &inspect, &built, err) <
		    0)
			return -1;
	}
	return 0;
}

/* Puts what is not in the directory into what is sent. */
static int prepare(const struct work *work, const struct sbx_build_plan *plan,
		   struct sbx_error *err)
{
	const struct sbx_buf *text = sbx_context_dockerfile(plan->context);
	cleanup_buf struct sbx_buf exact =
		SBX_BUF_INIT(2 * SBX_DOCKERFILE_SIZE_MAX);
	int fd;

	if (plan->n_bases > 0) {
		sbx_dockerfile_rewrite(&exact, sbx_buf_text(text), text->len,
				       &plan->images, plan->base_keys);
		sbx_context_replace_dockerfile(plan->context, exact.data,
					       exact.len);
	}
	if (!plan->rootfs)
		return 0;
	fd = sbx_rootfs_make(sbx_context_directory(plan->context), plan->name,
			     sbx_engine_cancel_fd(work->engine),
			     &work->options->progress, err);
	if (fd < 0)
		return -1;
	return sbx_context_add(plan->context, ROOTFS_TAR, fd, err);
}

/*
 * The build arguments.  Our own bases install packages and may need this
 * machine's proxy for that; a skill is not told, as it may hold a password.
 */
static json_t *args_of(const struct sbx_build_plan *plan)
{
	json_t *args;

	if (!is_base(plan))
		return json_incref(plan->args);
	args = json_object();
	for (size_t i = 0; sbx_rootfs_proxies[i]; i++) {
		const char *value = getenv(sbx_rootfs_proxies[i]);

		if (value)
			json_object_set_new(args, sbx_rootfs_proxies[i],
					    json_string(value));
	}
	return args;
}

/* Before anything that fills the engine's disk. */
static int check_disk(const struct work *work, struct sbx_error *err)
{
	int64_t floor = work->options->policy->disk_free;
	cleanup_free char *root = NULL;

	if (floor == 0)
		return 0;
	if (sbx_engine_data_root(work->engine, NULL, &root, err) < 0)
		return -1;
	return sbx_engine_data_free(root, floor, err);
}

/* An exception is for a skill, also where a base has its name. */
static const struct sbx_skill_rules *rules_of(const struct work *work,
					      const struct sbx_build_plan *plan)
{
	const struct sbx_policy *policy = work->options->policy;

	return is_base(plan) ? &policy->skills
			     : sbx_policy_skill(policy, plan->name);
}

/* What our own bases are made from is the operator's business. */
static bool has_network(const struct work *work,
			const struct sbx_build_plan *plan)
{
	return is_base(plan) || rules_of(work, plan)->build_network;
}

/*
 * Nobody else could build for as long as a RUN that never ends was let run:
 * builds and pulls have only some of the calls that there may be at once.
 * What is said in the end is *@over; free() it.
 */
static struct sbx_image_limit limit_of(const struct sbx_skill_rules *rules,
				       char **over)
{
	cleanup_free char *time =
		sbx_units_format_duration(rules->build_timeout_ms);

	*over = sbx_asprintf("skills.build.timeout: it was not done within "
			     "%s, which is all that the policy grants; what "
			     "needs longer has to be granted more there",
			     time);
	return (struct sbx_image_limit){ rules->build_timeout_ms, *over };
}

/*
 * What a foreign base image has for ONBUILD its author wrote, and no policy was
 * asked about it: other images, what ADD fetches, a step's network.  So it is
 * here before the builder gets it, and looked at.
 */
static int check_triggers(const struct work *work,
			  const struct sbx_build_plan *plan,
			  const struct sbx_image_limit *limit,
			  const char *image, struct sbx_error *err)
{
	json_auto_t *inspect = NULL;
	int result = sbx_image_inspect(work->engine, image, &inspect, err);

	if (result == SBX_IMAGE_GONE) {
		say(work, "pulling", image);
		if (sbx_image_pull(work->engine, image, limit,
				   &work->options->progress, err) < 0) {
			err->outcome = err->outcome == SBX_OUTCOME_NOT_FOUND
					       ? SBX_OUTCOME_BUILD_FAILED
					       : err->outcome;
			return -1;
		}
		result = sbx_image_inspect(work->engine, image, &inspect, err);
	}
	if (result < 0)
		return -1;
	if (result == 0 && json_array_size(sbx_json_at(inspect, "Config",
						       "OnBuild", NULL)) == 0)
		return 0;
	return sbx_error_set(
		err, SBX_OUTCOME_DENIED,
		"skills.build.from: %s has instructions of its own "
		"for what is built on it (ONBUILD), which no "
		"policy grants: take an image without, for %s",
		image, plan->name);
}

static int check_foreign(const struct work *work,
			 const struct sbx_build_plan *plan,
			 const struct sbx_image_limit *limit,
			 struct sbx_error *err)
{
	for (size_t i = 0; i < plan->images.n; i++) {
		const struct sbx_dockerfile_ref *ref = &plan->images.refs[i];

		if (ref->kind == SBX_DOCKERFILE_FROM && !ref->base &&
		    check_triggers(work, plan, limit, ref->image, err) < 0)
			return -1;
	}
	return 0;
}

/* Those of one skill are its own: what it puts there, others would install. */
static char *cache_of(const struct sbx_build_plan *plan)
{
	return sbx_asprintf("skillbox-%s-%s", plan->kind, plan->name);
}

static int build(const struct work *work, const struct sbx_build_plan *plan,
		 bool no_cache, struct sbx_error *err)
{
	json_auto_t *labels = labels_of(plan);
	json_auto_t *args = args_of(plan);
	cleanup_free char *over = NULL;
	cleanup_free char *repo = sbx_asprintf("skillbox/%s", plan->name);
	cleanup_free char *cache = cache_of(plan);
	const struct sbx_image_build request = {
		.tag = plan->tag,
		.dockerfile = plan->dockerfile,
		.target = plan->target,
		.args = args,
		.labels = labels,
		.cache = cache,
		.no_network = !has_network(work, plan),
		.no_cache = no_cache,
		.limit = limit_of(rules_of(work, plan), &over),
		.context = sbx_context_read,
		.context_ctx = plan->context,
		.progress = work->options->progress,
	};

	if (check_disk(work, err) < 0 || ensure_bases(work, plan, err) < 0 ||
	    check_foreign(work, plan, &request.limit, err) < 0)
		return -1;
	say(work, "building", plan->tag);
	if (prepare(work, plan, err) < 0 ||
	    sbx_image_build(work->engine, &request, err) < 0)
		return sbx_error_wrap(err, "build %s%s", repo,
				      request.no_network ? " without network"
							 : "");
	if (!is_base(plan))
		return 0;
	/* So that "docker build" of what builds on it works too. */
	return sbx_image_tag(work->engine, plan->tag, repo, "latest", err);
}

/* Another image has taken the tag of @old; nobody would find it again. */
static void drop_old(const struct work *work, const json_t *old,
		     const json_t *new)
{
	const char *id = sbx_json_text_at(old, "Id", NULL);
	const char *new_id = sbx_json_text_at(new, "Id", NULL);
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (id && new_id && strcmp(id, new_id) != 0)
		sbx_image_remove(work->engine, id, &ignored);
}

/*
 * The image has labels of ours, but not those that it was to get: where a
 * target is a stage like another Podman (4.3) gives back the image that it made
 * of that one, whatever the labels.
 */
static bool is_of_another_build(const struct sbx_build_plan *plan, int result,
				const struct sbx_error *err)
{
	return result < 0 && err->outcome == SBX_OUTCOME_DENIED &&
	       !is_base(plan);
}

static int build_and_look(const struct work *work,
			  const struct sbx_build_plan *plan, json_t **out,
			  struct sbx_error *err)
{
	int result;

	if (build(work, plan, false, err) < 0)
		return -1;
	result = look(work, plan, out, err);
	if (is_of_another_build(plan, result, err)) {
		sbx_context_rewind(plan->context);
		if (build(work, plan, true, err) < 0)
			return -1;
		result = look(work, plan, out, err);
	}
	if (result != SBX_IMAGE_GONE)
		return result;
	return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED,
			     "%s was built, and somebody removed it",
			     plan->tag);
}

/* What is left to do by who has the lock. */
static int ensure_locked(const struct work *work,
			 const struct sbx_build_plan *plan, bool force,
			 json_t *old, json_t **out, bool *built,
			 struct sbx_error *err)
{
	if (!force) {
		int result = look(work, plan, out, err);

		if (result != SBX_IMAGE_GONE)
			return result;
	}
	if (build_and_look(work, plan, out, err) < 0)
		return -1;
	*built = true;
	drop_old(work, old, *out);
	return 0;
}

static atomic_uint_fast64_t n_built;
static atomic_uint_fast64_t n_failed;

void sbx_skill_image_count(uint64_t *built, uint64_t *failed)
{
	*built = n_built;
	*failed = n_failed;
}

static int ensure(const struct work *work, const struct sbx_build_plan *plan,
		  bool force, json_t **out, bool *built, struct sbx_error *err)
{
	cleanup_free char *name = sbx_asprintf("image-%s", plan->key);
	int lock;
	json_auto_t *old = NULL;
	int result = look(work, plan, force ? &old : out, err);

	*built = false;
	if (result < 0 || (result == 0 && !force))
		return result;
	if (work->options->look_only)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "%s has not been built yet", plan->tag);
	lock = sbx_lock_take(name, sbx_engine_cancel_fd(work->engine), err);
	if (lock < 0)
		return -1;
	result = ensure_locked(work, plan, force, old, out, built, err);
	sbx_lock_drop(name, &lock);
	n_built += *built;
	n_failed += result < 0;
	return result;
}

static int ensure_plan(const struct work *work,
		       const struct sbx_build_plan *plan,
		       struct sbx_skill_image *out, struct sbx_error *err)
{
	json_auto_t *inspect = NULL;
	bool force = work->options->force;

	if (ensure(work, plan, force, &inspect, &out->built, err) < 0)
		return -1;
	sbx_skill_image_describe(inspect, plan->tag, out);
	return 0;
}

/* --- pinned images --------------------------------------------------------*/

/* The image of a skill that is not built: found, or pulled. */
static int ensure_pinned(const struct work *work, const char *skill,
			 const char *ref, struct sbx_skill_image *out,
			 struct sbx_error *err)
{
	json_auto_t *inspect = NULL;
	cleanup_free char *over = NULL;
	const struct sbx_image_limit limit =
		limit_of(sbx_policy_skill(work->options->policy, skill), &over);
	int result = sbx_image_inspect(work->engine, ref, &inspect, err);

	if (result == SBX_IMAGE_GONE && !work->options->look_only) {
		say(work, "pulling", ref);
		if (check_disk(work, err) < 0 ||
		    sbx_image_pull(work->engine, ref, &limit,
				   &work->options->progress, err) < 0)
			return -1;
		out->built = true;
		result = sbx_image_inspect(work->engine, ref, &inspect, err);
	}
	if (result == SBX_IMAGE_GONE)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "the engine does not have %s", ref);
	if (result < 0 ||
	    sbx_skill_image_check_labels(inspect, ref, NULL, err) < 0)
		return -1;
	sbx_skill_image_describe(inspect, ref, out);
	return 0;
}

/* --------------------------------------------------------------------------*/

static int check_ref(const struct sbx_policy *policy, const char *skill,
		     const struct sbx_dockerfile_ref *ref,
		     struct sbx_error *err)
{
	if (ref->kind == SBX_DOCKERFILE_ADD)
		return sbx_grant_fetch(policy, skill, ref->image, err);
	return sbx_grant_base(policy, skill, ref->image, err);
}

static int check_refs(const struct sbx_policy *policy, const char *skill,
		      const struct sbx_dockerfile *from, struct sbx_error *err)
{
	for (size_t i = 0; i < from->n; i++) {
		if (check_ref(policy, skill, &from->refs[i], err) < 0)
			return -1;
	}
	return 0;
}

int sbx_skill_image_ensure(struct sbx_engine *engine,
			   const struct sbx_catalog *catalog,
			   const struct sbx_skill *skill,
			   const struct sbx_action *action,
			   const struct sbx_skill_image_options *options,
			   struct sbx_skill_image *out, struct sbx_error *err)
{
	const struct work work = { .engine = engine, .options = options };
	cleanup_plans struct sbx_build_plans plans = {
		.catalog = catalog, .platform = sbx_engine_platform(engine)
	};
	const char *name = skill->manifest->name;
	const char *pinned = skill->manifest->image;
	const struct sbx_build *from =
		sbx_manifest_build(skill->manifest, action);
	struct sbx_build_plan *plan;

	if (!from)
		return sbx_grant_base(options->policy, name, pinned, err) < 0
			       ? -1
			       : ensure_pinned(&work, name, pinned, out, err);
	if (sbx_build_plan_skill(&plans, skill, from, &plan, err) < 0 ||
	    check_refs(options->policy, name, &plan->images, err) < 0)
		return -1;
	return ensure_plan(&work, plan, out, err);
}

/* --- warnings -------------------------------------------------------------*/

static void warn(const struct sbx_policy *policy, const char *skill,
		 const struct sbx_dockerfile_ref *ref, const char *file,
		 struct sbx_strv *out)
{
	const char *kind = sbx_dockerfile_kind_text(ref->kind);
	struct sbx_error err = SBX_ERROR_INIT;

	if (check_ref(policy, skill, ref, &err) < 0)
		sbx_strv_push_take(out,
				   sbx_asprintf("%s:%u: %s: %s", file,
						ref->line, kind, err.message));
	else if (ref->kind != SBX_DOCKERFILE_ADD && !ref->base &&
		 !sbx_dockerfile_is_pinned(ref->image))
		sbx_strv_push_take(
			out, sbx_asprintf("%s:%u: %s %s is not pinned; "
					  "add its digest (@sha256:...)",
					  file, ref->line, kind, ref->image));
}

int sbx_skill_image_warnings(const struct sbx_skill *skill,
			     const struct sbx_build *build,
			     const struct sbx_policy *policy,
			     struct sbx_strv *out, struct sbx_error *err)
{
	cleanup_dockerfile struct sbx_dockerfile images = SBX_DOCKERFILE_INIT;
	struct sbx_context *context = NULL;
	const struct sbx_buf *text;
	int result;

	if (sbx_build_source_open(&context, skill, build, err) < 0)
		return -1;
	text = sbx_context_dockerfile(context);
	/* The engine is not asked; what is pinned on one platform is on all. */
	result = sbx_dockerfile_parse(&images, build->dockerfile,
				      sbx_buf_text(text), text->len,
				      build->args, "linux/amd64", err);
	for (size_t i = 0; i < images.n; i++)
		warn(policy, skill->manifest->name, &images.refs[i],
		     build->dockerfile, out);
	sbx_context_free(&context);
	return result;
}
