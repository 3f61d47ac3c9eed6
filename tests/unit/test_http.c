/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/engine.h"
#include "engine/http.h"
#include "fault_server.h"

#define ANSWER                                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"                \
	"Content-Length: 9\r\n\r\n{\"a\": 17}"
#define CHUNKED                                                                \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"                \
	"Transfer-Encoding: chunked\r\n\r\n"                                   \
	"4\r\n{\"a\"\r\n5\r\n: 17}\r\n0\r\n\r\n"
#define JSON_HEAD "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
#define BARE_HEAD "HTTP/1.1 200 OK\r\n"

/* Nothing that goes wrong may take longer than this. */
#define SOON_MS 3000

struct fixture {
	struct fault_server server;
	struct sbx_engine *engine;
	struct sbx_http_request request;
	struct sbx_http_response response;
	struct sbx_error err;
};

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));
	struct sbx_error err = SBX_ERROR_INIT;

	fault_start(&f->server);
	f->request =
		(struct sbx_http_request){ .method = "GET", .path = "/thing" };
	*state = f;
	return sbx_engine_new(&f->engine, f->server.url, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_http_response_free(&f->response);
	sbx_engine_free(&f->engine);
	fault_stop(&f->server);
	free(f);
	return 0;
}

/* A new engine, so that nothing is left of connections and versions. */
static void renew(struct fixture *f)
{
	struct sbx_error err = SBX_ERROR_INIT;

	sbx_engine_free(&f->engine);
	assert_int_equal(sbx_engine_new(&f->engine, f->server.url, &err), 0);
}

static int perform(struct fixture *f)
{
	f->err = (struct sbx_error)SBX_ERROR_INIT;
	return sbx_http_perform(f->engine, &f->request, &f->response, &f->err);
}

/* The request fails, as UNAVAILABLE, with a reason, and soon. */
static void expect_unavailable(struct fixture *f, const char *what)
{
	double begin = sbx_clock_ms();

	if (perform(f) != -1)
		fail_msg("no failure: %s", what);
	if (f->err.outcome != SBX_OUTCOME_UNAVAILABLE)
		fail_msg("%s: outcome %d: %s", what, f->err.outcome,
			 f->err.message);
	assert_true(strlen(f->err.message) > 10);
	assert_true(sbx_clock_ms() - begin < SOON_MS);
}

static void expect_seventeen(struct fixture *f)
{
	if (perform(f) != 0)
		fail_msg("%s", f->err.message);
	assert_int_equal(f->response.status, 200);
	assert_int_equal(
		json_integer_value(json_object_get(f->response.json, "a")), 17);
}

/* --- what arrives ----------------------------------------------------- */

static void test_answers(void **state)
{
	struct fixture *f = *state;

	f->server.reply = ANSWER;
	expect_seventeen(f);
	f->server.reply = CHUNKED;
	expect_seventeen(f);
	f->server.reply = "HTTP/1.1 204 No Content\r\n\r\n";
	assert_int_equal(perform(f), 0);
	assert_int_equal(f->response.status, 204);
	assert_null(f->response.json);
}

static void test_error_messages(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;

	f->server.reply = "HTTP/1.1 409 Conflict\r\n"
			  "Content-Type: application/json\r\n"
			  "Content-Length: 41\r\n\r\n"
			  "{\"message\":\"name is\\n  in use \\u001b[1m\"}";
	assert_int_equal(perform(f), 0);
	assert_int_equal(f->response.status, 409);
	assert_int_equal(sbx_http_refused(&f->response, &err), -1);
	assert_string_equal(err.message,
			    "engine refused (409): name is in use \\x1b[1m");
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	f->server.reply = "HTTP/1.1 503 Busy\r\nContent-Length: 9\r\n\r\n"
			  "go away\r\n";
	assert_int_equal(perform(f), 0);
	sbx_http_refused(&f->response, &err);
	assert_string_equal(err.message, "engine refused (503): go away");
	f->server.reply = "HTTP/1.1 500 x\r\nContent-Length: 2\r\n\r\n{}";
	assert_int_equal(perform(f), 0);
	sbx_http_refused(&f->response, &err);
	assert_string_equal(err.message, "engine refused (500)");
}

