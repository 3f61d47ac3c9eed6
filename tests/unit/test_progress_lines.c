/* SPDX-License-Identifier: MIT */
/*
 * A line of progress is told and goes; every other byte passes, in order and
 * unchanged, whatever pieces it came in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "sandbox/progress_lines.h"

/* What passes, and "<done/total message>" in between. */
static void on_bytes(void *ctx, const void *data, size_t size)
{
	assert_true(size > 0);
	assert_int_equal(sbx_buf_append(ctx, data, size), size);
}

static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	sbx_buf_printf(ctx, "<%g/%g %s>", progress->done, progress->total,
		       progress->message ? progress->message : "-");
}

/* In pieces of @piece bytes. */
static void assert_split_by(size_t piece, const char *text, size_t size,
			    const char *expected)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64 * 1024);
	struct sbx_progress_lines lines = SBX_PROGRESS_LINES_INIT;
	const struct sbx_progress_sink sink = { on_bytes, on_progress, &out };

	for (size_t at = 0; at < size; at += piece) {
		size_t left = size - at;

		sbx_progress_lines_feed(&lines, text + at,
					left < piece ? left : piece, &sink);
	}
	sbx_progress_lines_end(&lines, &sink);
	assert_string_equal(sbx_buf_text(&out), expected);
	sbx_progress_lines_free(&lines);
}

static void assert_split(const char *text, const char *expected)
{
	size_t size = strlen(text);

	for (size_t piece = 1; piece <= size; piece++)
		assert_split_by(piece, text, size, expected);
}

#define LINE "::progress::{\"progress\":3,\"total\":10,\"message\":\"m\"}\n"

static void test_told(void **state)
{
	(void)state;
	assert_split(LINE, "<3/10 m>");
	assert_split("a\n" LINE "b\n" LINE LINE "c",
		     "a\n<3/10 m>b\n<3/10 m><3/10 m>c");
	assert_split("::progress::{\"progress\":0}\n", "<0/-1 ->");
	assert_split("::progress::{\"progress\":0.5}\r\n", "<0.5/-1 ->");
	assert_split("::progress:: { \"message\" : \"\\u00e9\\n\" , "
		     "\"progress\" : 2e1 } \n",
		     "<20/-1 \xc3\xa9\n>");
	assert_split("::progress::{\"progress\":11,\"total\":10}\n",
		     "<11/10 ->");
}

/* What only looks like it, and what is only nearly it. */
static void test_passes(void **state)
{
	static const char *const texts[] = {
		"",
		"\n",
		"\n\n:\n::\n",
		"words",
		"a::progress::{\"progress\":3}\n",
		" ::progress::{\"progress\":3}\n",
		":::progress::{\"progress\":3}\n",
		"::progress::\n",
		"::progress::{}\n",
		"::progress::3\n",
		"::progress::[3]\n",
		"::progress::{\"progress\":\"3\"}\n",
		"::progress::{\"progress\":null}\n",
		"::progress::{\"progress\":true}\n",
		"::progress::{\"progress\":-1}\n",
		"::progress::{\"progress\":1e999}\n",
		"::progress::{\"total\":3}\n",
		"::progress::{\"total\":3,\"message\":\"m\"}\n",
		"::progress::{\"progress\":3,\"total\":0}\n",
		"::progress::{\"progress\":3,\"total\":-1}\n",
		"::progress::{\"progress\":3,\"total\":\"9\"}\n",
		"::progress::{\"progress\":3,\"message\":4}\n",
		"::progress::{\"progress\":3,\"message\":{}}\n",
		"::progress::{\"progress\":3,\"message\":\"\\u0000\"}\n",
		"::progress::{\"progress\":3,\"message\":\"\xff\"}\n",
		"::progress::{\"progress\":3,\"more\":4}\n",
		"::progress::{\"progress\":3,\"progress\":4}\n",
		"::progress::{\"progress\":3} x\n",
		"::progress::{\"progress\":3}{\"progress\":3}\n",
		"::progress::{\"progress\":\n3}\n",
		"::progress::{\"progress\":***}\n",
		"::progress::{\"progress\":3}", /* no newline: no line */
		"::progress::",
		"::progr",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++)
		assert_split(texts[i], texts[i]);
}

/* A line may be so long and no longer; the next one is a line again. */
static void test_length(void **state)
{
	char text[2 * SBX_PROGRESS_LINE_MAX];
	char expected[sizeof(text)];
	const char *head = "::progress::{\"progress\":3}";

	(void)state;
	for (size_t more = 0; more < 2; more++) {
		size_t size = SBX_PROGRESS_LINE_MAX + more;

		memset(text, ' ', size - 1);
		memcpy(text, head, strlen(head));
		strcpy(text + size - 1, "\n" LINE);
		strcpy(expected, text);
		strcpy(more ? expected + size : expected,
		       more ? "<3/10 m>" : "<3/-1 -><3/10 m>");
		for (size_t piece = 1; piece < 2000; piece += 333)
			assert_split_by(piece, text, strlen(text), expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_passes),
		cmocka_unit_test(test_length),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
