/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/tool_name.h"

#define TEN   "a123456789"
#define FIFTY TEN TEN TEN TEN TEN

#define HEAD  "schema_version: 1\nname: example\nversion: 0.1.0\n"

static const char text[] = HEAD "actions:\n"
				"  run: {}\n"
				"  named: {tool_name: Run-It_now}\n"
				"  " FIFTY "a12345: {}\n"
				"  " FIFTY "a123456: {}\n"
				"  " FIFTY "b123456: {tool_name: " FIFTY TEN
				"abcd}\n";

static struct sbx_manifest *parse(struct sbx_problems *problems)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *manifest = NULL;

	if (sbx_manifest_parse(text, strlen(text), "example", "skill.yaml",
			       &manifest, problems, &err) != 0)
		fail_msg("%s", err.message);
	return manifest;
}

/* The action's own word, else SKILL_ACTION, as long as 64 characters do. */
static void test_names(void **state)
{
	static const char *const expected[] = {
		"example_run", "Run-It_now",	 "example_" FIFTY "a12345",
		NULL,	       FIFTY TEN "abcd",
	};
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_manifest *manifest = parse(&problems);

	(void)state;
	assert_int_equal(manifest->n_actions, SBX_ARRAY_SIZE(expected));
	for (size_t i = 0; i < manifest->n_actions; i++) {
		char name[SBX_TOOL_NAME_SIZE];
		bool found;

		memset(name, 'x', sizeof(name));
		found = sbx_action_tool_name(manifest, &manifest->actions[i],
					     name);
		assert_int_equal(found, expected[i] != NULL);
		assert_string_equal(name, expected[i] ? expected[i] : "");
		assert_int_equal(sbx_name_is_tool(name), found);
	}
	sbx_manifest_free(&manifest);
}

/* What is no tool is an action all the same. */
static void test_warning(void **state)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_manifest *manifest = parse(&problems);

	(void)state;
	assert_int_equal(problems.warnings.n, 1);
	assert_string_equal(problems.warnings.v[0],
			    "8:62: actions." FIFTY "a123456: "
			    "example_" FIFTY "a123456 is longer than the 64 "
			    "characters of an MCP tool's name: give a "
			    "tool_name to make it one");
	assert_non_null(sbx_manifest_action(manifest, FIFTY "a123456"));
	sbx_manifest_free(&manifest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_warning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
