/* SPDX-License-Identifier: MIT */
#include "codec/libarchive.h"

#include "base/mem.h"
#include "codec/library.h"

/* The ABI of libarchive 3, see ARCHIVE_VERSION_NUMBER in archive.h. */
#define SONAME "libarchive.so.13"

static struct sbx_libarchive table;

static const struct sbx_library_function functions[] = {
#define ROW(function) { #function, offsetof(struct sbx_libarchive, function) },
	SBX_LIBARCHIVE_FUNCTIONS(ROW)
#undef ROW
};

static struct sbx_library library = {
	.soname = SONAME,
	.name = "libarchive",
	.functions = functions,
	.n_functions = SBX_ARRAY_SIZE(functions),
	.table = &table,
};

const struct sbx_libarchive *sbx_libarchive_load(struct sbx_error *err)
{
	return sbx_library_load(&library, err) < 0 ? NULL : &table;
}
