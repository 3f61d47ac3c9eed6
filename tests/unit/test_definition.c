/* SPDX-License-Identifier: MIT */
#include "mcp/definition.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"

/* Who relies on it: what a model knows of a tool is this and no more. */

static const char text[] =
	"schema_version: 1\n"
	"name: example\n"
	"version: 0.1.0\n"
	"description: All of it.\n"
	"actions:\n"
	"  plain: {}\n"
	"  whole:\n"
	"    title: Whole\n"
	"    description: Does it.\n"
	"    network: bridge\n"
	"    annotations: {readOnlyHint: true, idempotentHint: false}\n"
	"    input_schema: {type: object, required: [a]}\n"
	"    output_schema: {type: object, required: [b]}\n"
	"  list:\n"
	"    annotations: {openWorldHint: true}\n"
	"    input_schema: {type: array, items: {$ref: '#/$defs/a'}, "
	"$defs: {a: {type: 'null'}}}\n"
	"    output_schema: {items: {$ref: '#/$defs/a'}, "
	"$defs: {a: {type: 'null'}}}\n"
	"  all: {input_schema: true, output_schema: true}\n"
	"  none: {input_schema: false, output_schema: false}\n"
	"  reads: {volumes: ['data:/data:ro']}\n"
	"  writes: {volumes: ['data:/data:ro', 'more:/more']}\n"
	"  unwritten: {annotations: {readOnlyHint: false}}\n";

static struct sbx_manifest *manifest;

static int set_up(void **state)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	if (sbx_manifest_parse(text, strlen(text), "example", "skill.yaml",
			       &manifest, &problems, &err) == 0)
		return 0;
	fprintf(stderr, "%s\n", err.message);
	return -1;
}

static int tear_down(void **state)
{
	(void)state;
	sbx_manifest_free(&manifest);
	return 0;
}

static const struct sbx_action *action(const char *name)
{
	const struct sbx_action *found = sbx_manifest_action(manifest, name);

	assert_non_null(found);
	return found;
}

static json_t *define(const char *name, bool is_stateless)
{
	return sbx_mcp_tool_definition(manifest, action(name), "a_tool",
				       is_stateless);
}

static void check_line(json_t *value, const char *expected)
{
	cleanup_free char *line = value ? sbx_json_line(value) : NULL;

	assert_non_null(line);
	assert_string_equal(line, expected);
}

static void check_member(const char *name, bool is_stateless,
			 const char *member, const char *expected)
{
	json_auto_t *tool = define(name, is_stateless);

	check_line(json_object_get(tool, member), expected);
}

static void test_plain(void **state)
{
	json_auto_t *tool = define("plain", false);

	(void)state;
	check_line(tool,
		   "{\"name\": \"a_tool\", \"description\": \"All of it.\", "
		   "\"inputSchema\": {\"type\": \"object\"}, \"annotations\": "
		   "{\"openWorldHint\": false, \"readOnlyHint\": true}, "
		   "\"_meta\": {\"io.skillbox/skill\": \"example\", "
		   "\"io.skillbox/action\": \"plain\", "
		   "\"io.skillbox/version\": \"0.1.0\"}}");
}

static void test_whole(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		json_auto_t *tool = define("whole", i == 1);

		check_line(tool,
			   "{\"name\": \"a_tool\", \"title\": \"Whole\", "
			   "\"description\": \"Does it.\", \"inputSchema\": "
			   "{\"type\": \"object\", \"required\": [\"a\"]}, "
			   "\"outputSchema\": {\"type\": \"object\", "
			   "\"required\": [\"b\"]}, \"annotations\": "
			   "{\"readOnlyHint\": true, \"idempotentHint\": "
			   "false}, \"_meta\": {\"io.skillbox/skill\": "
			   "\"example\", \"io.skillbox/action\": \"whole\", "
			   "\"io.skillbox/version\": \"0.1.0\"}}");
	}
}

/* The last member of all, and its end the end of the text: mcp/tools.c. */
static void test_meta_is_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < manifest->n_actions; i++) {
		json_auto_t *tool = define(manifest->actions[i].name, false);
		cleanup_free char *line = sbx_json_line(tool);

		assert_non_null(
			strstr(line, "\"io.skillbox/version\": \"0.1.0\"}}"));
		assert_string_equal(strstr(line, "\"0.1.0\""), "\"0.1.0\"}}");
	}
}

