/* SPDX-License-Identifier: MIT */
/*
 * A run is left to a daemon or done here, never both and never neither: as
 * long as the input has not left it may be done here, and from then on never
 * again, wherever the daemon breaks off.
 */
#include "cli/remote.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/clock.h"
#include "codec/frames.h"
#include "codec/json.h"
#include "scratch.h"

/*
 * A daemon for one request: answers the head with @first, and if that is
 * "100", the body with @size bytes of @second; then hangs up, or waits until
 * the client does (@stays).
 *
 * @head, @body	what it got
 */
struct fake {
	int listener;
	pthread_t thread;
	const char *first;
	const char *second;
	size_t size;
	bool stays;
	char head[4096];
	char body[256];
};

#define CONTINUE "HTTP/1.1 100 Continue\r\n\r\n"
#define INPUT	 "{\"a\": 1}"

static void say(int fd, const char *text, size_t size)
{
	if (size > 0)
		assert_int_equal(send(fd, text, size, MSG_NOSIGNAL), size);
}

/* Until @end is in it, or @size bytes are. */
static void hear(int fd, char *out, size_t room, const char *end, size_t size)
{
	size_t len = 0;

	while (len < room - 1 && !(end && strstr(out, end)) &&
	       (end || len < size)) {
		ssize_t got = recv(fd, out + len, room - 1 - len, 0);

		if (got <= 0)
			return;
		len += (size_t)got;
		out[len] = '\0';
	}
}

static void *fake_main(void *ctx)
{
	struct fake *fake = ctx;
	int fd = accept(fake->listener, NULL, NULL);
	char rest[64] = "";

	hear(fd, fake->head, sizeof(fake->head), "\r\n\r\n", 0);
	say(fd, fake->first, strlen(fake->first));
	if (strcmp(fake->first, CONTINUE) == 0) {
		hear(fd, fake->body, sizeof(fake->body), NULL, strlen(INPUT));
		say(fd, fake->second, fake->size);
	}
	/* What comes now is more than it should be. */
	if (fake->stays)
		hear(fd, rest, sizeof(rest), "\n", 0);
	assert_string_equal(rest, "");
	close(fd);
	return NULL;
}

static void begin(struct fake *fake)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX,
				       .sun_path = "socket" };

	unlink("socket");
	fake->head[0] = fake->body[0] = '\0';
	if (fake->second && fake->size == 0)
		fake->size = strlen(fake->second);
	fake->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fake->listener, (struct sockaddr *)&address,
			      sizeof(address)),
			 0);
	assert_int_equal(listen(fake->listener, 1), 0);
	assert_int_equal(pthread_create(&fake->thread, NULL, fake_main, fake),
			 0);
}

static void finish(struct fake *fake)
{
	pthread_join(fake->thread, NULL);
	close(fake->listener);
}

/* --- what is heard --------------------------------------------------------- */

static void on_line(void *ctx, const char *line)
{
	sbx_buf_printf(ctx, "<line %s>", line);
}

static void on_started(void *ctx, const char *start)
{
	sbx_buf_printf(ctx, "<started %s>", start);
}

static void on_output(void *ctx, int stream, const void *data, size_t size)
{
	sbx_buf_printf(ctx, "<%s ",
		       stream == SBX_FRAMES_STDOUT ? "out" : "err");
	for (size_t i = 0; i < size; i++)
		sbx_buf_printf(ctx, "%02x", ((const unsigned char *)data)[i]);
	sbx_buf_puts(ctx, ">");
}

static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	sbx_buf_printf(ctx, "<%g/%g %s>", progress->done, progress->total,
		       progress->message ? progress->message : "-");
}

/*
 * @heard	of the events
 * @record	as text, "" for none
 */
struct outcome {
	int result;
	bool was_sent;
	struct sbx_buf heard;
	char record[256];
	struct sbx_error err;
};

static bool listens = true; /* to what the action writes */

