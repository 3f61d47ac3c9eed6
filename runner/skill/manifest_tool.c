/* SPDX-License-Identifier: MIT */
/* What a manifest says for the sake of MCP, where each action is a tool. */
#include "skill/manifest_parts.h"

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
