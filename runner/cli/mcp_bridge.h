/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_MCP_BRIDGE_H
#define SBX_CLI_MCP_BRIDGE_H

#include <stdbool.h>

/*
 * Has the daemon at @socket serve the client of the Model Context Protocol that
 * is on standard input and output, and passes the bytes on.  False when it does
 * not: nobody is there, it is not one of ours, or it serves something else than
 * @expect (skill/fingerprint.h); then nothing has been read.  True once it is
 * over.
 */
bool sbx_mcp_bridge(const char *socket, const char *expect);

#endif
