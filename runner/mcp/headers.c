/* SPDX-License-Identifier: MIT */
#include "mcp/headers.h"

#include <sodium.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

#define VERSION_HEADER "MCP-Protocol-Version"

/* A value that is no plain ASCII is written so, in base64. */
#define BEGIN "=?base64?"
#define END   "?="

/* Up to here, 2^53 - 1, there is a double for each whole number. */
#define EXACT_MAX 9007199254740991

static json_t *mismatch(const struct sbx_mcp_message *message, const char *name,
			const char *why)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(512);

	sbx_buf_printf(&text, "Header mismatch: %s %s", name, why);
	return sbx_mcp_error(message->id, SBX_MCP_HEADER_MISMATCH,
			     sbx_buf_text(&text), NULL);
}

/* --- values ---------------------------------------------------------------- */

static bool is_encoded(const char *value)
{
	return sbx_text_has_prefix(value, BEGIN) &&
	       strlen(value) >= strlen(BEGIN) + strlen(END) &&
	       sbx_text_has_suffix(value, END);
}

/* What is encoded in @value; NULL when that is no base64. free() */
static char *decode(const char *value, size_t *len)
{
	const char *begin = value + strlen(BEGIN);
	size_t size = strlen(begin) - strlen(END);
	char *text = sbx_calloc(1, size + 1);

	if (sodium_base642bin((unsigned char *)text, size, begin, size, NULL,
			      len, NULL, sodium_base64_VARIANT_ORIGINAL) == 0)
		return text;
	free(text);
	return NULL;
}

static bool is_plain(const char *value)
{
	for (; *value; value++) {
		if ((*value < ' ' && *value != '\t') || *value > '~')
			return false;
	}
	return true;
}

/* @value is a text, which may have U+0000 in it as what is encoded may. */
static bool says(const char *header, const json_t *value)
{
	const char *text = json_string_value(value);
	size_t size = json_string_length(value);
	cleanup_free char *decoded = NULL;
	size_t len = strlen(header);

	if (!is_encoded(header))
		return is_plain(header) && len == size &&
		       memcmp(header, text, size) == 0;
	decoded = decode(header, &len);
	return decoded && len == size && memcmp(decoded, text, size) == 0;
}

/* --- what each request has ------------------------------------------------- */

/* @value is NULL, or none that is a text, where the body has none. */
static json_t *check_text(const struct sbx_mcp_headers *headers,
			  const struct sbx_mcp_message *message,
			  const char *name, const json_t *value)
{
	const char *header = headers->get(headers->ctx, name);

	if (!header)
		return mismatch(message, name, "is missing");
	if (!json_is_string(value) || !says(header, value))
		return mismatch(message, name,
				"says something else than the body");
	return NULL;
}

json_t *sbx_mcp_headers_check(const struct sbx_mcp_headers *headers,
			      const struct sbx_mcp_message *message,
			      enum sbx_mcp_revision revision)
{
	json_auto_t *version = json_string(sbx_mcp_revision_name(revision));
	json_t *error = check_text(headers, message, VERSION_HEADER, version);

	if (!error)
		error = check_text(headers, message, "Mcp-Method",
				   json_object_get(message->whole, "method"));
	if (!error && strcmp(message->method, "tools/call") == 0)
		error = check_text(headers, message, "Mcp-Name",
				   json_object_get(message->params, "name"));
	return error;
}

/* What a header says may be no UTF-8. */
static json_t *unsupported(const struct sbx_mcp_message *message,
			   const char *name)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(64);

	sbx_text_to_utf8(&text, name, strlen(name));
	return sbx_mcp_unsupported(message, sbx_buf_text(&text));
}

json_t *sbx_mcp_headers_check_session(const struct sbx_mcp_headers *headers,
				      const struct sbx_mcp_message *message)
{
	const char *name = headers->get(headers->ctx, VERSION_HEADER);
	enum sbx_mcp_revision revision;

	if (!name)
		return NULL;
	if (!sbx_mcp_revision_parse(name, &revision))
		return unsupported(message, name);
	if (!sbx_mcp_is_stateless(revision))
		return NULL;
	return sbx_mcp_error(message->id, SBX_MCP_INVALID_PARAMS,
			     "_meta: a request of " VERSION_HEADER
			     " says there the same, and its "
			     "clientCapabilities",
			     NULL);
}

/* --- parameters ------------------------------------------------------------ */

/* To jansson the integer value of what is none is 0. */
static bool is_exact(const json_t *number)
{
	return json_integer_value(number) >= -EXACT_MAX &&
	       json_integer_value(number) <= EXACT_MAX;
}

/* Numbers by their value, however they are written: 42 and 42.0 are one. */
static bool says_number(const char *header, const json_t *value)
{
	json_auto_t *number = json_loads(header, JSON_DECODE_ANY, NULL);

	if (json_is_integer(number) && json_is_integer(value))
		return json_integer_value(number) == json_integer_value(value);
	return json_is_number(number) && is_exact(number) && is_exact(value) &&
	       json_number_value(number) == json_number_value(value);
}

static bool says_value(const char *header, const json_t *value)
{
	if (json_is_string(value))
		return says(header, value);
	if (json_is_number(value))
		return says_number(header, value);
	if (json_is_boolean(value))
		return strcmp(header, json_is_true(value) ? "true" : "false") ==
		       0;
	return false;
}

/* @value is NULL where the arguments have none at that place. */
static json_t *check_parameter(const struct sbx_mcp_headers *headers,
			       const struct sbx_mcp_message *message,
			       const char *parameter, const json_t *value)
{
	cleanup_buf struct sbx_buf name = SBX_BUF_INIT(256);
	const char *header;

	sbx_buf_printf(&name, "Mcp-Param-%s", parameter);
	header = headers->get(headers->ctx, sbx_buf_text(&name));
	if (!value || json_is_null(value))
		return header ? mismatch(message, sbx_buf_text(&name),
					 "is of nothing in the body")
			      : NULL;
	if (!header)
		return mismatch(message, sbx_buf_text(&name), "is missing");
	return says_value(header, value)
		       ? NULL
		       : mismatch(message, sbx_buf_text(&name),
				  "says something else than the body");
}

/*
 * By "properties" alone, as the protocol wants it.  A schema that has been
 * compiled is not so deep that this may not be: SBX_SCHEMA_LEVELS_MAX.
 */
static json_t *check_properties(const struct sbx_mcp_headers *headers,
				const struct sbx_mcp_message *message,
				const json_t *schema, const json_t *value)
{
	json_t *properties = json_object_get(schema, "properties");
	const char *name;
	json_t *property;

	json_object_foreach (properties, name, property) {
		const json_t *member = json_object_get(value, name);
		const char *parameter =
			sbx_json_text_at(property, "x-mcp-header", NULL);
		json_t *error = NULL;

		if (parameter)
			error = check_parameter(headers, message, parameter,
						member);
		else
			error = check_properties(headers, message, property,
						 member);
		if (error)
			return error;
	}
	return NULL;
}

json_t *sbx_mcp_headers_check_parameters(const struct sbx_mcp_headers *headers,
					 const struct sbx_mcp_message *message,
					 const json_t *schema)
{
	return check_properties(headers, message, schema,
				json_object_get(message->params, "arguments"));
}

bool sbx_mcp_headers_any_parameter(const json_t *schema)
{
	json_t *properties = json_object_get(schema, "properties");
	const char *name;
	json_t *property;

	json_object_foreach (properties, name, property) {
		if (sbx_json_text_at(property, "x-mcp-header", NULL) ||
		    sbx_mcp_headers_any_parameter(property))
			return true;
	}
	return false;
}
