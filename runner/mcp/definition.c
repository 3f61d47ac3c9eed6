/* SPDX-License-Identifier: MIT */
#include "mcp/definition.h"

#include "mcp/object_schema.h"

bool sbx_mcp_wraps_input(const struct sbx_action *action)
{
	return !sbx_mcp_may_be_object_schema(action->input_schema);
}

bool sbx_mcp_wraps_output(const struct sbx_action *action)
{
	return action->output_schema &&
	       !sbx_mcp_is_object_schema(action->output_schema);
}

static json_t *input_schema(const struct sbx_action *action)
{
	if (sbx_mcp_wraps_input(action))
		return sbx_mcp_member_schema(action->input_schema,
					     SBX_MCP_INPUT_MEMBER);
	return sbx_mcp_object_schema(action->input_schema);
}

/* Of any kind since 2026-07-28, but an object of keywords all the same. */
static json_t *output_schema(const struct sbx_action *action, bool is_stateless)
{
	if (!is_stateless && sbx_mcp_wraps_output(action))
		return sbx_mcp_member_schema(action->output_schema,
					     SBX_MCP_OUTPUT_MEMBER);
	if (json_is_true(action->output_schema))
		return json_object();
	if (json_is_false(action->output_schema))
		return json_pack("{s:{}}", "not");
	return json_incref(action->output_schema);
}

static bool writes_to_volumes(const struct sbx_action *action)
{
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (!action->volumes[i].read_only)
			return true;
	}
	return false;
}

static json_t *annotations(const struct sbx_action *action)
{
	json_t *hints = json_object();

	if (action->network == SBX_NETWORK_NONE) {
		json_object_set_new(hints, "openWorldHint", json_false());
		if (!writes_to_volumes(action))
			json_object_set_new(hints, "readOnlyHint", json_true());
	}
	if (action->annotations)
		json_object_update(hints, action->annotations);
	return hints;
}

static const char *description(const struct sbx_manifest *manifest,
			       const struct sbx_action *action)
{
	return action->description ? action->description
				   : manifest->description;
}

json_t *sbx_mcp_tool_definition(const struct sbx_manifest *manifest,
				const struct sbx_action *action,
				const char *name, bool is_stateless)
{
	json_t *tool = json_pack("{s:s}", "name", name);

	if (action->title)
		json_object_set_new(tool, "title", json_string(action->title));
	json_object_set_new(tool, "description",
			    json_string(description(manifest, action)));
	json_object_set_new(tool, "inputSchema", input_schema(action));
	if (action->output_schema)
		json_object_set_new(tool, "outputSchema",
				    output_schema(action, is_stateless));
	json_object_set_new(tool, "annotations", annotations(action));
	json_object_set_new(tool, "_meta",
			    json_pack("{s:s, s:s, s:s*}", "io.skillbox/skill",
				      manifest->name, "io.skillbox/action",
				      action->name, "io.skillbox/version",
				      manifest->version));
	return tool;
}

json_t *sbx_openai_definition(const struct sbx_manifest *manifest,
			      const struct sbx_action *action, const char *name)
{
	return json_pack("{s:s, s:{s:s, s:s*, s:o}}", "type", "function",
			 "function", "name", name, "description",
			 description(manifest, action), "parameters",
			 input_schema(action));
}

json_t *sbx_anthropic_definition(const struct sbx_manifest *manifest,
				 const struct sbx_action *action,
				 const char *name)
{
	return json_pack("{s:s, s:s*, s:o}", "name", name, "description",
			 description(manifest, action), "input_schema",
			 input_schema(action));
}
