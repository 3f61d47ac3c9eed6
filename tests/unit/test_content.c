/* SPDX-License-Identifier: MIT */
#include "mcp/content.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"

/*
 * Who relies on it: a client that checks what it gets throws away the whole
 * result for one block that is wrong.
 */

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	if (sbx_json_parse(text, strlen(text), &value, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	return value;
}

static void test_good(void **state)
{
	static const char *const good[] = {
		"[]",
		"[{\"type\": \"text\", \"text\": \"\"}]",
		"[{\"type\": \"text\", \"text\": \"a\", \"annotations\": {}, "
		"\"_meta\": {\"a\": 1}, \"other\": 1}]",
		"[{\"type\": \"image\", \"data\": \"\", \"mimeType\": "
		"\"image/png\"}]",
		"[{\"type\": \"image\", \"data\": \"AAA=\", \"mimeType\": "
		"\"image/png\"}, {\"type\": \"audio\", \"data\": \"/+8=\", "
		"\"mimeType\": \"audio/wav\"}]",
		"[{\"type\": \"resource_link\", \"uri\": \"a:b\", \"name\": "
		"\"b\"}]",
		"[{\"type\": \"resource_link\", \"uri\": \"a:b\", \"name\": "
		"\"b\", \"title\": \"c\", \"description\": \"d\", "
		"\"mimeType\": \"e\", \"size\": 3, \"icons\": [{\"src\": "
		"\"f\"}]}]",
		"[{\"type\": \"resource\", \"resource\": {\"uri\": \"a:b\", "
		"\"text\": \"\"}}]",
		"[{\"type\": \"resource\", \"resource\": {\"uri\": \"a:b\", "
		"\"mimeType\": \"c\", \"blob\": \"AAAA\"}}]",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(good); i++) {
		json_auto_t *blocks = parse(good[i]);
		struct sbx_error err = SBX_ERROR_INIT;

		if (sbx_mcp_content_check(blocks, &err) < 0)
			fail_msg("%s: %s", good[i], err.message);
		assert_int_equal(err.outcome, SBX_OUTCOME_OK);
	}
}

#define KINDS                                                                  \
	"type: expected one of text, image, audio, resource_link, resource"
#define NO_BASE64 "data: expected base64 (RFC 4648, section 4)"

/* The block behind a good one, and what is wrong with it. */
static const struct {
	const char *block;
	const char *why;
} bad[] = {
	{ "1", KINDS },
	{ "[]", KINDS },
	{ "{}", KINDS },
	{ "{\"type\": 1}", KINDS },
	{ "{\"type\": \"video\"}", KINDS },
	{ "{\"type\": \"Text\", \"text\": \"a\"}", KINDS },
	{ "{\"type\": \"text\"}", "text: expected a text" },
	{ "{\"type\": \"text\", \"text\": null}", "text: expected a text" },
	{ "{\"type\": \"text\", \"text\": \"a\", \"annotations\": []}",
	  "annotations: expected an object" },
	{ "{\"type\": \"text\", \"text\": \"a\", \"_meta\": null}",
	  "_meta: expected an object" },
	{ "{\"type\": \"image\", \"data\": \"AAAA\"}",
	  "mimeType: expected a text" },
	{ "{\"type\": \"image\", \"mimeType\": \"a\"}",
	  "data: expected a text" },
	{ "{\"type\": \"image\", \"data\": \"AAA\", \"mimeType\": \"a\"}",
	  NO_BASE64 },
	{ "{\"type\": \"image\", \"data\": \"AAAA \", \"mimeType\": \"a\"}",
	  NO_BASE64 },
	{ "{\"type\": \"image\", \"data\": \"AAAA\\n\", \"mimeType\": \"a\"}",
	  NO_BASE64 },
	{ "{\"type\": \"image\", \"data\": \"_-==\", \"mimeType\": \"a\"}",
	  NO_BASE64 },
	{ "{\"type\": \"image\", \"data\": \"AAAA\\u0000\", \"mimeType\": "
	  "\"a\"}",
	  NO_BASE64 },
	{ "{\"type\": \"audio\", \"data\": \"=\", \"mimeType\": \"a\"}",
	  NO_BASE64 },
	{ "{\"type\": \"resource_link\", \"name\": \"a\"}",
	  "uri: expected a text" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\"}",
	  "name: expected a text" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"title\": 1}",
	  "title: expected a text" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"description\": null}",
	  "description: expected a text" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"mimeType\": []}",
	  "mimeType: expected a text" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"size\": \"3\"}",
	  "size: expected a number of bytes" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"size\": 3.5}",
	  "size: expected a number of bytes" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"size\": -1}",
	  "size: expected a number of bytes" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"icons\": {}}",
	  "icons: expected a list of objects with src" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"icons\": [{\"src\": \"a\"}, {}]}",
	  "icons: expected a list of objects with src" },
	{ "{\"type\": \"resource_link\", \"uri\": \"a\", \"name\": \"a\", "
	  "\"icons\": [\"a\"]}",
	  "icons: expected a list of objects with src" },
	{ "{\"type\": \"resource\"}", "resource: expected an object" },
	{ "{\"type\": \"resource\", \"resource\": []}",
	  "resource: expected an object" },
	{ "{\"type\": \"resource\", \"resource\": {\"uri\": \"a\"}}",
	  "resource: expected either text or blob" },
	{ "{\"type\": \"resource\", \"resource\": {\"uri\": \"a\", \"text\": "
	  "\"\", \"blob\": \"\"}}",
	  "resource: expected either text or blob" },
	{ "{\"type\": \"resource\", \"resource\": {\"text\": \"\"}}",
	  "resource/uri: expected a text" },
	{ "{\"type\": \"resource\", \"resource\": {\"uri\": \"a\", \"text\": "
	  "{}}}",
	  "resource/text: expected a text" },
	{ "{\"type\": \"resource\", \"resource\": {\"uri\": \"a\", \"text\": "
	  "\"\", \"mimeType\": 1}}",
	  "resource/mimeType: expected a text" },
	{ "{\"type\": \"resource\", \"resource\": {\"uri\": \"a\", \"blob\": "
	  "\"a\"}}",
	  "resource/blob: expected base64 (RFC 4648, section 4)" },
	{ "{\"type\": \"resource\", \"resource\": {\"uri\": \"a\", \"text\": "
	  "\"\"}, \"annotations\": 1}",
	  "annotations: expected an object" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		cleanup_free char *text = sbx_asprintf(
			"[{\"type\": \"text\", \"text\": \"a\"}, %s]",
			bad[i].block);
		cleanup_free char *why =
			sbx_asprintf("mcp_content/1/%s", bad[i].why);
		json_auto_t *blocks = parse(text);
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_mcp_content_check(blocks, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		assert_string_equal(err.message, why);
	}
}

static void test_no_list(void **state)
{
	static const char *const texts[] = { "{}", "\"a\"", "null" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		json_auto_t *blocks = parse(texts[i]);
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_mcp_content_check(blocks, &err), -1);
		assert_string_equal(
			err.message,
			"mcp_content: expected a list of content blocks");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_no_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
