/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/lines.h"

/* Writes each line with a '|' behind it. */
static void collect(void *ctx, const char *line)
{
	sbx_buf_puts(ctx, line);
	sbx_buf_puts(ctx, "|");
}

/* @text, in pieces of @step bytes, gives @expected. */
static void check_step(const char *text, size_t step, const char *expected)
{
	struct sbx_lines lines = SBX_LINES_INIT;
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(65536);
	size_t size = strlen(text);

	for (size_t at = 0; at < size; at += step) {
		size_t part = size - at < step ? size - at : step;

		sbx_lines_feed(&lines, text + at, part, collect, &got);
	}
	sbx_lines_flush(&lines, collect, &got);
	assert_string_equal(sbx_buf_text(&got), expected);
	sbx_lines_free(&lines);
}

/* The pieces in which text comes do not show. */
static void check(const char *text, const char *expected)
{
	check_step(text, 1, expected);
	check_step(text, 3, expected);
	check_step(text, 4096, expected);
}

static void test_lines(void **state)
{
	(void)state;
	check("", "");
	check("one\ntwo\n", "one|two|");
	check("one\n\ntwo", "one||two|");
	check("one\r\ntwo\r\n", "one|two|");
	check("\n", "|");
}

/* As on a terminal, what counts is what was written last. */
static void test_carriage_return(void **state)
{
	(void)state;
	check("10%\r50%\r100%\n", "100%|");
	check("10%\r50%\r100%\r\r\n", "100%|");
}

static void test_escape_sequences(void **state)
{
	(void)state;
	check("\033[91mtwo\033[0m\n", "two|");
	check("\033[1;31;42mtwo\033[K!\n", "two!|");
	check("\033]0;title\007text\033]8;;x\033\\y\n", "texty|");
	check("\033(Btext\n", "Btext|");
	check("text\033", "text|");
	check("text\033[", "text|");
	check("text\033[1;2", "text|");
	check("text\033]0;abc", "text|");
}

static void test_utf8(void **state)
{
	(void)state;
	check("gr\xc3\xbc\xc3\x9f"
	      "e\n",
	      "gr\xc3\xbc\xc3\x9f"
	      "e|");
	check("a\xff"
	      "b\n",
	      "a\xef\xbf\xbd"
	      "b|");
}

/* A NUL does not end a line that goes on behind it. */
static void test_nul(void **state)
{
	struct sbx_lines lines = SBX_LINES_INIT;
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(4096);

	(void)state;
	sbx_lines_feed(&lines, "a\0b\n", 4, collect, &got);
	assert_string_equal(sbx_buf_text(&got), "a\xef\xbf\xbd"
						"b|");
	sbx_lines_free(&lines);
}

static void count(void *ctx, const char *line)
{
	size_t *sizes = ctx;

	assert_true(strlen(line) <= SBX_LINES_MAX);
	sizes[0]++;
	sizes[1] += strlen(line);
}

/* A program without newlines cannot make us hold its output. */
static void test_long_line(void **state)
{
	struct sbx_lines lines = SBX_LINES_INIT;
	size_t sizes[2] = { 0, 0 };
	char text[1000];

	(void)state;
	memset(text, 'x', sizeof(text));
	for (int i = 0; i < 100; i++)
		sbx_lines_feed(&lines, text, sizeof(text), count, sizes);
	sbx_lines_flush(&lines, count, sizes);
	assert_int_equal(sizes[0], 25);
	assert_int_equal(sizes[1], 100000);
	sbx_lines_free(&lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_carriage_return),
		cmocka_unit_test(test_escape_sequences),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_nul),
		cmocka_unit_test(test_long_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
