/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_PATH_H
#define SBX_BASE_PATH_H

#include <stdbool.h>

/* Paths as text: nothing here looks at the file system. */

/*
 * An absolute path without doubled and trailing slashes and "." components;
 * free().  NULL for a path that is not absolute or has a ".." component, which
 * means something only on a file system.
 */
char *sbx_path_normalize(const char *path);

/* True when @path is @directory or inside it; both normalized. */
bool sbx_path_is_within(const char *path, const char *directory);

/* True when one of the two is the other or inside it. */
bool sbx_path_overlaps(const char *a, const char *b);

#endif
