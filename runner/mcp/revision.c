/* SPDX-License-Identifier: MIT */
#include "mcp/revision.h"

#include <string.h>

static const char *const names[SBX_MCP_REVISION_COUNT] = {
	[SBX_MCP_2025_06_18] = "2025-06-18",
	[SBX_MCP_2025_11_25] = "2025-11-25",
	[SBX_MCP_2026_07_28] = "2026-07-28",
};

const char *sbx_mcp_revision_name(enum sbx_mcp_revision revision)
{
	return names[revision];
}

bool sbx_mcp_revision_parse(const char *name, enum sbx_mcp_revision *out)
{
	for (int i = 0; i < SBX_MCP_REVISION_COUNT; i++) {
		if (strcmp(names[i], name) == 0) {
			*out = (enum sbx_mcp_revision)i;
			return true;
		}
	}
	return false;
}

bool sbx_mcp_is_stateless(enum sbx_mcp_revision revision)
{
	return revision >= SBX_MCP_2026_07_28;
}

json_t *sbx_mcp_revision_names(void)
{
	json_t *list = json_array();

	for (int i = SBX_MCP_REVISION_COUNT; i > 0; i--)
		json_array_append_new(list, json_string(names[i - 1]));
	return list;
}
