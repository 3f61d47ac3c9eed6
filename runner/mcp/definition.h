/* SPDX-License-Identifier: MIT */
#ifndef SBX_MCP_DEFINITION_H
#define SBX_MCP_DEFINITION_H

#include <stdbool.h>

#include <jansson.h>

#include "skill/manifest.h"

/*
 * An action as a model is told of it: as a tool of the Model Context Protocol,
 * or as a function in the words of an API.  Pure; all results are new
 * references.
 */

/* Whether the action's input is a member of what a tool gets. */
bool sbx_mcp_wraps_input(const struct sbx_action *action);

/* The same of its output, up to 2025-11-25. */
bool sbx_mcp_wraps_output(const struct sbx_action *action);

/*
 * A Tool of the protocol's schema, called @name; @is_stateless since
 * 2026-07-28.  Annotations that the manifest does not make follow from what
 * the sandbox lets the action do: without a network it is in no open world,
 * and without a volume to write to besides, it changes nothing.
 */
json_t *sbx_mcp_tool_definition(const struct sbx_manifest *manifest,
				const struct sbx_action *action,
				const char *name, bool is_stateless);

/* An entry of "tools" of OpenAI's Chat Completions API. */
json_t *sbx_openai_definition(const struct sbx_manifest *manifest,
			      const struct sbx_action *action,
			      const char *name);

/* An entry of "tools" of Anthropic's Messages API. */
json_t *sbx_anthropic_definition(const struct sbx_manifest *manifest,
				 const struct sbx_action *action,
				 const char *name);

#endif
