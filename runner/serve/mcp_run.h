/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_MCP_RUN_H
#define SBX_SERVE_MCP_RUN_H

#include "mcp/protocol.h"
#include "serve/service.h"

/*
 * A call of a tool: a run like any other, whose record is told in the words of
 * the Model Context Protocol; or what else is to be done about a session.
 *
 * @owner	whose it is
 * @call	what its input is borrowed from has to stay
 * @live	from sbx_mcp_run_begin(); held by the caller
 * @tell	gets what the client is to be told meanwhile, the text of a
 *		message; or NULL
 */
struct sbx_mcp_run {
	struct sbx_service *service;
	const char *owner;
	const struct sbx_mcp_call *call;
	struct sbx_live *live;
	void (*tell)(void *ctx, const char *message);
	void *ctx;
};

/* Names it, so that it can be cancelled.  INTERNAL. */
int sbx_mcp_run_begin(struct sbx_mcp_run *run, struct sbx_error *err);

/* It is not performed after all, and nobody hears of it any more. */
void sbx_mcp_run_drop(struct sbx_mcp_run *run);

/* Runs it in this thread; the text of the answer.  free(). */
char *sbx_mcp_run_perform(const struct sbx_mcp_run *run);

#endif