/* The header is where the engine says; following it would be a new request. */
static void test_redirects_are_not_followed(void **state)
{
	struct fixture *f = *state;

	f->server.reply = "HTTP/1.1 301 Moved\r\nLocation: /other\r\n"
			  "Content-Length: 0\r\n\r\n";
	assert_int_equal(perform(f), 0);
	assert_int_equal(f->response.status, 301);
	fault_stop(&f->server);
	assert_int_equal(f->server.requests, 1);
	fault_start(&f->server);
}

/* --- what is sent ----------------------------------------------------- */

static void test_json_request(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = json_pack("{s:i}", "x", 1);

	f->request.method = "POST";
	f->request.path = "/things/create?name=a%20b";
	f->request.json = body;
	f->server.reply = ANSWER;
	setenv("http_proxy", "http://127.0.0.1:1", 1);
	setenv("ALL_PROXY", "http://127.0.0.1:1", 1);
	expect_seventeen(f);
	unsetenv("http_proxy");
	unsetenv("ALL_PROXY");
	sbx_engine_free(&f->engine);
	assert_ptr_equal(strstr(f->server.seen,
				"POST /v1.41/things/create?name=a%20b "
				"HTTP/1.1\r\nHost: docker\r\n"),
			 f->server.seen);
	assert_non_null(strstr(f->server.seen,
			       "\r\nContent-Type: application/json\r\n"));
	assert_non_null(strstr(f->server.seen, "\r\n\r\n{\"x\":1}"));
	assert_null(strstr(f->server.seen, "Expect:"));
}

/* --- transport failures ----------------------------------------------- */

/*
 * Wherever an answer is cut, it is not taken for a whole one.  (The very last
 * byte of a chunked one adds nothing to it.)
 */
static void test_cut_at_every_byte(void **state)
{
	static const char *const replies[] = { ANSWER, CHUNKED };
	struct fixture *f = *state;

	f->server.then = FAULT_CLOSE;
	for (size_t i = 0; i < 2; i++) {
		f->server.reply = replies[i];
		for (size_t cut = 0; cut + i < strlen(replies[i]); cut++) {
			char what[64];

			snprintf(what, sizeof(what), "cut %zu at %zu", i, cut);
			f->server.cut = cut;
			expect_unavailable(f, what);
		}
		f->server.cut = (size_t)-1;
		expect_seventeen(f);
	}
}

static void test_cut_pings(void **state)
{
	struct fixture *f = *state;

	f->server.reply = ANSWER;
	for (size_t cut = 0; cut < strlen(FAULT_PING); cut++) {
		renew(f);
		f->server.ping_cut = cut;
		expect_unavailable(f, "cut ping");
	}
	f->server.ping_cut = (size_t)-1;
	expect_seventeen(f);
}

/* A silent engine costs the idle time-out, not a hang. */
static void test_stall(void **state)
{
	static const char *const replies[] = { ANSWER, CHUNKED };
	struct fixture *f = *state;

	f->server.then = FAULT_STALL;
	f->request.idle_ms = 20;
	for (size_t i = 0; i < 2; i++) {
		f->server.reply = replies[i];
		for (size_t cut = 0; cut < strlen(replies[i]); cut += 7) {
			f->server.cut = cut;
			expect_unavailable(f, "stall");
			assert_non_null(strstr(f->err.message, "0.0 s"));
		}
	}
}

static void test_garbage(void **state)
{
	static const char *const replies[] = {
		"\r\n\r\n",
		"\1\2\3\4\5\6\7\377\376\375",
		"220 mail.example.org ESMTP\r\n",
		"SSH-2.0-OpenSSH_9.2\r\n",
		"<html>hello</html>",
		"{\"a\": 17}",
		"HTTP/1.1 OK\r\n\r\n",
		"HTTP/1.1 99999 OK\r\n\r\n",
		"HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n",
		"HTTP/1.1 101 Switching\r\nUpgrade: tcp\r\n\r\n",
		"HTTP/9.9 200 OK\r\nContent-Length: 0\r\n\r\n",
		BARE_HEAD "Content-Length: -1\r\n\r\nx",
		BARE_HEAD "Content-Length: x\r\n\r\nx",
		BARE_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
		BARE_HEAD "Transfer-Encoding: chunked\r\n\r\n"
			  "fffffffffffffffffff\r\nx",
		BARE_HEAD "Transfer-Encoding: chunked\r\n\r\n-1\r\nx",
		JSON_HEAD "Content-Length: 1\r\n\r\n{",
		JSON_HEAD "Content-Length: 5\r\n\r\n{} {}",
		JSON_HEAD "Content-Length: 4\r\n\r\n\377\376\0\0",
	};
	struct fixture *f = *state;

	f->server.then = FAULT_CLOSE;
	f->request.idle_ms = 500;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(replies); i++) {
		f->server.reply = replies[i];
		expect_unavailable(f, replies[i]);
	}
}

