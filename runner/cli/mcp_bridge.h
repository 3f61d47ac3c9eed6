/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_MCP_BRIDGE_H
#define SBX_CLI_MCP_BRIDGE_H

#include <stdbool.h>

#include "base/error.h"

/*
 * Has the daemon at @socket serve the client of the Model Context Protocol that
 * is on standard input and output, and passes the bytes on: 0 once it is over.
 * REFUSED when it does not: nobody is there, it is not one of ours, or it
 * serves something else than @expect (skill/fingerprint.h), or not the same
 * tools of sessions as @has_sessions says; then nothing has been read.  -1,
 * UNAVAILABLE: the daemon was lost.
 */
#define SBX_MCP_BRIDGE_REFUSED 1
int sbx_mcp_bridge(const char *socket, const char *expect, bool has_sessions,
		   struct sbx_error *err);

#endif
