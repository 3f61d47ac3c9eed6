/* SPDX-License-Identifier: MIT */
#include "skill/skill_test.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"

/*
 * A test that expects nothing in particular still expects success; each
 * difference gets a line of its own that says where, what and what instead.
 */

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	assert_int_equal(sbx_json_parse(text, strlen(text), &value, &err), 0);
	return value;
}

static const char good[] =
	"{\"status\": 0, \"output\": {\"a\": 1, \"b\": [1, 2]}, "
	"\"error\": null, \"outcome\": \"ok\", \"stderr\": \"warm up\"}";
static const char bad[] =
	"{\"status\": 3, \"output\": null, \"error\": \"no such page\", "
	"\"outcome\": \"failed\", \"stderr\": \"\"}";

static const struct {
	const char *record, *expect, *why; /* why "": as expected */
} samples[] = {
	{ good, "{}", "" },
	{ good, "{\"status\": 0, \"outcome\": \"ok\"}", "" },
	{ good, "{\"output\": {\"b\": [1, 2], \"a\": 1.0}}", "" },
	{ good, "{\"output_subset\": {\"a\": 1}}", "" },
	{ good, "{\"stderr_contains\": \"warm\"}", "" },
	{ bad, "{\"status\": 3}", "" },
	{ bad, "{\"error_contains\": \"such\"}", "" },
	{ bad, "{\"outcome\": \"failed\", \"output\": null}", "" },

	{ bad, "{}", "outcome: expected \"ok\", got \"failed\"\n" },
	{ bad, "{\"output\": null}",
	  "outcome: expected \"ok\", got \"failed\"\n" },
	{ good, "{\"status\": 3}", "status: expected 3, got 0\n" },
	{ good, "{\"output\": {\"a\": 1}}",
	  "output /b: not expected, got [1, 2]\n" },
	{ good, "{\"output\": {\"a\": 2, \"b\": [1]}}",
	  "output /a: expected 2, got 1\n"
	  "output /b/1: not expected, got 2\n" },
	{ good, "{\"output_subset\": {\"c\": 1}}",
	  "output /c: expected 1, got nothing\n" },
	{ good, "{\"output\": \"text\"}",
	  "output (whole): expected \"text\", "
	  "got {\"a\": 1, \"b\": [1, 2]}\n" },
	{ good, "{\"error_contains\": \"x\"}",
	  "error: expected \"x\" in it, but it is empty\n" },
	{ good, "{\"stderr_contains\": \"cold\"}",
	  "stderr: expected \"cold\" somewhere in: warm up\n" },
	{ bad, "{\"status\": 4, \"error_contains\": \"gone\"}",
	  "status: expected 4, got 3\n"
	  "error: expected \"gone\" somewhere in: no such page\n" },
};

static void test_check(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		json_auto_t *record = parse(samples[i].record);
		json_auto_t *expect = parse(samples[i].expect);
		struct sbx_skill_test test = { .expect = expect };
		struct sbx_buf why = SBX_BUF_INIT(4096);

		assert_int_equal(sbx_skill_test_check(&test, record, &why),
				 samples[i].why[0] == '\0');
		assert_string_equal(sbx_buf_text(&why), samples[i].why);
		sbx_buf_free(&why);
	}
}

/* A record that lacks a member is a difference, not a crash. */
static void test_missing_members(void **state)
{
	json_auto_t *record = parse("{}");
	json_auto_t *expect =
		parse("{\"status\": 0, \"output\": 1, \"stderr_contains\": "
		      "\"x\"}");
	struct sbx_skill_test test = { .expect = expect };
	struct sbx_buf why = SBX_BUF_INIT(4096);

	(void)state;
	assert_false(sbx_skill_test_check(&test, record, &why));
	assert_string_equal(sbx_buf_text(&why),
			    "status: expected 0, got nothing\n"
			    "output (whole): expected 1, got nothing\n"
			    "stderr: expected \"x\" in it, but it is "
			    "empty\n");
	sbx_buf_free(&why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_missing_members),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
