/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_LIBRARY_H
#define SBX_CODEC_LIBRARY_H

#include <stddef.h>

#include "base/error.h"

/*
 * Shared libraries that not every call of the program needs, and that are
 * loaded by the one that does.
 */

/* A function, and where in a structure its address goes. */
struct sbx_library_function {
	const char *name;
	size_t offset;
};

/*
 * Loads @soname for good and fills in @out.  0, or -1 with INTERNAL:
 * "cannot load NAME: ...".
 */
int sbx_library_load(const char *soname, const char *name,
		     const struct sbx_library_function *functions, size_t n,
		     void *out, struct sbx_error *err);

#endif
