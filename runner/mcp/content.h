/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_CONTENT_H
#define SBX_MCP_CONTENT_H

#include <jansson.h>

#include "base/error.h"

/* The member of an action's output that holds them. */
#define SBX_MCP_CONTENT_MEMBER "mcp_content"

/*
 * Whether @blocks is a list of content blocks as the protocol's schema has
 * them: what an action says is not trusted, and a client may reject a whole
 * result for one member that is wrong.  INVALID, with the place:
 * "mcp_content/0/data: expected base64".
 */
int sbx_mcp_content_check(const json_t *blocks, struct sbx_error *err);

#endif
