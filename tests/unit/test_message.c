/* SPDX-License-Identifier: MIT */
#include "mcp/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"
#include "codec/json.h"

/* Who relies on it: mcp/protocol.c, and each transport. */

#define BEGIN "{\"jsonrpc\": \"2.0\", "

static void parse(const char *text, struct sbx_mcp_message *out)
{
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(text, strlen(text), out, &refusal) < 0) {
		cleanup_free char *line = sbx_json_line(refusal);

		fail_msg("%s: %s", text, line);
	}
	assert_null(refusal);
}

static void check_line(json_t *value, const char *expected)
{
	cleanup_free char *line = sbx_json_line(value);

	assert_string_equal(line, expected);
	json_decref(value);
}

static void test_request(void **state)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;

	(void)state;
	parse(BEGIN "\"id\": \"a\", \"method\": \"m\", \"params\": {\"b\": "
		    "1}}",
	      &message);
	assert_true(sbx_mcp_is_request(&message));
	assert_string_equal(json_string_value(message.id), "a");
	assert_string_equal(message.method, "m");
	assert_int_equal(sbx_json_int_at(0, message.params, "b", NULL), 1);
	sbx_mcp_message_clear(&message);
	assert_null(message.whole);
	parse(BEGIN "\"id\": 0, \"method\": \"\"}", &message);
	assert_true(sbx_mcp_is_request(&message));
	assert_int_equal(json_integer_value(message.id), 0);
	assert_null(message.params);
}

static void test_notification(void **state)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;

	(void)state;
	parse(BEGIN "\"method\": \"n\"}", &message);
	assert_false(sbx_mcp_is_request(&message));
	assert_string_equal(message.method, "n");
	assert_null(message.id);
}

/* Nothing is asked, so what they answer does not matter, nor to what. */
static void test_response(void **state)
{
	static const char *const texts[] = {
		BEGIN "\"id\": 1, \"result\": {}}",
		BEGIN "\"id\": 1, \"result\": null}",
		BEGIN "\"id\": null, \"error\": {\"code\": 1}}",
		BEGIN "\"error\": {}}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		cleanup_mcp_message struct sbx_mcp_message message =
			SBX_MCP_MESSAGE_INIT;

		parse(texts[i], &message);
		assert_null(message.method);
		assert_false(sbx_mcp_is_request(&message));
	}
}

/* With the id wherever there is a good one, and none elsewhere. */
static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *id;
		const char *why;
	} samples[] = {
		{ "", SBX_MCP_PARSE_ERROR, NULL, "line 1, column " },
		{ "{\"id\": 1", SBX_MCP_PARSE_ERROR, NULL, "line 1, column " },
		{ BEGIN "\"id\": 1, \"id\": 2, \"method\": \"m\"}",
		  SBX_MCP_PARSE_ERROR, NULL, "line 1, column " },
		{ BEGIN "\"id\": 9223372036854775808, \"method\": \"m\"}",
		  SBX_MCP_PARSE_ERROR, NULL, "line 1, column " },
		{ "[]", SBX_MCP_INVALID_REQUEST, NULL, "batches are not" },
		{ "[" BEGIN "\"id\": 1, \"method\": \"m\"}]",
		  SBX_MCP_INVALID_REQUEST, NULL, "batches are not" },
		{ "1", SBX_MCP_INVALID_REQUEST, NULL, "expected an object" },
		{ "null", SBX_MCP_INVALID_REQUEST, NULL, "expected an object" },
		{ "{\"id\": 1, \"method\": \"m\"}", SBX_MCP_INVALID_REQUEST,
		  "1", "jsonrpc: expected \"2.0\"" },
		{ "{\"jsonrpc\": 2.0, \"id\": \"\", \"method\": \"m\"}",
		  SBX_MCP_INVALID_REQUEST, "\"\"", "jsonrpc: expected" },
		{ "{\"jsonrpc\": \"2.1\", \"method\": \"m\"}",
		  SBX_MCP_INVALID_REQUEST, NULL, "jsonrpc: expected" },
		{ BEGIN "\"id\": null, \"method\": \"m\"}",
		  SBX_MCP_INVALID_REQUEST, NULL, "id: expected" },
		{ BEGIN "\"id\": 1.0, \"method\": \"m\"}",
		  SBX_MCP_INVALID_REQUEST, NULL, "id: expected" },
		{ BEGIN "\"id\": [1], \"method\": \"m\"}",
		  SBX_MCP_INVALID_REQUEST, NULL, "id: expected" },
		{ BEGIN "\"id\": 1}", SBX_MCP_INVALID_REQUEST, "1",
		  "method: expected a text" },
		{ BEGIN "\"id\": 1, \"method\": 1}", SBX_MCP_INVALID_REQUEST,
		  "1", "method: expected a text" },
		{ BEGIN "\"id\": 1, \"method\": \"ping\\u0000\"}",
		  SBX_MCP_INVALID_REQUEST, "1", "method: expected a text" },
		{ BEGIN "\"id\": 1, \"method\": \"m\", \"params\": []}",
		  SBX_MCP_INVALID_REQUEST, "1", "params: expected an object" },
		{ BEGIN "\"id\": 1, \"method\": \"m\", \"params\": null}",
		  SBX_MCP_INVALID_REQUEST, "1", "params: expected an object" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_mcp_message message = SBX_MCP_MESSAGE_INIT;
		cleanup_free char *id = NULL;
		json_t *refusal = NULL;
		const char *why;

		assert_int_equal(sbx_mcp_message_parse(samples[i].text,
						       strlen(samples[i].text),
						       &message, &refusal),
				 -1);
		assert_null(message.whole);
		assert_int_equal(sbx_mcp_error_code(refusal), samples[i].code);
		why = sbx_json_text_at(refusal, "error", "message", NULL);
		if (!sbx_text_has_prefix(why, samples[i].why))
			assert_string_equal(why, samples[i].why);
		if (samples[i].id) {
			id = sbx_json_line(json_object_get(refusal, "id"));
			assert_string_equal(id, samples[i].id);
		} else {
			assert_null(json_object_get(refusal, "id"));
		}
		json_decref(refusal);
	}
}

