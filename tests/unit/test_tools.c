/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "mcp/tools.h"
#include "mcp_skills.h"

/*
 * Who relies on it: whoever changes a skill sees it at once, and no name is of
 * two tools.
 */

#define TEN   "a123456789"
#define FIFTY TEN TEN TEN TEN TEN

/* The names of a page, "a b c", with " ..." when there are more. */
static char *page(struct sbx_mcp_tools *tools, const char *after, size_t max)
{
	cleanup_buf struct sbx_buf list = SBX_BUF_INIT(1 << 20);
	cleanup_buf struct sbx_buf names = SBX_BUF_INIT(1 << 20);
	cleanup_free char *text = NULL;
	char last[SBX_TOOL_NAME_SIZE] = "";
	bool is_more = sbx_mcp_tools_list(tools, true, after, max, &list, last);
	struct sbx_error err = SBX_ERROR_INIT;
	const char *name = "";
	json_t *array = NULL;
	json_t *tool;
	size_t i;

	text = sbx_asprintf("[%s]", sbx_buf_text(&list));
	if (sbx_json_parse(text, strlen(text), &array, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	json_array_foreach (array, i, tool) {
		name = sbx_json_text_at(tool, "name", NULL);
		sbx_buf_printf(&names, "%s%s", i ? " " : "", name);
	}
	if (is_more)
		sbx_buf_puts(&names, " ...");
	if (is_more || i)
		assert_string_equal(last, name);
	json_decref(array);
	return sbx_strdup(sbx_buf_text(&names));
}

static void check_page(struct sbx_mcp_tools *tools, const char *after,
		       size_t max, const char *expected)
{
	cleanup_free char *names = page(tools, after, max);

	assert_string_equal(names, expected);
}

static void check_all(struct sbx_mcp_tools *tools, const char *expected)
{
	check_page(tools, NULL, 1000, expected);
}

static void check_said(const char *expected)
{
	assert_string_equal(sbx_buf_text(&skills_said), expected);
	sbx_buf_free(&skills_said);
}

/* What the tool of that name runs: "SKILL ACTION", or NULL. */
static void check_found(struct sbx_mcp_tools *tools, const char *name,
			const char *expected)
{
	cleanup_mcp_tool struct sbx_mcp_tool tool = SBX_MCP_TOOL_INIT;
	cleanup_free char *found = NULL;

	if (!sbx_mcp_tools_find(tools, name, &tool)) {
		assert_null(tool.skill);
		assert_null(expected);
		return;
	}
	assert_non_null(expected);
	assert_string_equal(tool.name, name);
	found = sbx_asprintf("%s %s", tool.skill, tool.action);
	assert_string_equal(found, expected);
}

static void test_order(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("b", "  z: {}\n  a: {}\n");
	skill_put("a-b", "  c: {}\n");
	skill_put("a", "  c: {tool_name: Zeta}\n  z: {}\n");
	tools = skills_tools();
	check_all(tools, "Zeta a-b_c a_z b_a b_z");
	check_said("");
	check_found(tools, "Zeta", "a c");
	check_found(tools, "a-b_c", "a-b c");
	check_found(tools, "b_z", "b z");
	check_found(tools, "a_c", NULL);
	check_found(tools, "b_", NULL);
	check_found(tools, "b_zz", NULL);
	check_found(tools, "", NULL);
	sbx_mcp_tools_free(&tools);
	assert_null(tools);
	sbx_mcp_tools_free(&tools);
}

static void test_pages(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {}\n  d: {}\n  f: {}\n  h: {}\n");
	tools = skills_tools();
	check_page(tools, NULL, 2, "a_b a_d ...");
	check_page(tools, "a_d", 2, "a_f a_h");
	check_page(tools, "a_d", 1, "a_f ...");
	check_page(tools, NULL, 4, "a_b a_d a_f a_h");
	check_page(tools, NULL, 3, "a_b a_d a_f ...");
	check_page(tools, "a_h", 4, "");
	/* A page goes on behind what is no more. */
	check_page(tools, "a_c", 4, "a_d a_f a_h");
	check_page(tools, "A", 1, "a_b ...");
	check_page(tools, "z", 4, "");
	sbx_mcp_tools_free(&tools);
}

static void test_empty(void **state)
{
	struct sbx_mcp_tools *tools = skills_tools();

	(void)state;
	check_all(tools, "");
	check_found(tools, "a_b", NULL);
	skill_put("a", "  b: {}\n");
	check_found(tools, "a_b", "a b");
	check_all(tools, "a_b");
	sbx_mcp_tools_free(&tools);
}

/* What a call has to know. */
static void test_tool(void **state)
{
	cleanup_mcp_tool struct sbx_mcp_tool plain = SBX_MCP_TOOL_INIT;
	cleanup_mcp_tool struct sbx_mcp_tool list = SBX_MCP_TOOL_INIT;
	cleanup_mcp_tool struct sbx_mcp_tool bytes = SBX_MCP_TOOL_INIT;
	cleanup_mcp_tool struct sbx_mcp_tool picture = SBX_MCP_TOOL_INIT;
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a",
		  "  plain: {}\n"
		  "  list: {input_schema: {type: array}, output_schema: {}}\n"
		  "  bytes: {output: binary}\n"
		  "  picture: {output: file, media_type: image/png}\n");
	tools = skills_tools();
	assert_true(sbx_mcp_tools_find(tools, "a_plain", &plain));
	assert_true(sbx_mcp_tools_find(tools, "a_list", &list));
	assert_true(sbx_mcp_tools_find(tools, "a_bytes", &bytes));
	assert_true(sbx_mcp_tools_find(tools, "a_picture", &picture));
	sbx_mcp_tools_free(&tools);
	assert_false(plain.wraps_input || plain.wraps_output ||
		     plain.has_output_schema || plain.is_binary);
	assert_null(plain.media_type);
	assert_null(plain.input_schema);
	assert_true(list.wraps_input && list.wraps_output &&
		    list.has_output_schema);
	assert_false(list.is_binary);
	assert_true(bytes.is_binary);
	assert_null(bytes.media_type);
	assert_true(picture.is_binary);
	assert_string_equal(picture.media_type, "image/png");
}

/* Its schema, where there is something in it for headers: a copy for each. */
static void test_schema(void **state)
{
	cleanup_mcp_tool struct sbx_mcp_tool one = SBX_MCP_TOOL_INIT;
	cleanup_mcp_tool struct sbx_mcp_tool two = SBX_MCP_TOOL_INIT;
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {input_schema: {type: array, x: {properties: {c: "
		       "{x-mcp-header: C}}}}}\n"
		       "  d: {input_schema: {properties: {e: {properties: {f: "
		       "{x-mcp-header: F}}}}}}\n");
	tools = skills_tools();
	assert_true(sbx_mcp_tools_find(tools, "a_b", &one));
	assert_null(one.input_schema);
	sbx_mcp_tool_clear(&one);
	assert_true(sbx_mcp_tools_find(tools, "a_d", &one));
	assert_true(sbx_mcp_tools_find(tools, "a_d", &two));
	sbx_mcp_tools_free(&tools);
	assert_string_equal(sbx_json_text_at(one.input_schema, "properties",
					     "e", "properties", "f",
					     "x-mcp-header", NULL),
			    "F");
	assert_string_equal(sbx_json_text_at(one.input_schema, "type", NULL),
			    "object");
	assert_true(json_equal(one.input_schema, two.input_schema));
	assert_int_equal(one.input_schema->refcount, 1);
	assert_int_equal(
		json_object_get(one.input_schema, "properties")->refcount, 1);
}

static void test_changes(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {}\n");
	skill_put("c", "  d: {}\n");
	tools = skills_tools();
	skill_put("a", "  bb: {}\n");
	check_found(tools, "a_b", NULL);
	check_found(tools, "a_bb", "a bb");
	skill_put("a", "  bbb: {}\n");
	check_all(tools, "a_bbb c_d");
	skill_put("b", "  e: {}\n");
	check_all(tools, "a_bbb b_e c_d");
	skill_remove("a");
	check_found(tools, "a_bbb", NULL);
	check_all(tools, "b_e c_d");
	skill_remove("c");
	check_all(tools, "b_e");
	skill_put("c", "  d: {tool_name: x}\n");
	check_found(tools, "c_d", NULL);
	check_found(tools, "x", "c d");
	check_said("");
	sbx_mcp_tools_free(&tools);
}

static void check_wraps(struct sbx_mcp_tools *tools, const char *name,
			bool wraps)
{
	cleanup_mcp_tool struct sbx_mcp_tool tool = SBX_MCP_TOOL_INIT;

	assert_true(sbx_mcp_tools_find(tools, name, &tool));
	assert_int_equal(tool.wraps_input, wraps);
}

/* A tool that there still is, of whichever skill. */
static void test_changes_what_it_is(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {}\n");
	skill_put("b", "  b: {}\n");
	skill_put("c", "  b: {}\n");
	tools = skills_tools();
	skill_put("c", "  b: {input_schema: {type: string}}\n");
	check_wraps(tools, "a_b", false);
	check_wraps(tools, "b_b", false);
	check_wraps(tools, "c_b", true);
	skill_put("a", "  b: {input_schema: {type: string}}\n");
	check_wraps(tools, "a_b", true);
	skill_put("b", "  b: {input_schema: {type: string}}\n");
	check_wraps(tools, "b_b", true);
	sbx_mcp_tools_free(&tools);
}

static bool says(struct sbx_mcp_tools *tools, const char *text)
{
	cleanup_buf struct sbx_buf list = SBX_BUF_INIT(1 << 20);
	char last[SBX_TOOL_NAME_SIZE];

	assert_false(sbx_mcp_tools_list(tools, false, NULL, 1000, &list, last));
	return strstr(sbx_buf_text(&list), text) != NULL;
}

/* The description is in SKILL.md where the manifest has none. */
static void test_changes_beside_it(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {}\n");
	tools = skills_tools();
	assert_false(says(tools, "description"));
	put("skills/a/SKILL.md", "---\nname: a\ndescription: Old.\n---\n");
	assert_true(says(tools, "\"description\": \"Old.\""));
	put("skills/a/SKILL.md", "---\nname: a\ndescription: Newer.\n---\n");
	assert_true(says(tools, "\"description\": \"Newer.\""));
	sbx_mcp_tools_free(&tools);
}

static void test_eras(void **state)
{
	cleanup_buf struct sbx_buf old = SBX_BUF_INIT(1 << 20);
	cleanup_buf struct sbx_buf new = SBX_BUF_INIT(1 << 20);
	char last[SBX_TOOL_NAME_SIZE];
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {output_schema: {type: array}}\n");
	tools = skills_tools();
	sbx_mcp_tools_list(tools, false, NULL, 1, &old, last);
	sbx_mcp_tools_list(tools, true, NULL, 1, &new, last);
	assert_non_null(strstr(sbx_buf_text(&old), "\"result\""));
	assert_non_null(strstr(sbx_buf_text(&new),
			       "\"outputSchema\": {\"type\": \"array\"}"));
	sbx_mcp_tools_free(&tools);
}

static bool is_ready(void *ctx, const char *skill, const char *action)
{
	assert_string_equal(action, strcmp(skill, "a") == 0 ? "b" : "d");
	return strcmp(skill, ctx) == 0;
}

static void test_ready(void **state)
{
	struct sbx_mcp_tools_options options = {
		.catalog = &skills,
		.is_ready = is_ready,
		.ctx = (char[]){ "c" },
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools = NULL;

	(void)state;
	skill_put("a", "  b: {}\n");
	skill_put("c", "  d: {}\n");
	assert_int_equal(sbx_mcp_tools_new(&tools, &options, &err), 0);
	assert_true(says(tools, "\"a\", \"io.skillbox/action\": \"b\", "
				"\"io.skillbox/version\": \"0.1.0\", "
				"\"io.skillbox/ready\": false}}, {"));
	assert_true(says(tools, "\"io.skillbox/version\": \"0.1.0\", "
				"\"io.skillbox/ready\": true}}"));
	check_all(tools, "a_b c_d");
	sbx_mcp_tools_free(&tools);
}

/* One broken skill takes nothing from the others, and is told of once. */
static void test_broken(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {}\n");
	skill_put("broken", "  b: {unknown: 1}\n");
	tools = skills_tools();
	assert_true(sbx_text_has_prefix(sbx_buf_text(&skills_said),
					"skill broken is no tool: "));
	assert_non_null(strstr(sbx_buf_text(&skills_said), "skill.yaml:5:7: "));
	sbx_buf_free(&skills_said);
	check_all(tools, "a_b");
	check_found(tools, "broken_b", NULL);
	check_said("");
	skill_put("a", "  b: {unknown: 1}\n");
	check_found(tools, "a_b", NULL);
	assert_true(sbx_text_has_prefix(sbx_buf_text(&skills_said),
					"skill a is no tool: "));
	sbx_buf_free(&skills_said);
	skill_put("broken", "  b: {}\n");
	check_all(tools, "broken_b");
	check_said("");
	sbx_mcp_tools_free(&tools);
}

static void check_refused(const char *message)
{
	const struct sbx_mcp_tools_options options = { .catalog = &skills };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools = NULL;

	assert_int_equal(sbx_mcp_tools_new(&tools, &options, &err), -1);
	assert_null(tools);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_string_equal(err.message, message);
}

static void test_taken(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a", "  b: {}\n");
	skill_put("c", "  d: {tool_name: a_b}\n  e: {}\n");
	check_refused("a b and c d are both the tool a_b: give one of them "
		      "another tool_name");
	skill_put("c", "  e: {}\n");
	tools = skills_tools();
	skill_put("c", "  d: {tool_name: a_b}\n  e: {}\n");
	check_all(tools, "a_b c_e");
	check_said("a b and c d are both the tool a_b: give one of them "
		   "another tool_name\n");
	check_found(tools, "a_b", "a b");
	check_all(tools, "a_b c_e");
	check_said("");
	/* It is free again. */
	skill_remove("a");
	check_found(tools, "a_b", "c d");
	sbx_mcp_tools_free(&tools);
}

#define SESSIONS                                                               \
	"session_create session_list session_logs session_pause "              \
	"session_read_file session_resume session_run session_status "         \
	"session_stop session_write_file"

/* Those of sessions are among the others, and theirs is what they are called. */
static void test_sessions(void **state)
{
	const struct sbx_mcp_tools_options options = {
		.catalog = &skills,
		.warn = skills_warn,
		.has_sessions = true,
	};
	struct sbx_mcp_tool tool = SBX_MCP_TOOL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools = NULL;

	(void)state;
	assert_int_equal(sbx_mcp_tools_new(&tools, &options, &err), 0);
	check_all(tools, SESSIONS);
	skill_put("a", "  b: {}\n");
	skill_put("z", "  c: {}\n");
	check_all(tools, "a_b " SESSIONS " z_c");
	check_page(tools, "session_list", 1, "session_logs ...");
	assert_true(sbx_mcp_tools_find(tools, "session_run", &tool));
	assert_int_equal(tool.session, SBX_MCP_SESSION_RUN);
	sbx_mcp_tool_clear(&tool);
	assert_true(sbx_mcp_tools_find(tools, "a_b", &tool));
	assert_int_equal(tool.session, SBX_MCP_SESSION_NONE);
	sbx_mcp_tool_clear(&tool);
	skill_put("a", "  b: {tool_name: session_run}\n");
	check_all(tools, SESSIONS " z_c");
	check_said("a b is the tool session_run, which is one of sessions: "
		   "give it another tool_name\n");
	sbx_mcp_tools_free(&tools);
	assert_int_equal(sbx_mcp_tools_new(&tools, &options, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	tools = skills_tools();
	check_all(tools, "session_run z_c");
	sbx_mcp_tools_free(&tools);
}

/* They need no image. */
static void test_sessions_are_ready(void **state)
{
	const struct sbx_mcp_tools_options options = {
		.catalog = &skills,
		.is_ready = is_ready,
		.has_sessions = true,
	};
	cleanup_buf struct sbx_buf list = SBX_BUF_INIT(1 << 20);
	char last[SBX_TOOL_NAME_SIZE];
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools = NULL;

	(void)state;
	assert_int_equal(sbx_mcp_tools_new(&tools, &options, &err), 0);
	sbx_mcp_tools_list(tools, true, NULL, 100, &list, last);
	assert_null(strstr(sbx_buf_text(&list), "ready"));
	sbx_mcp_tools_free(&tools);
}

static void test_too_long(void **state)
{
	struct sbx_mcp_tools *tools;

	(void)state;
	skill_put("a-long-name-b", "  " FIFTY ": {}\n  b: {}\n");
	tools = skills_tools();
	check_all(tools, "a-long-name-b_" FIFTY " a-long-name-b_b");
	sbx_mcp_tools_free(&tools);
	skill_put("a-long-name-b", "  " FIFTY "1: {}\n  b: {}\n");
	check_refused("a-long-name-b_" FIFTY "1 is too long for the name of a "
		      "tool: give the action a tool_name");
	skill_put("a-long-name-b", "  b: {}\n");
	tools = skills_tools();
	skill_put("a-long-name-b", "  " FIFTY "1: {}\n  b: {}\n");
	check_all(tools, "a-long-name-b_b");
	check_said("a-long-name-b_" FIFTY "1 is too long for the name of a "
		   "tool: give the action a tool_name\n");
	check_found(tools, "a-long-name-b_b", "a-long-name-b b");
	sbx_mcp_tools_free(&tools);
}

/* The first directory that has a skill wins, and may get it later. */
static void test_directories(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools;

	(void)state;
	sbx_catalog_close(&skills);
	assert_int_equal(mkdir("more", 0700), 0);
	assert_int_equal(sbx_catalog_open(&skills, "more:skills", &err), 0);
	skill_put("a", "  b: {}\n");
	tools = skills_tools();
	check_all(tools, "a_b");
	skill_put("a", "  c: {}\n");
	assert_int_equal(rename("skills/a", "more/a"), 0);
	skill_put("a", "  b: {}\n");
	check_found(tools, "a_b", NULL);
	check_found(tools, "a_c", "a c");
	check_all(tools, "a_c");
	sbx_mcp_tools_free(&tools);
}

/* A store is none of what is no directory, and says why. */
static void test_no_catalog(void **state)
{
	const struct sbx_mcp_tools_options options = { .catalog = &skills };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_mcp_tools *tools = NULL;

	(void)state;
	assert_int_equal(rename("skills", "elsewhere"), 0);
	put("skills", "");
	assert_int_equal(sbx_mcp_tools_new(&tools, &options, &err), -1);
	assert_null(tools);
	assert_int_not_equal(err.outcome, SBX_OUTCOME_OK);
	assert_non_null(strstr(err.message, "skills"));
}

#define TEST(name)                                                             \
	cmocka_unit_test_setup_teardown(name, skills_enter, skills_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_pages),
		TEST(test_empty),
		TEST(test_tool),
		TEST(test_schema),
		TEST(test_changes),
		TEST(test_changes_what_it_is),
		TEST(test_changes_beside_it),
		TEST(test_eras),
		TEST(test_ready),
		TEST(test_broken),
		TEST(test_taken),
		TEST(test_sessions),
		TEST(test_sessions_are_ready),
		TEST(test_too_long),
		TEST(test_directories),
		TEST(test_no_catalog),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
