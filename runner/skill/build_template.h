/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_BUILD_TEMPLATE_H
#define SBX_SKILL_BUILD_TEMPLATE_H

#include <stdbool.h>

/*
 * What stands in the place of a Dockerfile: `template: python`.  Pure.
 *
 * The whole context goes to /app, and what a requirements.txt, package.json or
 * go.mod at its top names is installed by another stage, so that no installer
 * is in the image.
 */

bool sbx_template_is(const char *name);

/*
 * The Dockerfile of a template there is; owned by the caller.  @has tells
 * whether there is such a file or directory at the top of the context.
 */
char *sbx_template_dockerfile(const char *name,
			      bool (*has)(const void *ctx, const char *file),
			      const void *ctx);

#endif
