/* SPDX-License-Identifier: MIT */
#include "codec/json_member.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

/*
 * Who relies on it: serve/call.c and mcp/protocol.c, so that an action gets
 * the bytes that its caller wrote.
 */

/* The member's text as it stands there, or NULL. */
static char *member(const char *text, const char *name)
{
	size_t size = 12345;
	const char *at = sbx_json_member(text, strlen(text), name, &size);

	if (!at) {
		assert_int_equal(size, 12345);
		return NULL;
	}
	assert_true(at > text && at + size < text + strlen(text));
	return sbx_strndup(at, size);
}

static void test_found(void **state)
{
	static const struct {
		const char *text;
		const char *value;
	} samples[] = {
		{ "{\"a\":1.0}", "1.0" },
		{ "{\"a\":1e+300,\"b\":2}", "1e+300" },
		{ " \n{ \t\"a\"\r\n: -0.0 \t}\n", "-0.0" },
		{ "{\"b\": 1, \"a\": [1, {\"a\": 2}] }", "[1, {\"a\": 2}]" },
		{ "{\"b\": {\"a\": 1}, \"a\": {}}", "{}" },
		{ "{\"b\": \"\\\"a\\\": 1, \", \"a\": \"}\"}", "\"}\"" },
		{ "{\"b\": \"\\\\\", \"a\": \"\\\"]\\\\\"}", "\"\\\"]\\\\\"" },
		{ "{\"b\": [\"]\"], \"a\": \"\\u0061\" , \"c\": 1}",
		  "\"\\u0061\"" },
		{ "{\"\\u0061\": null}", "null" },
		{ "{\"\": 1, \"aa\": 2, \"A\": 3, \"a\": true}", "true" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *value = member(samples[i].text, "a");

		if (!value)
			fail_msg("not found: %s", samples[i].text);
		assert_string_equal(value, samples[i].value);
	}
}

static void test_missing(void **state)
{
	static const char *const texts[] = {
		"{}",
		" { } ",
		"{\"b\": 1}",
		"{\"b\": \"a\"}",
		"{\"b\": {\"a\": 1}}",
		"{\"b\": [\"a\", 1]}",
		"{\"aa\": 1, \"\": 2, \"A\": 3}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		cleanup_free char *value = member(texts[i], "a");

		if (value)
			fail_msg("found in %s: %s", texts[i], value);
	}
}

/* Nothing behind the text is looked at. */
static void test_size(void **state)
{
	static const char text[] = "{\"b\": 1}, \"a\": 2}";
	size_t size;

	(void)state;
	assert_null(sbx_json_member(text, strlen("{\"b\": 1}"), "a", &size));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_missing),
		cmocka_unit_test(test_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
