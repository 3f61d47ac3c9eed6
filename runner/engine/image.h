/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_IMAGE_H
#define SBX_ENGINE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "base/progress.h"
#include "engine/engine.h"
#include "engine/http.h"

#define SBX_IMAGE_GONE	 1 /* there is no such image */
#define SBX_IMAGE_IN_USE 2 /* a container still uses it */

/* GET /images/{ref}/json; new reference.  SBX_IMAGE_GONE. */
int sbx_image_inspect(struct sbx_engine *engine, const char *ref, json_t **out,
		      struct sbx_error *err);

/* All images that carry @label; array as /images/json, new reference. */
int sbx_image_list(struct sbx_engine *engine, const char *label, json_t **out,
		   struct sbx_error *err);

/* Gives the image @ref the additional name @repo:@tag. */
int sbx_image_tag(struct sbx_engine *engine, const char *ref, const char *repo,
		  const char *tag, struct sbx_error *err);

/* Removes a tag or image.  SBX_IMAGE_GONE, SBX_IMAGE_IN_USE. */
int sbx_image_remove(struct sbx_engine *engine, const char *ref,
		     struct sbx_error *err);

/*
 * Makes an image out of a root file system tar (POST /images/create with
 * fromSrc=-), with the labels of the object @labels.
 */
int sbx_image_import(struct sbx_engine *engine, const char *repo,
		     const char *tag, const void *tar, size_t size,
		     json_t *labels, struct sbx_error *err);

/*
 * How long the engine may work on an image, its waiting for a turn aside.
 * When that is over it is left, and so has to stop; of Podman (4.3) a RUN step
 * goes on, and nobody waits for it.
 *
 * @ms		0: for ever
 * @over	what is said then, with BUILD_FAILED
 */
struct sbx_image_limit {
	int64_t ms;
	const char *over;
};

/* Pulls @ref ("name@sha256:..."); NOT_FOUND, UNAVAILABLE, BUILD_FAILED. */
int sbx_image_pull(struct sbx_engine *engine, const char *ref,
		   const struct sbx_image_limit *limit,
		   const struct sbx_progress *progress, struct sbx_error *err);

/*
 * @tag		"repo:tag" for the result
 * @dockerfile	path inside the context
 * @target	stage, or NULL
 * @args	object of strings, or NULL
 * @labels	object of strings, or NULL
 * @cache	whose RUN --mount=type=cache it sees, or NULL: everybody's.
 *		BuildKit alone keeps them apart
 * @no_network	RUN steps get no network
 * @no_cache	nothing of builds before is used
 * @limit	of the time that it may take
 * @context	the tar, as a stream
 */
struct sbx_image_build {
	const char *tag;
	const char *dockerfile;
	const char *target;
	json_t *args;
	json_t *labels;
	const char *cache;
	bool no_network;
	bool no_cache;
	struct sbx_image_limit limit;
	sbx_http_source context;
	void *context_ctx;
	struct sbx_progress progress;
};

/*
 * Builds with BuildKit where the engine has it (its /_ping says
 * "Builder-Version: 2", or it is a Docker for Linux that says nothing), else
 * with the classic builder.  BUILD_FAILED carries the builder's message, or
 * that of @limit, and, each on a line below it, as many of its own last lines
 * of output as fit; errors of the context source come through as they are;
 * UNAVAILABLE, CANCELLED.
 */
int sbx_image_build(struct sbx_engine *engine,
		    const struct sbx_image_build *build, struct sbx_error *err);

#endif
