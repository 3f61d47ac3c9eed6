/* SPDX-License-Identifier: MIT */
#include "codec/library.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>

static pthread_mutex_t loading = PTHREAD_MUTEX_INITIALIZER;

static int fail(const struct sbx_library *library, struct sbx_error *err)
{
	const char *reason = dlerror();

	return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "cannot load %s: %s",
			     library->name, reason ? reason : "unknown");
}

/* Never unloaded: its users are everywhere and nowhere. */
static int load(const struct sbx_library *library, struct sbx_error *err)
{
	void *handle = dlopen(library->soname, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return fail(library, err);
	for (size_t i = 0; i < library->n_functions; i++) {
		const struct sbx_library_function *function =
			&library->functions[i];
		void *found = dlsym(handle, function->name);

		if (!found)
			return fail(library, err);
		/* ISO C has no cast between the two, POSIX has the bytes. */
		memcpy((char *)library->table + function->offset, &found,
		       sizeof(found));
	}
	return 0;
}

int sbx_library_load(struct sbx_library *library, struct sbx_error *err)
{
	int result = 0;

	if (atomic_load_explicit(&library->is_loaded, memory_order_acquire))
		return 0;
	pthread_mutex_lock(&loading);
	if (!library->is_loaded)
		result = load(library, err);
	if (result == 0)
		library->is_loaded = true;
	pthread_mutex_unlock(&loading);
	return result;
}
