/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_IMAGE_LOOK_H
#define SBX_SKILL_IMAGE_LOOK_H

#include <jansson.h>

#include "base/error.h"
#include "skill/skill_image.h"

/* What an engine says of an image (GET /images/{ref}/json).  Pure. */

/*
 * Whether the image's labels of ours are exactly those of the object
 * @expected (none when it is NULL).  Labels go to the containers of an image
 * as well, so one that we did not set could pose as ours.  DENIED.
 */
int sbx_image_check_labels(const json_t *inspect, const char *ref,
			   const json_t *expected, struct sbx_error *err);

/* Fills in all but @built; @ref becomes the tag. */
void sbx_image_describe(const json_t *inspect, const char *ref,
			struct sbx_skill_image *out);

#endif
