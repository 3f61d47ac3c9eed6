/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_STRV_H
#define SBX_BASE_STRV_H

#include <stddef.h>

#include "base/mem.h"

/*
 * A list of strings it owns.
 *
 * @v	the strings, NULL after the last; NULL itself while empty
 * @n	how many
 */
struct sbx_strv {
	char **v;
	size_t n;
};

#define SBX_STRV_INIT                                                          \
	{                                                                      \
		.v = NULL, .n = 0                                              \
	}

/* Appends a copy of @text. */
void sbx_strv_push(struct sbx_strv *list, const char *text);

/* Appends @text itself, which the list then owns. */
void sbx_strv_push_take(struct sbx_strv *list, char *text);

/* Appends copies of all of @from. */
void sbx_strv_extend(struct sbx_strv *to, const struct sbx_strv *from);

/* The same in place of what was there. */
void sbx_strv_copy(struct sbx_strv *to, const struct sbx_strv *from);

/*
 * For lists of "NAME=value": appends that entry, or replaces the one that has
 * the same name (up to the first '=').
 */
void sbx_strv_setenv(struct sbx_strv *list, const char *name,
		     const char *value);

/* Sets all of @from so; what has no '=' in it is passed over. */
void sbx_strv_extend_env(struct sbx_strv *to, const struct sbx_strv *from);

/* The value of @name in such a list, or NULL; points into the list. */
const char *sbx_strv_getenv(const struct sbx_strv *list, const char *name);

void sbx_strv_free(struct sbx_strv *list);

#define cleanup_strv SBX_CLEANUP(sbx_strv_free)

#endif
