/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_MCP_CALLS_H
#define SBX_SERVE_MCP_CALLS_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "serve/runs.h"

/*
 * The calls of one client that are under way, by the ids that it gave them, so
 * that it can cancel them.  For any number of threads.
 */
struct sbx_mcp_under_way;
struct sbx_mcp_calls {
	pthread_mutex_t lock;
	struct sbx_mcp_under_way *first;
	bool is_over;
};

void sbx_mcp_calls_init(struct sbx_mcp_calls *calls);
/* None may be under way any more. */
void sbx_mcp_calls_clear(struct sbx_mcp_calls *calls);

/*
 * The call @id is run as @live, which is held.  False when there is a call of
 * that id already.
 */
bool sbx_mcp_calls_begin(struct sbx_mcp_calls *calls, const json_t *id,
			 struct sbx_live *live);

/*
 * It is over: true, and its answer is to be sent; false when it was cancelled,
 * and its client wants to hear nothing of it any more.
 */
bool sbx_mcp_calls_end(struct sbx_mcp_calls *calls, const json_t *id);

/* False when there is no such call, or no longer. */
bool sbx_mcp_calls_cancel(struct sbx_mcp_calls *calls, const json_t *id);

/* For good: also those that begin after it. */
void sbx_mcp_calls_cancel_all(struct sbx_mcp_calls *calls);

bool sbx_mcp_calls_any(struct sbx_mcp_calls *calls);

#endif
