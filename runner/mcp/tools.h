/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_TOOLS_H
#define SBX_MCP_TOOLS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "mcp/session_tools.h"
#include "skill/catalog.h"
#include "skill/tool_name.h"

/*
 * The tools that the skills of a catalog are, and those of sessions where they
 * are offered, by name.  A manifest is read
 * when it is new or has changed; what cannot be read, and a name that is taken
 * already, is no tool.  For any number of threads.
 */
struct sbx_mcp_tools;

/*
 * @is_ready	whether the action's image is there; asked when tools are
 *listed, with a lock held; or NULL
 * @has_sessions	those of sessions are among them
 * @warn	gets a line for each skill or action that is no tool, when that
 *		is found out
 */
struct sbx_mcp_tools_options {
	const struct sbx_catalog *catalog;
	bool (*is_ready)(void *ctx, const char *skill, const char *action);
	void (*warn)(void *ctx, const char *line);
	void *ctx;
	bool has_sessions;
};

/*
 * Reads all manifests.  INVALID when two actions have one name, or one has a
 * name that is too long: nobody could tell which of them a model means.
 */
int sbx_mcp_tools_new(struct sbx_mcp_tools **out,
		      const struct sbx_mcp_tools_options *options,
		      struct sbx_error *err);
void sbx_mcp_tools_free(struct sbx_mcp_tools **tools);

/*
 * What a call has to know of its tool; owned by the caller, all of it: jansson
 * does not count references of several threads without a race.
 *
 * @input_schema	the tool's, if it has parameters that are in headers of
 *			HTTP as well (mcp/headers.h), or NULL
 * @wraps_input		the input is the member SBX_MCP_INPUT_MEMBER
 * @wraps_output	the same of the output, up to 2025-11-25
 * @has_output_schema	an output that is ok fits it
 * @media_type		of an output of bytes, or NULL
 * @is_binary		the output is such, in base64
 * @session		which tool of sessions it is; @skill and @action are ""
 */
struct sbx_mcp_tool {
	enum sbx_mcp_session_tool session;
	char name[SBX_TOOL_NAME_SIZE];
	char *skill;
	char *action;
	json_t *input_schema;
	bool wraps_input;
	bool wraps_output;
	bool has_output_schema;
	bool is_binary;
	char *media_type;
};

#define SBX_MCP_TOOL_INIT                                                      \
	{                                                                      \
		.skill = NULL                                                  \
	}
void sbx_mcp_tool_clear(struct sbx_mcp_tool *tool);
#define cleanup_mcp_tool SBX_CLEANUP(sbx_mcp_tool_clear)

/* The tool of that name, as its manifest is now; false when there is none. */
bool sbx_mcp_tools_find(struct sbx_mcp_tools *tools, const char *name,
			struct sbx_mcp_tool *out);

/*
 * Appends the definitions of at most @max tools to @out, as the elements of a
 * JSON array without its brackets, by name: those behind the tool @after (or
 * NULL).  True when that were not all; @last gets the name of the last then.
 */
bool sbx_mcp_tools_list(struct sbx_mcp_tools *tools, bool is_stateless,
			const char *after, size_t max, struct sbx_buf *out,
			char last[static SBX_TOOL_NAME_SIZE]);

#endif
