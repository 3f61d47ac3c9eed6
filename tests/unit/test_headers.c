/* SPDX-License-Identifier: MIT */
#include "mcp/headers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/schema.h"

/*
 * Who relies on it: whoever stands between a client and us and decides by
 * headers, so that they say of a request what its body says.
 */

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

static struct sbx_mcp_headers headers_of(const char *const *lines)
{
	return (struct sbx_mcp_headers){ .get = get, .ctx = (void *)lines };
}

static void parse(const char *text, struct sbx_mcp_message *out)
{
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(text, strlen(text), out, &refusal) < 0)
		fail_msg("%s", text);
}

/* That it is the error @code that says @why, or (NULL) none. */
static void check_error(json_t *error, int code, const char *why)
{
	if (!why) {
		if (error)
			fail_msg("%s", sbx_json_text_at(error, "error",
							"message", NULL));
		return;
	}
	assert_non_null(error);
	assert_int_equal(sbx_mcp_error_code(error), code);
	assert_string_equal(sbx_json_text_at(error, "error", "message", NULL),
			    why);
	assert_int_equal(sbx_json_int_at(0, error, "id", NULL), 7);
	json_decref(error);
}

#define REQUEST "{\"jsonrpc\": \"2.0\", \"id\": 7, \"method\": "
#define CALL	REQUEST "\"tools/call\", \"params\": {\"name\": "

static void check(const char *text, const char *const *lines, const char *why)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	const struct sbx_mcp_headers headers = headers_of(lines);

	parse(text, &message);
	check_error(
		sbx_mcp_headers_check(&headers, &message, SBX_MCP_2026_07_28),
		SBX_MCP_HEADER_MISMATCH, why);
}

#define VERSION "mcp-protocol-version: 2026-07-28"
#define METHOD	"Mcp-Method: tools/call"
#define SAYS	"says something else than the body"

static void test_standard(void **state)
{
	static const char list[] = REQUEST "\"tools/list\"}";
	static const char call[] = CALL "\"a_b\"}}";

	(void)state;
	check(list, LINES(VERSION, "MCP-METHOD: tools/list"), NULL);
	check(list, LINES(VERSION, "Mcp-Method: tools/list", "Mcp-Name: x"),
	      NULL);
	check(call, LINES(VERSION, METHOD, "Mcp-Name: a_b"), NULL);
	check(list, LINES("Mcp-Method: tools/list"),
	      "Header mismatch: MCP-Protocol-Version is missing");
	check(list,
	      LINES("MCP-Protocol-Version: 2025-11-25",
		    "Mcp-Method: tools/list"),
	      "Header mismatch: MCP-Protocol-Version " SAYS);
	check(list, LINES(VERSION), "Header mismatch: Mcp-Method is missing");
	check(list, LINES(VERSION, METHOD),
	      "Header mismatch: Mcp-Method " SAYS);
	check(list, LINES(VERSION, "Mcp-Method: Tools/List"),
	      "Header mismatch: Mcp-Method " SAYS);
	check(call, LINES(VERSION, METHOD),
	      "Header mismatch: Mcp-Name is missing");
	check(call, LINES(VERSION, METHOD, "Mcp-Name: a_c"),
	      "Header mismatch: Mcp-Name " SAYS);
	check(call, LINES(VERSION, METHOD, "Mcp-Name: "),
	      "Header mismatch: Mcp-Name " SAYS);
	check(call, LINES(VERSION, "Mcp-Name: a_b"),
	      "Header mismatch: Mcp-Method is missing");
	check(CALL "1}}", LINES(VERSION, METHOD, "Mcp-Name: "),
	      "Header mismatch: Mcp-Name " SAYS);
	check(REQUEST "\"tools/call\"}", LINES(VERSION, METHOD, "Mcp-Name: "),
	      "Header mismatch: Mcp-Name " SAYS);
	check(CALL "1}}", LINES(VERSION, METHOD, "Mcp-Name: 1"),
	      "Header mismatch: Mcp-Name " SAYS);
}

