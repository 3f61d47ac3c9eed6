/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_DOCKERIGNORE_H
#define SBX_SKILL_DOCKERIGNORE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

/*
 * The rules of a .dockerignore file, as Docker applies them.  Pure.  Paths
 * are relative to the context, without "./" and without a slash at the end.
 * Not for use by several threads at once: matching needs scratch space.
 */
struct sbx_dockerignore;

/*
 * Reads the rules in @text; @file is its name for messages.  INVALID with
 * "FILE:LINE: ..." for a pattern that Docker refuses too.
 */
int sbx_dockerignore_parse(struct sbx_dockerignore **out, const char *file,
			   const char *text, size_t size,
			   struct sbx_error *err);
void sbx_dockerignore_free(struct sbx_dockerignore **ignore);

/*
 * True when @path is left out of the context, asked from the top down: @parent
 * is what @own was for the directory @path is in (NULL at the top), each an
 * array of sbx_dockerignore_rules() elements: which rules match that directory
 * or one above it.  @own is NULL where nobody asks below @path.
 */
size_t sbx_dockerignore_rules(const struct sbx_dockerignore *ignore);
bool sbx_dockerignore_step(const struct sbx_dockerignore *ignore,
			   const char *path, const bool *parent, bool *own);

/*
 * Whether anything below the directory @path, itself left out, could be
 * taken in again by a rule that starts with "!".
 */
bool sbx_dockerignore_reaches(const struct sbx_dockerignore *ignore,
			      const char *path);

#endif
