/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_SESSION_TOOLS_H
#define SBX_MCP_SESSION_TOOLS_H

#include <jansson.h>

#include "base/error.h"

/*
 * The tools that sessions are to a client: ours, and no skill's.  What they are
 * called, take and give is in manifests/session-tools.json.  Pure.
 */

/* In the order of that file, which is by name. */
enum sbx_mcp_session_tool {
	SBX_MCP_SESSION_NONE, /* an action of a skill */
	SBX_MCP_SESSION_CREATE,
	SBX_MCP_SESSION_LIST,
	SBX_MCP_SESSION_LOGS,
	SBX_MCP_SESSION_PAUSE,
	SBX_MCP_SESSION_READ_FILE,
	SBX_MCP_SESSION_RESUME,
	SBX_MCP_SESSION_RUN,
	SBX_MCP_SESSION_STATUS,
	SBX_MCP_SESSION_STOP,
	SBX_MCP_SESSION_WRITE_FILE,
	SBX_MCP_SESSION_COUNT,
};

/* All of them, each a Tool of the protocol's schema, the first being CREATE;
 * new reference. */
json_t *sbx_mcp_session_tools(void);

/* INVALID: that is not what @tool takes. */
int sbx_mcp_session_tools_check(enum sbx_mcp_session_tool tool,
				const json_t *arguments, struct sbx_error *err);

#endif
