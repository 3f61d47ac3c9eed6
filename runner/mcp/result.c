/* SPDX-License-Identifier: MIT */
#include "mcp/result.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "mcp/artifacts.h"
#include "mcp/content.h"
#include "mcp/object_schema.h"

/* --- an action that is ok -------------------------------------------------- */

static void add_text(json_t *content, const char *text)
{
	json_array_append_new(
		content, json_pack("{s:s, s:s}", "type", "text", "text", text));
}

/* A text as it is, all else as JSON; nothing for null. */
static void add_value(json_t *content, const json_t *value)
{
	cleanup_free char *line = NULL;

	if (json_is_string(value)) {
		json_array_append_new(
			content,
			json_pack("{s:s, s:O}", "type", "text", "text", value));
		return;
	}
	line = json_is_null(value) ? sbx_strdup("") : sbx_json_line(value);
	add_text(content, line);
}

/* The bytes of an output, which is their base64. */
static void add_bytes(json_t *content, const json_t *record,
		      const struct sbx_mcp_tool *tool)
{
	const char *type = tool->media_type ? tool->media_type
					    : "application/octet-stream";
	json_t *data = json_object_get(record, "output");
	const char *run_id = sbx_json_text_at(record, "run_id", NULL);
	cleanup_free char *uri = NULL;

	if (sbx_text_has_prefix(type, "image/") ||
	    sbx_text_has_prefix(type, "audio/")) {
		json_array_append_new(
			content, json_pack("{s:s#, s:O, s:s}", "type", type, 5,
					   "data", data, "mimeType", type));
		return;
	}
	uri = sbx_asprintf("skillbox://%s/%s/%s", tool->skill, tool->action,
			   run_id);
	json_array_append_new(content,
			      json_pack("{s:s, s:{s:s, s:s, s:O}}", "type",
					"resource", "resource", "uri", uri,
					"mimeType", type, "blob", data));
}

/* The output for whom it is structured; the blocks in it are not. */
static json_t *structure(const json_t *output, const struct sbx_mcp_tool *tool,
			 enum sbx_mcp_revision revision)
{
	json_t *value = json_copy((json_t *)output);

	json_object_del(value, SBX_MCP_CONTENT_MEMBER);
	if (tool->wraps_output && !sbx_mcp_is_stateless(revision))
		return json_pack("{s:o}", SBX_MCP_OUTPUT_MEMBER, value);
	return value;
}

/* False when there are blocks in it that are none, and says why. */
static bool add_blocks(json_t *content, const json_t *blocks, json_t **result)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_mcp_content_check(blocks, &err) == 0) {
		json_array_extend(content, (json_t *)blocks);
		return true;
	}
	*result = sbx_mcp_result_error("bad_output", err.message);
	return false;
}

static json_t *good_result(const json_t *record,
			   const struct sbx_mcp_tool *tool,
			   enum sbx_mcp_revision revision)
{
	const json_t *output = json_object_get(record, "output");
	const json_t *blocks = json_object_get(output, SBX_MCP_CONTENT_MEMBER);
	json_t *content = json_array();
	json_t *result = NULL;

	if (blocks) {
		if (!add_blocks(content, blocks, &result)) {
			json_decref(content);
			return result;
		}
	} else if (tool->is_binary && json_is_string(output)) {
		add_bytes(content, record, tool);
	} else {
		add_value(content, output);
	}
	sbx_mcp_artifacts_add(content, record, tool);
	result = json_pack("{s:o, s:b}", "content", content, "isError", false);
	if (tool->has_output_schema)
		json_object_set_new(result, "structuredContent",
				    structure(output, tool, revision));
	return result;
}

/* --- and one that is not --------------------------------------------------- */

/* The end of a text, from where a character begins. */
static const char *tail(const char *text)
{
	size_t size = strlen(text);
	const char *at = text;

	if (size > SBX_MCP_TAIL_MAX)
		at = text + size - SBX_MCP_TAIL_MAX;
	while (((unsigned char)*at & 0xC0) == 0x80)
		at++;
	return at;
}

static void add_tail(json_t *content, const char *what, const char *text)
{
	cleanup_free char *labelled = NULL;

	if (!text || *text == '\0')
		return;
	labelled = sbx_asprintf("%s:\n%s", what, tail(text));
	add_text(content, labelled);
}

static void add_output(json_t *content, const json_t *record,
		       const struct sbx_mcp_tool *tool)
{
	const json_t *output = json_object_get(record, "output");
	cleanup_free char *line = NULL;

	if (tool->is_binary || json_is_null(output) || !output)
		return;
	line = json_is_string(output) ? sbx_strdup(json_string_value(output))
				      : sbx_json_line(output);
	add_tail(content, "stdout", line);
}

json_t *sbx_mcp_result_error(const char *outcome, const char *message)
{
	cleanup_free char *text = sbx_asprintf("%s: %s", outcome, message);

	return json_pack("{s:[{s:s, s:s}], s:b}", "content", "type", "text",
			 "text", text, "isError", true);
}

static json_t *bad_result(const json_t *record, const struct sbx_mcp_tool *tool)
{
	json_t *result =
		sbx_mcp_result_error(sbx_json_text_at(record, "outcome", NULL),
				     sbx_json_text_at(record, "error", NULL));
	json_t *content = json_object_get(result, "content");

	add_output(content, record, tool);
	add_tail(content, "stderr", sbx_json_text_at(record, "stderr", NULL));
	return result;
}

json_t *sbx_mcp_result(const json_t *record, const struct sbx_mcp_tool *tool,
		       enum sbx_mcp_revision revision)
{
	const char *outcome = sbx_json_text_at(record, "outcome", NULL);
	json_t *result = strcmp(outcome, "ok") == 0
				 ? good_result(record, tool, revision)
				 : bad_result(record, tool);
	json_t *run = json_object();
	static const char *const told[] = { "run_id", "outcome", "status",
					    "duration_ms", "start" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(told); i++)
		json_object_set(run, told[i], json_object_get(record, told[i]));
	json_object_set_new(result, "_meta",
			    json_pack("{s:o}", "io.skillbox/run", run));
	return result;
}
