/* SPDX-License-Identifier: MIT */
#include "serve/on_mcp.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>

#include <cmocka.h>

#include "base/text.h"
#include "mcp_service.h"

/* Who relies on it: clients over HTTP, and what stands between them and us. */

/* "Name: value", up to a NULL. */
static const char *get(void *ctx, const char *name)
{
	const char *const *lines = ctx;

	for (; *lines; lines++) {
		size_t size = strlen(name);

		if (strncasecmp(*lines, name, size) == 0 &&
		    (*lines)[size] == ':')
			return *lines + size + 2;
	}
	return NULL;
}

#define LINES(...)                                                             \
	(const char *const[])                                                  \
	{                                                                      \
		__VA_ARGS__, NULL                                              \
	}
#define NO_LINES LINES("A: b")

/* What it is answered with, by sbx_answer_clear(). */
static struct sbx_answer post_as(const char *owner, const char *text,
				 const char *const *lines)
{
	struct sbx_buf body = SBX_BUF_INIT(1 << 20);
	const struct sbx_exchange exchange = {
		.owner = owner,
		.body = &body,
		.connection = -1,
		.header = get,
		.query = get,
		.ctx = (void *)lines,
	};
	struct sbx_answer answer = { .status = 0 };

	sbx_buf_puts(&body, text);
	sbx_on_mcp(service, &exchange, &answer);
	sbx_buf_free(&body);
	return answer;
}

static const char *header_of(const struct sbx_answer *answer, const char *name)
{
	for (size_t i = 0; i + 1 < answer->headers.n; i += 2) {
		if (strcmp(answer->headers.v[i], name) == 0)
			return answer->headers.v[i + 1];
	}
	return NULL;
}

/* Its status, and what its text begins with. */
static void check_answer(struct sbx_answer *answer, unsigned int status,
			 const char *prefix)
{
	cleanup_free char *text = sbx_strndup(answer->body, answer->size);

	if (!sbx_text_has_prefix(text, prefix))
		assert_string_equal(text, prefix);
	if (*prefix == '\0')
		assert_int_equal(answer->size, 0);
	assert_int_equal(answer->status, status);
	if (answer->size == 0)
		assert_null(answer->type);
	else
		assert_string_equal(answer->type, SBX_ANSWER_JSON);
	sbx_answer_clear(answer);
}

static void check_as(const char *owner, const char *text,
		     const char *const *lines, unsigned int status,
		     const char *prefix)
{
	struct sbx_answer answer = post_as(owner, text, lines);

	check_answer(&answer, status, prefix);
}

static void check(const char *text, const char *const *lines,
		  unsigned int status, const char *prefix)
{
	check_as("me", text, lines, status, prefix);
}

#define BEGIN "{\"jsonrpc\": \"2.0\", "
#define ASK(method, params)                                                    \
	BEGIN "\"id\": 7, \"method\": \"" method "\", \"params\": {" params "}}"
#define RESULT	    BEGIN "\"id\": 7, \"result\": {"
#define ERROR(code) BEGIN "\"id\": 7, \"error\": {\"code\": " code ", "

/* --- sessions -------------------------------------------------------------- */

/* Begins one; its header, free(). */
static char *begin_session(void)
{
	struct sbx_answer answer =
		post_as("me",
			ASK("initialize", "\"protocolVersion\": "
					  "\"2025-06-18\""),
			NO_LINES);
	const char *id = header_of(&answer, "Mcp-Session-Id");
	char *line;

	assert_non_null(id);
	line = sbx_asprintf("Mcp-Session-Id: %s", id);
	check_answer(&answer, 200,
		     RESULT "\"protocolVersion\": \"2025-06-18\"");
	return line;
}

static void test_session(void **state)
{
	cleanup_free char *session = begin_session();
	cleanup_free char *again = begin_session();

	(void)state;
	assert_string_not_equal(session, again);
	check(ASK("ping", ""), LINES(session), 200, RESULT "}}");
	check(ASK("tools/list", ""), LINES(session), 200,
	      RESULT "\"tools\": [{\"name\": \"a_b\"");
	check(ASK("nonsense", ""), LINES(session), 200, ERROR("-32601"));
	check(ASK("tools/call", "\"name\": \"x\""), LINES(session), 200,
	      ERROR("-32602"));
	check(BEGIN "\"method\": \"notifications/initialized\"}",
	      LINES(session), 202, "");
	check(ASK("ping", ""),
	      LINES(session, "MCP-Protocol-Version: 2025-06-18"), 200,
	      RESULT "}}");
	check(ASK("ping", ""),
	      LINES(session, "MCP-Protocol-Version: 2024-11-05"), 400,
	      ERROR("-32022"));
}

