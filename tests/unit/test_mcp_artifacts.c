/* SPDX-License-Identifier: MIT */
/* What an action leaves is shown to a client as what it is. */
#include "mcp/result.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"

static json_t *result_of(const char *outcome, const char *name, int size)
{
	char skill[] = "plot";
	char action[] = "draw";
	const struct sbx_mcp_tool tool = { .skill = skill, .action = action };
	json_auto_t *record = json_pack(
		"{s:s, s:s, s:s, s:s, s:[{s:s, s:i, s:s}]}", "outcome", outcome,
		"run_id", "r1", "output", "text", "error", "why", "artifacts",
		"name", name, "size", size, "data", "AAEC");

	return sbx_mcp_result(record, &tool, SBX_MCP_2025_11_25);
}

static void assert_shown(const char *name, int size, const char *type,
			 const char *media_type)
{
	json_auto_t *result = result_of("ok", name, size);
	const json_t *content = json_object_get(result, "content");
	const json_t *block = json_array_get(content, 1);

	assert_int_equal(json_array_size(content), 2);
	assert_string_equal(sbx_json_text_at(block, "type", NULL), type);
	assert_string_equal(sbx_json_text_at(block, "mimeType", NULL),
			    media_type);
	assert_string_equal(sbx_json_text_at(block, "data", NULL), "AAEC");
}

static void assert_resource(const char *name, int size, const char *uri,
			    const char *media_type)
{
	json_auto_t *result = result_of("ok", name, size);
	const json_t *content = json_object_get(result, "content");
	const json_t *block = json_array_get(content, 1);

	assert_string_equal(sbx_json_text_at(block, "type", NULL), "resource");
	assert_string_equal(sbx_json_text_at(block, "resource", "uri", NULL),
			    uri);
	assert_string_equal(
		sbx_json_text_at(block, "resource", "mimeType", NULL),
		media_type);
	assert_string_equal(sbx_json_text_at(block, "resource", "blob", NULL),
			    "AAEC");
}

static void test_images_and_audio(void **state)
{
	(void)state;
	assert_shown("a/b.png", 3, "image", "image/png");
	assert_shown("a.JPG", 3, "image", "image/jpeg");
	assert_shown("x.svg", 1 << 20, "image", "image/svg+xml");
	assert_shown("a.b.mp3", 3, "audio", "audio/mpeg");
}

static void test_all_else_is_a_resource(void **state)
{
	(void)state;
	assert_resource("a.csv", 3, "skillbox://plot/draw/r1/a.csv",
			"application/octet-stream");
	assert_resource("png", 3, "skillbox://plot/draw/r1/png",
			"application/octet-stream");
	assert_resource("a.png/b c?\xc3\xa4%", 3,
			"skillbox://plot/draw/r1/a.png/b%20c%3F%C3%A4%25",
			"application/octet-stream");
	assert_resource("big.png", (1 << 20) + 1,
			"skillbox://plot/draw/r1/big.png", "image/png");
}

static void test_not_of_a_failure(void **state)
{
	json_auto_t *result = result_of("failed", "a.png", 3);

	(void)state;
	assert_true(json_is_true(json_object_get(result, "isError")));
	for (size_t i = 0;
	     i < json_array_size(json_object_get(result, "content")); i++)
		assert_string_equal(
			sbx_json_text_at(
				json_array_get(
					json_object_get(result, "content"), i),
				"type", NULL),
			"text");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_images_and_audio),
		cmocka_unit_test(test_all_else_is_a_resource),
		cmocka_unit_test(test_not_of_a_failure),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
