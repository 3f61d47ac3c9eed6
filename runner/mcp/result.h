/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_RESULT_H
#define SBX_MCP_RESULT_H

#include <jansson.h>

#include "mcp/revision.h"
#include "mcp/tools.h"

/*
 * What a tool gives back: the record of a run as a CallToolResult.  Pure.
 *
 * An output is text, as JSON where it is no text, and structuredContent too
 * where the action has an output_schema.  Content of other kinds comes
 *
 *	from an output that is bytes: an image or audio by its media_type, else
 *	a resource;
 *	from the member "mcp_content" of an output that is an object: a list of
 *	content blocks (text, image, audio, resource_link, resource) as the
 *	protocol has them, in place of the text.
 *
 * Any outcome but ok is an error, and says so: "OUTCOME: message", then what
 * there is of output and stderr, the end of it.
 */

/* Bytes of a failed action's output, and of its stderr, that are told. */
#define SBX_MCP_TAIL_MAX 16384

/* @record as sbx_record_json() has it; new reference. */
json_t *sbx_mcp_result(const json_t *record, const struct sbx_mcp_tool *tool,
		       enum sbx_mcp_revision revision);

/* An error of ours in place of a run: "OUTCOME: message"; new reference. */
json_t *sbx_mcp_result_error(const char *outcome, const char *message);

#endif
