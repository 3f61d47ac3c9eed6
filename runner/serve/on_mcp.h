/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_MCP_H
#define SBX_SERVE_ON_MCP_H

#include "serve/answer.h"
#include "serve/service.h"

/* The Streamable HTTP transport of the Model Context Protocol. */

/* POST /mcp: one message; answered by JSON, or by a stream with its progress. */
void sbx_on_mcp(struct sbx_service *service,
		const struct sbx_exchange *exchange, struct sbx_answer *answer);

/*
 * GET /mcp: nothing is told unasked, so 405, unless the client asks for the
 * connection itself: with "Upgrade: mcp" it becomes a stream of messages, a
 * line each (serve/mcp_stream.h).
 */
void sbx_on_mcp_get(struct sbx_service *service,
		    const struct sbx_exchange *exchange,
		    struct sbx_answer *answer);

/* DELETE /mcp: the end of a session, up to 2025-11-25. */
void sbx_on_mcp_delete(struct sbx_service *service,
		       const struct sbx_exchange *exchange,
		       struct sbx_answer *answer);

#endif