/* =?base64?...?= is what is in it, and nothing else is. */
static void test_encoded(void **state)
{
	static const struct {
		const char *header;
		const char *name;
		bool is_same;
	} samples[] = {
		{ "Mcp-Name: =?base64?YV9i?=", "a_b", true },
		{ "Mcp-Name: =?base64?YV9j?=", "a_b", false },
		{ "Mcp-Name: =?base64?w7w=?=", "\u00fc", true },
		{ "Mcp-Name: \u00fc", "\u00fc", false },
		{ "Mcp-Name: =?base64?IGEg?=", " a ", true },
		{ "Mcp-Name: =?base64?YQpi?=", "a\\nb", true },
		{ "Mcp-Name: =?base64?"
		  "?=",
		  "", true },
		{ "Mcp-Name: =?base64?PT9iYXNlNjQ/YT89?=", "=?base64?a?=",
		  true },
		{ "Mcp-Name: =?base64?a?=", "=?base64?a?=", false },
		{ "Mcp-Name: =?base64?YV9i", "=?base64?YV9i", true },
		{ "Mcp-Name: =?base64?=", "=?base64?=", true },
		{ "Mcp-Name: =?BASE64?YV9i?=", "a_b", false },
		{ "Mcp-Name: =?base64?YV9?=", "a_", false },
		{ "Mcp-Name: =?base64?YV9i ?=", "a_b", false },
		{ "Mcp-Name: YV9i", "a_b", false },
		{ "Mcp-Name: a\tb", "a\\tb", true },
		{ "Mcp-Name: a\x7f", "a\\u007f", false },
		{ "Mcp-Name: a\x01", "a\\u0001", false },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *text =
			sbx_asprintf(CALL "\"%s\"}}", samples[i].name);

		check(text, LINES(VERSION, METHOD, samples[i].header),
		      samples[i].is_same ? NULL
					 : "Header mismatch: Mcp-Name " SAYS);
	}
}

/* A text goes on behind U+0000, on either side. */
static void test_nul(void **state)
{
	(void)state;
	check(CALL "\"a\\u0000b\"}}", LINES(VERSION, METHOD, "Mcp-Name: a"),
	      "Header mismatch: Mcp-Name " SAYS);
	check(CALL "\"a\"}}",
	      LINES(VERSION, METHOD, "Mcp-Name: =?base64?YQBi?="),
	      "Header mismatch: Mcp-Name " SAYS);
	check(CALL "\"a\\u0000b\"}}",
	      LINES(VERSION, METHOD, "Mcp-Name: =?base64?YQBj?="),
	      "Header mismatch: Mcp-Name " SAYS);
	check(CALL "\"a\\u0000b\"}}",
	      LINES(VERSION, METHOD, "Mcp-Name: =?base64?YQBi?="), NULL);
}

static const char schema[] =
	"{\"type\": \"object\", \"properties\": {"
	"\"region\": {\"type\": \"string\", \"x-mcp-header\": \"Region\"}, "
	"\"count\": {\"type\": \"integer\", \"x-mcp-header\": \"Count\"}, "
	"\"really\": {\"type\": \"boolean\", \"x-mcp-header\": \"Really\"}, "
	"\"free\": {\"type\": \"string\"}, "
	"\"of\": {\"properties\": {\"of\": {\"properties\": {\"deep\": "
	"{\"x-mcp-header\": \"Deep\"}}}}}, "
	"\"list\": {\"items\": {\"properties\": {\"no\": {\"x-mcp-header\": "
	"\"No\"}}}}}}";

static void check_parameters(const char *arguments, const char *const *lines,
			     const char *why)
{
	cleanup_free char *text =
		sbx_asprintf(CALL "\"a\", \"arguments\": %s}}", arguments);
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	const struct sbx_mcp_headers headers = headers_of(lines);
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *document = NULL;

	assert_int_equal(
		sbx_json_parse(schema, strlen(schema), &document, &err), 0);
	parse(text, &message);
	check_error(
		sbx_mcp_headers_check_parameters(&headers, &message, document),
		SBX_MCP_HEADER_MISMATCH, why);
}

