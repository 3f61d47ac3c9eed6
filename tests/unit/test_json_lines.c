/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/json.h"
#include "codec/json_lines.h"

static int collect(void *ctx, const json_t *value, struct sbx_error *err)
{
	char *line = sbx_json_line(value);

	if (sbx_json_true_at(value, "stop", NULL)) {
		free(line);
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED, "stopped");
	}
	sbx_buf_puts(ctx, line);
	sbx_buf_puts(ctx, "|");
	free(line);
	return 0;
}

static int feed(const char *text, size_t step, struct sbx_buf *got,
		struct sbx_error *err)
{
	struct sbx_json_lines lines = SBX_JSON_LINES_INIT;
	size_t size = strlen(text);
	int ret = 0;

	for (size_t at = 0; at < size && ret == 0; at += step) {
		size_t part = size - at < step ? size - at : step;

		ret = sbx_json_lines_feed(&lines, text + at, part, collect, got,
					  err);
	}
	if (ret == 0)
		ret = sbx_json_lines_flush(&lines, collect, got, err);
	sbx_json_lines_free(&lines);
	return ret;
}

static void check(const char *text, const char *expected,
		  enum sbx_outcome outcome)
{
	for (size_t step = 1; step < 9; step++) {
		cleanup_buf struct sbx_buf got = SBX_BUF_INIT(4096);
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(feed(text, step, &got, &err),
				 outcome == SBX_OUTCOME_OK ? 0 : -1);
		assert_int_equal(err.outcome, outcome);
		assert_string_equal(sbx_buf_text(&got), expected);
	}
}

/* Lines are the same however they are cut; the last needs no end. */
static void test_lines(void **state)
{
	(void)state;
	check("", "", SBX_OUTCOME_OK);
	check("{\"a\": 1}\n{\"b\": 2}\n", "{\"a\": 1}|{\"b\": 2}|",
	      SBX_OUTCOME_OK);
	check("\r\n\n \n\n{\"a\": 1}\n", "{\"a\": 1}|", SBX_OUTCOME_OK);
	check("{\"a\": 1}\r\n\r\n  \n{\"b\": 2}", "{\"a\": 1}|{\"b\": 2}|",
	      SBX_OUTCOME_OK);
}

static void test_not_json(void **state)
{
	(void)state;
	check("{\"a\": 1}\nhello\n{\"b\": 2}\n", "{\"a\": 1}|",
	      SBX_OUTCOME_UNAVAILABLE);
	check("{\"a\": 1}\n{\"b\":", "{\"a\": 1}|", SBX_OUTCOME_UNAVAILABLE);
	check("[1]\n", "", SBX_OUTCOME_UNAVAILABLE);
	check("{}{}\n", "", SBX_OUTCOME_UNAVAILABLE);
}

static void test_sink_fails(void **state)
{
	(void)state;
	check("{\"a\": 1}\n{\"stop\": true}\n{\"b\": 2}\n", "{\"a\": 1}|",
	      SBX_OUTCOME_CANCELLED);
}

static void test_too_long(void **state)
{
	struct sbx_json_lines lines = SBX_JSON_LINES_INIT;
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(64);
	struct sbx_error err = SBX_ERROR_INIT;
	char *text = malloc(1 << 20);
	int fed = 0;

	(void)state;
	memset(text, ' ', 1 << 20);
	while (sbx_json_lines_feed(&lines, text, 1 << 20, collect, &got,
				   &err) == 0)
		fed++;
	assert_int_equal(fed, 8);
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	sbx_json_lines_free(&lines);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_not_json),
		cmocka_unit_test(test_sink_fails),
		cmocka_unit_test(test_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
