/* SPDX-License-Identifier: MIT */
#include "mcp/object_schema.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

bool sbx_mcp_is_object_schema(const json_t *schema)
{
	const char *type = sbx_json_text_at(schema, "type", NULL);

	return type && strcmp(type, "object") == 0;
}

bool sbx_mcp_may_be_object_schema(const json_t *schema)
{
	return !schema || json_is_true(schema) ||
	       sbx_mcp_is_object_schema(schema) ||
	       (json_is_object(schema) && !json_object_get(schema, "type"));
}

json_t *sbx_mcp_object_schema(const json_t *schema)
{
	json_t *object = json_pack("{s:s}", "type", "object");

	if (json_is_object(schema))
		json_object_update(object, (json_t *)schema);
	return object;
}

/* --- references ------------------------------------------------------------ */

/* What is in there is data, whatever it looks like. */
static bool is_data(const char *keyword)
{
	static const char *const keywords[] = { "const", "default", "enum",
						"examples" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(keywords); i++) {
		if (strcmp(keywords[i], keyword) == 0)
			return true;
	}
	return false;
}

/* "#/..." and "#" begin at the document, which gets @prefix in front of it. */
static json_t *move_reference(const json_t *value, const char *prefix)
{
	const char *text = sbx_json_plain_text(value);
	cleanup_free char *moved = NULL;

	if (!text || text[0] != '#' || (text[1] != '/' && text[1] != '\0'))
		return json_deep_copy(value);
	moved = sbx_asprintf("#%s%s", prefix, text + 1);
	return json_string(moved);
}

static json_t *move(const json_t *schema, const char *prefix);

/* Members of "properties" and the like are no keywords: all are schemas. */
static bool has_names(const char *keyword)
{
	static const char *const keywords[] = { "properties",
						"patternProperties", "$defs",
						"definitions",
						"dependentSchemas" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(keywords); i++) {
		if (strcmp(keywords[i], keyword) == 0)
			return true;
	}
	return false;
}

static json_t *move_all(const json_t *values, const char *prefix)
{
	json_t *out = json_is_array(values) ? json_array() : json_object();
	const char *name;
	json_t *value;
	size_t i;

	json_array_foreach (values, i, value)
		json_array_append_new(out, move(value, prefix));
	json_object_foreach ((json_t *)values, name, value)
		json_object_set_new(out, name, move(value, prefix));
	return out;
}

static json_t *move_keyword(const char *keyword, const json_t *value,
			    const char *prefix)
{
	if (strcmp(keyword, "$ref") == 0)
		return move_reference(value, prefix);
	if (is_data(keyword))
		return json_deep_copy(value);
	if (json_is_array(value) ||
	    (json_is_object(value) && has_names(keyword)))
		return move_all(value, prefix);
	return move(value, prefix);
}

/* A schema below an "$id" has references of its own. */
static json_t *move(const json_t *schema, const char *prefix)
{
	json_t *out;
	const char *keyword;
	json_t *value;

	if (!json_is_object(schema) || json_object_get(schema, "$id"))
		return json_deep_copy(schema);
	out = json_object();
	json_object_foreach ((json_t *)schema, keyword, value)
		json_object_set_new(out, keyword,
				    move_keyword(keyword, value, prefix));
	return out;
}

/* What dialect it is in is said once, by the document. */
static void lift_dialect(json_t *document, json_t *member)
{
	json_object_set(document, "$schema",
			json_object_get(member, "$schema"));
	json_object_del(member, "$schema");
}

json_t *sbx_mcp_member_schema(const json_t *schema, const char *name)
{
	cleanup_free char *prefix = sbx_asprintf("/properties/%s", name);
	json_t *member = schema ? move(schema, prefix) : json_object();
	json_t *document = json_pack(
		"{s:s, s:{s:O}, s:[s], s:b}", "type", "object", "properties",
		name, member, "required", name, "additionalProperties", false);

	lift_dialect(document, member);
	json_decref(member);
	return document;
}
