/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/stream.h"
#include "fault_server.h"

#define UPGRADED                                                               \
	"HTTP/1.1 101 UPGRADED\r\n"                                            \
	"Content-Type: application/vnd.docker.raw-stream\r\n"                  \
	"Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"

#define SOON_MS 3000

struct fixture {
	struct fault_server server;
	struct sbx_engine *engine;
	struct sbx_stream *stream;
	struct sbx_error err;
};

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));
	struct sbx_error err = SBX_ERROR_INIT;

	fault_start(&f->server);
	*state = f;
	return sbx_engine_new(&f->engine, f->server.url, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_stream_free(&f->stream);
	sbx_engine_free(&f->engine);
	fault_stop(&f->server);
	free(f);
	return 0;
}

static int attach(struct fixture *f)
{
	sbx_stream_free(&f->stream);
	f->err = (struct sbx_error)SBX_ERROR_INIT;
	return sbx_stream_attach(&f->stream, f->engine, "a/b", &f->err);
}

static void expect_unavailable(struct fixture *f, const char *what)
{
	double begin = sbx_clock_ms();

	if (attach(f) != -1)
		fail_msg("no failure: %s", what);
	if (f->err.outcome != SBX_OUTCOME_UNAVAILABLE)
		fail_msg("%s: outcome %d: %s", what, f->err.outcome,
			 f->err.message);
	assert_null(f->stream);
	assert_true(sbx_clock_ms() - begin < SOON_MS);
}

static int wait_readable(struct fixture *f)
{
	struct pollfd in = { .events = POLLIN };

	in.fd = sbx_stream_fd(f->stream);
	return poll(&in, 1, SOON_MS);
}

/* All that comes until the end of the stream. */
static void read_all(struct fixture *f, struct sbx_buf *out)
{
	char data[7];

	for (;;) {
		ssize_t got =
			sbx_stream_recv(f->stream, data, sizeof(data), &f->err);

		if (got == SBX_STREAM_CLOSED)
			return;
		if (got < 0)
			fail_msg("%s", f->err.message);
		sbx_buf_append(out, data, (size_t)got);
		if (got == 0)
			assert_int_equal(wait_readable(f), 1);
	}
}

/* Bytes that come in one piece with the 101 are the stream's first. */
static void test_early_bytes(void **state)
{
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(4096);
	struct fixture *f = *state;

	f->server.reply = UPGRADED "the first bytes of the stream";
	f->server.then = FAULT_CLOSE;
	assert_int_equal(attach(f), 0);
	read_all(f, &got);
	assert_string_equal(sbx_buf_text(&got),
			    "the first bytes of the stream");
}

/* Older engines say 200. */
static void test_status_200(void **state)
{
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(4096);
	struct fixture *f = *state;

	f->server.reply = "HTTP/1.1 200 OK\r\n\r\nx";
	f->server.then = FAULT_CLOSE;
	assert_int_equal(attach(f), 0);
	read_all(f, &got);
	assert_string_equal(sbx_buf_text(&got), "x");
}

static void test_request(void **state)
{
	struct fixture *f = *state;

	f->server.reply = UPGRADED;
	assert_int_equal(attach(f), 0);
	assert_ptr_equal(strstr(f->server.seen,
				"POST /v1.41/containers/a%2Fb/attach?stream=1"
				"&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
				"Host: docker\r\n"),
			 f->server.seen);
	assert_non_null(strstr(f->server.seen, "\r\nUpgrade: tcp\r\n"));
	assert_non_null(strstr(f->server.seen, "\r\nConnection: Upgrade\r\n"));
	assert_string_equal(strstr(f->server.seen, "\r\n\r\n"), "\r\n\r\n");
}

/* What is sent arrives as it is; the server takes it for a request. */
static void test_send(void **state)
{
	struct fixture *f = *state;

	f->server.reply = UPGRADED;
	assert_int_equal(attach(f), 0);
	assert_int_equal(sbx_stream_send(f->stream, "A\r\n\r\n", 5, &f->err),
			 5);
	assert_int_equal(wait_readable(f), 1);
	assert_string_equal(f->server.seen, "A\r\n\r\n");
}

