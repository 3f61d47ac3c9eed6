/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_SKILL_IMAGE_LOOK_H
#define SBX_SKILL_SKILL_IMAGE_LOOK_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"
#include "base/strv.h"

/* What an engine says of an image (GET /images/{ref}/json).  Pure. */

/* Labels on every image we build, and nobody else may set. */
#define SBX_LABEL_PREFIX "io.skillbox."
#define SBX_LABEL_KIND	 "io.skillbox.kind" /* "skill" or "base" */
#define SBX_LABEL_NAME	 "io.skillbox.name" /* of the skill or base */
#define SBX_LABEL_KEY	 "io.skillbox.key"

/*
 * @tag		what to give to the engine
 * @id		"sha256:..."
 * @env		the image's own environment, "NAME=value"
 * @entrypoint, @cmd	of the image
 * @working_dir	of the image, or NULL
 * @volumes	paths its Dockerfile declared with VOLUME
 * @storage	a path of the engine's that holds its files, or NULL
 * @built	it was not there before
 */
struct sbx_skill_image {
	char *tag;
	char *id;
	struct sbx_strv env;
	struct sbx_strv entrypoint;
	struct sbx_strv cmd;
	char *working_dir;
	struct sbx_strv volumes;
	char *storage;
	bool built;
};

void sbx_skill_image_clear(struct sbx_skill_image *image);
#define cleanup_skill_image SBX_CLEANUP(sbx_skill_image_clear)

/*
 * Whether the image's labels of ours are exactly those of the object
 * @expected (none when it is NULL).  Labels go to the containers of an image
 * as well, so one that we did not set could pose as ours.  DENIED.
 */
int sbx_skill_image_check_labels(const json_t *inspect, const char *ref,
				 const json_t *expected, struct sbx_error *err);

/* Fills in all but @built; @ref becomes the tag. */
void sbx_skill_image_describe(const json_t *inspect, const char *ref,
			      struct sbx_skill_image *out);

#endif
