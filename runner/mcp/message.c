/* SPDX-License-Identifier: MIT */
#include "mcp/message.h"

#include <string.h>

#include "base/buf.h"
#include "base/text.h"
#include "codec/json.h"
#include "mcp/revision.h"

/* Of what is said of an error. */
#define TEXT_MAX 1024

void sbx_mcp_message_clear(struct sbx_mcp_message *message)
{
	json_decref(message->whole);
	*message = (struct sbx_mcp_message)SBX_MCP_MESSAGE_INIT;
}

static bool is_id(const json_t *value)
{
	return json_is_string(value) || json_is_integer(value);
}

/* Why it is no message of JSON-RPC, or NULL; fills in all but @whole. */
static const char *take_apart(json_t *whole, struct sbx_mcp_message *out)
{
	const char *version =
		sbx_json_plain_text(json_object_get(whole, "jsonrpc"));
	const json_t *method = json_object_get(whole, "method");
	json_t *id = json_object_get(whole, "id");

	if (json_is_array(whole))
		return "batches are not part of this protocol";
	if (!json_is_object(whole))
		return "expected an object";
	if (is_id(id))
		out->id = id;
	if (!version || strcmp(version, "2.0") != 0)
		return "jsonrpc: expected \"2.0\"";
	if (id && !out->id && method)
		return "id: expected a text or a whole number";
	if (!method)
		return json_object_get(whole, "result") ||
				       json_object_get(whole, "error")
			       ? NULL
			       : "method: expected a text";
	out->method = sbx_json_plain_text(method);
	if (!out->method)
		return "method: expected a text";
	out->params = json_object_get(whole, "params");
	if (out->params && !json_is_object(out->params))
		return "params: expected an object";
	return NULL;
}

int sbx_mcp_message_parse(const char *data, size_t size,
			  struct sbx_mcp_message *out, json_t **refusal)
{
	struct sbx_mcp_message message = SBX_MCP_MESSAGE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	const char *why;

	if (sbx_json_parse(data, size, &message.whole, &err) < 0) {
		*refusal = sbx_mcp_error(NULL, SBX_MCP_PARSE_ERROR, err.message,
					 NULL);
		return -1;
	}
	why = take_apart(message.whole, &message);
	if (why) {
		*refusal = sbx_mcp_error(message.id, SBX_MCP_INVALID_REQUEST,
					 why, NULL);
		sbx_mcp_message_clear(&message);
		return -1;
	}
	*out = message;
	return 0;
}

bool sbx_mcp_is_request(const struct sbx_mcp_message *message)
{
	return message->method && message->id;
}

bool sbx_mcp_is_of_tools(const struct sbx_mcp_message *message)
{
	return sbx_mcp_is_request(message) &&
	       sbx_text_has_prefix(message->method, "tools/");
}

json_t *sbx_mcp_response(json_t *id, json_t *result)
{
	return json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id,
			 "result", result);
}

json_t *sbx_mcp_error(json_t *id, int code, const char *text, json_t *data)
{
	cleanup_buf struct sbx_buf valid = SBX_BUF_INIT(TEXT_MAX);
	json_t *answer = json_pack("{s:s}", "jsonrpc", "2.0");
	json_t *error;

	sbx_text_to_utf8(&valid, text, strlen(text));
	error = json_pack("{s:i, s:s}", "code", code, "message",
			  sbx_buf_text(&valid));
	if (id)
		json_object_set(answer, "id", id);
	if (data)
		json_object_set_new(error, "data", data);
	json_object_set_new(answer, "error", error);
	return answer;
}

json_t *sbx_mcp_unsupported(const struct sbx_mcp_message *message,
			    const char *name)
{
	return sbx_mcp_error(message->id, SBX_MCP_UNSUPPORTED_REVISION,
			     "Unsupported protocol version",
			     json_pack("{s:o, s:s}", "supported",
				       sbx_mcp_revision_names(), "requested",
				       name));
}

int sbx_mcp_error_code(const json_t *answer)
{
	return (int)sbx_json_int_at(0, answer, "error", "code", NULL);
}

json_t *sbx_mcp_notification(const char *method, json_t *params)
{
	return json_pack("{s:s, s:s, s:o}", "jsonrpc", "2.0", "method", method,
			 "params", params);
}