static void run(struct outcome *out, int cancel_fd)
{
	const struct sbx_run_events events = {
		.line = on_line,
		.started = on_started,
		.output = listens ? on_output : NULL,
		.progress = on_progress,
		.ctx = &out->heard,
	};
	const struct sbx_remote_run request = {
		.socket = "socket",
		.expect = "0123abcd",
		.skill = "text",
		.action = "count",
		.input = INPUT,
		.input_size = strlen(INPUT),
		.run_id = "id-1",
		.events = &events,
		.cancel_fd = cancel_fd,
	};
	json_t *record = NULL;

	*out = (struct outcome){ .heard = SBX_BUF_INIT(10000) };
	out->result =
		sbx_remote_run(&request, &record, &out->was_sent, &out->err);
	if (record) {
		cleanup_free char *text = sbx_json_line(record);

		snprintf(out->record, sizeof(out->record), "%s", text);
	}
	json_decref(record);
}

static void ask(struct fake *fake, struct outcome *out)
{
	begin(fake);
	run(out, -1);
	finish(fake);
}

static void assert_elsewhere(const struct fake *fake, struct outcome *out)
{
	assert_int_equal(out->result, SBX_REMOTE_ELSEWHERE);
	assert_false(out->was_sent);
	assert_string_equal(fake->body, "");
	assert_true(strlen(out->err.message) > 10);
	sbx_buf_free(&out->heard);
}

/* --- answers --------------------------------------------------------------- */

#define STREAM                                                                 \
	"HTTP/1.1 200 OK\r\nContent-Type: application/x-ndjson\r\n"            \
	"Connection: close\r\n\r\n"
#define RECORD "{\"status\": 3, \"output\": \"x\", \"error\": null}"
#define EVENTS                                                                 \
	STREAM "{\"event\":\"build\",\"data\":{\"line\":\"step 1\"}}\n"        \
	       "{\"event\":\"started\",\"data\":{\"start\":\"warm\"}}\n"       \
	       "{\"event\":\"stdout\",\"data\":{\"text\":\"\\u00e9\\u0000\"}}" \
	       "\n"                                                            \
	       "{\"event\":\"stderr\",\"data\":{\"base64\":\"/wA=\"}}\n"       \
	       "{\"event\":\"progress\",\"data\":{\"progress\":1,"             \
	       "\"total\":4,\"message\":\"m\"}}\n"                             \
	       "{\"event\":\"progress\",\"data\":{\"progress\":2}}\n"          \
	       "{\"event\":\"news\",\"data\":{}}\n"                            \
	       "{\"event\":\"record\",\"data\":" RECORD "}\n"

static void test_run(void **state)
{
	struct fake fake = { .first = CONTINUE, .second = EVENTS };
	struct outcome out;

	(void)state;
	ask(&fake, &out);
	assert_int_equal(out.result, 0);
	assert_string_equal(sbx_buf_text(&out.heard),
			    "<line step 1><started warm><out c3a900><err ff00>"
			    "<1/4 m><2/-1 ->");
	assert_string_equal(out.record, RECORD);
	assert_memory_equal(fake.head,
			    "POST /v1/skills/text/actions/count HTTP/1.1\r\n",
			    45);
	assert_non_null(strstr(fake.head, "\r\nExpect: 100-continue\r\n"));
	assert_non_null(strstr(fake.head, "\r\nSkillbox-Expect: 0123abcd\r\n"));
	assert_non_null(strstr(fake.head, "\r\nIdempotency-Key: id-1\r\n"));
	assert_non_null(
		strstr(fake.head, "\r\nAccept: application/x-ndjson\r\n"));
	assert_non_null(strstr(fake.head, "\r\nContent-Length: 8\r\n"));
	assert_null(strstr(fake.head, "\r\nPrefer:"));
	assert_string_equal(fake.body, INPUT);
	sbx_buf_free(&out.heard);
}

/* What nobody listens to is not sent, and does no harm when it is. */
static void test_record_only(void **state)
{
	struct fake fake = { .first = CONTINUE, .second = EVENTS };
	struct outcome out;

	(void)state;
	listens = false;
	ask(&fake, &out);
	listens = true;
	assert_non_null(strstr(fake.head, "\r\nPrefer: output=none\r\n"));
	assert_int_equal(out.result, 0);
	assert_string_equal(sbx_buf_text(&out.heard),
			    "<line step 1><started warm><1/4 m><2/-1 ->");
	sbx_buf_free(&out.heard);
}