static void test_parameters(void **state)
{
	(void)state;
	check_parameters("{}", LINES("A: b"), NULL);
	check_parameters("{\"free\": \"a\", \"list\": [{\"no\": 1}]}",
			 LINES("A: b"), NULL);
	check_parameters("{\"region\": \"us\", \"count\": 42, \"really\": "
			 "true, \"of\": {\"of\": {\"deep\": \"a b\"}}}",
			 LINES("MCP-PARAM-REGION: us", "Mcp-Param-Count: 42",
			       "Mcp-Param-Really: true", "Mcp-Param-Deep: a b"),
			 NULL);
	check_parameters("{\"region\": null}", LINES("A: b"), NULL);
	check_parameters("{\"of\": {\"of\": 1}}", LINES("A: b"), NULL);
	check_parameters("{\"region\": \"us\"}", LINES("A: b"),
			 "Header mismatch: Mcp-Param-Region is missing");
	check_parameters("{\"region\": \"us\"}", LINES("Mcp-Param-Region: eu"),
			 "Header mismatch: Mcp-Param-Region " SAYS);
	check_parameters("{}", LINES("Mcp-Param-Region: us"),
			 "Header mismatch: Mcp-Param-Region is of nothing in "
			 "the body");
	check_parameters("{\"region\": null}", LINES("Mcp-Param-Region: null"),
			 "Header mismatch: Mcp-Param-Region is of nothing in "
			 "the body");
	check_parameters("{\"of\": {\"of\": {\"deep\": \"a\"}}}", LINES("A: b"),
			 "Header mismatch: Mcp-Param-Deep is missing");
	check_parameters("{\"of\": {\"of\": {\"deep\": \"a\"}}}",
			 LINES("Mcp-Param-Deep: b"),
			 "Header mismatch: Mcp-Param-Deep " SAYS);
	check_parameters("{\"of\": {\"deep\": \"a\"}}",
			 LINES("Mcp-Param-Deep: a"),
			 "Header mismatch: Mcp-Param-Deep is of nothing in the "
			 "body");
	/* What is no value of the kind is for the schema to refuse. */
	check_parameters("{\"region\": {}}", LINES("Mcp-Param-Region: {}"),
			 "Header mismatch: Mcp-Param-Region " SAYS);
}

static bool has_any(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *document = NULL;

	assert_int_equal(sbx_json_parse(text, strlen(text), &document, &err),
			 0);
	return sbx_mcp_headers_any_parameter(document);
}

static void test_any(void **state)
{
	(void)state;
	assert_true(has_any(schema));
	assert_true(has_any("{\"properties\": {\"a\": {}, \"b\": "
			    "{\"properties\": {\"c\": {\"x-mcp-header\": "
			    "\"C\"}}}}}"));
	assert_false(has_any("{}"));
	assert_false(has_any("true"));
	assert_false(has_any("{\"x-mcp-header\": \"C\"}"));
	assert_false(has_any("{\"properties\": {\"a\": {\"x-mcp-header\": 1}, "
			     "\"x-mcp-header\": true}}"));
	assert_false(has_any("{\"properties\": {\"a\": {\"items\": "
			     "{\"properties\": {\"b\": {\"x-mcp-header\": "
			     "\"B\"}}}}}}"));
}

/* However deep it is. */
static void test_deep(void **state)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	const struct sbx_mcp_headers headers = headers_of(LINES("A: b"));
	json_t *document = json_pack("{s:s}", "x-mcp-header", "Deep");
	json_t *arguments = json_string("a");

	(void)state;
	for (int i = 0; i < SBX_SCHEMA_LEVELS_MAX; i++) {
		document = json_pack("{s:{s:o}}", "properties", "a", document);
		arguments = json_pack("{s:o}", "a", arguments);
	}
	parse(CALL "\"a\", \"arguments\": {}}}", &message);
	json_object_set_new(json_object_get(message.whole, "params"),
			    "arguments", arguments);
	assert_true(sbx_mcp_headers_any_parameter(document));
	check_error(
		sbx_mcp_headers_check_parameters(&headers, &message, document),
		SBX_MCP_HEADER_MISMATCH,
		"Header mismatch: Mcp-Param-Deep is missing");
	json_decref(document);
}

/* An encoded text is decoded, and odd characters are none. */
static void test_parameter_texts(void **state)
{
	(void)state;
	check_parameters("{\"region\": \"Hello, \u4e16\u754c\"}",
			 LINES("Mcp-Param-Region: "
			       "=?base64?SGVsbG8sIOS4lueVjA==?="),
			 NULL);
	check_parameters("{\"region\": \"\u4e16\"}",
			 LINES("Mcp-Param-Region: \u4e16"),
			 "Header mismatch: Mcp-Param-Region " SAYS);
	check_parameters("{\"region\": \"42\"}",
			 LINES("Mcp-Param-Region: 42.0"),
			 "Header mismatch: Mcp-Param-Region " SAYS);
}

