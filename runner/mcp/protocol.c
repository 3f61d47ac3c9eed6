/* SPDX-License-Identifier: MIT */
/*
 * Two eras meet here.  A request that says its revision in "_meta" is answered
 * by that alone; any other one belongs to a client that has begun with
 * "initialize".  Which methods there are, and what a result looks like, follows
 * from the revision.
 */
#include "mcp/protocol.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_member.h"
#include "codec/trace_context.h"
#include "mcp/object_schema.h"
#include "mcp/result.h"
#include "skill/names.h"

#define META "io.modelcontextprotocol/"

/* A page of tools is large: no client likes to turn pages. */
#define PAGE_TOOLS 10000

/* How long a list may be taken for what it is: skills change, though seldom. */
#define LIST_TTL_MS	5000
#define DISCOVER_TTL_MS 3600000

void sbx_mcp_call_clear(struct sbx_mcp_call *call)
{
	json_decref(call->id);
	json_decref(call->progress_token);
	sbx_mcp_tool_clear(&call->tool);
	free(call->traceparent);
	*call = (struct sbx_mcp_call)SBX_MCP_CALL_INIT;
}

void sbx_mcp_step_clear(struct sbx_mcp_step *step)
{
	free(step->answer);
	sbx_mcp_call_clear(&step->call);
	json_decref(step->cancelled);
	*step = (struct sbx_mcp_step)SBX_MCP_STEP_INIT;
}

/* One message on its way through. */
struct context {
	struct sbx_mcp_tools *tools;
	struct sbx_mcp_client *client;
	const struct sbx_mcp_message *message;
	const char *data;
	size_t size;
	enum sbx_mcp_revision revision;
	struct sbx_mcp_step *out;
};

/* --- answers --------------------------------------------------------------- */

static void answer(struct sbx_mcp_step *out, json_t *message)
{
	out->verdict = SBX_MCP_ANSWER;
	out->code = sbx_mcp_error_code(message);
	out->answer = sbx_json_line(message);
	json_decref(message);
}

void sbx_mcp_step_refuse(struct sbx_mcp_step *out, json_t *error)
{
	answer(out, error);
}

static void fail(const struct context *context, int code, const char *text)
{
	answer(context->out,
	       sbx_mcp_error(context->message->id, code, text, NULL));
}

static json_t *server_info(void)
{
	return json_pack("{s:s, s:s, s:s}", "name", "skillbox", "title",
			 "skillbox", "version", SBX_VERSION);
}

/* Each result says what it is, and whose, where nothing is remembered. */
static json_t *complete(json_t *result, enum sbx_mcp_revision revision)
{
	json_t *meta = json_object_get(result, "_meta");

	if (!sbx_mcp_is_stateless(revision))
		return result;
	json_object_set_new(result, "resultType", json_string("complete"));
	if (!meta) {
		meta = json_object();
		json_object_set_new(result, "_meta", meta);
	}
	json_object_set_new(meta, META "serverInfo", server_info());
	return result;
}

static void succeed(const struct context *context, json_t *result)
{
	answer(context->out,
	       sbx_mcp_response(context->message->id,
				complete(result, context->revision)));
}

char *sbx_mcp_call_answer(const struct sbx_mcp_call *call, json_t *result)
{
	json_t *message =
		sbx_mcp_response(call->id, complete(result, call->revision));
	char *text = sbx_json_line(message);

	json_decref(message);
	return text;
}

char *sbx_mcp_progress(const struct sbx_mcp_call *call, double progress,
		       double total, const char *message)
{
	json_t *params = json_pack("{s:O, s:f}", "progressToken",
				   call->progress_token, "progress", progress);
	json_t *whole;
	char *text;

	if (total >= 0)
		json_object_set_new(params, "total", json_real(total));
	if (message)
		json_object_set_new(params, "message", json_string(message));
	whole = sbx_mcp_notification("notifications/progress", params);
	text = sbx_json_line(whole);
	json_decref(whole);
	return text;
}

/* --- which era ------------------------------------------------------------- */

int sbx_mcp_revision_of(const struct sbx_mcp_message *message,
			const struct sbx_mcp_client *client,
			enum sbx_mcp_revision *out, json_t **error)
{
	const json_t *meta = json_object_get(message->params, "_meta");
	const json_t *version = json_object_get(meta, META "protocolVersion");
	const char *name = sbx_json_plain_text(version);