/* What it says of a request that it understood is the record. */
static void test_refusals(void **state)
{
	static const char *const heads[] = { "200 OK", "400 No", "404 No",
					     "409 No", "413 No", "429 No" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(heads); i++) {
		cleanup_free char *answer = sbx_asprintf(
			"HTTP/1.1 %s\r\nContent-Type: application/json\r\n"
			"Content-Length: %zu\r\n\r\n" RECORD,
			heads[i], strlen(RECORD));
		struct fake before = { .first = answer, .stays = true };
		struct fake after = { .first = CONTINUE, .second = answer };
		struct outcome out;

		ask(&before, &out);
		assert_int_equal(out.result, 0);
		assert_string_equal(out.record, RECORD);
		assert_string_equal(before.body, "");
		sbx_buf_free(&out.heard);
		ask(&after, &out);
		assert_int_equal(out.result, 0);
		assert_string_equal(out.record, RECORD);
		sbx_buf_free(&out.heard);
	}
}

/* It is another daemon than was meant, or none any more. */
static void test_elsewhere(void **state)
{
	static const char *const heads[] = { "401 No", "403 No", "412 No",
					     "503 No" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(heads); i++) {
		cleanup_free char *answer = sbx_asprintf(
			"HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n" RECORD,
			heads[i], strlen(RECORD));
		struct fake fake = { .first = answer, .stays = true };
		struct outcome out;

		ask(&fake, &out);
		assert_elsewhere(&fake, &out);
	}
}

/* It began to drain while the input was on its way, and says so. */
static void test_draining(void **state)
{
	struct fake fake = {
		.first = CONTINUE,
		.second = "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
	};
	struct outcome out;

	(void)state;
	ask(&fake, &out);
	assert_int_equal(out.result, SBX_REMOTE_ELSEWHERE);
	assert_false(out.was_sent);
	sbx_buf_free(&out.heard);
}

static void test_nobody(void **state)
{
	struct fake fake = { .first = "" };
	struct outcome out;

	(void)state;
	assert_false(sbx_remote_is_there("socket"));
	run(&out, -1);
	assert_elsewhere(&fake, &out);
	ask(&fake, &out);
	assert_elsewhere(&fake, &out);
	/* Left behind by one that was killed. */
	assert_true(sbx_remote_is_there("socket"));
	run(&out, -1);
	assert_elsewhere(&fake, &out);
}

/* A daemon that is stopped holds nobody up, and cannot run it afterwards. */
static void test_silence(void **state)
{
	struct fake fake = { .first = "", .stays = true };
	double began = sbx_clock_ms();
	struct outcome out;

	(void)state;
	ask(&fake, &out);
	assert_elsewhere(&fake, &out);
	assert_true(sbx_clock_ms() - began < 10000);
}

/*
 * Wherever it breaks off once it has the input, nobody runs it again, and a
 * record that has come is what counts.
 */
static void test_lost(void **state)
{
	size_t whole = strlen(EVENTS);

	(void)state;
	for (size_t size = 1; size <= whole; size++) {
		struct fake fake = { .first = CONTINUE,
				     .second = EVENTS,
				     .size = size };
		struct outcome out;

		ask(&fake, &out);
		assert_true(out.was_sent);
		if (size == whole) {
			assert_int_equal(out.result, 0);
			assert_string_equal(out.record, RECORD);
		} else {
			assert_int_equal(out.result, -1);
			assert_int_equal(out.err.outcome,
					 SBX_OUTCOME_UNAVAILABLE);
		}
		sbx_buf_free(&out.heard);
	}
}

static void test_lost_at_once(void **state)
{
	struct fake fake = { .first = CONTINUE, .second = "" };
	struct outcome out;

	(void)state;
	ask(&fake, &out);
	assert_int_equal(out.result, -1);
	assert_true(out.was_sent);
	assert_int_equal(out.err.outcome, SBX_OUTCOME_UNAVAILABLE);
	assert_non_null(strstr(out.err.message, "may have run"));
	sbx_buf_free(&out.heard);
}

