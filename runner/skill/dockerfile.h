/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_DOCKERFILE_H
#define SBX_SKILL_DOCKERFILE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * What a Dockerfile takes from elsewhere: the images it names, and what it
 * fetches.  Pure.
 */

enum sbx_dockerfile_kind {
	SBX_DOCKERFILE_SYNTAX, /* # syntax=IMAGE */
	SBX_DOCKERFILE_FROM,   /* FROM IMAGE */
	SBX_DOCKERFILE_COPY,   /* COPY --from=IMAGE */
	SBX_DOCKERFILE_MOUNT,  /* RUN --mount=from=IMAGE */
	SBX_DOCKERFILE_ADD,    /* ADD URL */
};

/*
 * @image	with variables replaced; of ADD what is fetched, as written
 * @base	NAME, when @image is skillbox/NAME or skillbox/NAME:latest: a
 *		base image of ours; else NULL
 * @line	where it stands, from 1
 * @offset, @size	the bytes of the text that say it
 */
struct sbx_dockerfile_ref {
	enum sbx_dockerfile_kind kind;
	char *image;
	char *base;
	unsigned int line;
	size_t offset;
	size_t size;
};

/* What comes from other places, in the file's order; stages are left out. */
struct sbx_dockerfile {
	struct sbx_dockerfile_ref *refs;
	size_t n;
};

#define SBX_DOCKERFILE_INIT                                                    \
	{                                                                      \
		.refs = NULL, .n = 0                                           \
	}

void sbx_dockerfile_clear(struct sbx_dockerfile *dockerfile);
#define cleanup_dockerfile SBX_CLEANUP(sbx_dockerfile_clear)

/* 1 MiB: no Dockerfile needs more. */
#define SBX_DOCKERFILE_SIZE_MAX (1024 * 1024)

/*
 * Reads a Dockerfile.  @file is its name for messages, @args the build
 * arguments (object of strings, or NULL), @platform "linux/amd64".  INVALID,
 * "FILE:LINE: ...", when what it takes cannot be told for certain, whatever
 * builder reads it; any other mistake is the builder's to find.
 */
int sbx_dockerfile_parse(struct sbx_dockerfile *out, const char *file,
			 const char *text, size_t size, const json_t *args,
			 const char *platform, struct sbx_error *err);

/* Whether @image names one image for ever: by digest. */
bool sbx_dockerfile_is_pinned(const char *image);

/* "FROM", "COPY --from" and so on, for messages. */
const char *sbx_dockerfile_kind_text(enum sbx_dockerfile_kind kind);

/*
 * Appends @text, the one that was parsed, to @out, each image of ours made
 * exact: skillbox/NAME:KEY, KEY the member @base of the object @keys.
 */
void sbx_dockerfile_rewrite(struct sbx_buf *out, const char *text, size_t size,
			    const struct sbx_dockerfile *dockerfile,
			    const json_t *keys);

#endif
