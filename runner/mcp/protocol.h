/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_PROTOCOL_H
#define SBX_MCP_PROTOCOL_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "mcp/message.h"
#include "mcp/revision.h"
#include "mcp/tools.h"

/*
 * What becomes of a client's message, whatever it came by: the Model Context
 * Protocol without its transports.  Nothing here waits, and nothing runs: what
 * has to run is handed to the caller.
 */

/* What a client has said for good, by "initialize". */
struct sbx_mcp_client {
	bool is_initialized;
	enum sbx_mcp_revision revision;
};

/*
 * A tool that is to be called, maybe by another thread than its message is of:
 * of that it has nothing but the bytes of the input.
 *
 * @id			of the request
 * @input, @input_size	JSON, what the action gets: the bytes as the client
 *			sent them, borrowed from its message
 * @progress_token	to tell the client by how far it is, or NULL
 * @traceparent		of W3C Trace Context, or NULL
 */
struct sbx_mcp_call {
	json_t *id;
	enum sbx_mcp_revision revision;
	struct sbx_mcp_tool tool;
	const char *input;
	size_t input_size;
	json_t *progress_token;
	char *traceparent;
};

#define SBX_MCP_CALL_INIT                                                      \
	{                                                                      \
		.id = NULL, .tool = SBX_MCP_TOOL_INIT                          \
	}
void sbx_mcp_call_clear(struct sbx_mcp_call *call);

/*
 * SBX_MCP_NOTHING	there is nothing to do or to say
 * SBX_MCP_ANSWER	@answer is to be sent
 * SBX_MCP_SESSION	the same, and the client has begun (initialize)
 * SBX_MCP_CALL		@call is to be performed, and answered by
 *			sbx_mcp_call_answer()
 * SBX_MCP_CANCEL	the call with the id @cancelled is to end
 */
enum sbx_mcp_verdict {
	SBX_MCP_NOTHING,
	SBX_MCP_ANSWER,
	SBX_MCP_SESSION,
	SBX_MCP_CALL,
	SBX_MCP_CANCEL,
};

/*
 * @answer	the text of a message
 * @code	of the error that it is, or 0
 */
struct sbx_mcp_step {
	enum sbx_mcp_verdict verdict;
	char *answer;
	int code;
	struct sbx_mcp_call call;
	json_t *cancelled;
};

#define SBX_MCP_STEP_INIT                                                      \
	{                                                                      \
		.verdict = SBX_MCP_NOTHING, .call = SBX_MCP_CALL_INIT          \
	}
void sbx_mcp_step_clear(struct sbx_mcp_step *step);
#define cleanup_mcp_step SBX_CLEANUP(sbx_mcp_step_clear)

/*
 * Takes one message, of which @data (of @size bytes) is the text.  @client is
 * what is known of who sent it, and is changed by initialize.
 */
void sbx_mcp_step(struct sbx_mcp_tools *tools, struct sbx_mcp_client *client,
		  const struct sbx_mcp_message *message, const char *data,
		  size_t size, struct sbx_mcp_step *out);

/* An answer that is none of the protocol's: a message that is no message. */
void sbx_mcp_step_refuse(struct sbx_mcp_step *out, json_t *error);

/*
 * The revision that a message speaks: its own, or else the client's.  0, or
 * SBX_MCP_UNKNOWN when it says none and the client has not begun either, or -1
 * with *@error for what is wrong with what it says: a new reference.
 */
#define SBX_MCP_UNKNOWN 1
int sbx_mcp_revision_of(const struct sbx_mcp_message *message,
			const struct sbx_mcp_client *client,
			enum sbx_mcp_revision *out, json_t **error);

/* The text of the answer to @call; takes @result (mcp/result.h).  free(). */
char *sbx_mcp_call_answer(const struct sbx_mcp_call *call, json_t *result);

/* How far a call is, for whom its client gave a token: the text.  free(). */
char *sbx_mcp_progress(const struct sbx_mcp_call *call, double progress,
		       double total, const char *message);

#endif
