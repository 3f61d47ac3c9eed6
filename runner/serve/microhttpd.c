/* SPDX-License-Identifier: MIT */
#include "serve/microhttpd.h"

#include "base/mem.h"
#include "codec/library.h"

/* The ABI of libmicrohttpd 0.9.45 to 1.0. */
#define SONAME "libmicrohttpd.so.12"

static struct sbx_microhttpd table;

static const struct sbx_library_function functions[] = {
#define ROW(function) { #function, offsetof(struct sbx_microhttpd, function) },
	SBX_MICROHTTPD_FUNCTIONS(ROW)
#undef ROW
};

static struct sbx_library library = {
	.soname = SONAME,
	.name = "libmicrohttpd",
	.functions = functions,
	.n_functions = SBX_ARRAY_SIZE(functions),
	.table = &table,
};

const struct sbx_microhttpd *sbx_microhttpd_load(struct sbx_error *err)
{
	return sbx_library_load(&library, err) < 0 ? NULL : &table;
}
