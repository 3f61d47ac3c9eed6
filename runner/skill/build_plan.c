/* SPDX-License-Identifier: MIT */
#include "skill/build_plan.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "skill/build_source.h"
#include "skill/rootfs.h"

#define ROOTFS_SIZE_MAX (1024 * 1024)

static void plan_free(struct sbx_build_plan *plan)
{
	free(plan->name);
	free(plan->tag);
	free(plan->dockerfile);
	free(plan->target);
	json_decref(plan->args);
	sbx_context_free(&plan->context);
	sbx_dockerfile_clear(&plan->images);
	free(plan->rootfs);
	json_decref(plan->base_keys);
	free(plan->bases);
	free(plan);
}

void sbx_build_plans_clear(struct sbx_build_plans *plans)
{
	for (size_t i = 0; i < plans->n; i++)
		plan_free(plans->v[i]);
	free(plans->v);
	plans->v = NULL;
	plans->n = 0;
}

static struct sbx_build_plan *plan_new(struct sbx_build_plans *plans,
				       const char *kind, const char *name)
{
	struct sbx_build_plan *plan = sbx_calloc(1, sizeof(*plan));

	plan->kind = kind;
	plan->name = sbx_strdup(name);
	plan->base_keys = json_object();
	plan->busy = true;
	plans->v = sbx_realloc(plans->v, (plans->n + 1) * sizeof(plan));
	plans->v[plans->n++] = plan;
	return plan;
}

/* --- parts ----------------------------------------------------------------*/

/* Plans each base of ours that the Dockerfile names. */
static int plan_bases(struct sbx_build_plans *plans,
		      struct sbx_build_plan *plan, struct sbx_error *err)
{
	for (size_t i = 0; i < plan->images.n; i++) {
		const char *name = plan->images.refs[i].base;
		struct sbx_build_plan *base;

		if (!name || json_object_get(plan->base_keys, name))
			continue;
		if (sbx_build_plan_base(plans, name, &base, err) < 0)
			return -1;
		json_object_set_new(plan->base_keys, name,
				    json_string(base->key));
		plan->bases = sbx_realloc(plan->bases,
					  (plan->n_bases + 1) * sizeof(base));
		plan->bases[plan->n_bases++] = base;
	}
	return 0;
}

/*
 * Reads the script that makes rootfs.tar.  It is hashed by itself because a
 * .dockerignore may keep it out of the context.
 */
static int read_rootfs(struct sbx_build_plan *plan, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(ROOTFS_SIZE_MAX);
	cleanup_fd int fd = openat(
		sbx_context_directory(plan->context), SBX_ROOTFS_SCRIPT,
		O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 && errno == ENOENT)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       SBX_ROOTFS_SCRIPT ": cannot be read");
	if (!S_ISREG(st.st_mode) || !(st.st_mode & S_IXUSR))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     SBX_ROOTFS_SCRIPT
				     ": not an executable script");
	if (sbx_fd_read_all(fd, &text, err) < 0)
		return sbx_error_wrap(err, SBX_ROOTFS_SCRIPT);
	plan->rootfs = sbx_buf_take(&text);
	return 0;
}

static void set_key(const struct sbx_build_plans *plans,
		    struct sbx_build_plan *plan, const char *context)
{
	struct sbx_build_sources sources = {
		.kind = plan->kind,
		.name = plan->name,
		.context = context,
		.rootfs = plan->rootfs,
		.dockerfile = plan->dockerfile,
		.target = plan->target,
		.args = plan->args,
		.platform = plans->platform,
		.bases = plan->base_keys,
	};

	for (size_t i = 0; i < plan->images.n; i++) {
		if (!plan->images.refs[i].base)
			sbx_strv_push(&sources.images,
				      plan->images.refs[i].image);
	}
	sbx_build_key(&sources, plan->key);
	plan->tag = sbx_asprintf("skillbox/%s:%s", plan->name, plan->key);
	sbx_strv_free(&sources.images);
}

/* Fills in all but what plan_new() and its caller know, the context too. */
static int plan_make(struct sbx_build_plans *plans, struct sbx_build_plan *plan,
		     struct sbx_error *err)
{
	char context[SBX_HASH_HEX_SIZE];
	const struct sbx_buf *text;

	if (strcmp(plan->kind, SBX_BUILD_BASE) == 0 &&
	    read_rootfs(plan, err) < 0)
		return -1;
	text = sbx_context_dockerfile(plan->context);
	if (sbx_dockerfile_parse(&plan->images, plan->dockerfile,
				 sbx_buf_text(text), text->len, plan->args,
				 plans->platform, err) < 0 ||
	    plan_bases(plans, plan, err) < 0 ||
	    sbx_context_hash(plan->context, context, err) < 0)
		return -1;
	set_key(plans, plan, context);
	plan->busy = false;
	return 0;
}

/* --- skills and bases -----------------------------------------------------*/

int sbx_build_plan_skill(struct sbx_build_plans *plans,
			 const struct sbx_skill *skill,
			 const struct sbx_build *build,
			 struct sbx_build_plan **out, struct sbx_error *err)
{
	struct sbx_build_plan *plan =
		plan_new(plans, SBX_BUILD_SKILL, skill->manifest->name);

	plan->dockerfile = sbx_strdup(build->dockerfile);
	plan->target = build->target ? sbx_strdup(build->target) : NULL;
	plan->args = json_incref(build->args);
	if (sbx_build_source_open(&plan->context, skill, build, err) < 0 ||
	    plan_make(plans, plan, err) < 0)
		return sbx_error_wrap(err, "%s", skill->dir);
	*out = plan;
	return 0;
}

static struct sbx_build_plan *find_base(const struct sbx_build_plans *plans,
					const char *name)
{
	for (size_t i = 0; i < plans->n; i++) {
		struct sbx_build_plan *plan = plans->v[i];

		if (strcmp(plan->kind, SBX_BUILD_BASE) == 0 &&
		    strcmp(plan->name, name) == 0)
			return plan;
	}
	return NULL;
}

int sbx_build_plan_base(struct sbx_build_plans *plans, const char *name,
			struct sbx_build_plan **out, struct sbx_error *err)
{
	struct sbx_build_plan *plan = find_base(plans, name);
	cleanup_free char *directory = NULL;

	if (plan && plan->busy)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the base image %s builds on itself",
				     name);
	if (!plan) {
		if (sbx_catalog_base_dir(plans->catalog, name, &directory,
					 err) < 0)
			return -1;
		plan = plan_new(plans, SBX_BUILD_BASE, name);
		plan->dockerfile = sbx_strdup("Dockerfile");
		if (sbx_context_open(&plan->context, directory,
				     plan->dockerfile, err) < 0 ||
		    plan_make(plans, plan, err) < 0)
			return sbx_error_wrap(err, "%s", directory);
	}
	*out = plan;
	return 0;
}
