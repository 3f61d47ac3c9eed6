/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "engine/image.h"
#include "fault_server.h"

#define STREAM_HEAD                                                            \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"                \
	"Connection: close\r\n\r\n"
#define CHUNKED_HEAD                                                           \
	"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"                \
	"Transfer-Encoding: chunked\r\n\r\n"
#define IMAGE_ID "{\"id\":\"moby.image.id\",\"aux\":{\"ID\":\"sha256:a\"}}\n"
#define FAILURE                                                                \
	"{\"stream\":\"no rule to make it\\n\"}\n"                             \
	"{\"errorDetail\":{\"message\":\"code 2\"}}\n"

#define PODMAN_PING                                                            \
	"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\n"            \
	"Libpod-Api-Version: 4.3.1\r\nBuilder-Version: \r\n"                   \
	"Content-Length: 0\r\n\r\n"

struct fixture {
	struct fault_server server;
	struct sbx_engine *engine;
	struct sbx_image_build build;
	int pieces;
	bool source_fails;
	struct sbx_error err;
};

static int give(void *ctx, void *data, size_t size, size_t *got,
		struct sbx_error *err)
{
	struct fixture *f = ctx;

	*got = f->pieces-- > 0 ? 4 : 0;
	assert_true(size >= 4);
	memcpy(data, "tar!", *got);
	if (*got == 0 && f->source_fails)
		return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED,
				     "a file changed");
	return 0;
}

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));
	struct sbx_error err = SBX_ERROR_INIT;

	fault_start(&f->server);
	f->server.then = FAULT_CLOSE;
	f->build.tag = "skillbox/x:1";
	f->build.dockerfile = "sub dir/Dockerfile";
	f->build.context = give;
	f->build.context_ctx = f;
	*state = f;
	return sbx_engine_new(&f->engine, f->server.url, &err);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_engine_free(&f->engine);
	fault_stop(&f->server);
	free(f);
	return 0;
}

static int build(struct fixture *f, const char *reply)
{
	f->server.reply = reply;
	f->pieces = 3;
	f->err = (struct sbx_error)SBX_ERROR_INIT;
	return sbx_image_build(f->engine, &f->build, &f->err);
}

static void expect(struct fixture *f, const char *reply,
		   enum sbx_outcome outcome, const char *message)
{
	assert_int_equal(build(f, reply), -1);
	assert_int_equal(f->err.outcome, outcome);
	if (!strstr(f->err.message, message))
		fail_msg("%s", f->err.message);
}

static void test_built(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
	/* Cut off, but not before all was said. */
	assert_int_equal(build(f, CHUNKED_HEAD "40\r\n" IMAGE_ID), 0);
}

static void test_failed(void **state)
{
	struct fixture *f = *state;

	expect(f, STREAM_HEAD FAILURE, SBX_OUTCOME_BUILD_FAILED,
	       "code 2\nno rule to make it");
	expect(f, CHUNKED_HEAD "54\r\n" FAILURE, SBX_OUTCOME_BUILD_FAILED,
	       "code 2\nno rule to make it");
	/* Docker 20.10's classic builder: what it finds before it begins. */
	expect(f,
	       "HTTP/1.1 400 Bad Request\r\nContent-Length: 40\r\n\r\n"
	       "{\"message\":\"dockerfile parse error: FOO\"}",
	       SBX_OUTCOME_BUILD_FAILED, "dockerfile parse error: FOO");
	expect(f, "HTTP/1.1 503 Busy\r\nContent-Length: 4\r\n\r\nbusy",
	       SBX_OUTCOME_UNAVAILABLE, "engine refused (503): busy");
}

/* Neither an image nor a failure: the engine went away. */
static void test_neither(void **state)
{
	struct fixture *f = *state;

	expect(f, STREAM_HEAD, SBX_OUTCOME_UNAVAILABLE, "before it named");
	expect(f, STREAM_HEAD "{\"stream\":\"x\"}\n", SBX_OUTCOME_UNAVAILABLE,
	       "before it named");
	expect(f, CHUNKED_HEAD, SBX_OUTCOME_UNAVAILABLE, "broke");
	expect(f, STREAM_HEAD "garbage\n", SBX_OUTCOME_UNAVAILABLE,
	       "no JSON object");
	expect(f, "", SBX_OUTCOME_UNAVAILABLE, "without an answer");
}