/* Each of these would go on for ever, and fill the memory. */
static void test_floods(void **state)
{
	static const struct {
		const char *reply;
		const char *endless;
	} floods[] = {
		{ BARE_HEAD, "X-Header: something or other\r\n" },
		{ BARE_HEAD "X: ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" },
		{ "", "HTTP/1.1 100 Continue\r\n\r\n" },
		{ "", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" },
		{ BARE_HEAD "Connection: close\r\n\r\n",
		  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		  "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
		  "b" },
		{ BARE_HEAD "Transfer-Encoding: chunked\r\n\r\n0\r\n",
		  "X-Trailer: something or other\r\n" },
	};
	struct fixture *f = *state;

	f->server.then = FAULT_CLOSE;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(floods); i++) {
		f->server.reply = floods[i].reply;
		f->server.endless = floods[i].endless;
		expect_unavailable(f, floods[i].endless);
	}
}

static void test_nobody_there(void **state)
{
	struct sbx_engine *engine = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	const char *version;

	(void)state;
	assert_int_equal(sbx_engine_new(&engine, "unix:///nonexistent/s", &err),
			 0);
	assert_int_equal(sbx_engine_ping(engine, &version, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	assert_string_equal(err.message,
			    "cannot connect to the engine at "
			    "unix:///nonexistent/s (is the engine running?): "
			    "No such file or directory");
	sbx_engine_free(&engine);
}

/* --- connections ------------------------------------------------------ */

static void test_connection_is_kept(void **state)
{
	struct fixture *f = *state;

	f->server.reply = ANSWER;
	for (int i = 0; i < 5; i++)
		expect_seventeen(f);
	fault_stop(&f->server);
	assert_int_equal(f->server.connections, 1);
	assert_int_equal(f->server.requests, 5);
	fault_start(&f->server);
}

/* An engine that restarted in between is found again. */
static void test_connection_closed_in_between(void **state)
{
	struct fixture *f = *state;

	f->server.reply = ANSWER;
	f->server.then = FAULT_CLOSE;
	for (int i = 0; i < 5; i++)
		expect_seventeen(f);
	fault_stop(&f->server);
	assert_int_equal(f->server.requests, 5);
	fault_start(&f->server);
}

/*
 * A POST that was sent may have had its effect: it is never sent twice, even
 * when the connection was one that was kept.
 */
static void test_post_is_sent_once(void **state)
{
	struct fixture *f = *state;

	f->server.reply = ANSWER;
	expect_seventeen(f);
	f->request.method = "POST";
	f->server.reply = "";
	f->server.then = FAULT_CLOSE;
	expect_unavailable(f, "post");
	fault_stop(&f->server);
	assert_int_equal(f->server.requests, 2);
	fault_start(&f->server);
}

/* --- callbacks -------------------------------------------------------- */

struct pieces {
	int left;
	bool fails;
};

static int give(void *ctx, void *data, size_t size, size_t *got,
		struct sbx_error *err)
{
	struct pieces *pieces = ctx;

	assert_true(size >= 4);
	if (pieces->left-- > 0) {
		memcpy(data, "abcd", 4);
		*got = 4;
		return 0;
	}
	*got = 0;
	if (pieces->fails)
		return sbx_error_set(err, SBX_OUTCOME_DENIED, "no more");
	return 0;
}

static int refuse(void *ctx, const void *data, size_t size,
		  struct sbx_error *err)
{
	(void)ctx;
	(void)data;
	(void)size;
	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND, "not that");
}

static void test_streamed_body(void **state)
{
	struct fixture *f = *state;
	struct pieces pieces = { .left = 2 };

	f->request.method = "POST";
	f->request.source = give;
	f->request.source_ctx = &pieces;
	f->request.content_type = "application/x-tar";
	f->server.reply = ANSWER;
	expect_seventeen(f);
	sbx_engine_free(&f->engine);
	assert_non_null(
		strstr(f->server.seen, "\r\nTransfer-Encoding: chunked\r\n"));
	assert_non_null(strstr(f->server.seen,
			       "\r\nContent-Type: application/x-tar\r\n"));
	assert_non_null(strstr(f->server.seen, "\r\n0\r\n\r\n"));
	assert_null(strstr(f->server.seen, "Expect:"));
}

/* A body that broke off must not look complete to the engine. */
static void test_source_fails(void **state)
{
	struct fixture *f = *state;
	struct pieces pieces = { .left = 2, .fails = true };

	f->request.method = "POST";
	f->request.source = give;
	f->request.source_ctx = &pieces;
	f->server.reply = ANSWER;
	assert_int_equal(perform(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_DENIED);
	assert_string_equal(f->err.message, "no more");
	fault_stop(&f->server);
	assert_int_equal(f->server.requests, 0);
	assert_null(strstr(f->server.seen, "\r\n0\r\n\r\n"));
	fault_start(&f->server);
}

static void test_sink_fails(void **state)
{
	struct fixture *f = *state;

	f->request.sink = refuse;
	f->server.reply = CHUNKED;
	assert_int_equal(perform(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_string_equal(f->err.message, "not that");
	/* The rest of that answer is not taken for the next one. */
	f->request.sink = NULL;
	expect_seventeen(f);
}

static int give_endlessly(void *ctx, void *data, size_t size, size_t *got,
			  struct sbx_error *err)
{
	(void)ctx;
	(void)err;
	memset(data, 'x', size);
	*got = size;
	return 0;
}

/* An engine that stops reading costs the idle time-out, not a hang. */
static void test_deaf(void **state)
{
	struct fixture *f = *state;

	f->request.method = "POST";
	f->request.source = give_endlessly;
	f->request.idle_ms = 50;
	f->server.deaf = true;
	f->server.then = FAULT_STALL;
	expect_unavailable(f, "deaf");
	assert_non_null(strstr(f->err.message, "nothing moved"));
}

/* What an engine says before it hangs up on a body is heard. */
static void test_early_refusal(void **state)
{
	struct fixture *f = *state;

	f->request.method = "POST";
	f->request.source = give_endlessly;
	f->server.deaf = true;
	f->server.then = FAULT_LINGER;
	f->server.reply = "HTTP/1.1 400 Bad Request\r\n"
			  "Content-Length: 16\r\n\r\n"
			  "{\"message\":\"no\"}";
	for (int i = 0; i < 5; i++) {
		if (perform(f) != 0)
			fail_msg("round %d: %s", i, f->err.message);
		assert_int_equal(f->response.status, 400);
		assert_string_equal(f->response.message, "no");
	}
}

/* --- patience --------------------------------------------------------- */

/* All calls together get so long, in drips and drabs or not. */
static void test_patience(void **state)
{
	struct fixture *f = *state;
	double left;

	f->server.reply = ANSWER;
	sbx_engine_set_patience(f->engine, 500);
	expect_seventeen(f);
	expect_seventeen(f);
	left = sbx_engine_patience(f->engine);
	assert_true(left > 0 && left < 500);
	f->server.then = FAULT_STALL;
	f->server.cut = 5;
	expect_unavailable(f, "patience");
	assert_non_null(strstr(f->err.message, "too long"));
	assert_true(sbx_engine_patience(f->engine) <= 0);
	/* It is over for what comes after, too, and that not even asks. */
	f->server.cut = (size_t)-1;
	f->server.requests = 0;
	expect_unavailable(f, "no patience");
	assert_int_equal(f->server.requests, 0);
	sbx_engine_set_patience(f->engine, 500);
	expect_seventeen(f);
}

/* An answer that never ends, byte by byte, ends all the same. */
static void test_patience_with_drips(void **state)
{
	struct fixture *f = *state;

	f->server.reply = BARE_HEAD "Transfer-Encoding: chunked\r\n\r\n";
	f->server.endless = "1\r\nx\r\n";
	sbx_engine_set_patience(f->engine, 300);
	expect_unavailable(f, "endless");
}

/* Builds may take as long as they take. */
static void test_long_calls_need_no_patience(void **state)
{
	struct fixture *f = *state;

	f->server.reply = ANSWER;
	sbx_engine_set_patience(f->engine, 500);
	expect_seventeen(f);
	sbx_engine_set_patience(f->engine, 0);
	f->request.kind = SBX_TURN_LONG;
	expect_seventeen(f);
	f->request.kind = SBX_TURN_NORMAL;
	expect_unavailable(f, "normal");
	f->request.kind = SBX_TURN_LONG;
	f->request.answer_ms = 30;
	f->server.cut = 0;
	f->server.then = FAULT_STALL;
	expect_unavailable(f, "no answer");
	assert_non_null(strstr(f->err.message, "0.0 s"));
}

/* --- cancel ----------------------------------------------------------- */

static void test_cancel(void **state)
{
	struct fixture *f = *state;
	double begin = sbx_clock_ms();
	pthread_t thread;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	f->server.reply = "HTTP/1.1 2";
	f->server.then = FAULT_STALL;
	sbx_engine_set_cancel_fd(f->engine, fds[0]);
	pthread_create(&thread, NULL, fault_cancel_later, &fds[1]);
	assert_int_equal(perform(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_CANCELLED);
	assert_true(sbx_clock_ms() - begin < SOON_MS);
	pthread_join(thread, NULL);
	/* Still readable: nothing begins any more. */
	assert_int_equal(perform(f), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_CANCELLED);
	/* Cleaning up happens after that, with nobody to ask. */
	sbx_engine_set_cancel_fd(f->engine, -1);
	f->server.reply = ANSWER;
	expect_seventeen(f);
	close(fds[0]);
	close(fds[1]);
}

/* --- negotiation ------------------------------------------------------ */

#define PING(headers) "HTTP/1.1 200 OK\r\n" headers "Content-Length: 0\r\n\r\n"

static void test_versions(void **state)
{
	static const struct {
		const char *ping;
		const char *version; /* NULL: refused */
	} cases[] = {
		{ PING("Api-Version: 1.41\r\n"), "1.41" },
		{ PING("api-version:1.43\r\n"), "1.43" },
		{ PING("Api-Version: 1.52\r\n"), "1.44" },
		{ PING("Api-Version: 1.40\r\n"), NULL },
		{ PING("Api-Version: 2.0\r\n"), NULL },
		{ PING("Api-Version: 1.41/../..\r\n"), NULL },
		{ PING("Api-Version: \r\n"), NULL },
		{ PING("Server: nginx\r\n"), NULL },
		{ "HTTP/1.1 404 x\r\nApi-Version: 1.41\r\n"
		  "Content-Length: 0\r\n\r\n",
		  NULL },
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		const char *version = NULL;
		int ret;

		renew(f);
		f->server.ping = cases[i].ping;
		ret = sbx_engine_ping(f->engine, &version, &err);
		assert_int_equal(ret, cases[i].version ? 0 : -1);
		if (ret == 0)
			assert_string_equal(version, cases[i].version);
		else
			assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	}
}

static void test_escape(void **state)
{
	cleanup_free char *text = sbx_http_escape("a/b c?&=%+\xc3\xa9-._~Z9");

	(void)state;
	assert_string_equal(text, "a%2Fb%20c%3F%26%3D%25%2B%C3%A9-._~Z9");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_answers),
		TEST(test_error_messages),
		TEST(test_redirects_are_not_followed),
		TEST(test_json_request),
		TEST(test_cut_at_every_byte),
		TEST(test_cut_pings),
		TEST(test_stall),
		TEST(test_garbage),
		TEST(test_floods),
		TEST(test_connection_is_kept),
		TEST(test_connection_closed_in_between),
		TEST(test_post_is_sent_once),
		TEST(test_streamed_body),
		TEST(test_source_fails),
		TEST(test_sink_fails),
		TEST(test_deaf),
		TEST(test_early_refusal),
		TEST(test_patience),
		TEST(test_patience_with_drips),
		TEST(test_long_calls_need_no_patience),
		TEST(test_cancel),
		TEST(test_versions),
		cmocka_unit_test(test_nobody_there),
		cmocka_unit_test(test_escape),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
