/* SPDX-License-Identifier: MIT */
#include "mcp/protocol.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/json.h"
#include "mcp_skills.h"

/* Who relies on it: every client, over each transport. */

static struct sbx_mcp_tools *tools;

static int enter(void **state)
{
	if (skills_enter(state) < 0)
		return -1;
	skill_put("a", "  b: {input_schema: {type: object}}\n"
		       "  c: {}\n"
		       "  w: {input_schema: {type: [object, 'null']}}\n");
	tools = skills_tools();
	return 0;
}

static int leave(void **state)
{
	sbx_mcp_tools_free(&tools);
	return skills_leave(state);
}

/* --- what is said, and what is answered ------------------------------------ */

#define META "io.modelcontextprotocol/"
#define STATELESS                                                              \
	"\"_meta\": {\"" META "protocolVersion\": \"2026-07-28\", \"" META     \
	"clientCapabilities\": {}}"

static const struct sbx_mcp_client nobody;
static const struct sbx_mcp_client past[] = {
	{ true, SBX_MCP_2025_06_18 },
	{ true, SBX_MCP_2025_11_25 },
};

/* A request with the id 7, and what becomes of it; @params or NULL. */
static void ask(struct sbx_mcp_client *client, const char *method,
		const char *params, struct sbx_mcp_step *out)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	cleanup_free char *text = sbx_asprintf(
		"{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": \"%s\"%s%s}",
		method, params ? ", \"params\": " : "", params ? params : "");
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(text, strlen(text), &message, &refusal) < 0)
		fail_msg("no message: %s", text);
	sbx_mcp_step(tools, client, &message, text, strlen(text), out);
	/* The call outlives its message, but for this: see check_input(). */
	out->call.input = NULL;
}

/* The answer, which must be one line of JSON to the request 7. */
static json_t *answer_of(struct sbx_mcp_step *step)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	assert_true(step->verdict == SBX_MCP_ANSWER ||
		    step->verdict == SBX_MCP_SESSION);
	assert_null(strchr(step->answer, '\n'));
	if (sbx_json_parse(step->answer, strlen(step->answer), &value, &err) <
	    0)
		fail_msg("%s: %s", step->answer, err.message);
	assert_string_equal(sbx_json_text_at(value, "jsonrpc", NULL), "2.0");
	assert_int_equal(sbx_json_int_at(0, value, "id", NULL), 7);
	assert_int_equal(step->code, sbx_mcp_error_code(value));
	sbx_mcp_step_clear(step);
	return value;
}

static json_t *answer_to(struct sbx_mcp_client client, const char *method,
			 const char *params)
{
	struct sbx_mcp_step step = SBX_MCP_STEP_INIT;

	ask(&client, method, params, &step);
	return answer_of(&step);
}

static void check_error(struct sbx_mcp_client client, const char *method,
			const char *params, int code, const char *why)
{
	json_auto_t *answer = answer_to(client, method, params);
	const char *text = sbx_json_text_at(answer, "error", "message", NULL);

	if (sbx_mcp_error_code(answer) != code || strcmp(text, why) != 0)
		fail_msg("%s %s: %d %s", method, params,
			 sbx_mcp_error_code(answer), text);
	assert_null(json_object_get(answer, "result"));
}

static void check_result(struct sbx_mcp_client client, const char *method,
			 const char *params, const char *expected)
{
	json_auto_t *answer = answer_to(client, method, params);
	const json_t *result = json_object_get(answer, "result");
	cleanup_free char *line = result ? sbx_json_line(result) : NULL;

	assert_non_null(line);
	assert_string_equal(line, expected);
	assert_null(json_object_get(answer, "error"));
}

#define INFO                                                                   \
	"{\"name\": \"skillbox\", \"title\": \"skillbox\", \"version\": "      \
	"\"" SBX_VERSION "\"}"
#define COMPLETE                                                               \
	"\"resultType\": \"complete\", \"_meta\": {\"" META                    \
	"serverInfo\": " INFO "}"

/* --- beginning ------------------------------------------------------------- */

