/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_IMAGE_BUILDER_H
#define SBX_SERVE_IMAGE_BUILDER_H

#include <stdbool.h>

#include "base/error.h"
#include "sandbox/plan.h"
#include "sandbox/pool_policy.h"
#include "serve/engines.h"
#include "skill/catalog.h"

/*
 * Makes the images of skills in the background, so that no request is as long
 * as a build: a client of the Model Context Protocol gives up after a minute.
 * For any number of threads.
 */
struct sbx_image_builder;

/* How long a request waits for an image, where nobody says how long. */
#define SBX_IMAGE_WAIT_MS 45000

/*
 * All borrowed.
 *
 * @wait_ms	how long a request waits for an image
 */
struct sbx_image_builder_options {
	const struct sbx_catalog *catalog;
	struct sbx_policy_watch *policies;
	struct sbx_engines *engines;
	double wait_ms;
};

/* INTERNAL when there is no thread to be had. */
int sbx_image_builder_start(struct sbx_image_builder **out,
			    const struct sbx_image_builder_options *options,
			    struct sbx_error *err);

/* Also what is being built is given up. */
void sbx_image_builder_stop(struct sbx_image_builder **builder);

/*
 * Has the images made of all skills that there are; to be called once somebody
 * has asked for tools, and does so the first time only.
 */
void sbx_image_builder_begin(struct sbx_image_builder *builder);

/* Whether the action had its image when that was last looked for. */
bool sbx_image_builder_is_ready(struct sbx_image_builder *builder,
				const char *skill, const char *action);

/* For runs that wait for images. */
const struct sbx_plan_images *
sbx_image_builder_images(struct sbx_image_builder *builder);

#endif