/* Nor is it anybody else's. */
static void test_no_session(void **state)
{
	cleanup_free char *session = begin_session();

	(void)state;
	check(ASK("ping", ""), NO_LINES, 400, ERROR("-32600"));
	check(ASK("ping", ""), LINES("Mcp-Session-Id: 0123"), 404,
	      ERROR("-32600"));
	check_as("you", ASK("ping", ""), LINES(session), 404, ERROR("-32600"));
	check(ASK("ping", ""), LINES(session), 200, RESULT "}}");
	check(BEGIN "\"method\": \"notifications/initialized\"}",
	      LINES("Mcp-Session-Id: 0123"), 404, BEGIN "\"error\": ");
	check(BEGIN "\"method\": \"notifications/initialized\"}", NO_LINES, 202,
	      "");
	check(BEGIN "\"id\": 1, \"result\": {}}", NO_LINES, 202, "");
}

/* Who does not say what he wants to begin with has not begun. */
static void test_no_beginning(void **state)
{
	struct sbx_answer answer =
		post_as("me", ASK("initialize", ""), NO_LINES);

	(void)state;
	assert_null(header_of(&answer, "Mcp-Session-Id"));
	check_answer(&answer, 200, ERROR("-32602"));
}

static void test_no_messages(void **state)
{
	(void)state;
	check("", NO_LINES, 400, BEGIN "\"error\": {\"code\": -32700");
	check("[]", NO_LINES, 400, BEGIN "\"error\": {\"code\": -32600");
	check("{\"id\": 7}", NO_LINES, 400, ERROR("-32600"));
}

static void del(const char *owner, const char *const *lines,
		unsigned int status)
{
	const struct sbx_exchange exchange = {
		.owner = owner,
		.connection = -1,
		.header = get,
		.query = get,
		.ctx = (void *)lines,
	};
	struct sbx_answer answer = { .status = 0 };

	sbx_on_mcp_delete(service, &exchange, &answer);
	assert_int_equal(answer.status, status);
	sbx_answer_clear(&answer);
}

static void test_delete(void **state)
{
	cleanup_free char *session = begin_session();

	(void)state;
	del("me", NO_LINES, 404);
	del("you", LINES(session), 404);
	del("me", LINES(session), 204);
	del("me", LINES(session), 404);
	check(ASK("ping", ""), LINES(session), 404, ERROR("-32600"));
}

/* Whoever asks for somebody may also end what he began for him. */
static void test_delete_for_another(void **state)
{
	struct sbx_answer answer =
		post_as("me",
			ASK("initialize", "\"protocolVersion\": "
					  "\"2025-06-18\""),
			LINES("Skillbox-Owner: you"));
	cleanup_free char *session = sbx_asprintf(
		"Mcp-Session-Id: %s", header_of(&answer, "Mcp-Session-Id"));

	(void)state;
	sbx_answer_clear(&answer);
	del("me", LINES(session), 404);
	del("me", LINES(session, "Skillbox-Owner: You"), 400);
	check_as("you", ASK("ping", ""), LINES(session), 200, RESULT "}}");
	del("me", LINES(session, "Skillbox-Owner: you"), 204);
	check_as("you", ASK("ping", ""), LINES(session), 404, ERROR("-32600"));
}

/* --- calls ----------------------------------------------------------------- */

#define CALL ASK("tools/call", "\"name\": \"a_b\"")

/* One in a thread of its own, in the session @line, up to its answer. */
struct caller {
	pthread_t thread;
	const char *line;
	struct sbx_answer answer;
};

static void *call(void *ctx)
{
	struct caller *caller = ctx;

	caller->answer = post_as("me", CALL, LINES(caller->line));
	return NULL;
}

/* The place is taken, so it waits. */
static void begin_call(struct caller *caller)
{
	take_place();
	assert_int_equal(pthread_create(&caller->thread, NULL, call, caller),
			 0);
	await_runs("me", 1);
}

static void end_call(struct caller *caller, unsigned int status,
		     const char *prefix)
{
	pthread_join(caller->thread, NULL);
	check_answer(&caller->answer, status, prefix);
	await_runs("me", 0);
}

static void test_call(void **state)
{
	cleanup_free char *session = begin_session();

	(void)state;
	check(CALL, LINES(session), 200,
	      RESULT "\"content\": [{\"type\": \"text\"");
	await_runs("me", 0);
}

/* An id that is in use is refused, and nothing of it stays. */
static void test_same_id(void **state)
{
	cleanup_free char *session = begin_session();
	cleanup_free char *other = begin_session();
	struct caller caller = { .line = session };

	(void)state;
	begin_call(&caller);
	check(CALL, LINES(session), 400, BEGIN "\"error\": {\"code\": -32600");
	assert_int_equal(count_runs("me"), 1);
	/* Another session is another client. */
	check(BEGIN "\"method\": \"notifications/cancelled\", \"params\": "
		    "{\"requestId\": 7}}",
	      LINES(other), 202, "");
	sbx_gate_leave(&place);
	end_call(&caller, 200, RESULT "\"content\": [");
}

