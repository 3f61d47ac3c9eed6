/* SPDX-License-Identifier: MIT */
#include "mcp/session_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/schema.h"

/* Who relies on it: mcp/tools.c, and serve/session_tools.c for each call. */

static const char *const names[SBX_MCP_SESSION_COUNT] = {
	[SBX_MCP_SESSION_CREATE] = "session_create",
	[SBX_MCP_SESSION_LIST] = "session_list",
	[SBX_MCP_SESSION_LOGS] = "session_logs",
	[SBX_MCP_SESSION_PAUSE] = "session_pause",
	[SBX_MCP_SESSION_READ_FILE] = "session_read_file",
	[SBX_MCP_SESSION_RESUME] = "session_resume",
	[SBX_MCP_SESSION_RUN] = "session_run",
	[SBX_MCP_SESSION_STATUS] = "session_status",
	[SBX_MCP_SESSION_STOP] = "session_stop",
	[SBX_MCP_SESSION_WRITE_FILE] = "session_write_file",
};

static void check_schema(const json_t *schema)
{
	struct sbx_schema_problems problems = SBX_SCHEMA_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_schema *compiled = NULL;

	assert_string_equal(sbx_json_text_at(schema, "type", NULL), "object");
	if (sbx_schema_compile(schema, &compiled, &problems, &err) < 0)
		fail_msg("%s", err.message);
	sbx_schema_free(&compiled);
	sbx_schema_problems_free(&problems);
}

static void test_definitions(void **state)
{
	json_t *all = sbx_mcp_session_tools();

	(void)state;
	assert_int_equal(json_array_size(all), SBX_MCP_SESSION_COUNT - 1);
	for (size_t i = 1; i < SBX_MCP_SESSION_COUNT; i++) {
		const json_t *tool = json_array_get(all, i - 1);

		assert_string_equal(sbx_json_text_at(tool, "name", NULL),
				    names[i]);
		assert_non_null(sbx_json_text_at(tool, "description", NULL));
		check_schema(json_object_get(tool, "inputSchema"));
		check_schema(json_object_get(tool, "outputSchema"));
	}
	json_decref(all);
}

/* What is wrong, or "". */
static void check(enum sbx_mcp_session_tool tool, const char *text,
		  const char *why)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *arguments = json_loads(text, 0, NULL);
	int result = sbx_mcp_session_tools_check(tool, arguments, &err);

	json_decref(arguments);
	if (*why == '\0') {
		if (result < 0)
			fail_msg("%s: %s", text, err.message);
		return;
	}
	assert_int_equal(result, -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(err.message, why))
		fail_msg("%s: %s", text, err.message);
}

static void test_check(void **state)
{
	(void)state;
	check(SBX_MCP_SESSION_CREATE, "{\"name\": \"a\", \"skill\": \"s\"}",
	      "");
	check(SBX_MCP_SESSION_CREATE, "{\"name\": \"a\"}", "skill");
	check(SBX_MCP_SESSION_CREATE, "{\"name\": \"A\", \"skill\": \"s\"}",
	      "/name");
	check(SBX_MCP_SESSION_CREATE,
	      "{\"name\": \"a\", \"skill\": \"s\", \"owner\": \"o\"}", "owner");
	check(SBX_MCP_SESSION_LIST, "{}", "");
	check(SBX_MCP_SESSION_LIST, "{\"owner\": \"o\"}", "owner");
	check(SBX_MCP_SESSION_RUN, "{\"name\": \"a\", \"input\": [1]}", "");
	check(SBX_MCP_SESSION_RUN, "{\"name\": \"a\", \"command\": []}",
	      "/command");
	check(SBX_MCP_SESSION_STOP, "{}", "name");
	check(SBX_MCP_SESSION_STOP, "[]", "object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_definitions),
		cmocka_unit_test(test_check),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
