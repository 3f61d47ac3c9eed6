/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "base/buf.h"
#include "codec/buildkit_trace.h"

/* --- a writer of StatusResponse --------------------------------------- */

static void put_varint(struct sbx_buf *out, uint64_t value)
{
	do {
		char byte = (char)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));

		sbx_buf_append(out, &byte, 1);
		value >>= 7;
	} while (value);
}

static void put_bytes(struct sbx_buf *out, unsigned int field, const void *data,
		      size_t size)
{
	put_varint(out, field << 3 | 2);
	put_varint(out, size);
	sbx_buf_append(out, data, size);
}

static void put_text(struct sbx_buf *out, unsigned int field, const char *text)
{
	put_bytes(out, field, text, strlen(text));
}

struct vertex {
	const char *digest;
	const char *name;
	bool started;
	bool cached;
	const char *error;
};

static void put_vertex(struct sbx_buf *out, const struct vertex *vertex)
{
	cleanup_buf struct sbx_buf body = SBX_BUF_INIT(4096);

	put_text(&body, 1, vertex->digest);
	put_text(&body, 2, "sha256:an-input");
	put_text(&body, 3, vertex->name);
	if (vertex->cached) {
		put_varint(&body, 4 << 3);
		put_varint(&body, 1);
	}
	if (vertex->started)
		put_bytes(&body, 5, "\x08\x88\xa5\x80\xd8\x06", 6);
	if (vertex->error)
		put_text(&body, 7, vertex->error);
	/* A field of a newer BuildKit, and the two fixed-width types. */
	put_text(&body, 99, "later");
	put_varint(&body, 98 << 3 | 1);
	sbx_buf_append(&body, "12345678", 8);
	put_varint(&body, 97 << 3 | 5);
	sbx_buf_append(&body, "1234", 4);
	put_bytes(out, 1, body.data, body.len);
}

static void put_log(struct sbx_buf *out, const char *digest, const char *text)
{
	cleanup_buf struct sbx_buf body = SBX_BUF_INIT(16384);

	put_text(&body, 1, digest);
	put_varint(&body, 3 << 3);
	put_varint(&body, 2);
	put_text(&body, 4, text);
	put_bytes(out, 3, body.data, body.len);
}

/* --- the reader ------------------------------------------------------- */

struct fixture {
	struct sbx_buildkit_trace *trace;
	struct sbx_buf record;
	struct sbx_buf steps;
	struct sbx_buf logs;
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	sbx_buildkit_trace_new(&f->trace);
	f->record.max = 65536;
	f->steps.max = 65536;
	f->logs.max = 65536;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_buildkit_trace_free(&f->trace);
	sbx_buf_free(&f->record);
	sbx_buf_free(&f->steps);
	sbx_buf_free(&f->logs);
	free(f);
	return 0;
}

static void collect(void *ctx, enum sbx_buildkit_kind kind, unsigned int step,
		    const char *line)
{
	struct fixture *f = ctx;

	if (kind == SBX_BUILDKIT_STEP)
		sbx_buf_printf(&f->steps, "%s|", line);
	else
		sbx_buf_printf(&f->logs, "%u:%s|", step, line);
}

static int feed_bytes(struct fixture *f, const void *data, size_t size)
{
	size_t room =
		sodium_base64_encoded_len(size, sodium_base64_VARIANT_ORIGINAL);
	char *text = malloc(room);
	struct sbx_error err = SBX_ERROR_INIT;
	int ret;

	sodium_bin2base64(text, room, data, size,
			  sodium_base64_VARIANT_ORIGINAL);
	ret = sbx_buildkit_trace_feed(f->trace, text, strlen(text), collect, f,
				      &err);
	if (ret < 0)
		assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	free(text);
	return ret;
}

/* Feeds what has been put into the record, and empties it. */
static void feed(struct fixture *f)
{
	assert_int_equal(feed_bytes(f, sbx_buf_text(&f->record), f->record.len),
			 0);
	sbx_buf_free(&f->record);
}

static const struct vertex run = { "sha256:aa", "[1/2] RUN make", true, false,
				   NULL };

/* A step is told once, however often its vertex comes. */
static void test_steps(void **state)
{
	struct vertex waiting = run;
	struct vertex cached = { "sha256:bb", "[2/2] COPY . /", true, true,
				 NULL };
	struct fixture *f = *state;

	waiting.started = false;
	put_vertex(&f->record, &waiting);
	feed(f);
	assert_string_equal(sbx_buf_text(&f->steps), "");
	put_vertex(&f->record, &run);
	put_vertex(&f->record, &cached);
	feed(f);
	put_vertex(&f->record, &run);
	put_vertex(&f->record, &cached);
	feed(f);
	assert_string_equal(sbx_buf_text(&f->steps),
			    "#1 [1/2] RUN make|#2 [2/2] COPY . /|#2 cached|");
}

