/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_BUILD_PLAN_H
#define SBX_SKILL_BUILD_PLAN_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "skill/catalog.h"
#include "skill/context.h"
#include "skill/dockerfile.h"
#include "skill/build_key.h"

#define SBX_BUILD_SKILL "skill"
#define SBX_BUILD_BASE	"base"

/*
 * How an image of ours would be built, found out from its sources alone.
 *
 * @kind	SBX_BUILD_SKILL or SBX_BUILD_BASE
 * @name	of the skill or base
 * @key, @tag	"skillbox/NAME:KEY"
 * @args	object of strings, or NULL
 * @context	has been hashed; sends what has to be sent
 * @images	what its Dockerfile names
 * @rootfs	text of the script that makes rootfs.tar, or NULL
 * @base_keys	object: name of each base of ours -> its key
 * @bases	their plans, borrowed
 * @busy	still being made: to meet it again is a cycle
 */
struct sbx_build_plan {
	const char *kind;
	char *name;
	char key[SBX_BUILD_KEY_SIZE];
	char *tag;
	char *dockerfile;
	char *target;
	json_t *args;
	struct sbx_context *context;
	struct sbx_dockerfile images;
	char *rootfs;
	json_t *base_keys;
	struct sbx_build_plan **bases;
	size_t n_bases;
	bool busy;
};

/* Plans that depend on each other; each base is there once. */
struct sbx_build_plans {
	const struct sbx_catalog *catalog;
	const char *platform;
	struct sbx_build_plan **v;
	size_t n;
};

void sbx_build_plans_clear(struct sbx_build_plans *plans);
#define cleanup_plans SBX_CLEANUP(sbx_build_plans_clear)

/*
 * The plan of an image of a skill, built as @build says, and of a base image;
 * borrowed from @plans.  INVALID (context, Dockerfile, bases that build on each
 * other), NOT_FOUND (a base), BUILD_FAILED (something changes while it is read).
 */
int sbx_build_plan_skill(struct sbx_build_plans *plans,
			 const struct sbx_skill *skill,
			 const struct sbx_build *build,
			 struct sbx_build_plan **out, struct sbx_error *err);
int sbx_build_plan_base(struct sbx_build_plans *plans, const char *name,
			struct sbx_build_plan **out, struct sbx_error *err);

#endif
