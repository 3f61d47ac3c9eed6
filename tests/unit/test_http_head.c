/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "codec/http_head.h"

static const char upgraded[] =
	"HTTP/1.1 101 UPGRADED\r\n"
	"Content-Type: application/vnd.docker.raw-stream\r\n"
	"Connection: Upgrade\r\n"
	"Upgrade: tcp\r\n"
	"\r\n";

static ssize_t parse(const char *text, struct sbx_http_head *head)
{
	struct sbx_error err = SBX_ERROR_INIT;
	ssize_t used = sbx_http_head_parse(text, strlen(text), head, &err);

	if (used < 0)
		assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	return used;
}

/* What comes behind the head is not touched. */
static void test_whole(void **state)
{
	struct sbx_http_head head;
	char text[256];

	(void)state;
	assert_int_equal(parse(upgraded, &head), sizeof(upgraded) - 1);
	assert_int_equal(head.status, 101);
	assert_int_equal(head.content_length, -1);
	snprintf(text, sizeof(text), "%s\r\n\r\nHTTP/1.1 500 x", upgraded);
	assert_int_equal(parse(text, &head), sizeof(upgraded) - 1);
	assert_int_equal(head.status, 101);
}

/* Every proper prefix of a head is incomplete, not wrong. */
static void test_incomplete(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_http_head head = { .status = -7 };

	(void)state;
	for (size_t size = 0; size < sizeof(upgraded) - 1; size++)
		assert_int_equal(
			sbx_http_head_parse(upgraded, size, &head, &err), 0);
	assert_int_equal(head.status, -7);
}

static void test_fields(void **state)
{
	struct sbx_http_head head;

	(void)state;
	assert_true(parse("HTTP/1.1 404 Not Found\r\n"
			  "content-LENGTH:  27 \r\n\r\n",
			  &head) > 0);
	assert_int_equal(head.status, 404);
	assert_int_equal(head.content_length, 27);
	/* No reason, HTTP/1.0, bare line feeds: RFC 9112 allows all three. */
	assert_true(parse("HTTP/1.0 200\nX: y\n\n", &head) > 0);
	assert_int_equal(head.status, 200);
	assert_int_equal(head.content_length, -1);
	assert_true(parse("HTTP/1.1 200 \r\n\r\n", &head) > 0);
}

/* What decides how the body ends, and whether another answer may follow. */
static void test_framing(void **state)
{
	struct sbx_http_head head;

	(void)state;
	assert_true(parse("HTTP/1.1 200 OK\r\n\r\n", &head) > 0);
	assert_false(head.chunked || head.close);
	assert_true(parse("HTTP/1.1 200 OK\r\n"
			  "transfer-encoding:  Chunked \r\n"
			  "CONNECTION: Close\r\n\r\n",
			  &head) > 0);
	assert_true(head.chunked && head.close);
	assert_true(parse("HTTP/1.0 200 OK\r\n\r\n", &head) > 0);
	assert_true(head.close);
}

static void test_field(void **state)
{
	static const char line[] = "Api-Version: \t1.41 \t";
	size_t size = 0;
	const char *value;

	(void)state;
	value = sbx_http_head_field(line, strlen(line), "api-version", &size);
	assert_int_equal(size, 4);
	assert_memory_equal(value, "1.41", 4);
	assert_null(sbx_http_head_field(line, strlen(line), "Api", &size));
	assert_null(sbx_http_head_field(line, 5, "Api-Version", &size));
}

static void test_malformed(void **state)
{
	static const char *const texts[] = {
		"x",
		"HTTP/2 200\r\n\r\n",
		"HTTP/1",
		"\r\n\r\n",
		"\n",
		"SSH-2.0-OpenSSH\r\n",
		"HTTP/1.1\r\n\r\n",
		"HTTP/1.1 20\r\n\r\n",
		"HTTP/1.x 200 OK\r\n\r\n",
		"HTTP/1.1 2000 OK\r\n\r\n",
		"HTTP/1.1 099 OK\r\n\r\n",
		"HTTP/1.1 600 OK\r\n\r\n",
		"HTTP/1.1  200 OK\r\n\r\n",
		"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
		"HTTP/1.1 200 OK\r\n: no name\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n"
		"Content-Length: 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1 2\r\n\r\n",
		"HTTP/1.1 200 OK\r\n"
		"Content-Length: 9999999999999999999999\r\n\r\n",
	};
	struct sbx_http_head head = { .status = -7 };

	(void)state;
	/* "HTTP/1" alone may still become an answer. */
	assert_int_equal(parse(texts[2], &head), 0);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (i != 2)
			assert_int_equal(parse(texts[i], &head), -1);
	}
	assert_int_equal(head.status, -7);
}

static void test_endless(void **state)
{
	char *text = malloc(SBX_HTTP_HEAD_MAX + 16);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_http_head head;

	(void)state;
	memset(text, 'a', SBX_HTTP_HEAD_MAX + 16);
	memcpy(text, "HTTP/1.1 200 OK\r\nX: ", 20);
	assert_int_equal(
		sbx_http_head_parse(text, SBX_HTTP_HEAD_MAX - 1, &head, &err),
		0);
	assert_int_equal(
		sbx_http_head_parse(text, SBX_HTTP_HEAD_MAX, &head, &err), -1);
	assert_int_equal(
		sbx_http_head_parse(text, SBX_HTTP_HEAD_MAX + 16, &head, &err),
		-1);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_incomplete),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_framing),
		cmocka_unit_test(test_field),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_endless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
