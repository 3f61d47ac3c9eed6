/* SPDX-License-Identifier: MIT */
/*
 * What a client of the Model Context Protocol says, a message a line, to a
 * server with three tools: each request is answered, by one line of JSON with
 * its id, or becomes a call whose input is what was sent; nothing else is.  A
 * call is answered as if its action had given back what it got.  A header that
 * says what the body says is believed, whatever that is.
 */
#include "fuzz.h"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/json.h"
#include "codec/trace_context.h"
#include "mcp/headers.h"
#include "mcp/protocol.h"
#include "mcp/result.h"

static const char manifest[] =
	"schema_version: 1\n"
	"name: fuzz\n"
	"version: 0.1.0\n"
	"actions:\n"
	"  run:\n"
	"    input_schema: {properties: {a: {type: string, x-mcp-header: A}, "
	"b: {properties: {c: {type: integer, x-mcp-header: C}}}}}\n"
	"    output_schema: {type: object}\n"
	"  list: {input_schema: {type: array}, output_schema: {type: array}}\n"
	"  bytes: {output: binary, media_type: image/png, tool_name: b}\n";

/* --- the server ------------------------------------------------------------ */

static char skills[] = "/tmp/skillbox-fuzz.XXXXXX";
static struct sbx_mcp_tools *tools;

static void remove_skills(void)
{
	static const char *const rest[] = { "/fuzz/skill.yaml", "/fuzz", "" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(rest); i++) {
		cleanup_free char *path = sbx_asprintf("%s%s", skills, rest[i]);

		remove(path);
	}
}

static void make_skills(void)
{
	cleanup_free char *dir = NULL;
	cleanup_free char *path = NULL;
	cleanup_fd int fd = -1;

	must(mkdtemp(skills));
	atexit(remove_skills);
	dir = sbx_asprintf("%s/fuzz", skills);
	path = sbx_asprintf("%s/skill.yaml", dir);
	must(mkdir(dir, 0700) == 0);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0);
	must(sbx_fd_write_all(fd, manifest, strlen(manifest)) == 0);
}

static void open_tools(void)
{
	static struct sbx_catalog catalog;
	const struct sbx_mcp_tools_options options = { .catalog = &catalog };
	struct sbx_error err = SBX_ERROR_INIT;

	if (tools)
		return;
	make_skills();
	must(sbx_catalog_open(&catalog, skills, &err) == 0);
	must(sbx_mcp_tools_new(&tools, &options, &err) == 0);
}

/* --- answers --------------------------------------------------------------- */

static json_t *parse(const char *text, size_t size)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	must(sbx_json_parse(text, size, &value, &err) == 0);
	return value;
}

/* One line, with the @id of the request, or (NULL) none. */
static void must_be_answer(const char *text, const json_t *id)
{
	json_auto_t *answer = parse(text, strlen(text));
	json_t *result = json_object_get(answer, "result");
	json_t *error = json_object_get(answer, "error");

	must(!strchr(text, '\n') && fuzz_is_harmless(text));
	must(strcmp(sbx_json_text_at(answer, "jsonrpc", NULL), "2.0") == 0);
	must(!result != !error);
	must(!id == !json_object_get(answer, "id"));
	must(!id || json_equal(id, json_object_get(answer, "id")));
	if (error) {
		must(sbx_mcp_error_code(answer) < 0);
		must(sbx_json_text_at(error, "message", NULL));
	} else {
		must(json_is_object(result));
	}
}

static void must_be_error(const char *text, size_t size, json_t *refusal)
{
	struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *id = json_incref(json_object_get(refusal, "id"));
	json_auto_t *whole = NULL;

	if (sbx_json_parse(text, size, &whole, &err) < 0)
		must(sbx_mcp_error_code(refusal) == SBX_MCP_PARSE_ERROR);
	else
		must(sbx_mcp_error_code(refusal) == SBX_MCP_INVALID_REQUEST);
	must(!id || json_equal(id, json_object_get(whole, "id")));
	sbx_mcp_step_refuse(&step, refusal);
	must_be_answer(step.answer, id);
	must(step.code != 0);
	sbx_mcp_step_clear(&step);
}

/* --- calls ----------------------------------------------------------------- */

static void must_be_input(const struct sbx_mcp_call *call,
			  const struct sbx_mcp_message *message,
			  const char *text, size_t size)
{
	json_auto_t *input = parse(call->input, call->input_size);
	const json_t *sent = json_object_get(message->params, "arguments");

	if (call->tool.wraps_input)
		sent = json_object_get(sent, "input");
	if (!sent) {
		must(json_is_object(input) && json_object_size(input) == 0);
		return;
	}
	must(json_equal(input, sent));
	must(call->input > text &&
	     call->input + call->input_size < text + size);
}

/* As if that had come of it. */
static void must_be_told(const struct sbx_mcp_call *call, const char *outcome)
{
	json_auto_t *output = parse(call->input, call->input_size);
	json_auto_t *record = json_pack("{s:s, s:O, s:s, s:s, s:s}", "outcome",
					outcome, "output", output, "run_id",
					"r", "error", "e", "stderr", "s");
	cleanup_free char *text = sbx_mcp_call_answer(
		call, sbx_mcp_result(record, &call->tool, call->revision));

	must_be_answer(text, call->id);
}