#define ITEMS                                                                  \
	"{\"type\": \"object\", \"properties\": {\"%s\": {%s\"items\": "       \
	"{\"$ref\": \"#/properties/%s/$defs/a\"}, \"$defs\": {\"a\": "         \
	"{\"type\": \"null\"}}}}, \"required\": [\"%s\"], "                    \
	"\"additionalProperties\": false}"

static void test_wrapped(void **state)
{
	cleanup_free char *input = sbx_asprintf(
		ITEMS, "input", "\"type\": \"array\", ", "input", "input");
	cleanup_free char *output =
		sbx_asprintf(ITEMS, "result", "", "result", "result");

	(void)state;
	check_member("list", false, "inputSchema", input);
	check_member("list", true, "inputSchema", input);
	check_member("list", false, "outputSchema", output);
	check_member("list", true, "outputSchema",
		     "{\"items\": {\"$ref\": \"#/$defs/a\"}, \"$defs\": "
		     "{\"a\": {\"type\": \"null\"}}}");
}

/* A tool's schema is an object of keywords, whatever the action's is. */
static void test_truth(void **state)
{
	(void)state;
	check_member("all", true, "inputSchema", "{\"type\": \"object\"}");
	check_member("all", true, "outputSchema", "{}");
	check_member("none", true, "outputSchema", "{\"not\": {}}");
	check_member("none", true, "inputSchema",
		     "{\"type\": \"object\", \"properties\": {\"input\": "
		     "false}, \"required\": [\"input\"], "
		     "\"additionalProperties\": false}");
	check_member("none", false, "outputSchema",
		     "{\"type\": \"object\", \"properties\": {\"result\": "
		     "false}, \"required\": [\"result\"], "
		     "\"additionalProperties\": false}");
}

static void test_wraps(void **state)
{
	static const struct {
		const char *name;
		bool input;
		bool output;
	} samples[] = {
		{ "plain", false, false }, { "whole", false, false },
		{ "list", true, true },	   { "all", false, true },
		{ "none", true, true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const struct sbx_action *it = action(samples[i].name);

		assert_int_equal(sbx_mcp_wraps_input(it), samples[i].input);
		assert_int_equal(sbx_mcp_wraps_output(it), samples[i].output);
	}
}

/* What the sandbox says, unless the manifest does. */
static void test_annotations(void **state)
{
	(void)state;
	check_member("reads", false, "annotations",
		     "{\"openWorldHint\": false, \"readOnlyHint\": true}");
	check_member("writes", false, "annotations",
		     "{\"openWorldHint\": false}");
	check_member("list", false, "annotations",
		     "{\"openWorldHint\": true, \"readOnlyHint\": true}");
	check_member("unwritten", false, "annotations",
		     "{\"openWorldHint\": false, \"readOnlyHint\": false}");
}

static void test_apis(void **state)
{
	json_auto_t *openai =
		sbx_openai_definition(manifest, action("whole"), "a_tool");
	json_auto_t *anthropic =
		sbx_anthropic_definition(manifest, action("whole"), "a_tool");

	(void)state;
	check_line(openai,
		   "{\"type\": \"function\", \"function\": {\"name\": "
		   "\"a_tool\", \"description\": \"Does it.\", "
		   "\"parameters\": {\"type\": \"object\", \"required\": "
		   "[\"a\"]}}}");
	check_line(anthropic, "{\"name\": \"a_tool\", \"description\": "
			      "\"Does it.\", \"input_schema\": {\"type\": "
			      "\"object\", \"required\": [\"a\"]}}");
}

/* Neither the action nor the skill has to say what it is. */
static void test_no_description(void **state)
{
	char *description = sbx_take(manifest->description);
	json_auto_t *tool = define("plain", false);
	json_auto_t *openai =
		sbx_openai_definition(manifest, action("plain"), "a_tool");
	json_auto_t *anthropic =
		sbx_anthropic_definition(manifest, action("plain"), "a_tool");

	(void)state;
	manifest->description = description;
	assert_null(json_object_get(tool, "description"));
	check_line(openai, "{\"type\": \"function\", \"function\": {\"name\": "
			   "\"a_tool\", \"parameters\": {\"type\": "
			   "\"object\"}}}");
	check_line(anthropic, "{\"name\": \"a_tool\", \"input_schema\": "
			      "{\"type\": \"object\"}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_meta_is_last),
		cmocka_unit_test(test_wrapped),
		cmocka_unit_test(test_truth),
		cmocka_unit_test(test_wraps),
		cmocka_unit_test(test_annotations),
		cmocka_unit_test(test_apis),
		cmocka_unit_test(test_no_description),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
