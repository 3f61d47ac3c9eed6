/* SPDX-License-Identifier: MIT */
#include "codec/json_members.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"

int sbx_json_expected(const char *name, const char *what, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s: expected %s", name,
			     what);
}

static int unknown(const char *key, const struct sbx_json_reader *readers,
		   struct sbx_error *err)
{
	cleanup_buf struct sbx_buf escaped = SBX_BUF_INIT(256);
	const char *names[32] = { NULL };
	const char *nearest;

	for (size_t i = 0; readers[i].name; i++)
		names[i] = readers[i].name;
	nearest = sbx_text_nearest(key, names);
	sbx_text_escape(&escaped, key, strlen(key), false);
	return sbx_error_set(
		err, SBX_OUTCOME_INVALID, "unknown member \"%s\"%s%s%s",
		sbx_buf_text(&escaped), nearest ? "; did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
}

int sbx_json_read_members(json_t *object, const struct sbx_json_reader *readers,
			  void *ctx, struct sbx_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		const struct sbx_json_reader *at = readers;

		while (at->name && strcmp(at->name, key) != 0)
			at++;
		if (!at->name)
			return unknown(key, readers, err);
		if (at->read && at->read(key, value, ctx, err) < 0)
			return -1;
	}
	return 0;
}