static void test_initialize(void **state)
{
	static const struct {
		const char *wanted;
		const char *name;
		enum sbx_mcp_revision revision;
	} samples[] = {
		{ "2025-06-18", "2025-06-18", SBX_MCP_2025_06_18 },
		{ "2025-11-25", "2025-11-25", SBX_MCP_2025_11_25 },
		{ "2024-11-05", "2025-11-25", SBX_MCP_2025_11_25 },
		{ "2026-07-28", "2025-11-25", SBX_MCP_2025_11_25 },
		{ "2099-01-01", "2025-11-25", SBX_MCP_2025_11_25 },
		{ "", "2025-11-25", SBX_MCP_2025_11_25 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *params = sbx_asprintf(
			"{\"protocolVersion\": \"%s\", \"capabilities\": {}}",
			samples[i].wanted);
		cleanup_free char *expected = sbx_asprintf(
			"{\"protocolVersion\": \"%s\", \"capabilities\": "
			"{\"tools\": {}}, \"serverInfo\": " INFO "}",
			samples[i].name);
		struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
		struct sbx_mcp_client client = nobody;
		cleanup_free char *line = NULL;
		json_auto_t *answer = NULL;

		ask(&client, "initialize", params, &step);
		assert_int_equal(step.verdict, SBX_MCP_SESSION);
		answer = answer_of(&step);
		line = sbx_json_line(json_object_get(answer, "result"));
		assert_string_equal(line, expected);
		assert_true(client.is_initialized);
		assert_int_equal(client.revision, samples[i].revision);
	}
}

/* A client may begin again, with another revision. */
static void test_initialize_again(void **state)
{
	struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	struct sbx_mcp_client client = past[1];

	(void)state;
	ask(&client, "initialize", "{\"protocolVersion\": \"2025-06-18\"}",
	    &step);
	assert_int_equal(step.verdict, SBX_MCP_SESSION);
	assert_int_equal(client.revision, SBX_MCP_2025_06_18);
	sbx_mcp_step_clear(&step);
}

static void test_initialize_without(void **state)
{
	static const char *const params[] = { NULL, "{}",
					      "{\"protocolVersion\": 1}",
					      "{\"protocolVersion\": null}" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(params); i++) {
		struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
		struct sbx_mcp_client client = nobody;

		ask(&client, "initialize", params[i], &step);
		assert_int_equal(step.verdict, SBX_MCP_ANSWER);
		assert_int_equal(step.code, SBX_MCP_INVALID_PARAMS);
		assert_false(client.is_initialized);
		sbx_mcp_step_clear(&step);
	}
}

/* --- eras ------------------------------------------------------------------ */

#define FIRST                                                                  \
	"expected initialize first, or in _meta " META                         \
	"protocolVersion and clientCapabilities"

/* Who has not begun may find out whether we are there. */
static void test_strangers(void **state)
{
	(void)state;
	check_result(nobody, "ping", NULL, "{}");
	check_error(nobody, "tools/list", NULL, SBX_MCP_INVALID_PARAMS, FIRST);
	check_error(nobody, "tools/list", "{\"_meta\": {}}",
		    SBX_MCP_INVALID_PARAMS, FIRST);
	check_error(nobody, "tools/list", "{\"_meta\": 1}",
		    SBX_MCP_INVALID_PARAMS, FIRST);
	check_error(nobody, "tools/call", "{\"name\": \"a_b\"}",
		    SBX_MCP_INVALID_PARAMS, FIRST);
	check_error(nobody, "server/discover", NULL, SBX_MCP_INVALID_PARAMS,
		    FIRST);
	check_error(nobody, "nonsense", NULL, SBX_MCP_INVALID_PARAMS, FIRST);
}

/* Which methods there are, for whom: all others are not found. */
static void test_methods(void **state)
{
	static const struct {
		const char *method;
		bool was;
		bool is;
	} samples[] = {
		{ "initialize", true, false },
		{ "ping", true, false },
		{ "tools/list", true, true },
		{ "server/discover", false, true },
		{ "subscriptions/listen", false, false },
		{ "resources/list", false, false },
		{ "prompts/get", false, false },
		{ "logging/setLevel", false, false },
		{ "tools/List", false, false },
		{ "tools/list ", false, false },
		{ "", false, false },
		{ "notifications/cancelled", false, false },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const char *method = samples[i].method;
		json_auto_t *old = answer_to(past[0], method,
					     "{\"protocolVersion\": \"x\"}");
		json_auto_t *new = answer_to(nobody, method, "{" STATELESS "}");
		/* What a message says of itself goes before what is known. */
		json_auto_t *own =
			answer_to(past[1], method, "{" STATELESS "}");

		assert_int_equal(sbx_mcp_error_code(old),
				 samples[i].was ? 0 : SBX_MCP_METHOD_NOT_FOUND);
		assert_int_equal(sbx_mcp_error_code(new),
				 samples[i].is ? 0 : SBX_MCP_METHOD_NOT_FOUND);
		assert_true(json_equal(own, new));
	}
}

static void test_ping(void **state)
{
	(void)state;
	check_result(past[0], "ping", NULL, "{}");
	check_result(past[1], "ping", "{\"_meta\": {\"progressToken\": 1}}",
		     "{}");
}

#define VERSIONS "[\"2026-07-28\", \"2025-11-25\", \"2025-06-18\"]"

static void test_discover(void **state)
{
	(void)state;
	check_result(nobody, "server/discover", "{" STATELESS "}",
		     "{\"supportedVersions\": " VERSIONS ", \"capabilities\": "
		     "{\"tools\": {}}, \"ttlMs\": 3600000, \"cacheScope\": "
		     "\"private\", " COMPLETE "}");
}

/* Those that are offered are those that server/discover has. */
static void test_unsupported(void **state)
{
	static const char *const names[] = { "2025-11-25", "2025-06-18",
					     "2024-11-05", "2026-07-29", "" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(names); i++) {
		cleanup_free char *params = sbx_asprintf(
			"{\"_meta\": {\"" META "protocolVersion\": \"%s\", "
			"\"" META "clientCapabilities\": {}}}",
			names[i]);
		cleanup_free char *expected = sbx_asprintf(
			"{\"code\": -32022, \"message\": \"Unsupported "
			"protocol version\", \"data\": "
			"{\"supported\": " VERSIONS ", \"requested\": \"%s\"}}",
			names[i]);
		json_auto_t *answer =
			answer_to(past[0], "server/discover", params);
		cleanup_free char *line =
			sbx_json_line(json_object_get(answer, "error"));

		assert_string_equal(line, expected);
	}
}

static void test_meta(void **state)
{
	static const char version[] = "_meta/" META
				      "protocolVersion: expected a text";
	static const char capabilities[] =
		"_meta/" META "clientCapabilities: expected an object";

	(void)state;
	check_error(nobody, "tools/list",
		    "{\"_meta\": {\"" META "protocolVersion\": 1}}",
		    SBX_MCP_INVALID_PARAMS, version);
	check_error(nobody, "tools/list",
		    "{\"_meta\": {\"" META "protocolVersion\": null}}",
		    SBX_MCP_INVALID_PARAMS, version);
	check_error(nobody, "tools/list",
		    "{\"_meta\": {\"" META "protocolVersion\": "
		    "\"2026-07-28\\u0000\"}}",
		    SBX_MCP_INVALID_PARAMS, version);
	check_error(nobody, "tools/list",
		    "{\"_meta\": {\"" META "protocolVersion\": "
		    "\"2026-07-28\"}}",
		    SBX_MCP_INVALID_PARAMS, capabilities);
	check_error(past[1], "tools/list",
		    "{\"_meta\": {\"" META "protocolVersion\": "
		    "\"2026-07-28\", \"" META "clientCapabilities\": []}}",
		    SBX_MCP_INVALID_PARAMS, capabilities);
	/* Without a revision, the others mean nothing. */
	check_result(past[1], "ping",
		     "{\"_meta\": {\"" META "clientCapabilities\": 1}}", "{}");
}

/* A notification says no capabilities: nothing is answered by them. */
static void test_revision_of(void **state)
{
	static const char text[] =
		"{\"jsonrpc\": \"2.0\", \"method\": \"n\", \"params\": "
		"{\"_meta\": {\"" META "protocolVersion\": \"2026-07-28\"}}}";
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	enum sbx_mcp_revision revision = SBX_MCP_2025_06_18;
	json_t *error = NULL;

	(void)state;
	assert_int_equal(
		sbx_mcp_message_parse(text, strlen(text), &message, &error), 0);
	assert_int_equal(
		sbx_mcp_revision_of(&message, &nobody, &revision, &error), 0);
	assert_int_equal(revision, SBX_MCP_2026_07_28);
	assert_null(error);
}

/* --- tools/list ------------------------------------------------------------ */

static void check_names(const json_t *answer, const char *expected)
{
	cleanup_buf struct sbx_buf names = SBX_BUF_INIT(4096);
	const json_t *list = sbx_json_at(answer, "result", "tools", NULL);
	const json_t *tool;
	size_t i;

	assert_true(json_is_array(list));
	json_array_foreach (list, i, tool)
		sbx_buf_printf(&names, "%s%s", i ? " " : "",
			       sbx_json_text_at(tool, "name", NULL));
	assert_string_equal(sbx_buf_text(&names), expected);
}

static void test_list(void **state)
{
	json_auto_t *old = answer_to(past[0], "tools/list", NULL);
	json_auto_t *new = answer_to(nobody, "tools/list", "{" STATELESS "}");
	json_t *result = json_object_get(new, "result");
	cleanup_free char *line = NULL;

	(void)state;
	check_names(old, "a_b a_c a_w");
	assert_int_equal(json_object_size(json_object_get(old, "result")), 1);
	check_names(new, "a_b a_c a_w");
	json_object_del(result, "tools");
	line = sbx_json_line(result);
	assert_string_equal(line, "{" COMPLETE ", \"ttlMs\": 5000, "
				  "\"cacheScope\": \"private\"}");
}

static void test_empty_list(void **state)
{
	json_auto_t *answer = NULL;

	(void)state;
	skill_remove("a");
	answer = answer_to(past[0], "tools/list", "{}");
	check_names(answer, "");
}

static void test_cursor(void **state)
{
	json_auto_t *rest =
		answer_to(past[1], "tools/list", "{\"cursor\": \"a_b\"}");
	json_auto_t *none =
		answer_to(past[1], "tools/list", "{\"cursor\": \"a_w\"}");
	static const char *const bad[] = {
		"{\"cursor\": 1}",
		"{\"cursor\": null}",
		"{\"cursor\": \"\"}",
		"{\"cursor\": \"a b\"}",
		"{\"cursor\": \"a_b\\u0000\"}",
	};

	(void)state;
	check_names(rest, "a_c a_w");
	check_names(none, "");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++)
		check_error(past[1], "tools/list", bad[i],
			    SBX_MCP_INVALID_PARAMS,
			    "cursor: that is none of ours");
}

