/* SPDX-License-Identifier: MIT */
#include "mcp/result.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/outcome.h"
#include "base/text.h"
#include "codec/json.h"

/* Who relies on it: what a model sees of a run is this. */

#define META                                                                   \
	"\"_meta\": {\"io.skillbox/run\": {\"run_id\": \"r1\", "               \
	"\"outcome\": \"%s\", \"status\": 3, \"duration_ms\": 1.5, "           \
	"\"start\": \"warm\"}}}"

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	if (sbx_json_parse(text, strlen(text), &value, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return value;
}

/* A record with what is told of it, and something that is not. */
static json_t *record_of(const char *outcome, const char *rest)
{
	cleanup_free char *text = sbx_asprintf(
		"{\"outcome\": \"%s\", \"status\": 3, \"run_id\": \"r1\", "
		"\"duration_ms\": 1.5, \"start\": \"warm\", \"owner\": \"me\", "
		"%s}",
		outcome, rest);

	return parse(text);
}

static struct sbx_mcp_tool tool_of(void)
{
	static char skill[] = "s";
	static char action[] = "a";

	return (struct sbx_mcp_tool){
		.name = "s_a",
		.skill = skill,
		.action = action,
	};
}

static void check_line(json_t *value, const char *expected)
{
	cleanup_free char *line = value ? sbx_json_line(value) : NULL;

	assert_non_null(line);
	assert_string_equal(line, expected);
	json_decref(value);
}

/* The result without its "_meta", which is checked. */
static void check(const char *outcome, const char *rest,
		  const struct sbx_mcp_tool *tool,
		  enum sbx_mcp_revision revision, const char *expected)
{
	json_auto_t *record = record_of(outcome, rest);
	cleanup_free char *whole = sbx_asprintf("%s, " META, expected, outcome);

	check_line(sbx_mcp_result(record, tool, revision), whole);
}

/* The same in all revisions. */
static void check_all(const char *outcome, const char *rest,
		      const struct sbx_mcp_tool *tool, const char *expected)
{
	for (int i = 0; i < SBX_MCP_REVISION_COUNT; i++)
		check(outcome, rest, tool, (enum sbx_mcp_revision)i, expected);
}

static void test_text(void **state)
{
	const struct sbx_mcp_tool tool = tool_of();

	(void)state;
	check_all("ok", "\"output\": \"gr\u00fcn\\n\", \"stderr\": \"x\"",
		  &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": "
		  "\"gr\u00fcn\\n\"}], \"isError\": false");
	check_all("ok", "\"output\": \"a\\u0000b\"", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": "
		  "\"a\\u0000b\"}], \"isError\": false");
	check_all("ok", "\"output\": {\"a\": [1.0, \"b\"]}", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": \"{\\\"a\\\": "
		  "[1.0, \\\"b\\\"]}\"}], \"isError\": false");
	check_all("ok", "\"output\": 3", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": \"3\"}], "
		  "\"isError\": false");
	check_all("ok", "\"output\": null", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": \"\"}], "
		  "\"isError\": false");
}

static void test_structured(void **state)
{
	struct sbx_mcp_tool tool = tool_of();

	(void)state;
	tool.has_output_schema = true;
	check_all("ok", "\"output\": {\"a\": 1}", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": \"{\\\"a\\\": "
		  "1}\"}], \"isError\": false, \"structuredContent\": "
		  "{\"a\": 1}");
	/* What is no object is the member of one, for those who want that. */
	tool.wraps_output = true;
	for (int i = SBX_MCP_2025_06_18; i <= SBX_MCP_2025_11_25; i++)
		check("ok", "\"output\": [1]", &tool, (enum sbx_mcp_revision)i,
		      "{\"content\": [{\"type\": \"text\", \"text\": "
		      "\"[1]\"}], \"isError\": false, \"structuredContent\": "
		      "{\"result\": [1]}");
	check("ok", "\"output\": [1]", &tool, SBX_MCP_2026_07_28,
	      "{\"content\": [{\"type\": \"text\", \"text\": \"[1]\"}], "
	      "\"isError\": false, \"structuredContent\": [1]");
	check("ok", "\"output\": null", &tool, SBX_MCP_2025_11_25,
	      "{\"content\": [{\"type\": \"text\", \"text\": \"\"}], "
	      "\"isError\": false, \"structuredContent\": {\"result\": null}");
}

static void test_blocks(void **state)
{
	struct sbx_mcp_tool tool = tool_of();

	(void)state;
	check_all("ok",
		  "\"output\": {\"mcp_content\": [{\"type\": \"text\", "
		  "\"text\": \"a\"}, {\"type\": \"image\", \"data\": \"AAAA\", "
		  "\"mimeType\": \"image/png\"}], \"b\": 1}",
		  &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": \"a\"}, "
		  "{\"type\": \"image\", \"data\": \"AAAA\", \"mimeType\": "
		  "\"image/png\"}], \"isError\": false");
	check_all("ok", "\"output\": {\"mcp_content\": []}", &tool,
		  "{\"content\": [], \"isError\": false");
	/* They are content, and nothing else of it is. */
	tool.has_output_schema = true;
	check_all("ok", "\"output\": {\"mcp_content\": [], \"b\": 1}", &tool,
		  "{\"content\": [], \"isError\": false, "
		  "\"structuredContent\": {\"b\": 1}");
	tool.wraps_output = true;
	check("ok", "\"output\": {\"mcp_content\": [], \"b\": 1}", &tool,
	      SBX_MCP_2025_06_18,
	      "{\"content\": [], \"isError\": false, \"structuredContent\": "
	      "{\"result\": {\"b\": 1}}");
}

/* The record is not ours to change. */
static void test_record_is_left_alone(void **state)
{
	json_auto_t *record =
		record_of("ok", "\"output\": {\"mcp_content\": [], \"b\": 1}");
	json_auto_t *before = json_deep_copy(record);
	struct sbx_mcp_tool tool = tool_of();

	(void)state;
	tool.has_output_schema = true;
	json_decref(sbx_mcp_result(record, &tool, SBX_MCP_2026_07_28));
	assert_true(json_equal(record, before));
}

static void test_wrong_blocks(void **state)
{
	struct sbx_mcp_tool tool = tool_of();

	(void)state;
	tool.has_output_schema = true;
	check_all("ok", "\"output\": {\"mcp_content\": [{\"type\": \"text\"}]}",
		  &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": "
		  "\"bad_output: mcp_content/0/text: expected a text\"}], "
		  "\"isError\": true");
	check_all("ok", "\"output\": {\"mcp_content\": null}", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": "
		  "\"bad_output: mcp_content: expected a list of content "
		  "blocks\"}], \"isError\": true");
}

static void check_bytes(char *media_type, const char *expected)
{
	cleanup_free char *whole = sbx_asprintf(
		"{\"content\": [%s], \"isError\": false", expected);
	struct sbx_mcp_tool tool = tool_of();

	tool.is_binary = true;
	tool.media_type = media_type;
	check_all("ok", "\"output\": \"AAEC\"", &tool, whole);
}

static void test_bytes(void **state)
{
	(void)state;
	check_bytes((char[]){ "image/svg+xml" },
		    "{\"type\": \"image\", \"data\": \"AAEC\", \"mimeType\": "
		    "\"image/svg+xml\"}");
	check_bytes((char[]){ "audio/wav" },
		    "{\"type\": \"audio\", \"data\": \"AAEC\", \"mimeType\": "
		    "\"audio/wav\"}");
	check_bytes((char[]){ "application/pdf" },
		    "{\"type\": \"resource\", \"resource\": {\"uri\": "
		    "\"skillbox://s/a/r1\", \"mimeType\": "
		    "\"application/pdf\", \"blob\": \"AAEC\"}}");
	check_bytes((char[]){ "images/png" },
		    "{\"type\": \"resource\", \"resource\": {\"uri\": "
		    "\"skillbox://s/a/r1\", \"mimeType\": \"images/png\", "
		    "\"blob\": \"AAEC\"}}");
	check_bytes(NULL, "{\"type\": \"resource\", \"resource\": {\"uri\": "
			  "\"skillbox://s/a/r1\", \"mimeType\": "
			  "\"application/octet-stream\", \"blob\": "
			  "\"AAEC\"}}");
}

/* There was no output: that is no bytes either. */
static void test_no_bytes(void **state)
{
	struct sbx_mcp_tool tool = tool_of();

	(void)state;
	tool.is_binary = true;
	check_all("ok", "\"output\": null", &tool,
		  "{\"content\": [{\"type\": \"text\", \"text\": \"\"}], "
		  "\"isError\": false");
}

/* Whatever it is but ok, it is an error, and says which. */
static void test_outcomes(void **state)
{
	const struct sbx_mcp_tool tool = tool_of();

	(void)state;
	for (int i = SBX_OUTCOME_OK + 1; i < SBX_OUTCOME_COUNT; i++) {
		const char *outcome = sbx_outcome_name((enum sbx_outcome)i);
		cleanup_free char *expected = sbx_asprintf(
			"{\"content\": [{\"type\": \"text\", \"text\": \"%s: "
			"it is so\"}], \"isError\": true",
			outcome);

		check_all(outcome,
			  "\"output\": null, \"error\": \"it is so\", "
			  "\"stderr\": \"\"",
			  &tool, expected);
	}
}

#define FAILED "{\"content\": [{\"type\": \"text\", \"text\": \"failed: no\"}"
#define STDOUT ", {\"type\": \"text\", \"text\": \"stdout:\\n"
#define STDERR ", {\"type\": \"text\", \"text\": \"stderr:\\n"
#define END    "], \"isError\": true"

static void test_failed(void **state)
{
	struct sbx_mcp_tool tool = tool_of();

	(void)state;
	check_all("failed",
		  "\"error\": \"no\", \"output\": \"so far\\n\", \"stderr\": "
		  "\"why\"",
		  &tool, FAILED STDOUT "so far\\n\"}" STDERR "why\"}" END);
	check_all("failed", "\"error\": \"no\", \"output\": [1, \"a\"]", &tool,
		  FAILED STDOUT "[1, \\\"a\\\"]\"}" END);
	check_all("failed",
		  "\"error\": \"no\", \"output\": \"\", \"stderr\": null",
		  &tool, FAILED END);
	check_all("failed", "\"error\": \"no\"", &tool, FAILED END);
	/* What an error has of structure nobody has promised. */
	tool.has_output_schema = true;
	check_all("failed", "\"error\": \"no\", \"output\": {}", &tool,
		  FAILED STDOUT "{}\"}" END);
	check_all("failed",
		  "\"error\": \"no\", \"output\": {\"mcp_content\": []}", &tool,
		  FAILED STDOUT "{\\\"mcp_content\\\": []}\"}" END);
	/* Base64 is nothing to read. */
	tool.is_binary = true;
	check_all("failed",
		  "\"error\": \"no\", \"output\": \"AAAA\", \"stderr\": "
		  "\"why\"",
		  &tool, FAILED STDERR "why\"}" END);
}

/* What is told of @size bytes of @character on stderr. */
static const char *told(json_t **result, const char *character, size_t size)
{
	cleanup_free char *text = sbx_calloc(1, size + 8);
	struct sbx_mcp_tool tool = tool_of();
	json_t *record = record_of("failed", "\"error\": \"no\"");
	size_t at = 0;

	while (at < size) {
		memcpy(text + at, character, strlen(character));
		at += strlen(character);
	}
	json_object_set_new(record, "stderr", json_string(text));
	*result = sbx_mcp_result(record, &tool, SBX_MCP_2025_11_25);
	json_decref(record);
	return sbx_json_text_at(
		json_array_get(json_object_get(*result, "content"), 1), "text",
		NULL);
}

/* The end of it, from where a character begins. */
static void test_tails(void **state)
{
	static const struct {
		const char *character;
		size_t size;
		size_t told;
	} samples[] = {
		{ "a", SBX_MCP_TAIL_MAX, SBX_MCP_TAIL_MAX },
		{ "a", SBX_MCP_TAIL_MAX + 1, SBX_MCP_TAIL_MAX },
		{ "\u00fc", SBX_MCP_TAIL_MAX, SBX_MCP_TAIL_MAX },
		{ "\u00fc", 2 * SBX_MCP_TAIL_MAX, SBX_MCP_TAIL_MAX },
		{ "\u20ac", 3 * SBX_MCP_TAIL_MAX,
		  SBX_MCP_TAIL_MAX - SBX_MCP_TAIL_MAX % 3 },
		{ "\U0001f600z", 5 * SBX_MCP_TAIL_MAX, SBX_MCP_TAIL_MAX - 3 },
	};

	(void)state;
	assert_int_equal(SBX_MCP_TAIL_MAX % 5, 4);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		json_t *result = NULL;
		const char *text =
			told(&result, samples[i].character, samples[i].size);

		assert_non_null(text);
		assert_true(sbx_text_has_prefix(text, "stderr:\n"));
		assert_int_equal(strlen(text) - strlen("stderr:\n"),
				 samples[i].told);
		assert_true(sbx_text_has_suffix(text, samples[i].character));
		json_decref(result);
	}
}

static void test_error(void **state)
{
	(void)state;
	check_line(sbx_mcp_result_error("busy", "later"),
		   "{\"content\": [{\"type\": \"text\", \"text\": \"busy: "
		   "later\"}], \"isError\": true}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_structured),
		cmocka_unit_test(test_blocks),
		cmocka_unit_test(test_record_is_left_alone),
		cmocka_unit_test(test_wrong_blocks),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_no_bytes),
		cmocka_unit_test(test_outcomes),
		cmocka_unit_test(test_failed),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
