/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_MESSAGE_H
#define SBX_MCP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/mem.h"

/* JSON-RPC 2.0 as the Model Context Protocol uses it: no batches.  Pure. */

/* Codes of JSON-RPC, and those that the protocol has reserved for itself. */
#define SBX_MCP_PARSE_ERROR	     (-32700)
#define SBX_MCP_INVALID_REQUEST	     (-32600)
#define SBX_MCP_METHOD_NOT_FOUND     (-32601)
#define SBX_MCP_INVALID_PARAMS	     (-32602)
#define SBX_MCP_INTERNAL_ERROR	     (-32603)
#define SBX_MCP_HEADER_MISMATCH	     (-32020)
#define SBX_MCP_UNSUPPORTED_REVISION (-32022)

/*
 * What a client says.  A request has an id and is answered, a notification has
 * none and is not, and neither is a response: nothing is ever asked of a
 * client.
 *
 * @whole	owned; all else is borrowed from it
 * @id		a text or a whole number, or NULL
 * @method	NULL of a response
 * @params	an object, or NULL
 */
struct sbx_mcp_message {
	json_t *whole;
	json_t *id;
	const char *method;
	const json_t *params;
};

#define SBX_MCP_MESSAGE_INIT                                                   \
	{                                                                      \
		.whole = NULL                                                  \
	}
void sbx_mcp_message_clear(struct sbx_mcp_message *message);
#define cleanup_mcp_message SBX_CLEANUP(sbx_mcp_message_clear)

/*
 * Takes a message apart.  -1 when it is none, and *@refusal is the error to
 * answer with, a new reference: PARSE_ERROR or INVALID_REQUEST, with the id if
 * there is a good one.
 */
int sbx_mcp_message_parse(const char *data, size_t size,
			  struct sbx_mcp_message *out, json_t **refusal);

bool sbx_mcp_is_request(const struct sbx_mcp_message *message);

/* Whether it asks for tools: which there are, or one of them to be called. */
bool sbx_mcp_is_of_tools(const struct sbx_mcp_message *message);

/* What is answered to the request @id; takes @result.  New reference. */
json_t *sbx_mcp_response(json_t *id, json_t *result);

/*
 * An error; @id is NULL where the request has none that is good, @text is cut
 * to what fits and may have been before, and takes @data, which may be NULL.
 * New reference.
 */
json_t *sbx_mcp_error(json_t *id, int code, const char *text, json_t *data);

/*
 * The error for a revision that is none of ours, or cannot be asked for so, and
 * which there are; new reference.
 */
json_t *sbx_mcp_unsupported(const struct sbx_mcp_message *message,
			    const char *name);

/* The code of an answer that is an error; 0 of any other. */
int sbx_mcp_error_code(const json_t *answer);

/* What a client is told unasked; takes @params.  New reference. */
json_t *sbx_mcp_notification(const char *method, json_t *params);

#endif
