/* SPDX-License-Identifier: MIT */
#include "codec/libarchive.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

#include "base/mem.h"

/* The ABI of libarchive 3, see ARCHIVE_VERSION_NUMBER in archive.h. */
#define SONAME "libarchive.so.13"

static struct sbx_libarchive library;

static const struct {
	const char *name;
	size_t offset;
} functions[] = {
#define ROW(function) { #function, offsetof(struct sbx_libarchive, function) },
	SBX_LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

static int fail(struct sbx_error *err)
{
	const char *reason = dlerror();

	return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
			     "cannot load libarchive: %s",
			     reason ? reason : "unknown");
}

/* Never unloaded: its users are everywhere and nowhere. */
static int load(struct sbx_error *err)
{
	void *handle = dlopen(SONAME, RTLD_NOW | RTLD_LOCAL);

	if (!handle)
		return fail(err);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(functions); i++) {
		void *found = dlsym(handle, functions[i].name);

		if (!found)
			return fail(err);
		/* ISO C has no cast between the two, POSIX has the bytes. */
		memcpy((char *)&library + functions[i].offset, &found,
		       sizeof(found));
	}
	return 0;
}

const struct sbx_libarchive *sbx_libarchive_load(struct sbx_error *err)
{
	static bool loaded;

	if (!loaded && load(err) < 0)
		return NULL;
	loaded = true;
	return &library;
}