/* The context's error is the caller's own, untouched. */
static void test_source_fails(void **state)
{
	struct fixture *f = *state;

	f->source_fails = true;
	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_BUILD_FAILED);
	assert_string_equal(f->err.message, "a file changed");
}

static void test_query(void **state)
{
	json_auto_t *args = json_pack("{s:s}", "A", "1&2");
	struct fixture *f = *state;

	f->build.args = args;
	f->build.target = "final";
	f->build.no_network = true;
	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
	*strstr(f->server.seen, " HTTP/1.1") = '\0';
	assert_string_equal(f->server.seen,
			    "POST /v1.41/build?rm=1&forcerm=1&version=2"
			    "&t=skillbox%2Fx%3A1"
			    "&dockerfile=sub%20dir%2FDockerfile&target=final"
			    "&buildargs=%7B%22A%22%3A%20%221%262%22%7D"
			    "&networkmode=none");
}

/* Each its own cache, where that can be had. */
static void test_cache(void **state)
{
	struct fixture *f = *state;

	f->build.cache = "a-b";
	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
	assert_non_null(strstr(f->server.seen,
			       "&buildargs=%7B%22BUILDKIT_CACHE_MOUNT_NS%22"
			       "%3A%20%22a-b%22%7D"));
}

/* Who has no BuildKit is not asked for it. */
static void test_classic(void **state)
{
	static const char *const pings[] = {
		"HTTP/1.1 200 OK\r\nApi-Version: 1.41\r\nOstype: linux\r\n"
		"Builder-Version: 1\r\nContent-Length: 0\r\n\r\n",
		PODMAN_PING,
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < 2; i++) {
		sbx_engine_free(&f->engine);
		assert_int_equal(
			sbx_engine_new(&f->engine, f->server.url, &f->err), 0);
		f->server.ping = pings[i];
		assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
		assert_null(strstr(f->server.seen, "version="));
	}
}

/* Podman would give RUN steps the host's network. */
static void test_podman_network(void **state)
{
	struct fixture *f = *state;

	f->server.ping = PODMAN_PING;
	f->build.no_network = true;
	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
	assert_non_null(strstr(f->server.seen,
			       "&nsoptions=%5B%7B%22Name%22%3A%22network%22"
			       "%2C%22Host%22%3Afalse%7D%5D"
			       "&networkmode=NetworkDisabled HTTP"));
	f->build.no_network = false;
	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
	assert_non_null(strstr(f->server.seen, "%22Host%22%3Afalse"));
}

/* An engine that ends in the middle of any byte is no success. */
static void test_cut_at_every_byte(void **state)
{
	static const char reply[] = STREAM_HEAD "{\"stream\":\"x\"}\n" FAILURE;
	size_t failure = strlen(reply) - 1;
	struct fixture *f = *state;

	for (size_t cut = 0; cut < failure; cut++) {
		f->server.cut = cut;
		assert_int_equal(build(f, reply), -1);
		assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
	}
	f->server.cut = failure;
	assert_int_equal(build(f, reply), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_BUILD_FAILED);
}

static void test_import(void **state)
{
	json_auto_t *labels = json_pack("{s:s}", "a.b", "x \"$y\\");
	json_auto_t *bad = json_pack("{s:s}", "a.b", "x\nRUN evil");
	struct fixture *f = *state;

	f->server.reply = STREAM_HEAD "{\"status\":\"sha256:a\"}\n";
	assert_int_equal(sbx_image_import(f->engine, "r", "t", "tar", 3, labels,
					  &f->err),
			 0);
	*strstr(f->server.seen, " HTTP/1.1") = '\0';
	assert_string_equal(f->server.seen,
			    "POST /v1.41/images/create?fromSrc=-&repo=r%3At"
			    "&changes=LABEL%20%22a.b%22%3D%22"
			    "x%20%5C%22%5C%24y%5C%5C%22");
	/* A label cannot add an instruction. */
	assert_int_equal(
		sbx_image_import(f->engine, "r", "t", "tar", 3, bad, &f->err),
		-1);
	f->server.reply = STREAM_HEAD "{\"errorDetail\":{\"message\":"
				      "\"unexpected EOF\"}}\n";
	assert_int_equal(
		sbx_image_import(f->engine, "r", "t", "tar", 3, NULL, &f->err),
		-1);
	assert_string_equal(f->err.message,
			    "import image r:t: engine: unexpected EOF");
}

static const struct sbx_progress silent;
static const struct sbx_image_limit no_limit;

