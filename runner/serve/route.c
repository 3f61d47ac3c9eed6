/* SPDX-License-Identifier: MIT */
#include "serve/route.h"

#include <string.h>

#include "skill/names.h"

/* The paths of manifests/openapi.yaml, in its words. */
static const struct {
	const char *method;
	const char *pattern;
} routes[SBX_ROUTE_COUNT] = {
	[SBX_ROUTE_HEALTHZ] = { "GET", "/healthz" },
	[SBX_ROUTE_READYZ] = { "GET", "/readyz" },
	[SBX_ROUTE_METRICS] = { "GET", "/metrics" },
	[SBX_ROUTE_RUN_ACTION] = { "POST",
				   "/v1/skills/{skill}/actions/{action}" },
	[SBX_ROUTE_RUN] = { "POST", "/v1/runs" },
	[SBX_ROUTE_RUNS] = { "GET", "/v1/runs" },
	[SBX_ROUTE_RUN_GET] = { "GET", "/v1/runs/{run_id}" },
	[SBX_ROUTE_RUN_DELETE] = { "DELETE", "/v1/runs/{run_id}" },
	[SBX_ROUTE_SKILLS] = { "GET", "/v1/skills" },
	[SBX_ROUTE_SKILL] = { "GET", "/v1/skills/{skill}" },
	[SBX_ROUTE_BUILD] = { "POST", "/v1/skills/{skill}/build" },
	[SBX_ROUTE_POOL] = { "GET", "/v1/pool" },
	[SBX_ROUTE_POOL_CHANGE] = { "POST", "/v1/pool" },
	[SBX_ROUTE_SESSIONS] = { "GET", "/v1/sessions" },
	[SBX_ROUTE_SESSION_CREATE] = { "POST", "/v1/sessions" },
	[SBX_ROUTE_SESSION] = { "GET", "/v1/sessions/{session}" },
	[SBX_ROUTE_SESSION_STOP] = { "DELETE", "/v1/sessions/{session}" },
	[SBX_ROUTE_SESSION_RUN] = { "POST", "/v1/sessions/{session}/runs" },
	[SBX_ROUTE_SESSION_PAUSE] = { "POST", "/v1/sessions/{session}/pause" },
	[SBX_ROUTE_SESSION_RESUME] = { "POST",
				       "/v1/sessions/{session}/resume" },
	[SBX_ROUTE_SESSION_LOGS] = { "GET", "/v1/sessions/{session}/logs" },
	[SBX_ROUTE_SESSION_FILES] = { "GET", "/v1/sessions/{session}/files" },
	[SBX_ROUTE_SESSION_FILES_PUT] = { "PUT",
					  "/v1/sessions/{session}/files" },
	[SBX_ROUTE_MCP] = { "POST", "/mcp" },
	[SBX_ROUTE_MCP_GET] = { "GET", "/mcp" },
	[SBX_ROUTE_MCP_DELETE] = { "DELETE", "/mcp" },
};

const char *sbx_route_method(enum sbx_route_id id)
{
	return routes[id].method;
}

const char *sbx_route_pattern(enum sbx_route_id id)
{
	return routes[id].pattern;
}

const char *sbx_route_query(enum sbx_route_id id)
{
	switch (id) {
	case SBX_ROUTE_RUN_GET:
		return "wait";
	case SBX_ROUTE_SESSION_FILES:
	case SBX_ROUTE_SESSION_FILES_PUT:
		return "path";
	default:
		return NULL;
	}
}

bool sbx_route_is_run_id(const char *text)
{
	size_t good = strspn(text, "abcdefghijklmnopqrstuvwxyz"
				   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				   "0123456789._-");

	return good > 0 && good < SBX_ROUTE_NAME_SIZE && text[good] == '\0';
}

/* Puts the segment of @size bytes where the variable of that name goes. */
static bool take(struct sbx_route *route, const char *variable,
		 const char *segment, size_t size)
{
	static const struct {
		const char *variable;
		size_t offset;
		bool (*fits)(const char *text);
	} variables[] = {
		{ "{skill}", offsetof(struct sbx_route, skill),
		  sbx_name_is_skill },
		{ "{action}", offsetof(struct sbx_route, action),
		  sbx_name_is_action },
		{ "{run_id}", offsetof(struct sbx_route, run_id),
		  sbx_route_is_run_id },
		{ "{session}", offsetof(struct sbx_route, session),
		  sbx_name_is_session },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(variables); i++) {
		char *to = (char *)route + variables[i].offset;

		if (strncmp(variable, variables[i].variable,
			    strlen(variables[i].variable)) != 0)
			continue;
		if (size >= SBX_ROUTE_NAME_SIZE)
			return false;
		memcpy(to, segment, size);
		to[size] = '\0';
		return variables[i].fits(to);
	}
	return false;
}

static bool fits(const char *pattern, const char *path, struct sbx_route *route)
{
	while (*pattern == '/' && *path == '/') {
		size_t want = strcspn(++pattern, "/");
		size_t got = strcspn(++path, "/");

		if (*pattern == '{') {
			if (!take(route, pattern, path, got))
				return false;
		} else if (want != got || memcmp(pattern, path, got) != 0) {
			return false;
		}
		pattern += want;
		path += got;
	}
	return *pattern == '\0' && *path == '\0';
}

static void add_method(struct sbx_buf *allow, const char *method)
{
	if (allow->len)
		sbx_buf_puts(allow, ", ");
	sbx_buf_puts(allow, method);
	if (strcmp(method, "GET") == 0)
		sbx_buf_puts(allow, ", HEAD");
}

int sbx_route_find(const char *method, const char *path, struct sbx_route *out,
		   struct sbx_buf *allow)
{
	if (strcmp(method, "HEAD") == 0)
		method = "GET";
	for (size_t i = 0; i < SBX_ROUTE_COUNT; i++) {
		struct sbx_route route = { .id = (enum sbx_route_id)i };

		if (!fits(routes[i].pattern, path, &route))
			continue;
		if (strcmp(routes[i].method, method) == 0) {
			sbx_buf_consume(allow, allow->len);
			*out = route;
			return 0;
		}
		add_method(allow, routes[i].method);
	}
	return allow->len ? SBX_ROUTE_METHOD : SBX_ROUTE_UNKNOWN;
}
