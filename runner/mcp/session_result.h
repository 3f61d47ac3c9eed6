/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_SESSION_RESULT_H
#define SBX_MCP_SESSION_RESULT_H

#include <jansson.h>

#include "mcp/revision.h"
#include "mcp/session_tools.h"

/* What the tools of sessions give back.  Pure. */

/* What @tool gives back, as a CallToolResult; takes @value.  New reference. */
json_t *sbx_mcp_session_result(enum sbx_mcp_session_tool tool, json_t *value);

/* The same of a run in a session, of its record (sandbox/record.h). */
json_t *sbx_mcp_session_run_result(const json_t *record,
				   enum sbx_mcp_revision revision);

#endif
