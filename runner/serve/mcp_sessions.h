/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_MCP_SESSIONS_H
#define SBX_SERVE_MCP_SESSIONS_H

#include "mcp/protocol.h"
#include "serve/mcp_calls.h"

/*
 * Clients of the Model Context Protocol up to 2025-11-25 over HTTP, between
 * their requests.  A session is found by its id, which nobody can guess, and
 * its owner.  It ends when its client says so, after an hour in which nothing
 * was asked, or, the oldest first, where there are too many.  For any number of
 * threads.
 */
struct sbx_mcp_sessions;

#define SBX_MCP_SESSIONS_MAX	 1000
#define SBX_MCP_SESSIONS_IDLE_MS 3600000.0

void sbx_mcp_sessions_new(struct sbx_mcp_sessions **out);
void sbx_mcp_sessions_free(struct sbx_mcp_sessions **sessions);

/* In hexadecimal, with the NUL. */
#define SBX_MCP_SESSION_ID_SIZE (32 + 1)

/* As long as somebody holds it. */
struct sbx_mcp_session {
	struct sbx_mcp_session *next;
	unsigned int refs;
	char id[SBX_MCP_SESSION_ID_SIZE];
	char *owner;
	struct sbx_mcp_client client;
	struct sbx_mcp_calls calls;
	double used_at;
};

/* A client has begun; held by the caller. */
struct sbx_mcp_session *
sbx_mcp_sessions_begin(struct sbx_mcp_sessions *sessions, const char *owner,
		       const struct sbx_mcp_client *client);

/* The owner's session of that id, held; NULL when there is none. */
struct sbx_mcp_session *sbx_mcp_sessions_find(struct sbx_mcp_sessions *sessions,
					      const char *owner,
					      const char *id);

/* Nobody finds it any more, and what it runs is cancelled. */
void sbx_mcp_sessions_end(struct sbx_mcp_sessions *sessions,
			  struct sbx_mcp_session *session);

void sbx_mcp_sessions_release(struct sbx_mcp_sessions *sessions,
			      struct sbx_mcp_session **session);

#endif
