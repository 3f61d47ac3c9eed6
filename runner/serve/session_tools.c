/* SPDX-License-Identifier: MIT */
#include "serve/session_tools.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/json_members.h"
#include "sandbox/session.h"
#include "serve/file_json.h"

/* The action that runs code: the shipped skill "code" has it. */
#define CODE_ACTION "execute_code"

/* Behind a NUL the rest would be lost, and what is left be another one. */
static int check_names(const json_t *arguments, struct sbx_error *err)
{
	static const char *const names[] = { "name", "path" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		const json_t *value = json_object_get(arguments, names[i]);

		if (value && strlen(json_string_value(value)) !=
				     json_string_length(value))
			return sbx_json_expected(names[i], "a text without NUL",
						 err);
	}
	return 0;
}

static int parse(enum sbx_mcp_session_tool tool, const char *arguments,
		 size_t size, json_t **out, struct sbx_error *err)
{
	if (sbx_json_parse(arguments, size, out, err) < 0)
		return sbx_error_wrap(err, "arguments");
	if (sbx_mcp_session_tools_check(tool, *out, err) < 0)
		return -1;
	return check_names(*out, err);
}

/* --- running ---------------------------------------------------------------- */

static int check_together(const json_t *arguments, struct sbx_error *err)
{
	bool has_code = json_object_get(arguments, "code") != NULL;
	bool has_action = json_object_get(arguments, "action") ||
			  json_object_get(arguments, "input");
	bool has_command = json_object_get(arguments, "command") != NULL;

	if (has_code != (json_object_get(arguments, "language") != NULL))
		return sbx_json_expected("code", "it and language together",
					 err);
	if (has_code + has_action + has_command > 1)
		return sbx_json_expected("arguments",
					 "one of code, command, and action "
					 "with input",
					 err);
	return 0;
}

/* What the action that runs code takes. */
static void set_code(json_t *body, const json_t *arguments)
{
	static const char *const given[] = { "language", "code", "stdin" };
	json_t *input = json_object();

	for (size_t i = 0; i < SBX_ARRAY_SIZE(given); i++)
		json_object_set(input, given[i],
				json_object_get(arguments, given[i]));
	json_object_set_new(body, "action", json_string(CODE_ACTION));
	json_object_set_new(body, "input", input);
}

/* In the words of POST /v1/sessions/{session}/runs. */
static json_t *body_of(const json_t *arguments)
{
	static const char *const same[] = { "action", "input", "command",
					    "detach" };
	json_t *timeout = json_object_get(arguments, "timeout");
	json_t *given = json_object_get(arguments, "stdin");
	json_t *body = json_object();

	for (size_t i = 0; i < SBX_ARRAY_SIZE(same); i++)
		json_object_set(body, same[i],
				json_object_get(arguments, same[i]));
	if (timeout)
		json_object_set_new(body, "config",
				    json_pack("{s:O}", "timeout", timeout));
	if (json_object_get(arguments, "code"))
		set_code(body, arguments);
	else if (given)
		json_object_set_new(body, "stdin",
				    json_pack("{s:O}", "text", given));
	return body;
}

int sbx_session_tools_decode_run(const char *arguments, size_t size,
				 struct sbx_buf *body, struct sbx_call *call,
				 struct sbx_error *err)
{
	cleanup_free char *text = NULL;
	json_auto_t *value = NULL;
	json_auto_t *whole = NULL;

	if (parse(SBX_MCP_SESSION_RUN, arguments, size, &value, err) < 0 ||
	    check_together(value, err) < 0)
		return -1;
	whole = body_of(value);
	text = sbx_json_line(whole);
	*body = (struct sbx_buf)SBX_BUF_INIT(strlen(text) + 1);
	sbx_buf_puts(body, text);
	if (sbx_call_decode_in_session(sbx_buf_text(body), body->len, call,
				       err) < 0)
		return -1;
	sbx_strset(&call->session, sbx_json_text_at(value, "name", NULL));
	return 0;
}

/* --- all others ------------------------------------------------------------- */

static int create(const struct sbx_session_visit *visit, const char *arguments,
		  size_t size, json_t **out, struct sbx_error *err)
{
	struct sbx_call call = SBX_CALL_INIT;
	int result = sbx_call_decode_session(arguments, size, &call, err);

	if (result == 0)
		result = sbx_session_visit_create(visit, &call, true, out, err);
	sbx_call_clear(&call);
	return result == 0 ? 0 : -1;
}

static int read_logs(const struct sbx_session_visit *visit, const char *name,
		     json_t **out, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf raw =
		SBX_BUF_INIT(SBX_SESSION_VISIT_LOG_MAX);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(3 * raw.max);

	if (sbx_session_visit_logs(visit, name, &raw, err) < 0)
		return -1;
	sbx_text_to_utf8(&text, sbx_buf_text(&raw), raw.len);
	*out = json_pack("{s:o}", "logs",
			 json_stringn(sbx_buf_text(&text), text.len));
	return 0;
}

static int read_file(const struct sbx_session_visit *visit, const char *name,
		     const json_t *arguments, json_t **out,
		     struct sbx_error *err)
{
	return sbx_session_visit_read_file(
		visit, name, sbx_json_text_at(arguments, "path", NULL), out,
		err);
}

static int write_file(const struct sbx_session_visit *visit, const char *name,
		      json_t *arguments, json_t **out, struct sbx_error *err)
{
	cleanup_free char *path =
		sbx_strdup(sbx_json_text_at(arguments, "path", NULL));
	cleanup_free char *session = sbx_strdup(name);
	cleanup_free unsigned char *data = NULL;
	size_t size;

	/* What is left is the content. */
	json_object_del(arguments, "name");
	json_object_del(arguments, "path");
	data = sbx_file_json_decode(arguments, &size);
	if (!data)
		return sbx_json_expected("base64", "base64", err);
	return sbx_session_visit_write_file(visit, session, path, data, size,
					    out, err);
}

int sbx_session_tools_perform(const struct sbx_session_visit *visit,
			      enum sbx_mcp_session_tool tool,
			      const char *arguments, size_t size, json_t **out,
			      struct sbx_error *err)
{
	json_auto_t *value = NULL;
	const char *name;

	if (parse(tool, arguments, size, &value, err) < 0)
		return -1;
	name = sbx_json_text_at(value, "name", NULL);
	switch (tool) {
	case SBX_MCP_SESSION_CREATE:
		return create(visit, arguments, size, out, err);
	case SBX_MCP_SESSION_LOGS:
		return read_logs(visit, name, out, err);
	case SBX_MCP_SESSION_PAUSE:
		return sbx_session_visit_pause(visit, name, out, err);
	case SBX_MCP_SESSION_READ_FILE:
		return read_file(visit, name, value, out, err);
	case SBX_MCP_SESSION_WRITE_FILE:
		return write_file(visit, name, value, out, err);
	case SBX_MCP_SESSION_RESUME:
		return sbx_session_visit_resume(visit, name, out, err);
	case SBX_MCP_SESSION_STATUS:
		return sbx_session_visit_status(visit, name, out, err);
	case SBX_MCP_SESSION_STOP:
		return sbx_session_visit_stop(visit, name, out, err);
	default:
		return sbx_session_visit_list(visit, out, err);
	}
}
