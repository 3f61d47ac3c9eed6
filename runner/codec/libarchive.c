/* SPDX-License-Identifier: MIT */
#include "codec/libarchive.h"

#include <stdbool.h>

#include "base/mem.h"
#include "codec/library.h"

/* The ABI of libarchive 3, see ARCHIVE_VERSION_NUMBER in archive.h. */
#define SONAME "libarchive.so.13"

static const struct sbx_library_function functions[] = {
#define ROW(function) { #function, offsetof(struct sbx_libarchive, function) },
	SBX_LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

const struct sbx_libarchive *sbx_libarchive_load(struct sbx_error *err)
{
	static struct sbx_libarchive library;
	static bool loaded;

	if (!loaded &&
	    sbx_library_load(SONAME, "libarchive", functions,
			     SBX_ARRAY_SIZE(functions), &library, err) < 0)
		return NULL;
	loaded = true;
	return &library;
}