/* Enough for two pages: each tool is on one of them. */
static void test_two_pages(void **state)
{
	json_auto_t *first = NULL;
	json_auto_t *second = NULL;
	cleanup_free char *params = NULL;
	const char *next;

	(void)state;
	for (int i = 0; i < 79; i++) {
		cleanup_buf struct sbx_buf actions = SBX_BUF_INIT(1 << 16);
		cleanup_free char *name = sbx_asprintf("s%02d", i);

		for (int k = 0; k < 127; k++)
			sbx_buf_printf(&actions, "  a%03d: {}\n", k);
		skill_put(name, sbx_buf_text(&actions));
	}
	first = answer_to(past[0], "tools/list", NULL);
	next = sbx_json_text_at(first, "result", "nextCursor", NULL);
	assert_non_null(next);
	assert_int_equal(
		json_array_size(sbx_json_at(first, "result", "tools", NULL)),
		10000);
	params = sbx_asprintf("{\"cursor\": \"%s\", " STATELESS "}", next);
	second = answer_to(nobody, "tools/list", params);
	assert_null(sbx_json_at(second, "result", "nextCursor", NULL));
	assert_int_equal(
		json_array_size(sbx_json_at(second, "result", "tools", NULL)),
		79 * 127 + 3 - 10000);
}