static void must_be_call(const struct sbx_mcp_call *call,
			 const struct sbx_mcp_message *message,
			 const char *text, size_t size)
{
	must(json_equal(call->id, message->id));
	must(strcmp(call->tool.skill, "fuzz") == 0);
	must(!call->traceparent || sbx_trace_is_parent(call->traceparent));
	must_be_input(call, message, text, size);
	must_be_told(call, "ok");
	must_be_told(call, "failed");
	if (call->progress_token) {
		cleanup_free char *told = sbx_mcp_progress(call, 1, 2, "a");
		json_auto_t *value = parse(told, strlen(told));

		must(json_equal(
			call->progress_token,
			sbx_json_at(value, "params", "progressToken", NULL)));
	}
}

/* --- headers --------------------------------------------------------------- */

/* What the body says, each as base64. */
struct headers {
	const struct sbx_mcp_message *message;
	char *last;
};

static const char *encode(struct headers *headers, const json_t *value)
{
	size_t size = json_string_length(value);
	size_t room =
		sodium_base64_ENCODED_LEN(size, sodium_base64_VARIANT_ORIGINAL);
	cleanup_free char *text = sbx_malloc(room);

	sodium_bin2base64(text, room,
			  (const unsigned char *)json_string_value(value), size,
			  sodium_base64_VARIANT_ORIGINAL);
	free(headers->last);
	headers->last = sbx_asprintf("=?base64?%s?=", text);
	return headers->last;
}

static const char *write_value(struct headers *headers, const json_t *value)
{
	if (!value || json_is_null(value))
		return NULL;
	if (json_is_string(value))
		return encode(headers, value);
	free(headers->last);
	headers->last = sbx_json_line(value);
	return headers->last;
}

static const char *get(void *ctx, const char *name)
{
	struct headers *headers = ctx;
	const struct sbx_mcp_message *message = headers->message;
	const json_t *arguments = json_object_get(message->params, "arguments");

	if (strcmp(name, "MCP-Protocol-Version") == 0)
		return "2026-07-28";
	if (strcmp(name, "Mcp-Method") == 0)
		return encode(headers,
			      json_object_get(message->whole, "method"));
	if (strcmp(name, "Mcp-Name") == 0)
		return write_value(headers,
				   json_object_get(message->params, "name"));
	if (strcmp(name, "Mcp-Param-A") == 0)
		return write_value(headers, json_object_get(arguments, "a"));
	must(strcmp(name, "Mcp-Param-C") == 0);
	return write_value(headers, sbx_json_at(arguments, "b", "c", NULL));
}

static bool is_plain(const json_t *value)
{
	return !value || !(json_is_object(value) || json_is_array(value));
}

static void must_believe(const struct sbx_mcp_message *message,
			 const struct sbx_mcp_call *call)
{
	struct headers all = { .message = message };
	const struct sbx_mcp_headers headers = { .get = get, .ctx = &all };
	const json_t *arguments = json_object_get(message->params, "arguments");
	json_t *error =
		sbx_mcp_headers_check(&headers, message, SBX_MCP_2026_07_28);

	must(!error || (strcmp(message->method, "tools/call") == 0 && !call));
	json_decref(error);
	if (call) {
		error = sbx_mcp_headers_check_parameters(
			&headers, message, call->tool.input_schema);
		must(!error || !is_plain(json_object_get(arguments, "a")) ||
		     !is_plain(sbx_json_at(arguments, "b", "c", NULL)));
		json_decref(error);
	}
	free(all.last);
}

/* --- messages -------------------------------------------------------------- */

static void must_be_step(const struct sbx_mcp_step *step,
			 const struct sbx_mcp_message *message,
			 const char *text, size_t size)
{
	bool is_call = step->verdict == SBX_MCP_CALL;

	if (!sbx_mcp_is_request(message)) {
		must(step->verdict == SBX_MCP_NOTHING ||
		     step->verdict == SBX_MCP_CANCEL);
		must((step->verdict == SBX_MCP_CANCEL) == !!step->cancelled);
		must(!step->answer);
		return;
	}
	must_believe(message, is_call ? &step->call : NULL);
	if (is_call) {
		must_be_call(&step->call, message, text, size);
		return;
	}
	must(step->verdict == SBX_MCP_ANSWER ||
	     step->verdict == SBX_MCP_SESSION);
	must_be_answer(step->answer, message->id);
}

static void take_message(struct sbx_mcp_client *client, const char *line,
			 size_t line_size)
{
	struct sbx_mcp_message message = SBX_MCP_MESSAGE_INIT;
	struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	const struct sbx_mcp_client before = *client;
	cleanup_free char *text = fuzz_exact((const uint8_t *)line, line_size);
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(text, line_size, &message, &refusal) < 0) {
		must(!message.whole);
		must_be_error(text, line_size, refusal);
		return;
	}
	sbx_mcp_step(tools, client, &message, text, line_size, &step);
	must_be_step(&step, &message, text, line_size);
	if (step.verdict == SBX_MCP_SESSION)
		must(client->is_initialized &&
		     !sbx_mcp_is_stateless(client->revision));
	else
		must(client->revision == before.revision &&
		     client->is_initialized == before.is_initialized);
	sbx_mcp_step_clear(&step);
	sbx_mcp_message_clear(&message);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sbx_mcp_client client = { .is_initialized = false };
	const char *at = (const char *)data;

	open_tools();
	while (size > 0) {
		const char *newline = memchr(at, '\n', size);
		size_t part = newline ? (size_t)(newline - at) : size;

		take_message(&client, at, part);
		part += newline ? 1 : 0;
		at += part;
		size -= part;
	}
	return 0;
}
