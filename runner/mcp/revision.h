/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_REVISION_H
#define SBX_MCP_REVISION_H

#include <stdbool.h>

#include <jansson.h>

/*
 * Revisions of the Model Context Protocol that are spoken here, from the
 * oldest.  Up to 2025-11-25 a client begins with "initialize", and what it says
 * there holds for its connection or session; since 2026-07-28 nothing is
 * remembered, and each request says in its "_meta" what it needs to say.
 */
enum sbx_mcp_revision {
	SBX_MCP_2025_06_18,
	SBX_MCP_2025_11_25,
	SBX_MCP_2026_07_28,
	SBX_MCP_REVISION_COUNT,
};

/* What is offered to a client that begins with a revision of the past. */
#define SBX_MCP_SESSION_LATEST SBX_MCP_2025_11_25

/* "2025-11-25": static. */
const char *sbx_mcp_revision_name(enum sbx_mcp_revision revision);
bool sbx_mcp_revision_parse(const char *name, enum sbx_mcp_revision *out);

bool sbx_mcp_is_stateless(enum sbx_mcp_revision revision);

/* All names, from the newest; new reference. */
json_t *sbx_mcp_revision_names(void);

#endif