/* Nothing waits: not for bytes, not for room. */
static void test_does_not_block(void **state)
{
	struct fixture *f = *state;
	char *block = sbx_calloc(1, 1 << 20);
	ssize_t sent;
	char byte;

	f->server.reply = UPGRADED;
	f->server.then = FAULT_STALL;
	assert_int_equal(attach(f), 0);
	assert_int_equal(sbx_stream_recv(f->stream, &byte, 1, &f->err), 0);
	do {
		sent = sbx_stream_send(f->stream, block, 1 << 20, &f->err);
	} while (sent > 0);
	assert_int_equal(sent, 0);
	free(block);
}

/* An engine that goes away is an error, not a SIGPIPE. */
static void test_send_to_closed(void **state)
{
	struct fixture *f = *state;
	ssize_t sent = 0;

	f->server.reply = UPGRADED;
	f->server.then = FAULT_CLOSE;
	assert_int_equal(attach(f), 0);
	for (int i = 0; i < 100 && sent >= 0; i++) {
		sent = sbx_stream_send(f->stream, "x", 1, &f->err);
		usleep(1000);
	}
	assert_int_equal(sent, -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
}

static void test_cut_at_every_byte(void **state)
{
	struct fixture *f = *state;

	f->server.reply = UPGRADED;
	f->server.then = FAULT_CLOSE;
	for (size_t cut = 0; cut < strlen(UPGRADED); cut++) {
		f->server.cut = cut;
		expect_unavailable(f, "cut");
	}
	f->server.cut = (size_t)-1;
	assert_int_equal(attach(f), 0);
}

static void test_refused(void **state)
{
	static const char *const replies[] = {
		/* Docker 20.10, hijacked already: no length, plain text. */
		"HTTP/1.1 404 Not Found\r\n"
		"Content-Type: application/vnd.docker.raw-stream\r\n\r\n"
		"No such container: x\r\n",
		"HTTP/1.1 404 Not Found\r\nContent-Length: 34\r\n\r\n"
		"{\"message\":\"No such container: x\"}HTTP/1.1 200 OK",
		"HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n"
		"\r\nf\r\n{\"message\":\"No \r\n13\r\nsuch container: x\""
		"}\r\n0\r\n\r\n",
	};
	struct fixture *f = *state;

	f->server.then = FAULT_CLOSE;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(replies); i++) {
		f->server.reply = replies[i];
		expect_unavailable(f, replies[i]);
		assert_string_equal(f->err.message,
				    "attach: engine refused (404): "
				    "No such container: x");
	}
	/* An error's text that never comes is no reason to wait long. */
	f->server.reply = "HTTP/1.1 500 x\r\nContent-Length: 99\r\n\r\n";
	f->server.then = FAULT_STALL;
	expect_unavailable(f, "stall");
	assert_string_equal(f->err.message, "attach: engine refused (500)");
}

static void test_garbage(void **state)
{
	static const char *const replies[] = {
		"\n",
		"\r\n\r\n",
		"220 ESMTP\r\n",
		"HTTP/2 101\r\n\r\n",
		"HTTP/1.1 101\r\nbroken\r\n\r\n",
		"HTTP/1.1 abc\r\n\r\n",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(replies); i++) {
		f->server.reply = replies[i];
		expect_unavailable(f, replies[i]);
	}
	f->server.reply = "HTTP/1.1 101 UPGRADED\r\n";
	f->server.endless = "X-Header: something or other\r\n";
	expect_unavailable(f, "endless head");
}

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	double begin = sbx_clock_ms();
	pthread_t thread;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	f->server.reply = "HTTP/1.1 101 UP";
	f->server.then = FAULT_STALL;
	sbx_engine_set_cancel_fd(f->engine, fds[0]);
	pthread_create(&thread, NULL, fault_cancel_later, &fds[1]);
	assert_int_equal(attach(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_CANCELLED);
	assert_true(sbx_clock_ms() - begin < SOON_MS);
	pthread_join(thread, NULL);
	close(fds[0]);
	close(fds[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_early_bytes),	      TEST(test_status_200),
		TEST(test_request),	      TEST(test_send),
		TEST(test_does_not_block),    TEST(test_send_to_closed),
		TEST(test_cut_at_every_byte), TEST(test_refused),
		TEST(test_garbage),	      TEST(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
