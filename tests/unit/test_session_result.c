/* SPDX-License-Identifier: MIT */
#include "mcp/session_result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"

/* Who relies on it: serve/mcp_run.c. */

static const char *text_of(const json_t *result)
{
	return sbx_json_text_at(
		json_array_get(json_object_get(result, "content"), 0), "text",
		NULL);
}

static void test_value(void **state)
{
	json_t *result = sbx_mcp_session_result(
		SBX_MCP_SESSION_LIST, json_pack("{s:[]}", "sessions"));

	(void)state;
	assert_string_equal(text_of(result), "{\"sessions\": []}");
	assert_true(json_is_false(json_object_get(result, "isError")));
	assert_true(json_is_array(
		sbx_json_at(result, "structuredContent", "sessions", NULL)));
	json_decref(result);
	result = sbx_mcp_session_result(SBX_MCP_SESSION_LOGS,
					json_pack("{s:s}", "logs", "a\nb\n"));
	assert_string_equal(text_of(result), "a\nb\n");
	assert_string_equal(
		sbx_json_text_at(result, "structuredContent", "logs", NULL),
		"a\nb\n");
	json_decref(result);
}

static json_t *run_result(const char *record)
{
	json_t *value = json_loads(record, 0, NULL);
	json_t *result = sbx_mcp_session_run_result(value, SBX_MCP_2025_11_25);

	json_decref(value);
	return result;
}

static void test_run(void **state)
{
	json_t *result = run_result(
		"{\"status\": 0, \"output\": \"out\", \"error\": null, "
		"\"outcome\": \"ok\", \"skill\": \"s\", \"action\": \"a\", "
		"\"run_id\": \"r\", \"exit_code\": 0, \"stderr\": \"err\", "
		"\"artifacts\": [], \"owner\": \"o\"}");
	json_t *expected = json_pack("{s:s, s:s, s:i, s:i, s:s, s:s}", "run_id",
				     "r", "outcome", "ok", "status", 0,
				     "exit_code", 0, "output", "out", "stderr",
				     "err");

	(void)state;
	assert_string_equal(text_of(result), "out");
	assert_true(json_equal(json_object_get(result, "structuredContent"),
			       expected));
	json_decref(expected);
	json_decref(result);
}

/* Of a session that is not there: nothing is known of it. */
static void test_failure(void **state)
{
	json_t *result = run_result(
		"{\"status\": 66, \"output\": null, \"error\": \"no session\", "
		"\"outcome\": \"not_found\", \"skill\": null, \"action\": "
		"null, "
		"\"run_id\": \"r\", \"exit_code\": null, \"stderr\": \"\", "
		"\"artifacts\": []}");

	(void)state;
	assert_true(json_is_true(json_object_get(result, "isError")));
	assert_string_equal(text_of(result), "not_found: no session");
	assert_string_equal(
		sbx_json_text_at(result, "structuredContent", "outcome", NULL),
		"not_found");
	json_decref(result);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
