/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_TOOL_NAME_H
#define SBX_SKILL_TOOL_NAME_H

#include <stdbool.h>

#include "skill/manifest.h"
#include "skill/names.h"

/*
 * What @action, which is one of @manifest, is called as an MCP tool: its
 * tool_name, or else SKILL_ACTION.  No two of a manifest are called the same.
 * False, and @out "", when SKILL_ACTION is too long: then it is no tool.
 */
bool sbx_action_tool_name(const struct sbx_manifest *manifest,
			  const struct sbx_action *action,
			  char out[static SBX_TOOL_NAME_SIZE]);

#endif