/* What is no answer is no reason to run it twice. */
static void test_garbage(void **state)
{
	static const char *const answers[] = {
		"garbage\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}",
		"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnull",
		STREAM "no JSON\n",
		STREAM "{}\n[]\n",
		STREAM "{\"event\":\"record\",\"data\":7}\n",
		STREAM "{\"event\":7}\n{\"event\":\"stdout\",\"data\":[]}\n",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(answers); i++) {
		struct fake fake = { .first = CONTINUE, .second = answers[i] };
		struct outcome out;

		ask(&fake, &out);
		assert_int_equal(out.result, -1);
		assert_true(out.was_sent);
		assert_int_equal(out.err.outcome, SBX_OUTCOME_UNAVAILABLE);
		sbx_buf_free(&out.heard);
	}
}

/* Written to when the run has begun. */
struct canceller {
	int fd;
};

static void *cancel_soon(void *ctx)
{
	const struct canceller *canceller = ctx;

	usleep(50 * 1000);
	assert_int_equal(write(canceller->fd, "x", 1), 1);
	return NULL;
}

/* We hang up, which is how the daemon knows. */
static void test_cancel(void **state)
{
	struct fake fake = { .first = CONTINUE,
			     .second = STREAM,
			     .stays = true };
	struct canceller canceller;
	struct outcome out;
	pthread_t thread;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	canceller.fd = fds[1];
	begin(&fake);
	pthread_create(&thread, NULL, cancel_soon, &canceller);
	run(&out, fds[0]);
	finish(&fake); /* its recv() saw the end */
	pthread_join(thread, NULL);
	assert_int_equal(out.result, -1);
	assert_int_equal(out.err.outcome, SBX_OUTCOME_CANCELLED);
	sbx_buf_free(&out.heard);
	close(fds[0]);
	close(fds[1]);
}

/* --- whose it is ----------------------------------------------------------- */

/* Whoever else listens there is not given the input. */
static void test_peer(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int fds[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(sbx_remote_check_peer(fds[0], &err), 0);
	close(fds[0]);
	close(fds[1]);
	if (geteuid() == 0) {
		assert_int_equal(seteuid(12345), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(sbx_remote_check_peer(fds[0], &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		close(fds[0]);
		close(fds[1]);
	}
	assert_int_equal(sbx_remote_check_peer(-1, &err), -1);
}

/* And sbx_remote_run() asks. */
static void test_foreign_daemon(void **state)
{
	struct fake fake = { .first = "", .stays = true };
	struct outcome out;

	(void)state;
	if (geteuid() != 0)
		return; /* nobody else's socket can be had */
	assert_int_equal(chmod(".", 0777), 0);
	assert_int_equal(seteuid(12345), 0);
	begin(&fake);
	assert_int_equal(seteuid(0), 0);
	run(&out, -1);
	finish(&fake);
	assert_elsewhere(&fake, &out);
	assert_string_equal(fake.head, "");
}

/* --- other requests -------------------------------------------------------- */

static int call(const char *answer, json_t **out, struct sbx_error *err)
{
	struct fake fake = { .first = answer };
	int result;

	begin(&fake);
	result = sbx_remote_call("socket", "GET", "/v1/pool", NULL, -1, out,
				 err);
	finish(&fake);
	return result;
}

static void test_call(void **state)
{
	json_auto_t *answer = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(call("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n"
			      "{\"a\": 1}",
			      &answer, &err),
			 0);
	assert_int_equal(sbx_json_int_at(0, answer, "a", NULL), 1);
	assert_int_equal(call("HTTP/1.1 404 No\r\nConnection: close\r\n\r\n"
			      "{\"status\":66,\"output\":null,\"error\":\"no "
			      "such thing\","
			      "\"outcome\":\"not_found\"}",
			      &answer, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_non_null(strstr(err.message, "no such thing"));

	assert_int_equal(call("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx",
			      &answer, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	assert_int_equal(
		sbx_remote_call("nowhere", "GET", "/", NULL, -1, &answer, &err),
		-1);
	assert_int_equal(err.outcome, SBX_OUTCOME_UNAVAILABLE);
	assert_non_null(strstr(err.message, "skillbox serve"));
}

#define test(name)                                                             \
	cmocka_unit_test_setup_teardown(name, scratch_enter, scratch_leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(test_run),
		test(test_record_only),
		test(test_refusals),
		test(test_elsewhere),
		test(test_nobody),
		test(test_draining),
		test(test_silence),
		test(test_lost),
		test(test_lost_at_once),
		test(test_garbage),
		test(test_cancel),
		test(test_peer),
		test(test_foreign_daemon),
		test(test_call),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