/* --- tools/call ------------------------------------------------------------ */

static void test_call_refused(void **state)
{
	static const struct {
		const char *params;
		const char *why;
	} samples[] = {
		{ NULL, "name: expected a text" },
		{ "{}", "name: expected a text" },
		{ "{\"name\": 1}", "name: expected a text" },
		{ "{\"name\": \"a_b\\u0000\"}", "name: expected a text" },
		{ "{\"name\": \"a_b\", \"arguments\": []}",
		  "arguments: expected an object" },
		{ "{\"name\": \"a_b\", \"arguments\": null}",
		  "arguments: expected an object" },
		{ "{\"name\": \"a_x\"}", "Unknown tool: a_x" },
		{ "{\"name\": \"\"}", "Unknown tool: " },
		{ "{\"name\": \"a/b\"}", "Unknown tool: a/b" },
		{ "{\"name\": \"A_B\"}", "Unknown tool: A_B" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++)
		check_error(past[1], "tools/call", samples[i].params,
			    SBX_MCP_INVALID_PARAMS, samples[i].why);
	check_error(nobody, "tools/call", "{\"name\": \"a_x\", " STATELESS "}",
		    SBX_MCP_INVALID_PARAMS, "Unknown tool: a_x");
}

/* However long it is, and wherever it is cut. */
static void test_unknown_long_name(void **state)
{
	(void)state;
	for (int shift = 0; shift < 3; shift++) {
		cleanup_buf struct sbx_buf params = SBX_BUF_INIT(4096);
		json_auto_t *answer = NULL;

		sbx_buf_printf(&params, "{\"name\": \"%.*s", shift, "abc");
		for (int i = 0; i < 200; i++)
			sbx_buf_puts(&params, "\u20ac");
		sbx_buf_puts(&params, "\"}");
		answer =
			answer_to(past[1], "tools/call", sbx_buf_text(&params));
		assert_int_equal(sbx_mcp_error_code(answer),
				 SBX_MCP_INVALID_PARAMS);
		assert_true(sbx_text_has_prefix(
			sbx_json_text_at(answer, "error", "message", NULL),
			"Unknown tool: "));
	}
}

/* The bytes that the action gets of @params. */
static void check_input(const char *params, const char *expected)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	cleanup_mcp_step struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	cleanup_free char *text = sbx_asprintf(
		"{\"jsonrpc\": \"2.0\", \"id\": \"x\", \"method\": "
		"\"tools/call\", \"params\": %s}",
		params);
	struct sbx_mcp_client client = past[1];
	cleanup_free char *input = NULL;
	json_t *refusal = NULL;

	assert_int_equal(
		sbx_mcp_message_parse(text, strlen(text), &message, &refusal),
		0);
	sbx_mcp_step(tools, &client, &message, text, strlen(text), &step);
	assert_int_equal(step.verdict, SBX_MCP_CALL);
	assert_null(step.answer);
	assert_string_equal(json_string_value(step.call.id), "x");
	/* It is for another thread, maybe. */
	assert_int_equal(step.call.id->refcount, 1);
	input = sbx_strndup(step.call.input, step.call.input_size);
	assert_string_equal(input, expected);
}

