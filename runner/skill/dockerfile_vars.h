/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_DOCKERFILE_VARS_H
#define SBX_SKILL_DOCKERFILE_VARS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/strv.h"

/*
 * The variables of a Dockerfile in front of its first FROM, and what words
 * become by them.  Pure.
 *
 * @known	"NAME=value"; a name that is not there is unset
 * @unknown	names whose value we cannot tell
 */
struct sbx_dockerfile_vars {
	struct sbx_strv known;
	struct sbx_strv unknown;
};

void sbx_dockerfile_vars_clear(struct sbx_dockerfile_vars *vars);

/* Sets @name, to something that we cannot tell when @value is NULL. */
void sbx_dockerfile_vars_set(struct sbx_dockerfile_vars *vars, const char *name,
			     const char *value);

/* Whether it has been given a value. */
bool sbx_dockerfile_vars_has(const struct sbx_dockerfile_vars *vars,
			     const char *name);

/*
 * TARGETPLATFORM and its like, from "os/architecture[/variant]"; what else a
 * builder sets itself cannot be told.
 */
void sbx_dockerfile_vars_platform(struct sbx_dockerfile_vars *vars,
				  const char *platform);

/* Whether that is the name of one of them. */
bool sbx_dockerfile_vars_is_platform(const char *name);

/*
 * Appends @word to @out as the builder would see it: quotes and escapes gone,
 * $NAME, ${NAME}, ${NAME-word}, ${NAME:-word}, ${NAME+word} and ${NAME:+word}
 * replaced.  False when it has anything else in it, or something that not
 * each builder would replace in the same way.
 */
bool sbx_dockerfile_expand(const struct sbx_dockerfile_vars *vars,
			   const char *word, size_t size, char escape,
			   struct sbx_buf *out);

#endif
