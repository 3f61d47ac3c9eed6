/* SPDX-License-Identifier: MIT */
#include "mcp/session_tools.h"

#include "codec/schema.h"

/* SBX_SESSION_TOOLS_PATH is manifests/session-tools.json. */
__asm__(".section .rodata\n"
	"session_tools_start:\n"
	".incbin \"" SBX_SESSION_TOOLS_PATH "\"\n"
	"session_tools_end:\n"
	".previous\n");

extern const char session_tools_start[];
extern const char session_tools_end[];

json_t *sbx_mcp_session_tools(void)
{
	return json_loadb(session_tools_start,
			  (size_t)(session_tools_end - session_tools_start), 0,
			  NULL);
}

int sbx_mcp_session_tools_check(enum sbx_mcp_session_tool tool,
				const json_t *arguments, struct sbx_error *err)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_schema struct sbx_schema *schema = NULL;
	json_auto_t *all = sbx_mcp_session_tools();
	const json_t *definition = json_array_get(all, (size_t)tool - 1);
	int result =
		sbx_schema_compile(json_object_get(definition, "inputSchema"),
				   &schema, &problems, err);

	if (result == 0)
		result = sbx_schema_check(schema, arguments, &problems, err);
	if (result == SBX_SCHEMA_MISFIT)
		return sbx_schema_problems_error(&problems, SBX_OUTCOME_INVALID,
						 "arguments", err);
	return result;
}
