/* SPDX-License-Identifier: MIT */
#include "codec/http_chunks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

static int collect(void *ctx, const void *data, size_t size,
		   struct sbx_error *err)
{
	(void)err;
	sbx_buf_append(ctx, data, size);
	return 0;
}

static int refuse(void *ctx, const void *data, size_t size,
		  struct sbx_error *err)
{
	(void)ctx;
	(void)data;
	(void)size;
	return sbx_error_set(err, SBX_OUTCOME_BUSY, "enough");
}

/* Feeds @text in pieces of @step bytes; how many were used, or -1. */
static int feed(const char *text, size_t step, struct sbx_buf *out, bool *ended)
{
	struct sbx_http_chunks chunks = SBX_HTTP_CHUNKS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t size = strlen(text);
	size_t at = 0;

	while (at < size && !chunks.ended) {
		size_t part = size - at < step ? size - at : step;
		size_t used;

		if (sbx_http_chunks_feed(&chunks, text + at, part, &used,
					 collect, out, &err) < 0) {
			assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
			return -1;
		}
		at += used;
	}
	*ended = chunks.ended;
	return (int)at;
}

/* It does not matter where a body is cut, nor what follows it. */
static void test_bodies(void **state)
{
	static const struct {
		const char *text;
		const char *body;
	} cases[] = {
		{ "3\r\nabc\r\n0\r\n\r\n", "abc" },
		{ "3\nabc\n0\n\n", "abc" },
		{ "00A;x=\"y\"\r\n0123456789\r\n1 \r\nz\r\n0;q\r\n\r\n",
		  "0123456789z" },
		{ "1\r\n\n\r\n0\r\nTrailer: x\r\nOther: y\r\n\r\n", "\n" },
		{ "0\r\n\r\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		for (size_t step = 1; step < 20; step++) {
			cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64);
			cleanup_free char *text = sbx_asprintf(
				"%sHTTP/1.1 200 OK", cases[i].text);
			bool ended = false;

			assert_int_equal(feed(text, step, &out, &ended),
					 strlen(cases[i].text));
			assert_true(ended);
			assert_string_equal(sbx_buf_text(&out), cases[i].body);
		}
	}
}

static void test_cut(void **state)
{
	static const char text[] = "3\r\nabc\r\n0\r\n\r\n";

	(void)state;
	for (size_t size = 0; size < strlen(text); size++) {
		cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64);
		cleanup_free char *part = sbx_strndup(text, size);
		bool ended = true;

		assert_int_equal(feed(part, 64, &out, &ended), size);
		assert_false(ended);
	}
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"\r\n",
		"x\r\n",
		"-1\r\na",
		"+1\r\na",
		"0x1\r\na",
		"1\r\nab\r\n",
		"1\r\na\r\r\n",
		"1111111111111111\r\n",
		" 1\r\na\r\n0\r\n",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++) {
		cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64);
		bool ended = false;

		if (feed(texts[i], 1, &out, &ended) != -1)
			fail_msg("accepted: %s", texts[i]);
	}
}

static void test_sink_may_refuse(void **state)
{
	struct sbx_http_chunks chunks = SBX_HTTP_CHUNKS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t used;

	(void)state;
	assert_int_equal(sbx_http_chunks_feed(&chunks, "1\r\na", 4, &used,
					      refuse, NULL, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_BUSY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_sink_may_refuse),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