static void test_input(void **state)
{
	(void)state;
	check_input("{\"name\": \"a_b\"}", "{}");
	check_input("{\"name\": \"a_b\", \"arguments\": {} }", "{}");
	check_input("{\"name\": \"a_b\", \"arguments\": {\"x\": 1.0, \"y\":\t"
		    "-1E+30, \"z\": \"\\u0041\" } }",
		    "{\"x\": 1.0, \"y\":\t-1E+30, \"z\": \"\\u0041\" }");
	check_input("{\"_meta\": {\"arguments\": {\"no\": 1}}, "
		    "\"\\u0061rguments\": {\"yes\": 0.10}, \"name\": "
		    "\"a_\\u0062\"}",
		    "{\"yes\": 0.10}");
	check_input("{\"name\": \"a_b\", \"arguments\": {\"params\": 1, "
		    "\"arguments\": {\"input\": 2}}}",
		    "{\"params\": 1, \"arguments\": {\"input\": 2}}");
}

static void test_wrapped_input(void **state)
{
	(void)state;
	check_input("{\"name\": \"a_w\", \"arguments\": {\"input\": null}}",
		    "null");
	check_input("{\"name\": \"a_w\", \"arguments\": { \"input\" : "
		    "{\"input\": 1.0} } }",
		    "{\"input\": 1.0}");
}

