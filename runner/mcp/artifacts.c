/* SPDX-License-Identifier: MIT */
#include "mcp/artifacts.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/json.h"

#define NAME_SIZE_MAX (16 * 1024)

static const struct {
	const char *end;
	const char *type;
} types[] = {
	{ "png", "image/png" },	  { "jpg", "image/jpeg" },
	{ "jpeg", "image/jpeg" }, { "gif", "image/gif" },
	{ "webp", "image/webp" }, { "svg", "image/svg+xml" },
	{ "wav", "audio/wav" },	  { "mp3", "audio/mpeg" },
	{ "ogg", "audio/ogg" },
};

/* NULL for what can be anything. */
static const char *type_of(const char *name)
{
	const char *end = strrchr(name, '.');

	for (size_t i = 0; end && i < SBX_ARRAY_SIZE(types); i++) {
		if (strcasecmp(end + 1, types[i].end) == 0)
			return types[i].type;
	}
	return NULL;
}

/* RFC 3986: what is not unreserved, but for slashes, is percent-encoded. */
static void add_encoded(struct sbx_buf *uri, const char *name)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~/";

	for (; *name; name++) {
		if (strchr(plain, *name))
			sbx_buf_append(uri, name, 1);
		else
			sbx_buf_printf(uri, "%%%02X", (unsigned char)*name);
	}
}

static json_t *resource(const json_t *record, const struct sbx_mcp_tool *tool,
			const char *name, const char *type, json_t *data)
{
	cleanup_buf struct sbx_buf uri = SBX_BUF_INIT(NAME_SIZE_MAX);

	sbx_buf_printf(&uri, "skillbox://%s/%s/%s/", tool->skill, tool->action,
		       sbx_json_text_at(record, "run_id", NULL));
	add_encoded(&uri, name);
	return json_pack("{s:s, s:{s:s, s:s, s:O}}", "type", "resource",
			 "resource", "uri", sbx_buf_text(&uri), "mimeType",
			 type ? type : "application/octet-stream", "blob",
			 data);
}

void sbx_mcp_artifacts_add(json_t *content, const json_t *record,
			   const struct sbx_mcp_tool *tool)
{
	const json_t *list = json_object_get(record, "artifacts");
	const json_t *artifact;
	size_t i;

	json_array_foreach (list, i, artifact) {
		const char *name = sbx_json_text_at(artifact, "name", NULL);
		json_t *data = json_object_get(artifact, "data");
		const char *type = name ? type_of(name) : NULL;

		if (!name || !data)
			continue;
		if (type && sbx_json_int_at(0, artifact, "size", NULL) <=
				    SBX_MCP_SHOWN_MAX)
			json_array_append_new(
				content,
				json_pack("{s:s#, s:O, s:s}", "type", type, 5,
					  "data", data, "mimeType", type));
		else
			json_array_append_new(
				content,
				resource(record, tool, name, type, data));
	}
}
