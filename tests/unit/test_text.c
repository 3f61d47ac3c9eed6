/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/text.h"

static void test_prefix_and_suffix(void **state)
{
	(void)state;
	assert_true(sbx_text_has_prefix("x-note", "x-"));
	assert_true(sbx_text_has_prefix("x-", "x-"));
	assert_false(sbx_text_has_prefix("x", "x-"));
	assert_true(sbx_text_has_suffix("a.yaml", ".yaml"));
	assert_false(sbx_text_has_suffix("yaml", ".yaml"));
}

/* Bytes, and what they are as text: Unicode 15, tables 3-7 to 3-11. */
static const struct {
	const char *bytes;
	size_t size;
	bool valid;
	const char *text;
} samples[] = {
#define BYTES(literal) literal, sizeof(literal) - 1
	{ BYTES(""), true, "" },
	{ BYTES("plain"), true, "plain" },
	{ BYTES("\x7f"), true, "\x7f" },
	{ BYTES("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"), true,
	  "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80" },
	{ BYTES("\xf4\x8f\xbf\xbf"), true, "\xf4\x8f\xbf\xbf" },
	{ BYTES("a\0b"), true,
	  "a\xef\xbf\xbd"
	  "b" },
	{ BYTES("\x80"), false, "\xef\xbf\xbd" },
	{ BYTES("\xc0\xaf"), false, "\xef\xbf\xbd\xef\xbf\xbd" },
	{ BYTES("\xe0\x80\x80"), false,
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ BYTES("\xed\xa0\x80"), false,
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ BYTES("\xf4\x90\x80\x80"), false,
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd" },
	{ BYTES("\xf5"), false, "\xef\xbf\xbd" },
	{ BYTES("\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41"), false,
	  "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x41" },
	{ BYTES("\xe2\x82"), false, "\xef\xbf\xbd" },
};

static void test_utf8(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_buf out = SBX_BUF_INIT(64);

		assert_int_equal(
			sbx_text_is_utf8(samples[i].bytes, samples[i].size),
			samples[i].valid);
		sbx_text_to_utf8(&out, samples[i].bytes, samples[i].size);
		assert_string_equal(sbx_buf_text(&out), samples[i].text);
		sbx_buf_free(&out);
	}
}

/* A full buffer never ends in half a character. */
static void test_utf8_stops_at_a_character(void **state)
{
	struct sbx_buf out = SBX_BUF_INIT(4);

	(void)state;
	sbx_text_to_utf8(&out,
			 "ab\xe2\x82\xac"
			 "c",
			 6);
	assert_string_equal(sbx_buf_text(&out), "ab");
	sbx_buf_free(&out);
}

static void test_next(void **state)
{
	uint32_t code;

	(void)state;
	assert_int_equal(sbx_text_next("a", 1, &code), 1);
	assert_int_equal(code, 'a');
	assert_int_equal(sbx_text_next("\xf0\x9f\x98\x80x", 5, &code), 4);
	assert_int_equal(code, 0x1f600);
	assert_int_equal(sbx_text_next("\xdf\xbf", 2, &code), 2);
	assert_int_equal(code, 0x7ff);
	assert_int_equal(sbx_text_next("\xe2\x82", 2, &code), 2);
	assert_int_equal(code, 0xfffd);
}

static void check_escape(const char *data, size_t size, bool multiline,
			 const char *expected)
{
	struct sbx_buf out = SBX_BUF_INIT(256);

	sbx_text_escape(&out, data, size, multiline);
	assert_string_equal(sbx_buf_text(&out), expected);
	sbx_buf_free(&out);
}

static void test_escape(void **state)
{
	(void)state;
	check_escape(BYTES("a\tb\n"), true, "a\tb\n");
	check_escape(BYTES("a\tb\n"), false, "a\\x09b\\x0a");
	check_escape(BYTES("\r\x1b[2J\0"), true, "\\x0d\\x1b[2J\\x00");
	check_escape(BYTES("\x7f\xc2\x9b!"), true, "\\x7f\\u{9b}!");
	check_escape(BYTES("\xe2\x80\xae\xe2\x81\xa6\xe2\x82\xac"), true,
		     "\\u{202e}\\u{2066}\xe2\x82\xac");
	check_escape(BYTES("\xff\xe2\x82x"), true, "\\xff\\xe2\\x82x");
}

/* An escape that does not fit is left out whole. */
static void test_escape_stops_when_full(void **state)
{
	struct sbx_buf out = SBX_BUF_INIT(4);

	(void)state;
	sbx_text_escape(&out, "a\x1b", 2, false);
	assert_string_equal(sbx_buf_text(&out), "a");
	sbx_buf_free(&out);
}

static void test_nearest(void **state)
{
	static const char *const known[] = { "timeout", "tmpfs", "cpus",
					     "command", NULL };
	char endless[300];

	(void)state;
	assert_string_equal(sbx_text_nearest("timeuot", known), "timeout");
	assert_string_equal(sbx_text_nearest("Time_Out", known), "timeout");
	assert_string_equal(sbx_text_nearest("cpu", known), "cpus");
	assert_string_equal(sbx_text_nearest("commands", known), "command");
	assert_string_equal(sbx_text_nearest("tmpfs", known), "tmpfs");
	assert_null(sbx_text_nearest("ports", known));
	assert_null(sbx_text_nearest("", known));
	memset(endless, 't', sizeof(endless) - 1);
	endless[sizeof(endless) - 1] = '\0';
	assert_null(sbx_text_nearest(endless, known));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_prefix_and_suffix),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_utf8_stops_at_a_character),
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_escape),
		cmocka_unit_test(test_escape_stops_when_full),
		cmocka_unit_test(test_nearest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