/* What a model leaves out is not made up for it, nor is the rest dropped. */
static void test_unwrapped_input(void **state)
{
	static const char *const arguments[] = {
		"",
		", \"arguments\": {}",
		", \"arguments\": {\"a\": 1}",
		", \"arguments\": {\"input\": null, \"a\": 1}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(arguments); i++) {
		cleanup_free char *params =
			sbx_asprintf("{\"name\": \"a_w\"%s}", arguments[i]);

		check_result(past[0], "tools/call", params,
			     "{\"content\": [{\"type\": \"text\", \"text\": "
			     "\"invalid: arguments: expected the one member "
			     "input\"}], \"isError\": true}");
	}
	check_result(nobody, "tools/call", "{\"name\": \"a_w\", " STATELESS "}",
		     "{\"content\": [{\"type\": \"text\", \"text\": "
		     "\"invalid: arguments: expected the one member "
		     "input\"}], \"isError\": true, " COMPLETE "}");
}

static void test_call(void **state)
{
	cleanup_mcp_step struct sbx_mcp_step old = SBX_MCP_STEP_INIT;
	cleanup_mcp_step struct sbx_mcp_step new = SBX_MCP_STEP_INIT;
	struct sbx_mcp_client client = past[0];

	(void)state;
	ask(&client, "tools/call", "{\"name\": \"a_c\"}", &old);
	assert_int_equal(old.verdict, SBX_MCP_CALL);
	assert_int_equal(old.call.revision, SBX_MCP_2025_06_18);
	assert_string_equal(old.call.tool.name, "a_c");
	assert_string_equal(old.call.tool.skill, "a");
	assert_string_equal(old.call.tool.action, "c");
	assert_null(old.call.progress_token);
	assert_null(old.call.traceparent);
	ask(&client, "tools/call", "{\"name\": \"a_c\", " STATELESS "}", &new);
	assert_int_equal(new.verdict, SBX_MCP_CALL);
	assert_int_equal(new.call.revision, SBX_MCP_2026_07_28);
	/* One call says nothing of the next. */
	assert_int_equal(client.revision, SBX_MCP_2025_06_18);
}

#define TRACE "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

/* With this in "_meta", the call has that token, and that trace. */
static void check_call_meta(const char *meta, const char *token,
			    const char *trace)
{
	cleanup_mcp_step struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	struct sbx_mcp_client client = past[1];
	cleanup_free char *params =
		sbx_asprintf("{\"name\": \"a_c\", \"_meta\": %s}", meta);
	cleanup_free char *line = NULL;

	ask(&client, "tools/call", params, &step);
	assert_int_equal(step.verdict, SBX_MCP_CALL);
	if (step.call.progress_token)
		assert_int_equal(step.call.progress_token->refcount, 1);
	if (step.call.progress_token)
		line = sbx_json_line(step.call.progress_token);
	assert_string_equal(line ? line : "none", token ? token : "none");
	assert_string_equal(step.call.traceparent ? step.call.traceparent
						  : "none",
			    trace ? trace : "none");
}

