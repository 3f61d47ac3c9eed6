/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_ARTIFACTS_H
#define SBX_MCP_ARTIFACTS_H

#include <jansson.h>

#include "mcp/tools.h"

/* A block as large as that is shown; what is larger is a resource. */
#define SBX_MCP_SHOWN_MAX (1024 * 1024)

/*
 * Appends a content block for each artifact of @record: images and audio, by
 * the ends of their names, and for all else a resource
 * "skillbox://SKILL/ACTION/RUN_ID/NAME".
 */
void sbx_mcp_artifacts_add(json_t *content, const json_t *record,
			   const struct sbx_mcp_tool *tool);

#endif
