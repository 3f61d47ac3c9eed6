/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "codec/frames.h"

/* What came on each stream, and how many calls it took. */
struct received {
	struct sbx_buf streams[3];
	unsigned int calls;
	unsigned int fail_at; /* the call that returns -1; 0: none */
};

#define RECEIVED_INIT                                                          \
	{                                                                      \
		.streams = {                                                   \
			{ .max = 4096 },                                       \
			{ .max = 4096 },                                       \
			{ .max = 4096 }                                        \
		}                                                              \
	}

static int receive(void *ctx, int stream, const void *data, size_t size,
		   struct sbx_error *err)
{
	struct received *received = ctx;

	assert_in_range(stream, 1, 2);
	assert_true(size > 0);
	sbx_buf_append(&received->streams[stream], data, size);
	if (++received->calls == received->fail_at)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED, "enough");
	return 0;
}

static void clear(struct received *received)
{
	for (int i = 0; i < 3; i++)
		sbx_buf_free(&received->streams[i]);
}

/* "hello" to stdout, nothing to stderr, "oops" to stderr, "!" to stdout. */
static const char stream[] = "\1\0\0\0\0\0\0\5hello"
			     "\2\0\0\0\0\0\0\0"
			     "\2\0\0\0\0\0\0\4oops"
			     "\1\0\0\0\0\0\0\1!";
#define STREAM_SIZE (sizeof(stream) - 1)

/* The reader gets the same bytes however the network cut them. */
static void test_any_cut(void **state)
{
	(void)state;
	for (size_t cut = 0; cut <= STREAM_SIZE; cut++) {
		struct received received = RECEIVED_INIT;
		struct sbx_frames frames = SBX_FRAMES_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_frames_feed(&frames, stream, cut, receive,
						 &received, &err),
				 0);
		assert_int_equal(sbx_frames_feed(&frames, stream + cut,
						 STREAM_SIZE - cut, receive,
						 &received, &err),
				 0);
		assert_string_equal(sbx_buf_text(&received.streams[1]),
				    "hello!");
		assert_string_equal(sbx_buf_text(&received.streams[2]), "oops");
		clear(&received);
	}
}

static void test_byte_by_byte(void **state)
{
	struct received received = RECEIVED_INIT;
	struct sbx_frames frames = SBX_FRAMES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (size_t i = 0; i < STREAM_SIZE; i++)
		assert_int_equal(sbx_frames_feed(&frames, stream + i, 1,
						 receive, &received, &err),
				 0);
	assert_string_equal(sbx_buf_text(&received.streams[1]), "hello!");
	assert_string_equal(sbx_buf_text(&received.streams[2]), "oops");
	assert_int_equal(received.calls, 10);
	clear(&received);
}

/* A length of 4 GiB - 1 is no reason to allocate or to overflow. */
static void test_largest_frame(void **state)
{
	static const char header[] = "\2\0\0\0\377\377\377\377abc";
	struct received received = RECEIVED_INIT;
	struct sbx_frames frames = SBX_FRAMES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(
		sbx_frames_feed(&frames, header, 11, receive, &received, &err),
		0);
	assert_string_equal(sbx_buf_text(&received.streams[2]), "abc");
	assert_int_equal(frames.remaining, UINT32_MAX - 3);
	clear(&received);
}

static void check_refused(const char *data, size_t size)
{
	struct received received = RECEIVED_INIT;
	struct sbx_frames frames = SBX_FRAMES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(
		sbx_frames_feed(&frames, data, size, receive, &received, &err),
		-1);
	assert_int_equal(err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	assert_int_equal(received.calls, 0);
	clear(&received);
}

/* Raw terminal output, for one, is no multiplexed stream. */
static void test_not_frames(void **state)
{
	(void)state;
	check_refused("hello, world", 12);
	check_refused("\0\0\0\0\0\0\0\1x", 9);
	check_refused("\3\0\0\0\0\0\0\1x", 9);
	check_refused("\1\0\1\0\0\0\0\1x", 9);
}

/* A sink that fails is not called again. */
static void test_sink_fails(void **state)
{
	struct received received = RECEIVED_INIT;
	struct sbx_frames frames = SBX_FRAMES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	received.fail_at = 2;
	assert_int_equal(sbx_frames_feed(&frames, stream, STREAM_SIZE, receive,
					 &received, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	assert_int_equal(received.calls, 2);
	clear(&received);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_any_cut),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_largest_frame),
		cmocka_unit_test(test_not_frames),
		cmocka_unit_test(test_sink_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