static void test_call_meta(void **state)
{
	(void)state;
	check_call_meta("{\"progressToken\": \"t\"}", "\"t\"", NULL);
	check_call_meta("{\"progressToken\": \"\"}", "\"\"", NULL);
	check_call_meta("{\"progressToken\": 0}", "0", NULL);
	check_call_meta("{\"progressToken\": -9007199254740993}",
			"-9007199254740993", NULL);
	check_call_meta("{\"progressToken\": 1.0}", NULL, NULL);
	check_call_meta("{\"progressToken\": null}", NULL, NULL);
	check_call_meta("{\"progressToken\": true}", NULL, NULL);
	check_call_meta("{\"progressToken\": [1]}", NULL, NULL);
	check_call_meta("{\"traceparent\": \"" TRACE "\"}", NULL, TRACE);
	check_call_meta("{\"traceparent\": \"" TRACE "\", \"progressToken\": "
			"1}",
			"1", TRACE);
	check_call_meta("{\"traceparent\": \"" TRACE "0\"}", NULL, NULL);
	check_call_meta("{\"traceparent\": 1}", NULL, NULL);
	check_call_meta("{}", NULL, NULL);
	check_call_meta("1", NULL, NULL);
}

static struct sbx_mcp_call call_of(enum sbx_mcp_revision revision)
{
	return (struct sbx_mcp_call){
		.id = json_integer(7),
		.revision = revision,
		.progress_token = json_string("t"),
	};
}

static void test_call_answer(void **state)
{
	static const char *const rests[] = {
		[SBX_MCP_2025_06_18] = "\"_meta\": {\"a\": 1}}}",
		[SBX_MCP_2025_11_25] = "\"_meta\": {\"a\": 1}}}",
		[SBX_MCP_2026_07_28] = "\"_meta\": {\"a\": 1, \"" META
				       "serverInfo\": " INFO
				       "}, \"resultType\": \"complete\"}}",
	};

	(void)state;
	for (int i = 0; i < SBX_MCP_REVISION_COUNT; i++) {
		struct sbx_mcp_call call = call_of((enum sbx_mcp_revision)i);
		cleanup_free char *expected = sbx_asprintf(
			"{\"jsonrpc\": \"2.0\", \"id\": 7, \"result\": {%s",
			rests[i]);
		cleanup_free char *text = sbx_mcp_call_answer(
			&call, json_pack("{s:{s:i}}", "_meta", "a", 1));

		assert_string_equal(text, expected);
		sbx_mcp_call_clear(&call);
	}
}

static void check_progress(double progress, double total, const char *message,
			   const char *rest)
{
	struct sbx_mcp_call call = call_of(SBX_MCP_2025_11_25);
	cleanup_free char *expected = sbx_asprintf(
		"{\"jsonrpc\": \"2.0\", \"method\": \"notifications/progress\""
		", \"params\": {\"progressToken\": \"t\", %s}}",
		rest);
	cleanup_free char *text =
		sbx_mcp_progress(&call, progress, total, message);

	assert_string_equal(text, expected);
	sbx_mcp_call_clear(&call);
}

static void test_progress(void **state)
{
	(void)state;
	check_progress(1, 3, "step",
		       "\"progress\": 1.0, \"total\": 3.0, "
		       "\"message\": \"step\"");
	check_progress(0.5, -1, "a\nb",
		       "\"progress\": 0.5, \"message\": "
		       "\"a\\nb\"");
	check_progress(2, 0, NULL, "\"progress\": 2.0, \"total\": 0.0");
	/* What is no text does not keep the rest from being said. */
	check_progress(2, -1, "\xff", "\"progress\": 2.0");
}

/* --- what is not answered -------------------------------------------------- */

static enum sbx_mcp_verdict hear(const char *text, char **cancelled)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	cleanup_mcp_step struct sbx_mcp_step step = SBX_MCP_STEP_INIT;
	struct sbx_mcp_client client = past[1];
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(text, strlen(text), &message, &refusal) < 0)
		fail_msg("no message: %s", text);
	sbx_mcp_step(tools, &client, &message, text, strlen(text), &step);
	assert_null(step.answer);
	if (step.cancelled)
		*cancelled = sbx_json_line(step.cancelled);
	return step.verdict;
}