static void test_cancel(void **state)
{
	cleanup_free char *session = begin_session();
	struct caller caller = { .line = session };

	(void)state;
	begin_call(&caller);
	check(BEGIN "\"method\": \"notifications/cancelled\", \"params\": "
		    "{\"requestId\": 7}}",
	      LINES(session), 202, "");
	end_call(&caller, 202, "");
	sbx_gate_leave(&place);
	check(CALL, LINES(session), 200, RESULT "\"content\": [");
}

/* What ends the session ends what it runs. */
static void test_delete_cancels(void **state)
{
	cleanup_free char *session = begin_session();
	struct caller caller = { .line = session };

	(void)state;
	begin_call(&caller);
	del("me", LINES(session), 204);
	end_call(&caller, 202, "");
	sbx_gate_leave(&place);
}

/* --- since 2026-07-28 ------------------------------------------------------ */

#define META(version)                                                          \
	"\"_meta\": {\"io.modelcontextprotocol/protocolVersion\": "            \
	"\"" version "\", \"io.modelcontextprotocol/clientCapabilities\": {}}"
#define NEW	META("2026-07-28")
#define VERSION "MCP-Protocol-Version: 2026-07-28"

static void test_stateless(void **state)
{
	(void)state;
	check(ASK("tools/list", NEW), LINES(VERSION, "Mcp-Method: tools/list"),
	      200, RESULT "\"resultType\": \"complete\"");
	check(ASK("tools/list", NEW), LINES(VERSION), 400, ERROR("-32020"));
	check(ASK("tools/list", NEW), LINES("Mcp-Method: tools/list"), 400,
	      ERROR("-32020"));
	check(ASK("ping", NEW), LINES(VERSION, "Mcp-Method: ping"), 404,
	      ERROR("-32601"));
	check(ASK("tools/list", META("2025-11-25")),
	      LINES(VERSION, "Mcp-Method: tools/list"), 400, ERROR("-32022"));
	check(ASK("tools/list", META("2099-01-01")), NO_LINES, 400,
	      ERROR("-32022"));
	check(ASK("tools/list",
		  "\"_meta\": {\"io.modelcontextprotocol/protocolVersion\": "
		  "\"2026-07-28\"}"),
	      LINES(VERSION, "Mcp-Method: tools/list"), 400, ERROR("-32602"));
	/* There is no session, whoever says that there is one. */
	check(ASK("tools/list", NEW),
	      LINES(VERSION, "Mcp-Method: tools/list", "Mcp-Session-Id: 1"),
	      200, RESULT "\"resultType\": \"complete\"");
	assert_int_equal(count_runs("me"), 0);
}

/* What its schema wants to have in a header is looked at before it runs. */
static void test_parameters(void **state)
{
	(void)state;
	skill_put("h", "  h: {input_schema: {properties: {r: {type: string, "
		       "x-mcp-header: Region}}}}\n");
	check(ASK("tools/call", "\"name\": \"h_h\", \"arguments\": {\"r\": "
				"\"eu\"}, " NEW),
	      LINES(VERSION, "Mcp-Method: tools/call", "Mcp-Name: h_h",
		    "Mcp-Param-Region: us"),
	      400, ERROR("-32020"));
	assert_int_equal(count_runs("me"), 0);
}

/* --- the others ------------------------------------------------------------ */

static struct sbx_answer get_with(bool is_local, const char *const *lines)
{
	const struct sbx_exchange exchange = {
		.owner = "me",
		.connection = -1,
		.is_local = is_local,
		.header = get,
		.query = get,
		.ctx = (void *)lines,
	};
	struct sbx_answer answer = { .status = 0 };

	sbx_on_mcp_get(service, &exchange, &answer);
	return answer;
}

static void check_no_stream(bool is_local, const char *const *lines)
{
	struct sbx_answer answer = get_with(is_local, lines);

	assert_false(answer.is_upgrade);
	assert_int_equal(answer.status, 405);
	assert_string_equal(header_of(&answer, "Allow"), "POST, DELETE");
	sbx_answer_clear(&answer);
}

/* A stream of messages is for whoever is on this host. */
static void test_get(void **state)
{
	struct sbx_answer answer = get_with(true, LINES("Upgrade: MCP"));

	(void)state;
	assert_true(answer.is_upgrade);
	check_no_stream(true, NO_LINES);
	check_no_stream(true, LINES("Upgrade: websocket"));
	check_no_stream(false, LINES("Upgrade: mcp"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, service_enter, service_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_session),	 TEST(test_no_session),
		TEST(test_no_beginning), TEST(test_no_messages),
		TEST(test_delete),	 TEST(test_delete_for_another),
		TEST(test_call),	 TEST(test_same_id),
		TEST(test_cancel),	 TEST(test_delete_cancels),
		TEST(test_stateless),	 TEST(test_parameters),
		TEST(test_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