	if (!version) {
		*out = client->revision;
		return client->is_initialized ? 0 : SBX_MCP_UNKNOWN;
	}
	if (!name)
		*error = sbx_mcp_error(
			message->id, SBX_MCP_INVALID_PARAMS,
			"_meta/" META "protocolVersion: expected a text", NULL);
	else if (!sbx_mcp_revision_parse(name, out) ||
		 !sbx_mcp_is_stateless(*out))
		*error = sbx_mcp_unsupported(message, name);
	else if (message->id && !json_is_object(json_object_get(
					meta, META "clientCapabilities")))
		*error = sbx_mcp_error(message->id, SBX_MCP_INVALID_PARAMS,
				       "_meta/" META "clientCapabilities: "
				       "expected an object",
				       NULL);
	return *error ? -1 : 0;
}

/* --- beginning ------------------------------------------------------------- */

static json_t *capabilities(void)
{
	return json_pack("{s:{}}", "tools");
}

static void initialize(const struct context *context)
{
	struct sbx_mcp_client *client = context->client;
	const char *wanted = sbx_json_plain_text(
		json_object_get(context->message->params, "protocolVersion"));

	if (!wanted) {
		fail(context, SBX_MCP_INVALID_PARAMS,
		     "protocolVersion: expected a text");
		return;
	}
	if (!sbx_mcp_revision_parse(wanted, &client->revision) ||
	    sbx_mcp_is_stateless(client->revision))
		client->revision = SBX_MCP_SESSION_LATEST;
	client->is_initialized = true;
	succeed(context, json_pack("{s:s, s:o, s:o}", "protocolVersion",
				   sbx_mcp_revision_name(client->revision),
				   "capabilities", capabilities(), "serverInfo",
				   server_info()));
	context->out->verdict = SBX_MCP_SESSION;
}

static void ping(const struct context *context)
{
	succeed(context, json_object());
}

static void discover(const struct context *context)
{
	succeed(context, json_pack("{s:o, s:o, s:i, s:s}", "supportedVersions",
				   sbx_mcp_revision_names(), "capabilities",
				   capabilities(), "ttlMs", DISCOVER_TTL_MS,
				   "cacheScope", "private"));
}

/* --- tools ----------------------------------------------------------------- */

/* What comes before the tools, whose texts are there already, and behind. */
static void wrap_list(const struct context *context, struct sbx_buf *list,
		      const char *next)
{
	bool is_stateless = sbx_mcp_is_stateless(context->revision);
	json_t *result = complete(json_object(), context->revision);
	json_t *whole;
	cleanup_free char *frame = NULL;

	if (next)
		json_object_set_new(result, "nextCursor", json_string(next));
	if (is_stateless) {
		json_object_set_new(result, "ttlMs", json_integer(LIST_TTL_MS));
		json_object_set_new(result, "cacheScope",
				    json_string("private"));
	}
	json_object_set_new(result, "tools", json_array());
	whole = sbx_mcp_response(context->message->id, result);
	frame = sbx_json_line(whole);
	json_decref(whole);
	frame[strlen(frame) - strlen("]}}")] = '\0';
	context->out->verdict = SBX_MCP_ANSWER;
	context->out->answer =
		sbx_asprintf("%s%s]}}", frame, sbx_buf_text(list));
}

static void list_tools(const struct context *context)
{
	cleanup_buf struct sbx_buf list = SBX_BUF_INIT(SIZE_MAX / 2);
	const json_t *cursor =
		json_object_get(context->message->params, "cursor");
	const char *after = sbx_json_plain_text(cursor);
	char last[SBX_TOOL_NAME_SIZE];
	bool is_more;

	if (cursor && (!after || !sbx_name_is_tool(after))) {
		fail(context, SBX_MCP_INVALID_PARAMS,
		     "cursor: that is none of ours");
		return;
	}
	is_more = sbx_mcp_tools_list(context->tools,
				     sbx_mcp_is_stateless(context->revision),
				     after, PAGE_TOOLS, &list, last);
	wrap_list(context, &list, is_more ? last : NULL);
}

/* Whether they are what the tool's schema wants them to be, if it is ours. */
static bool fit(const json_t *arguments, const struct sbx_mcp_tool *tool)
{
	return !tool->wraps_input ||
	       (json_object_size(arguments) == 1 &&
		json_object_get(arguments, SBX_MCP_INPUT_MEMBER));
}

/* The bytes of the arguments, or of what is wrapped in them: they fit(). */
static void find_input(const struct context *context, struct sbx_mcp_call *call)
{
	const char *at = context->data;
	size_t size = context->size;

	at = sbx_json_member(at, size, "params", &size);
	at = at ? sbx_json_member(at, size, "arguments", &size) : NULL;
	if (call->tool.wraps_input)
		at = sbx_json_member(at, size, SBX_MCP_INPUT_MEMBER, &size);
	call->input = at ? at : "{}";
	call->input_size = at ? size : strlen("{}");
}