#define CANCEL                                                                 \
	"{\"jsonrpc\": \"2.0\", \"method\": \"notifications/cancelled\", "     \
	"\"params\": "

static void test_cancel(void **state)
{
	static const struct {
		const char *text;
		const char *id;
	} samples[] = {
		{ CANCEL "{\"requestId\": 1, \"reason\": \"r\"}}", "1" },
		{ CANCEL "{\"requestId\": \"1\"}}", "\"1\"" },
		{ CANCEL "{\"requestId\": 1, " STATELESS "}}", "1" },
		{ CANCEL "{\"requestId\": 1, \"_meta\": {\"" META
			 "protocolVersion\": 1}}}",
		  "1" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *cancelled = NULL;

		assert_int_equal(hear(samples[i].text, &cancelled),
				 SBX_MCP_CANCEL);
		assert_string_equal(cancelled, samples[i].id);
	}
}

static void test_unanswered(void **state)
{
	static const char *const texts[] = {
		CANCEL "{}}",
		CANCEL "{\"requestId\": 1.0}}",
		CANCEL "{\"requestId\": null}}",
		CANCEL "{\"requestId\": {}}}",
		"{\"jsonrpc\": \"2.0\", \"method\": "
		"\"notifications/cancelled\"}",
		"{\"jsonrpc\": \"2.0\", \"method\": "
		"\"notifications/initialized\"}",
		"{\"jsonrpc\": \"2.0\", \"method\": \"tools/list\"}",
		"{\"jsonrpc\": \"2.0\", \"method\": \"tools/call\", "
		"\"params\": {\"name\": \"a_b\"}}",
		"{\"jsonrpc\": \"2.0\", \"method\": \"initialize\", "
		"\"params\": {\"protocolVersion\": \"2025-06-18\"}}",
		"{\"jsonrpc\": \"2.0\", \"method\": \"nonsense\"}",
		"{\"jsonrpc\": \"2.0\", \"method\": "
		"\"notifications/progress\", \"params\": {\"requestId\": 1}}",
		"{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": "
		"{\"method\": \"ping\"}}",
		"{\"jsonrpc\": \"2.0\", \"id\": 1, \"error\": {}}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		cleanup_free char *cancelled = NULL;

		if (hear(texts[i], &cancelled) != SBX_MCP_NOTHING)
			fail_msg("%s", texts[i]);
	}
}

static void test_refuse(void **state)
{
	struct sbx_mcp_step step = SBX_MCP_STEP_INIT;

	(void)state;
	sbx_mcp_step_refuse(
		&step, sbx_mcp_error(NULL, SBX_MCP_PARSE_ERROR, "no", NULL));
	assert_int_equal(step.verdict, SBX_MCP_ANSWER);
	assert_int_equal(step.code, SBX_MCP_PARSE_ERROR);
	assert_string_equal(step.answer,
			    "{\"jsonrpc\": \"2.0\", \"error\": {\"code\": "
			    "-32700, \"message\": \"no\"}}");
	sbx_mcp_step_clear(&step);
	assert_null(step.answer);
	assert_int_equal(step.verdict, SBX_MCP_NOTHING);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_initialize),
		TEST(test_initialize_again),
		TEST(test_initialize_without),
		TEST(test_strangers),
		TEST(test_methods),
		TEST(test_ping),
		TEST(test_discover),
		TEST(test_unsupported),
		TEST(test_meta),
		TEST(test_revision_of),
		TEST(test_list),
		TEST(test_empty_list),
		TEST(test_cursor),
		TEST(test_two_pages),
		TEST(test_call_refused),
		TEST(test_unknown_long_name),
		TEST(test_input),
		TEST(test_wrapped_input),
		TEST(test_unwrapped_input),
		TEST(test_call),
		TEST(test_call_meta),
		TEST(test_call_answer),
		TEST(test_progress),
		TEST(test_cancel),
		TEST(test_unanswered),
		TEST(test_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