#define COUNT "Mcp-Param-Count: "

/* By what they are worth, and to the last digit. */
static void test_numbers(void **state)
{
	static const struct {
		const char *value;
		const char *header;
		bool is_same;
	} samples[] = {
		{ "42", COUNT "42", true },
		{ "42", COUNT "42.0", true },
		{ "42", COUNT "4.2e1", true },
		{ "42.0", COUNT "42", true },
		{ "4.2e1", COUNT "42", true },
		{ "-7", COUNT "-7", true },
		{ "0", COUNT "0", true },
		{ "42", COUNT "43", false },
		{ "42", COUNT "42.5", false },
		{ "42", COUNT "42x", false },
		{ "42", COUNT "0x2a", false },
		{ "0", COUNT "", false },
		{ "0", COUNT "zero", false },
		{ "0", COUNT "nan", false },
		{ "1", COUNT "inf", false },
		{ "1", COUNT "true", false },
		{ "9007199254740993", COUNT "9007199254740993", true },
		{ "9007199254740993", COUNT "9007199254740992", false },
		{ "9007199254740993", COUNT "9007199254740992.0", false },
		{ "9007199254740992.0", COUNT "9007199254740993", false },
		{ "-9007199254740993", COUNT "-9007199254740992.0", false },
		{ "9007199254740991", COUNT "9007199254740991.0", true },
		{ "-9007199254740991.0", COUNT "-9007199254740991", true },
		{ "9223372036854775807", COUNT "9223372036854775808", false },
		{ "9223372036854775807", COUNT "9223372036854775807", true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *arguments =
			sbx_asprintf("{\"count\": %s}", samples[i].value);

		check_parameters(arguments, LINES(samples[i].header),
				 samples[i].is_same
					 ? NULL
					 : "Header mismatch: Mcp-Param-Count "
					   "says something else than the body");
	}
}

static void test_booleans(void **state)
{
	(void)state;
	check_parameters("{\"really\": false}",
			 LINES("Mcp-Param-Really: false"), NULL);
	check_parameters("{\"really\": false}", LINES("Mcp-Param-Really: true"),
			 "Header mismatch: Mcp-Param-Really " SAYS);
	check_parameters("{\"really\": true}", LINES("Mcp-Param-Really: True"),
			 "Header mismatch: Mcp-Param-Really " SAYS);
	check_parameters("{\"really\": true}", LINES("Mcp-Param-Really: 1"),
			 "Header mismatch: Mcp-Param-Really " SAYS);
}

static void check_session(const char *const *lines, int code, const char *why)
{
	cleanup_mcp_message struct sbx_mcp_message message =
		SBX_MCP_MESSAGE_INIT;
	const struct sbx_mcp_headers headers = headers_of(lines);

	parse(REQUEST "\"ping\"}", &message);
	check_error(sbx_mcp_headers_check_session(&headers, &message), code,
		    why);
}

static void test_session(void **state)
{
	static const char none[] = "Unsupported protocol version";

	(void)state;
	check_session(LINES("A: b"), 0, NULL);
	check_session(LINES("MCP-Protocol-Version: 2025-06-18"), 0, NULL);
	check_session(LINES("MCP-Protocol-Version: 2025-11-25"), 0, NULL);
	check_session(LINES("MCP-Protocol-Version: 2026-07-28"),
		      SBX_MCP_INVALID_PARAMS,
		      "_meta: a request of MCP-Protocol-Version says there "
		      "the same, and its clientCapabilities");
	check_session(LINES("MCP-Protocol-Version: 2024-11-05"),
		      SBX_MCP_UNSUPPORTED_REVISION, none);
	check_session(LINES("MCP-Protocol-Version: "),
		      SBX_MCP_UNSUPPORTED_REVISION, none);
	check_session(LINES("MCP-Protocol-Version: \377"),
		      SBX_MCP_UNSUPPORTED_REVISION, none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_standard),
		cmocka_unit_test(test_encoded),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_parameters),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_parameter_texts),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_booleans),
		cmocka_unit_test(test_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