static void test_made(void **state)
{
	json_auto_t *id = json_string("a\nb");
	json_auto_t *good = sbx_mcp_response(id, json_object());

	(void)state;
	assert_int_equal(sbx_mcp_error_code(good), 0);
	check_line(json_incref(good), "{\"jsonrpc\": \"2.0\", \"id\": "
				      "\"a\\nb\", \"result\": {}}");
	check_line(sbx_mcp_error(id, -32601, "No", NULL),
		   "{\"jsonrpc\": \"2.0\", \"id\": \"a\\nb\", \"error\": "
		   "{\"code\": -32601, \"message\": \"No\"}}");
	check_line(sbx_mcp_error(NULL, -32600, "No", json_true()),
		   "{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32600, "
		   "\"message\": \"No\", \"data\": true}}");
	check_line(sbx_mcp_notification("n", json_object()),
		   "{\"jsonrpc\": \"2.0\", \"method\": \"n\", \"params\": "
		   "{}}");
	/* Each has its own reference. */
	assert_int_equal(id->refcount, 2);
}

/* Whoever cuts a text may cut it within a character: it is one all the same. */
static void test_odd_texts(void **state)
{
	char text[2000];
	json_t *error;

	(void)state;
	check_line(sbx_mcp_error(NULL, -32602, "a \xc3", NULL),
		   "{\"jsonrpc\": \"2.0\", \"error\": {\"code\": -32602, "
		   "\"message\": \"a \ufffd\"}}");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	error = sbx_mcp_error(NULL, -32602, text, NULL);
	assert_int_equal(sbx_mcp_error_code(error), -32602);
	assert_int_equal(
		strlen(sbx_json_text_at(error, "error", "message", NULL)),
		1024);
	json_decref(error);
}

/* Only who asks for tools makes images worth while. */
static void test_of_tools(void **state)
{
	static const struct {
		const char *text;
		bool is;
	} all[] = {
		{ "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": "
		  "\"tools/list\"}",
		  true },
		{ "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": "
		  "\"tools/call\"}",
		  true },
		{ "{\"jsonrpc\": \"2.0\", \"method\": \"tools/call\"}", false },
		{ "{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"ping\"}",
		  false },
		{ "{\"jsonrpc\": \"2.0\", \"id\": 1, \"result\": {}}", false },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(all); i++) {
		cleanup_mcp_message struct sbx_mcp_message message =
			SBX_MCP_MESSAGE_INIT;
		json_t *refusal = NULL;

		assert_int_equal(sbx_mcp_message_parse(all[i].text,
						       strlen(all[i].text),
						       &message, &refusal),
				 0);
		assert_int_equal(sbx_mcp_is_of_tools(&message), all[i].is);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_notification),
		cmocka_unit_test(test_response),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_made),
		cmocka_unit_test(test_odd_texts),
		cmocka_unit_test(test_of_tools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
