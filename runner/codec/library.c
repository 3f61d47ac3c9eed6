/* SPDX-License-Identifier: MIT */
#include "codec/library.h"

#include <dlfcn.h>
#include <string.h>

static int fail(const char *name, struct sbx_error *err)
{
	const char *reason = dlerror();

	return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "cannot load %s: %s",
			     name, reason ? reason : "unknown");
}

/* Never unloaded: its users are everywhere and nowhere. */
int sbx_library_load(const char *soname, const char *name,
		     const struct sbx_library_function *functions, size_t n,
		     void *out, struct sbx_error *err)
{
	void *handle = dlopen(soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return fail(name, err);
	for (size_t i = 0; i < n; i++) {
		void *found = dlsym(handle, functions[i].name);

		if (!found)
			return fail(name, err);
		/* ISO C has no cast between the two, POSIX has the bytes. */
		memcpy((char *)out + functions[i].offset, &found,
		       sizeof(found));
	}
	return 0;
}
