/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_FILES_H
#define SBX_SANDBOX_FILES_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Files that a caller gives an action (init/wire.h says how they travel). */

struct sbx_given_file {
	char *name;
	unsigned char *data;
	size_t size;
};

/* All zeros is none. */
struct sbx_files {
	struct sbx_given_file *v;
	size_t n;
};

/*
 * Adds one; *@data is taken when that succeeds.  INVALID: @name can be none,
 * or there are too many.
 */
int sbx_files_add(struct sbx_files *files, const char *name,
		  unsigned char **data, size_t size, struct sbx_error *err);
void sbx_files_clear(struct sbx_files *files);

/*
 * Whether they fit a directory of @limit bytes, as whole pages of memory, and
 * each other.  INVALID.
 */
int sbx_files_check(const struct sbx_files *files, int64_t limit,
		    struct sbx_error *err);

#endif
