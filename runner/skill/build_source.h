/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_BUILD_SOURCE_H
#define SBX_SKILL_BUILD_SOURCE_H

#include "base/error.h"
#include "skill/catalog.h"
#include "skill/context.h"

/*
 * The context of an image of a skill, with its Dockerfile: the skill's own, or
 * the one that its template stands for.  INVALID as sbx_context_open(), and
 * when there is a Dockerfile beside a template that nobody else uses.
 */
int sbx_build_source_open(struct sbx_context **out,
			  const struct sbx_skill *skill,
			  const struct sbx_build *build, struct sbx_error *err);

#endif
