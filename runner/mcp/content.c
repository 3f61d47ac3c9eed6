/* SPDX-License-Identifier: MIT */
#include "mcp/content.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"

enum { TEXT = 1, BASE64 = 2, SIZE = 4, ICONS = 8, OPTIONAL = 16 };

/* A member of a block, and what it has to be. */
struct member {
	const char *name;
	int kind;
};

/* One more than any has: the last is none. */
#define MEMBERS_SIZE 8

/* ContentBlock of the protocol's schema, by "type". */
static const struct {
	const char *type;
	struct member members[MEMBERS_SIZE];
} kinds[] = {
	{ "text", { { "text", TEXT } } },
	{ "image", { { "data", BASE64 }, { "mimeType", TEXT } } },
	{ "audio", { { "data", BASE64 }, { "mimeType", TEXT } } },
	{ "resource_link",
	  { { "uri", TEXT },
	    { "name", TEXT },
	    { "title", TEXT | OPTIONAL },
	    { "description", TEXT | OPTIONAL },
	    { "mimeType", TEXT | OPTIONAL },
	    { "size", SIZE | OPTIONAL },
	    { "icons", ICONS | OPTIONAL } } },
	{ "resource", { { NULL, 0 } } },
};

static const struct member resource_members[MEMBERS_SIZE] = {
	{ "uri", TEXT },
	{ "mimeType", TEXT | OPTIONAL },
	{ "text", TEXT | OPTIONAL },
	{ "blob", BASE64 | OPTIONAL },
};

static bool is_base64(const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	cleanup_free unsigned char *bytes = sbx_malloc(size + 1);
	size_t used;

	return sodium_base642bin(bytes, size + 1, text, size, NULL, &used, NULL,
				 sodium_base64_VARIANT_ORIGINAL) == 0;
}

static bool is_size(const json_t *value)
{
	return json_is_integer(value) && json_integer_value(value) >= 0;
}

/* A list of objects that say at least where the picture is. */
static bool is_icons(const json_t *value)
{
	const json_t *icon;
	size_t i;

	json_array_foreach (value, i, icon) {
		if (!json_is_string(json_object_get(icon, "src")))
			return false;
	}
	return json_is_array(value);
}

/* What was expected where @value is; NULL when it is that. */
static const char *misfit(const json_t *value, int kind)
{
	if (kind & SIZE)
		return is_size(value) ? NULL : "a number of bytes";
	if (kind & ICONS)
		return is_icons(value) ? NULL : "a list of objects with src";
	if (!json_is_string(value))
		return "a text";
	if ((kind & BASE64) && !is_base64(value))
		return "base64 (RFC 4648, section 4)";
	return NULL;
}

static int check_members(const json_t *object, const struct member *members,
			 const char *place, struct sbx_error *err)
{
	for (const struct member *at = members; at->name; at++) {
		const json_t *value = json_object_get(object, at->name);
		const char *expected;

		if (!value && (at->kind & OPTIONAL))
			continue;
		expected = misfit(value, at->kind);
		if (expected)
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "%s/%s: expected %s", place,
					     at->name, expected);
	}
	return 0;
}

/* Exactly one of text and blob. */
static int check_resource(const json_t *block, const char *place,
			  struct sbx_error *err)
{
	const json_t *resource = json_object_get(block, "resource");
	cleanup_free char *inner = sbx_asprintf("%s/resource", place);

	if (!json_is_object(resource))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: expected an object", inner);
	if (!json_object_get(resource, "text") ==
	    !json_object_get(resource, "blob"))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: expected either text or blob", inner);
	return check_members(resource, resource_members, inner, err);
}

/* What is in there is for clients, who look at it themselves. */
static int check_objects(const json_t *block, const char *place,
			 struct sbx_error *err)
{
	static const char *const names[] = { "annotations", "_meta" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		const json_t *value = json_object_get(block, names[i]);

		if (value && !json_is_object(value))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "%s/%s: expected an object", place,
					     names[i]);
	}
	return 0;
}

static int check_block(const json_t *block, const char *place,
		       struct sbx_error *err)
{
	const char *type = sbx_json_plain_text(json_object_get(block, "type"));

	for (size_t i = 0; type && i < SBX_ARRAY_SIZE(kinds); i++) {
		if (strcmp(kinds[i].type, type) != 0)
			continue;
		if (strcmp(type, "resource") == 0 &&
		    check_resource(block, place, err) < 0)
			return -1;
		if (check_members(block, kinds[i].members, place, err) < 0)
			return -1;
		return check_objects(block, place, err);
	}
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s/type: expected one of text, image, audio, "
			     "resource_link, resource",
			     place);
}

int sbx_mcp_content_check(const json_t *blocks, struct sbx_error *err)
{
	const json_t *block;
	size_t i;

	if (!json_is_array(blocks))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     SBX_MCP_CONTENT_MEMBER
				     ": expected a list of content blocks");
	json_array_foreach (blocks, i, block) {
		cleanup_free char *place =
			sbx_asprintf(SBX_MCP_CONTENT_MEMBER "/%zu", i);

		if (check_block(block, place, err) < 0)
			return -1;
	}
	return 0;
}