static void test_failure(void **state)
{
	struct vertex failed = run;
	struct fixture *f = *state;

	failed.error = "exit code: 1\nat all";
	put_vertex(&f->record, &run);
	put_vertex(&f->record, &failed);
	put_vertex(&f->record, &failed);
	feed(f);
	assert_string_equal(
		sbx_buf_text(&f->steps),
		"#1 [1/2] RUN make|#1 failed: exit code: 1 at all|");
}

static void test_housekeeping(void **state)
{
	struct vertex vertex = { "sha256:cc",
				 "[internal] load remote build context", true,
				 true, NULL };
	struct fixture *f = *state;

	put_vertex(&f->record, &vertex);
	put_vertex(&f->record, &run);
	feed(f);
	assert_string_equal(sbx_buf_text(&f->steps), "#1 [1/2] RUN make|");
}

/* Output of steps that run at once is told apart, and not torn. */
static void test_output(void **state)
{
	struct fixture *f = *state;

	put_log(&f->record, "sha256:aa", "one\ntw");
	put_log(&f->record, "sha256:bb", "eins\nzw");
	feed(f);
	put_log(&f->record, "sha256:aa", "o\nthree");
	put_log(&f->record, "sha256:bb", "ei\n");
	feed(f);
	assert_string_equal(sbx_buf_text(&f->logs),
			    "1:one|2:eins|1:two|2:zwei|");
	sbx_buildkit_trace_flush(f->trace, collect, f);
	assert_string_equal(sbx_buf_text(&f->logs),
			    "1:one|2:eins|1:two|2:zwei|1:three|");
}

static void test_warning(void **state)
{
	cleanup_buf struct sbx_buf body = SBX_BUF_INIT(4096);
	struct fixture *f = *state;

	put_text(&body, 1, "sha256:aa");
	put_text(&body, 3, "old syntax");
	put_bytes(&f->record, 4, body.data, body.len);
	feed(f);
	assert_string_equal(sbx_buf_text(&f->steps), "#1 warning: old syntax|");
}

/* Cut anywhere, or with any byte changed, it is refused or read; no more. */
static void test_mangled(void **state)
{
	struct fixture *f = *state;
	size_t refused = 0;

	put_vertex(&f->record, &run);
	put_log(&f->record, "sha256:aa", "one\n");
	for (size_t size = 0; size < f->record.len; size++) {
		if (feed_bytes(f, f->record.data, size) < 0)
			refused++;
	}
	/* All cuts but before and between the two fields. */
	assert_int_equal(refused, f->record.len - 2);
	for (size_t i = 0; i < f->record.len; i++) {
		for (unsigned int bit = 1; bit < 256; bit <<= 1) {
			f->record.data[i] ^= (char)bit;
			feed_bytes(f, f->record.data, f->record.len);
			f->record.data[i] ^= (char)bit;
		}
	}
}

static void test_malformed(void **state)
{
	static const struct {
		const char *data;
		size_t size;
	} records[] = {
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 11 },
		{ "\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 12 },
		{ "\x0a\x02\x0a\x7f", 4 },
		{ "\x0b", 1 },
		{ "\x0d\x01", 2 },
		{ "\xff", 1 },
	};
	struct sbx_error err = SBX_ERROR_INIT;
	struct fixture *f = *state;

	for (size_t i = 0; i < 6; i++)
		assert_int_equal(
			feed_bytes(f, records[i].data, records[i].size), -1);
	assert_int_equal(
		sbx_buildkit_trace_feed(f->trace, "CmkK!", 5, collect, f, &err),
		-1);
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
}

/* A build with more steps than we count is still a build. */
static void test_many_vertexes(void **state)
{
	struct vertex vertex = { .name = "x", .started = true };
	struct fixture *f = *state;

	for (int i = 0; i < 5000; i++) {
		char digest[32];

		snprintf(digest, sizeof(digest), "sha256:%d", i);
		vertex.digest = digest;
		put_vertex(&f->record, &vertex);
		feed(f);
	}
	assert_non_null(strstr(sbx_buf_text(&f->steps), "#4096 x|"));
	assert_null(strstr(sbx_buf_text(&f->steps), "#4097 x|"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_steps),	 TEST(test_failure),
		TEST(test_housekeeping), TEST(test_output),
		TEST(test_warning),	 TEST(test_mangled),
		TEST(test_malformed),	 TEST(test_many_vertexes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
