/* SPDX-License-Identifier: MIT */
/* What a manifest says for the sake of MCP, where each action is a tool. */
#include "skill/manifest_parts.h"

#include <string.h>

#include "base/mem.h"
#include "skill/names.h"

/* --- what it says of itself ----------------------------------------------- */

static void read_hint(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	bool hint = json_is_true(at->value);

	if (json_is_boolean(at->value))
		json_object_set_new(object, field->name, json_boolean(hint));
	else
		sbx_reader_expected(at, "true or false");
}

/* MCP's own words.  Its "title" is the action's. */
const struct sbx_field sbx_annotation_fields[] = {
	{ .name = "readOnlyHint", .read = read_hint },
	{ .name = "destructiveHint", .read = read_hint },
	{ .name = "idempotentHint", .read = read_hint },
	{ .name = "openWorldHint", .read = read_hint },
	{ .name = NULL },
};

void sbx_manifest_read_annotations(const struct sbx_at *at,
				   const struct sbx_field *field, void *object)
{
	json_t **slot = (json_t **)((char *)object + field->offset);
	json_t *hints = json_object();

	sbx_read_mapping(at, sbx_annotation_fields, 0, hints);
	if (json_object_size(hints) > 0)
		*slot = json_incref(hints);
	json_decref(hints);
}

void sbx_manifest_check_media_type(const struct sbx_at *at,
				   const struct sbx_action *action)
{
	struct sbx_at media_type = sbx_at_member(at, "media_type");

	if (media_type.value && action->output != SBX_OUTPUT_BINARY &&
	    action->output != SBX_OUTPUT_FILE)
		sbx_reader_key_error(&media_type,
				     "the output is %s: give output as binary "
				     "or file, or remove this",
				     sbx_output_words[action->output]);
}

/* --- names ---------------------------------------------------------------- */

/*
 * Noted where @action or @other says that it is called @name, for one of them
 * does: SKILL_ACTION is another for each.
 */
static void same_name(const struct sbx_at *actions, const char *name,
		      const struct sbx_action *action,
		      const struct sbx_action *other)
{
	const struct sbx_action *saying = action->tool_name ? action : other;
	const struct sbx_action *silent = saying == action ? other : action;
	struct sbx_at at = sbx_at_member(actions, saying->name);
	struct sbx_at tool_name = sbx_at_member(&at, "tool_name");

	sbx_reader_error(&tool_name,
			 "\"%s\" is what the action %s is called as a tool: "
			 "choose another",
			 name, silent->name);
}

/* The first of the @n names before @names[n] that is the same, or @n. */
static size_t find_same(char (*names)[SBX_TOOL_NAME_SIZE], size_t n)
{
	size_t i = 0;

	while (i < n && strcmp(names[i], names[n]) != 0)
		i++;
	return i;
}

void sbx_manifest_check_tool_names(const struct sbx_at *actions,
				   const struct sbx_manifest *manifest)
{
	size_t n = manifest->n_actions;
	char(*names)[SBX_TOOL_NAME_SIZE] = sbx_calloc(n + 1, sizeof(*names));

	for (size_t i = 0; i < n; i++) {
		const struct sbx_action *action = &manifest->actions[i];
		struct sbx_at at = sbx_at_member(actions, action->name);
		size_t same;

		if (!sbx_name_of_tool(action->tool_name, manifest->name,
				      action->name, names[i])) {
			sbx_reader_warn(&at,
					"%s_%s is longer than the %d "
					"characters of an MCP tool's name: "
					"give a tool_name to make it one",
					manifest->name, action->name,
					SBX_TOOL_NAME_SIZE - 1);
			continue;
		}
		same = find_same(names, i);
		if (same < i)
			same_name(actions, names[i], action,
				  &manifest->actions[same]);
	}
	free(names);
}
