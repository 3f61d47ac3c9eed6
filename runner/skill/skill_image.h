/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_SKILL_IMAGE_H
#define SBX_SKILL_SKILL_IMAGE_H

#include <stdbool.h>

#include <jansson.h>

#include <stdint.h>

#include "base/error.h"
#include "base/progress.h"
#include "base/strv.h"
#include "engine/engine.h"
#include "skill/catalog.h"
#include "skill/policy.h"
#include "skill/skill_image_look.h"

/*
 * The images of a skill: made when their keys are new, found otherwise.  It
 * has one, and one more for each other "build" that stands in an action.
 *
 * The tag is skillbox/NAME:KEY, the key a hash of everything the image is
 * made from (see sbx_build_key in build_key.c): the same sources give the same
 * tag everywhere.  Bases that are called skillbox/NAME are built first, from
 * the directory sbx_catalog_base_dir() finds.
 */

/*
 * @force	build although the tag is there
 * @look_only	neither build nor pull: NOT_FOUND
 * @policy	what it may be built from, and with
 */
struct sbx_skill_image_options {
	bool force;
	bool look_only;
	const struct sbx_policy *policy;
	struct sbx_progress progress;
};

/*
 * Makes sure that the image @action, of @skill, runs in exists, and describes
 * it.  One process
 * builds a key at a time, the others wait and then find it.  BUILD_FAILED,
 * INVALID (context, Dockerfile), NOT_FOUND (a base, a pinned image), DENIED
 * (the policy does not grant what it is built from, or the disk; the image
 * sets io.skillbox.* labels of its own), UNAVAILABLE, CANCELLED.
 */
int sbx_skill_image_ensure(struct sbx_engine *engine,
			   const struct sbx_catalog *catalog,
			   const struct sbx_skill *skill,
			   const struct sbx_action *action,
			   const struct sbx_skill_image_options *options,
			   struct sbx_skill_image *out, struct sbx_error *err);

/* How many this process has built, and how many it could not. */
void sbx_skill_image_count(uint64_t *built, uint64_t *failed);

/*
 * Removes the images we built that are no longer what their sources make:
 * those with our labels whose key is none of the present ones of a skill or
 * base of @catalog.  Images of skills that are not in the catalog stay.
 * @removed gets "image TAG (why)"; with @dry_run nothing is removed.
 */
int sbx_skill_image_prune(struct sbx_engine *engine,
			  const struct sbx_catalog *catalog, bool dry_run,
			  struct sbx_strv *removed, struct sbx_error *err);

/*
 * Images in the Dockerfile of @build, of @skill, that @policy does not grant,
 * or that are not pinned: "Dockerfile:1: FROM debian:12 is not pinned".
 */
int sbx_skill_image_warnings(const struct sbx_skill *skill,
			     const struct sbx_build *build,
			     const struct sbx_policy *policy,
			     struct sbx_strv *out, struct sbx_error *err);

#endif
