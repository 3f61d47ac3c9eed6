/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <string.h>

#include "codec/schema.h"

/* "~1" is "/" and "~0" is "~" in a token of a JSON Pointer (RFC 6901). */
static void unescape(char *token)
{
	char *out = token;

	for (; *token; token++) {
		if (token[0] == '~' && (token[1] == '0' || token[1] == '1'))
			*out++ = *++token == '0' ? '~' : '/';
		else
			*out++ = *token;
	}
	*out = '\0';
}

/*
 * Notes @text where @tokens, joined by "/", lead to from @at (NULL: nowhere),
 * or as near to that as there is something.  Takes them apart.
 */
static void note(const struct sbx_at *at, char *tokens, const char *text)
{
	struct sbx_at inner = { .value = NULL };
	char *rest = tokens ? strchr(tokens, '/') : NULL;

	if (rest)
		*rest++ = '\0';
	if (tokens && json_is_array(at->value)) {
		inner = sbx_at_element(at, strtoul(tokens, NULL, 10));
	} else if (tokens) {
		unescape(tokens);
		inner = sbx_at_member(at, tokens);
	}
	if (inner.value)
		note(&inner, rest, text);
	else
		sbx_reader_error(at, "%s", text);
}

/* True when it is a schema; else everything that is wrong with it is noted. */
static bool is_schema(const struct sbx_at *at)
{
	cleanup_schema_problems struct sbx_schema_problems faults =
		SBX_SCHEMA_PROBLEMS_INIT;
	cleanup_schema struct sbx_schema *schema = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_schema_compile(at->value, &schema, &faults, &err) == 0)
		return true;
	for (size_t i = 0; i < faults.n; i++) {
		char *place = faults.v[i].place;

		note(at, *place == '/' ? place + 1 : NULL, faults.v[i].text);
	}
	if (faults.n == 0)
		sbx_reader_error(at, "%s", err.message);
	return false;
}

void sbx_manifest_read_schema(const struct sbx_at *at,
			      const struct sbx_field *field, void *object)
{
	json_t **slot = (json_t **)((char *)object + field->offset);

	/* The document's own values end with it. */
	if (is_schema(at))
		*slot = json_deep_copy(at->value);
}

void sbx_manifest_check_schemas(const struct sbx_at *at,
				const struct sbx_action *action)
{
	struct sbx_at schema = sbx_at_member(at, "output_schema");

	if (schema.value && (action->output == SBX_OUTPUT_TEXT ||
			     action->output == SBX_OUTPUT_BINARY))
		sbx_reader_key_error(&schema,
				     "the output is no JSON value: give output "
				     "as auto, json or file, or remove this");
}
