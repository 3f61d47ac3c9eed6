/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_JSON_MEMBERS_H
#define SBX_CODEC_JSON_MEMBERS_H

#include <jansson.h>

#include "base/error.h"

/* Objects from outside, read by a table of their members. */

/*
 * @name	of the member; NULL ends a table
 * @read	takes its value into @ctx; NULL leaves it to somebody else
 */
struct sbx_json_reader {
	const char *name;
	int (*read)(const char *name, json_t *value, void *ctx,
		    struct sbx_error *err);
};

/*
 * Has each member of @object read.  INVALID for one that is not in the table,
 * with the nearest that is, or what the reader says.  At most 31 members.
 */
int sbx_json_read_members(json_t *object, const struct sbx_json_reader *readers,
			  void *ctx, struct sbx_error *err);

/* INVALID: "NAME: expected WHAT". */
int sbx_json_expected(const char *name, const char *what,
		      struct sbx_error *err);

#endif
