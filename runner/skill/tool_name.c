/* SPDX-License-Identifier: MIT */
#include "skill/tool_name.h"

bool sbx_action_tool_name(const struct sbx_manifest *manifest,
			  const struct sbx_action *action,
			  char out[static SBX_TOOL_NAME_SIZE])
{
	return sbx_name_of_tool(action->tool_name, manifest->name, action->name,
				out);
}