static void test_pull(void **state)
{
	struct fixture *f = *state;

	f->server.reply = STREAM_HEAD "{\"status\":\"Done\"}\n";
	assert_int_equal(sbx_image_pull(f->engine, "h:5000/a", &no_limit,
					&silent, &f->err),
			 0);
	assert_non_null(
		strstr(f->server.seen, "?fromImage=h%3A5000%2Fa&tag=latest "));
	assert_int_equal(sbx_image_pull(f->engine, "a@sha256:b", &no_limit,
					&silent, &f->err),
			 0);
	assert_non_null(
		strstr(f->server.seen, "?fromImage=a%40sha256%3Ab HTTP"));
	f->server.reply = STREAM_HEAD "{\"error\":\"manifest unknown\"}\n";
	assert_int_equal(
		sbx_image_pull(f->engine, "a", &no_limit, &silent, &f->err),
		-1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_NOT_FOUND);
	f->server.reply = STREAM_HEAD "{\"error\":\"i/o timeout\"}\n";
	assert_int_equal(
		sbx_image_pull(f->engine, "a", &no_limit, &silent, &f->err),
		-1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_UNAVAILABLE);
}

/*
 * What takes too long is left, also one that never stops talking; the engine
 * sees the connection close.
 */
static void test_time_is_over(void **state)
{
	static const struct sbx_image_limit limit = { 300, "that was all" };
	static const char stream[] = STREAM_HEAD "{\"stream\":\"tick\\n\"}\n";
	struct fixture *f = *state;
	double began;

	f->build.limit = limit;
	f->server.then = FAULT_STALL;
	for (int i = 0; i < 2; i++) {
		began = sbx_clock_ms();
		expect(f, stream, SBX_OUTCOME_BUILD_FAILED,
		       "that was all\ntick");
		assert_true(sbx_clock_ms() - began >= 300);
		assert_true(sbx_clock_ms() - began < 5000);
		f->server.endless = "{\"stream\":\"tick\\n\"}\n";
	}
	assert_int_equal(
		sbx_image_pull(f->engine, "a", &limit, &silent, &f->err), -1);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_BUILD_FAILED);
	assert_string_equal(f->err.message, "pull a: that was all");
	/* The next one has all of its own time, and patience is untouched. */
	f->server.endless = NULL;
	f->server.then = FAULT_CLOSE;
	assert_int_equal(build(f, STREAM_HEAD IMAGE_ID), 0);
	assert_true(isinf(sbx_engine_patience(f->engine)));
}

/* How often an image is asked for when the engine answers that. */
static int asked(struct fixture *f, const char *reply, int result)
{
	int before = f->server.requests;
	json_t *image = NULL;

	f->server.reply = reply;
	assert_int_equal(sbx_image_inspect(f->engine, "x", &image, &f->err),
			 result);
	json_decref(image);
	return f->server.requests - before;
}

/* Podman stumbles over any other thing that goes just then. */
static void test_podman_inspect(void **state)
{
	static const char gone[] =
		"HTTP/1.1 500 x\r\nContent-Length: 39\r\n\r\n"
		"locating image with ID: image not known";
	static const char process[] =
		"HTTP/1.1 500 x\r\nContent-Length: 21\r\n\r\n"
		"read: no such process";
	static const char broken[] =
		"HTTP/1.1 500 x\r\nContent-Length: 6\r\n\r\nbroken";
	struct fixture *f = *state;

	assert_int_equal(asked(f, gone, -1), 1);
	sbx_engine_free(&f->engine);
	f->server.ping = PODMAN_PING;
	assert_int_equal(sbx_engine_new(&f->engine, f->server.url, &f->err), 0);
	assert_int_equal(asked(f, gone, -1), 5);
	assert_int_equal(asked(f, process, -1), 5);
	assert_int_equal(asked(f, broken, -1), 1);
	assert_int_equal(asked(f, "HTTP/1.1 404 x\r\nContent-Length: 0\r\n\r\n",
			       SBX_IMAGE_GONE),
			 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
		TEST(test_built),	   TEST(test_failed),
		TEST(test_neither),	   TEST(test_source_fails),
		TEST(test_query),	   TEST(test_cache),
		TEST(test_classic),	   TEST(test_cut_at_every_byte),
		TEST(test_import),	   TEST(test_pull),
		TEST(test_time_is_over),   TEST(test_podman_network),
		TEST(test_podman_inspect),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
