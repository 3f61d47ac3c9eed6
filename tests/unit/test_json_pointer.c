/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json_pointer.h"

static void test_syntax(void **state)
{
	static const char *const good[] = { "",	  "/",	   "/a", "/a/b",
					    "//", "/~0~1", "/ü", "/a b" };
	static const char *const bad[] = { "a",	  " ",	 "#/a", "/~",
					   "/~2", "/a~", "/~0~" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(good); i++)
		assert_true(sbx_json_pointer_is(good[i]));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++)
		assert_false(sbx_json_pointer_is(bad[i]));
}

/* The examples of RFC 6901, section 5. */
static void test_examples(void **state)
{
	static const char text[] =
		"{\"foo\": [\"bar\", \"baz\"], \"\": 0, \"a/b\": 1, \"c%d\": 2,"
		" \"e^f\": 3, \"g|h\": 4, \"i\\\\j\": 5, \"k\\\"l\": 6,"
		" \" \": 7, \"m~n\": 8, \"~1\": 9}";
	static const char *const pointers[] = {
		"/",	 "/a~1b", "/c%d", "/e^f",  "/g|h",
		"/i\\j", "/k\"l", "/ ",	  "/m~0n", "/~01",
	};
	json_t *document = json_loads(text, 0, NULL);

	(void)state;
	assert_non_null(document);
	assert_ptr_equal(sbx_json_pointer_get(document, ""), document);
	assert_true(json_is_array(sbx_json_pointer_get(document, "/foo")));
	assert_string_equal(
		json_string_value(sbx_json_pointer_get(document, "/foo/0")),
		"bar");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(pointers); i++) {
		json_t *at = sbx_json_pointer_get(document, pointers[i]);

		assert_true(json_is_integer(at));
		assert_int_equal(json_integer_value(at), i);
	}
	json_decref(document);
}

static void test_nothing_there(void **state)
{
	static const char *const pointers[] = {
		"/b",	 "/a/2",   "/a/-",	    "/a/01",	"/a/",
		"/a/+1", "/a/0/x", "/a/4294967296", "/a/1/b/c",
	};
	json_t *document = json_loads("{\"a\": [1, {\"b\": null}]}", 0, NULL);

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(pointers); i++)
		assert_null(sbx_json_pointer_get(document, pointers[i]));
	assert_true(json_is_null(sbx_json_pointer_get(document, "/a/1/b")));
	json_decref(document);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_syntax),
		cmocka_unit_test(test_examples),
		cmocka_unit_test(test_nothing_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
