/* SPDX-License-Identifier: MIT */
#include "mcp/session_result.h"

#include "base/mem.h"
#include "codec/json.h"
#include "mcp/result.h"

/* Logs are a text, all else is told as JSON. */
json_t *sbx_mcp_session_result(enum sbx_mcp_session_tool tool, json_t *value)
{
	cleanup_free char *line = sbx_json_line(value);
	json_t *text = tool == SBX_MCP_SESSION_LOGS
			       ? json_incref(json_object_get(value, "logs"))
			       : json_string(line);

	return json_pack("{s:[{s:s, s:o}], s:b, s:o}", "content", "type",
			 "text", "text", text, "isError", false,
			 "structuredContent", value);
}

json_t *sbx_mcp_session_run_result(const json_t *record,
				   enum sbx_mcp_revision revision)
{
	static const char *const told[] = { "run_id",	 "outcome", "status",
					    "exit_code", "output",  "stderr" };
	const char *skill = sbx_json_text_at(record, "skill", NULL);
	const char *action = sbx_json_text_at(record, "action", NULL);
	/* Whose artifacts they are. */
	const struct sbx_mcp_tool tool = {
		.skill = (char *)(skill ? skill : "none"),
		.action = (char *)(action ? action : "none"),
	};
	json_t *result = sbx_mcp_result(record, &tool, revision);
	json_t *structured = json_object();

	for (size_t i = 0; i < SBX_ARRAY_SIZE(told); i++)
		json_object_set(structured, told[i],
				json_object_get(record, told[i]));
	json_object_set_new(result, "structuredContent", structured);
	return result;
}
