/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ROUTE_H
#define SBX_SERVE_ROUTE_H

#include <stddef.h>

#include "base/buf.h"

/* Which request is for whom.  Pure. */

enum sbx_route_id {
	SBX_ROUTE_HEALTHZ,
	SBX_ROUTE_READYZ,
	SBX_ROUTE_METRICS,
	SBX_ROUTE_RUN_ACTION,
	SBX_ROUTE_RUN,
	SBX_ROUTE_RUNS,
	SBX_ROUTE_RUN_GET,
	SBX_ROUTE_RUN_DELETE,
	SBX_ROUTE_SKILLS,
	SBX_ROUTE_SKILL,
	SBX_ROUTE_BUILD,
	SBX_ROUTE_POOL,
	SBX_ROUTE_POOL_CHANGE,
	SBX_ROUTE_SESSIONS,
	SBX_ROUTE_SESSION_CREATE,
	SBX_ROUTE_SESSION,
	SBX_ROUTE_SESSION_STOP,
	SBX_ROUTE_SESSION_RUN,
	SBX_ROUTE_SESSION_PAUSE,
	SBX_ROUTE_SESSION_RESUME,
	SBX_ROUTE_SESSION_LOGS,
	SBX_ROUTE_SESSION_FILES,
	SBX_ROUTE_SESSION_FILES_PUT,
	SBX_ROUTE_MCP,
	SBX_ROUTE_MCP_GET,
	SBX_ROUTE_MCP_DELETE,
	SBX_ROUTE_COUNT,
};

/* What a path's variables may be: names of the manifest, a run's id, a session.
 */
#define SBX_ROUTE_NAME_SIZE 65

/*
 * @skill, @action, @run_id, @session	the path's variables, each a valid name;
 *			"" where the path has none
 */
struct sbx_route {
	enum sbx_route_id id;
	char skill[SBX_ROUTE_NAME_SIZE];
	char action[SBX_ROUTE_NAME_SIZE];
	char run_id[SBX_ROUTE_NAME_SIZE];
	char session[SBX_ROUTE_NAME_SIZE];
};

/*
 * Finds the route of a request by its method and the path as the client sent
 * it, without the query: nothing is decoded, because no path there is has
 * anything to encode, and "%2e%2e" is no name.
 *
 * 0, SBX_ROUTE_UNKNOWN, or SBX_ROUTE_METHOD when the path has other methods,
 * which @allow gets as the header Allow has them.
 */
#define SBX_ROUTE_UNKNOWN 1
#define SBX_ROUTE_METHOD  2
int sbx_route_find(const char *method, const char *path, struct sbx_route *out,
		   struct sbx_buf *allow);

/* Whether @text can be a run's id: 1 to 64 of [A-Za-z0-9._-]. */
bool sbx_route_is_run_id(const char *text);

/* "POST /v1/runs": static, for messages. */
const char *sbx_route_method(enum sbx_route_id id);
const char *sbx_route_pattern(enum sbx_route_id id);

/* The member of a query that it takes, or NULL. */
const char *sbx_route_query(enum sbx_route_id id);

#endif
