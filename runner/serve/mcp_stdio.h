/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_MCP_STDIO_H
#define SBX_SERVE_MCP_STDIO_H

#include "serve/service.h"

/*
 * Serves one client of the Model Context Protocol on standard input and
 * output, with a pool of its own, until it has said all that it has to say and
 * is answered; SIGTERM and SIGINT cancel that.  To be called while there is one
 * thread.  -1 when it could not begin.
 */
int sbx_mcp_stdio_serve(const struct sbx_service_options *options,
			struct sbx_error *err);

#endif
