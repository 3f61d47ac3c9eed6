/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_IMAGE_PLAN_H
#define SBX_SKILL_IMAGE_PLAN_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "skill/catalog.h"
#include "skill/context.h"
#include "skill/dockerfile.h"
#include "skill/image_key.h"

/*
 * How an image of ours would be built, found out from its sources alone.
 *
 * @kind	"skill" or "base", static
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
struct sbx_image_plan {
	const char *kind;
	char *name;
	char key[SBX_IMAGE_KEY_SIZE];
	char *tag;
	char *dockerfile;
	char *target;
	json_t *args;
	struct sbx_context *context;
	struct sbx_dockerfile images;
	char *rootfs;
	json_t *base_keys;
	struct sbx_image_plan **bases;
	size_t n_bases;
	bool busy;
};

/* Plans that depend on each other; each base is there once. */
struct sbx_image_plans {
	const struct sbx_catalog *catalog;
	const char *platform;
	struct sbx_image_plan **v;
	size_t n;
};

#define SBX_IMAGE_KIND_SKILL "skill"
#define SBX_IMAGE_KIND_BASE  "base"

/* The script in a base's directory that makes rootfs.tar. */
#define SBX_IMAGE_ROOTFS "rootfs"

void sbx_image_plans_clear(struct sbx_image_plans *plans);
#define cleanup_plans SBX_CLEANUP(sbx_image_plans_clear)

/*
 * The plan of a skill that is built, and of a base image; borrowed from
 * @plans.  INVALID (context, Dockerfile, bases that build on each other),
 * NOT_FOUND (a base), BUILD_FAILED (something changes while it is read).
 */
int sbx_image_plan_skill(struct sbx_image_plans *plans,
			 const struct sbx_skill *skill,
			 struct sbx_image_plan **out, struct sbx_error *err);
int sbx_image_plan_base(struct sbx_image_plans *plans, const char *name,
			struct sbx_image_plan **out, struct sbx_error *err);

#endif