/* What a call says besides what it is for. */
static void read_meta(const struct context *context, struct sbx_mcp_call *call)
{
	const json_t *meta = json_object_get(context->message->params, "_meta");
	json_t *token = json_object_get(meta, "progressToken");
	const char *trace = sbx_json_text_at(meta, "traceparent", NULL);

	if (json_is_string(token) || json_is_integer(token))
		call->progress_token = json_deep_copy(token);
	if (trace && sbx_trace_is_parent(trace))
		call->traceparent = sbx_strdup(trace);
}

static void unknown_tool(const struct context *context, const char *name)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(256);

	sbx_buf_printf(&text, "Unknown tool: %s", name);
	fail(context, SBX_MCP_INVALID_PARAMS, sbx_buf_text(&text));
}

static void call_tool(const struct context *context)
{
	const json_t *params = context->message->params;
	const json_t *arguments = json_object_get(params, "arguments");
	const char *name = sbx_json_plain_text(json_object_get(params, "name"));
	struct sbx_mcp_call *call = &context->out->call;

	if (!name) {
		fail(context, SBX_MCP_INVALID_PARAMS, "name: expected a text");
		return;
	}
	if (arguments && !json_is_object(arguments)) {
		fail(context, SBX_MCP_INVALID_PARAMS,
		     "arguments: expected an object");
		return;
	}
	if (!sbx_mcp_tools_find(context->tools, name, &call->tool)) {
		unknown_tool(context, name);
		return;
	}
	if (!fit(arguments, &call->tool)) {
		succeed(context,
			sbx_mcp_result_error("invalid",
					     "arguments: expected the one "
					     "member " SBX_MCP_INPUT_MEMBER));
		return;
	}
	call->id = json_deep_copy(context->message->id);
	call->revision = context->revision;
	find_input(context, call);
	read_meta(context, call);
	context->out->verdict = SBX_MCP_CALL;
}

/* --- methods --------------------------------------------------------------- */

enum era { SESSION = 1, STATELESS = 2 };

static const struct {
	const char *name;
	int eras;
	void (*answer)(const struct context *context);
} methods[] = {
	{ "ping", SESSION, ping },
	{ "server/discover", STATELESS, discover },
	{ "tools/list", SESSION | STATELESS, list_tools },
	{ "tools/call", SESSION | STATELESS, call_tool },
};

static void answer_request(const struct context *context)
{
	int era = sbx_mcp_is_stateless(context->revision) ? STATELESS : SESSION;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(methods); i++) {
		if (strcmp(methods[i].name, context->message->method) == 0 &&
		    (methods[i].eras & era)) {
			methods[i].answer(context);
			return;
		}
	}
	fail(context, SBX_MCP_METHOD_NOT_FOUND, "Method not found");
}

/* Nobody hears what is wrong with a notification. */
static void hear(const struct context *context)
{
	const struct sbx_mcp_message *message = context->message;
	json_t *id;

	if (!message->method ||
	    strcmp(message->method, "notifications/cancelled") != 0)
		return;
	id = json_object_get(message->params, "requestId");
	if (!json_is_string(id) && !json_is_integer(id))
		return;
	context->out->verdict = SBX_MCP_CANCEL;
	context->out->cancelled = json_incref(id);
}

/* Before a client has begun there is only how to begin, and being there. */
static void answer_stranger(struct context *context)
{
	const char *method = context->message->method;

	context->revision = SBX_MCP_SESSION_LATEST;
	if (strcmp(method, "initialize") == 0)
		initialize(context);
	else if (strcmp(method, "ping") == 0)
		ping(context);
	else
		fail(context, SBX_MCP_INVALID_PARAMS,
		     "expected initialize first, or in _meta " META
		     "protocolVersion and clientCapabilities");
}

void sbx_mcp_step(struct sbx_mcp_tools *tools, struct sbx_mcp_client *client,
		  const struct sbx_mcp_message *message, const char *data,
		  size_t size, struct sbx_mcp_step *out)
{
	struct context context = {
		.tools = tools,
		.client = client,
		.message = message,
		.data = data,
		.size = size,
		.out = out,
	};
	json_t *error = NULL;
	int result;

	if (!sbx_mcp_is_request(message)) {
		hear(&context);
		return;
	}
	result =
		sbx_mcp_revision_of(message, client, &context.revision, &error);
	if (result < 0)
		answer(out, error);
	else if (result == SBX_MCP_UNKNOWN ||
		 (strcmp(message->method, "initialize") == 0 &&
		  !sbx_mcp_is_stateless(context.revision)))
		answer_stranger(&context);
	else
		answer_request(&context);
}
