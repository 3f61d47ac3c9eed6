/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_HEADERS_H
#define SBX_MCP_HEADERS_H

#include <stdbool.h>

#include <jansson.h>

#include "mcp/message.h"
#include "mcp/revision.h"

/*
 * What the headers of a request over HTTP have to say.  Since 2026-07-28 they
 * repeat parts of the body, so that somebody in between can go by them, and
 * must not be believed when they say something else.  Pure.
 */

/* The value of a header, or NULL; borrowed. */
struct sbx_mcp_headers {
	const char *(*get)(void *ctx, const char *name);
	void *ctx;
};

/*
 * Those that each request has: MCP-Protocol-Version, Mcp-Method, Mcp-Name.
 * NULL when they are as they must be, else the error to answer with: a new
 * reference.
 */
json_t *sbx_mcp_headers_check(const struct sbx_mcp_headers *headers,
			      const struct sbx_mcp_message *message,
			      enum sbx_mcp_revision revision);

/*
 * Those of a tool's parameters that its @schema has with "x-mcp-header", for
 * the request @message, which calls it.
 */
json_t *sbx_mcp_headers_check_parameters(const struct sbx_mcp_headers *headers,
					 const struct sbx_mcp_message *message,
					 const json_t *schema);

/* Whether it has any. */
bool sbx_mcp_headers_any_parameter(const json_t *schema);

/*
 * Of a message that does not say its revision: MCP-Protocol-Version, where it
 * is there, is one up to 2025-11-25.
 */
json_t *sbx_mcp_headers_check_session(const struct sbx_mcp_headers *headers,
				      const struct sbx_mcp_message *message);

#endif
