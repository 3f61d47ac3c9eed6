/* SPDX-License-Identifier: MIT */
#include "serve/microhttpd.h"

#include <string.h>

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

struct search {
	const char *known;
	const char *found;
};

static enum MHD_Result look_at(void *ctx, enum MHD_ValueKind kind,
			       const char *name, const char *value)
{
	struct search *search = ctx;

	(void)kind;
	(void)value;
	if (search->known && strcmp(name, search->known) == 0)
		return MHD_YES;
	search->found = name;
	return MHD_NO;
}

const char *sbx_microhttpd_other_query(const struct sbx_microhttpd *mhd,
				       struct MHD_Connection *http,
				       const char *known)
{
	struct search search = { .known = known };

	mhd->MHD_get_connection_values(http, MHD_GET_ARGUMENT_KIND, look_at,
				       &search);
	return search.found;
}
