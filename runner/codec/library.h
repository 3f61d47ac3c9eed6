/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_LIBRARY_H
#define SBX_CODEC_LIBRARY_H

#include <stdatomic.h>
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
 * A library, static.
 *
 * @name	what messages call it
 * @table	the structure that @functions are members of
 * @is_loaded	that @table can be used; false to begin with
 */
struct sbx_library {
	const char *soname;
	const char *name;
	const struct sbx_library_function *functions;
	size_t n_functions;
	void *table;
	atomic_bool is_loaded;
};

/*
 * Loads it for good, if that has not been done; any thread may.  0, or -1
 * with INTERNAL: "cannot load NAME: ...".
 */
int sbx_library_load(struct sbx_library *library, struct sbx_error *err);

#endif
