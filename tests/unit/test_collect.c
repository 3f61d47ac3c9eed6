/* SPDX-License-Identifier: MIT */
/* What an action writes, on its way to the record and to whoever listens. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/frames.h"
#include "sandbox/collect.h"
#include "secret/memory.h"

struct heard {
	struct sbx_buf streams[SBX_FRAMES_STDERR + 1];
	struct sbx_buf progress;
};

static void on_output(void *ctx, int stream, const void *data, size_t size)
{
	struct heard *heard = ctx;

	assert_true(size > 0);
	assert_true(stream == SBX_FRAMES_STDOUT || stream == SBX_FRAMES_STDERR);
	heard->streams[stream].max = 1000;
	sbx_buf_append(&heard->streams[stream], data, size);
}

static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	struct heard *heard = ctx;

	heard->progress.max = 1000;
	sbx_buf_printf(&heard->progress, "<%g %s>", progress->done,
		       progress->message ? progress->message : "-");
}

struct world {
	struct sbx_collect collect;
	struct sbx_secrets secrets;
	struct heard heard;
	struct sbx_run_events events;
	struct sbx_error err;
};

static void begin(struct world *world, const char *value, size_t limit)
{
	memset(world, 0, sizeof(*world));
	world->events = (struct sbx_run_events){
		.output = on_output,
		.progress = on_progress,
		.ctx = &world->heard,
	};
	if (value) {
		unsigned char *memory = NULL;

		assert_int_equal(
			sbx_secret_alloc(&memory, strlen(value), &world->err),
			0);
		memcpy(memory, value, strlen(value));
		sbx_secrets_set(&world->secrets, "S", &memory, strlen(value));
	}
	assert_int_equal(sbx_collect_begin(&world->collect, &world->secrets,
					   limit, &world->events, &world->err),
			 0);
}

static void end(struct world *world)
{
	sbx_collect_clear(&world->collect);
	sbx_secrets_clear(&world->secrets);
	for (int i = 0; i <= SBX_FRAMES_STDERR; i++)
		sbx_buf_free(&world->heard.streams[i]);
	sbx_buf_free(&world->heard.progress);
}

static void take(struct world *world, enum sbx_collect_stream stream,
		 const char *text)
{
	assert_int_equal(sbx_collect_take(&world->collect, stream, text,
					  strlen(text), &world->err),
			 0);
}

static void assert_kept(struct world *world, enum sbx_collect_stream stream,
			const char *expected, bool is_cut)
{
	struct sbx_collected *collected = &world->collect.streams[stream];

	assert_string_equal(sbx_buf_text(&collected->kept), expected);
	assert_int_equal(collected->is_cut, is_cut);
}

static void assert_heard(struct world *world, int stream, const char *expected)
{
	assert_string_equal(sbx_buf_text(&world->heard.streams[stream]),
			    expected);
}

/* The three streams have nothing to do with each other. */
static void test_streams(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "hunter22", 100);
	take(&world, SBX_COLLECT_OUT, "out hunt");
	take(&world, SBX_COLLECT_ERR, "er22 hunter22 ");
	take(&world, SBX_COLLECT_FILE, "file ");
	take(&world, SBX_COLLECT_OUT, "er22");
	take(&world, SBX_COLLECT_FILE, "hunter22\n");
	assert_heard(&world, SBX_FRAMES_STDOUT, "out ***");
	assert_heard(&world, SBX_FRAMES_STDERR, "er22 *** ");
	take(&world, SBX_COLLECT_ERR, "hunter");
	assert_heard(&world, SBX_FRAMES_STDERR, "er22 *** ");
	sbx_collect_end(&world.collect, false);
	assert_kept(&world, SBX_COLLECT_OUT, "out ***", false);
	assert_kept(&world, SBX_COLLECT_ERR, "er22 *** hunter", false);
	assert_kept(&world, SBX_COLLECT_FILE, "file ***\n", false);
	assert_heard(&world, SBX_FRAMES_STDOUT, "out ***");
	assert_heard(&world, SBX_FRAMES_STDERR, "er22 *** hunter");
	end(&world);
}

/* Whoever has all of stdout has it instead of the record, and nothing else. */
static void test_stdout_is_had(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "hunter22", 20);
	world.events.has_stdout = true;
	take(&world, SBX_COLLECT_OUT, "out hunt");
	take(&world, SBX_COLLECT_OUT, "er22\n");
	take(&world, SBX_COLLECT_ERR, "err");
	take(&world, SBX_COLLECT_FILE, "file");
	assert_heard(&world, SBX_FRAMES_STDOUT, "out ***");
	take(&world, SBX_COLLECT_OUT, "1234567890");
	sbx_collect_end(&world.collect, false);
	assert_kept(&world, SBX_COLLECT_OUT, "", true);
	assert_kept(&world, SBX_COLLECT_ERR, "err", false);
	assert_kept(&world, SBX_COLLECT_FILE, "file", false);
	assert_heard(&world, SBX_FRAMES_STDOUT, "out ***\n1234567");
	assert_heard(&world, SBX_FRAMES_STDERR, "err");
	end(&world);
}

/* One byte too many is noticed at once; what came before is kept. */
static void test_limit(void **state)
{
	struct world world;

	(void)state;
	begin(&world, NULL, 10);
	take(&world, SBX_COLLECT_OUT, "01234");
	take(&world, SBX_COLLECT_OUT, "56789");
	assert_kept(&world, SBX_COLLECT_OUT, "0123456789", false);
	take(&world, SBX_COLLECT_OUT, "x");
	assert_kept(&world, SBX_COLLECT_OUT, "0123456789", true);
	take(&world, SBX_COLLECT_FILE, "0123456789x");
	assert_kept(&world, SBX_COLLECT_FILE, "0123456789", true);
	assert_kept(&world, SBX_COLLECT_ERR, "", false);
	assert_heard(&world, SBX_FRAMES_STDOUT, "0123456789");
	end(&world);
}

/* The limit counts what the action writes, not what is left of it. */
static void test_limit_of_redacted(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "hunter22", 20);
	take(&world, SBX_COLLECT_OUT, "hunter22 hunter22 ");
	take(&world, SBX_COLLECT_OUT, "1.");
	assert_kept(&world, SBX_COLLECT_OUT, "*** *** 1.", false);
	take(&world, SBX_COLLECT_OUT, "3");
	assert_kept(&world, SBX_COLLECT_OUT, "*** *** 1.", true);
	end(&world);
}

/* A secret in whose middle the limit is, or the end of its action. */
static void test_cut_secret(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "hunter22", 12);
	take(&world, SBX_COLLECT_OUT, "out: hunter22");
	take(&world, SBX_COLLECT_ERR, "err: hunter");
	sbx_collect_end(&world.collect, false);
	assert_kept(&world, SBX_COLLECT_OUT, "out: ***", true);
	assert_kept(&world, SBX_COLLECT_ERR, "err: hunter", false);
	end(&world);
	begin(&world, "hunter22", 12);
	take(&world, SBX_COLLECT_OUT, "out: hunter");
	sbx_collect_end(&world.collect, true);
	assert_kept(&world, SBX_COLLECT_OUT, "out: ***", false);
	end(&world);
}

/* A mark that is longer than its value does not make it pass the limit. */
static void test_short_values(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "~", 10);
	take(&world, SBX_COLLECT_OUT, "~a~a~a~a");
	assert_kept(&world, SBX_COLLECT_OUT, "***a***a**", true);
	assert_heard(&world, SBX_FRAMES_STDOUT, "***a***a**");
	end(&world);
}

static void test_nobody_listens(void **state)
{
	const struct sbx_run_events silent = { .output = NULL };
	const struct sbx_run_events *listeners[] = { NULL, &silent };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct world world = { .err = SBX_ERROR_INIT };

		assert_int_equal(sbx_collect_begin(&world.collect, NULL, 100,
						   listeners[i], &world.err),
				 0);
		take(&world, SBX_COLLECT_OUT, "out");
		take(&world, SBX_COLLECT_ERR, "::progress::{\"progress\":1}\n");
		sbx_collect_tick(&world.collect);
		sbx_collect_end(&world.collect, false);
		assert_kept(&world, SBX_COLLECT_OUT, "out", false);
		end(&world);
	}
}

#define LINE(rest) "::progress::{\"progress\":" rest "}\n"

static void assert_told(struct world *world, const char *expected)
{
	assert_string_equal(sbx_buf_text(&world->heard.progress), expected);
}

/* It is no part of stderr, and nothing special on the other streams. */
static void test_progress(void **state)
{
	struct world world;

	(void)state;
	begin(&world, NULL, 100);
	take(&world, SBX_COLLECT_ERR, "one\n::prog");
	take(&world, SBX_COLLECT_OUT, LINE("1"));
	take(&world, SBX_COLLECT_FILE, LINE("2"));
	assert_told(&world, "");
	take(&world, SBX_COLLECT_ERR, "ress::{\"progress\":3}\ntwo\n");
	assert_told(&world, "<3 ->");
	assert_heard(&world, SBX_FRAMES_STDERR, "one\ntwo\n");
	take(&world, SBX_COLLECT_ERR, "::progress::");
	sbx_collect_end(&world.collect, false);
	assert_told(&world, "<3 ->");
	assert_kept(&world, SBX_COLLECT_ERR, "one\ntwo\n::progress::", false);
	assert_heard(&world, SBX_FRAMES_STDERR, "one\ntwo\n::progress::");
	assert_kept(&world, SBX_COLLECT_OUT, LINE("1"), false);
	assert_kept(&world, SBX_COLLECT_FILE, LINE("2"), false);
	end(&world);
}

/* No secret gets to who listens by this way either. */
static void test_progress_is_redacted(void **state)
{
	struct world world;

	(void)state;
	begin(&world, "31415926", 1000);
	take(&world, SBX_COLLECT_ERR, LINE("1,\"message\":\"a 31415926 b\""));
	take(&world, SBX_COLLECT_ERR, LINE("31415926"));
	take(&world, SBX_COLLECT_ERR, LINE("2,\"total\":3141"));
	take(&world, SBX_COLLECT_ERR, LINE("2"));
	sbx_collect_end(&world.collect, false);
	assert_told(&world, "<1 a *** b><2 -><2 ->");
	assert_kept(&world, SBX_COLLECT_ERR, LINE("***"), false);
	end(&world);
}

/* The limit is for what the runner has to read, whatever becomes of it. */
static void test_progress_counts(void **state)
{
	struct world world;

	(void)state;
	begin(&world, NULL, strlen(LINE("1")) + 5);
	take(&world, SBX_COLLECT_ERR, LINE("1"));
	assert_kept(&world, SBX_COLLECT_ERR, "", false);
	take(&world, SBX_COLLECT_ERR, LINE("2"));
	assert_kept(&world, SBX_COLLECT_ERR, "", true);
	sbx_collect_end(&world.collect, true);
	assert_told(&world, "<1 ->");
	assert_kept(&world, SBX_COLLECT_ERR, "::pro", true);
	end(&world);
}

/* Of very many the first and the last are told, and that there are more is
 * known meanwhile. */
static void test_progress_flood(void **state)
{
	struct world world;

	(void)state;
	begin(&world, NULL, 100000);
	assert_true(isinf(sbx_collect_wait(&world.collect)));
	for (int i = 0; i < 1000; i++)
		take(&world, SBX_COLLECT_ERR, LINE("1"));
	assert_true(sbx_collect_wait(&world.collect) <= SBX_PACE_INTERVAL_MS);
	take(&world, SBX_COLLECT_ERR, LINE("9"));
	sbx_collect_end(&world.collect, false);
	assert_true(isinf(sbx_collect_wait(&world.collect)));
	assert_memory_equal(sbx_buf_text(&world.heard.progress), "<1 ->", 5);
	assert_memory_equal(sbx_buf_text(&world.heard.progress) +
				    world.heard.progress.len - 5,
			    "<9 ->", 5);
	/* Ten a second: a machine that stands still for two takes 20 more. */
	assert_true(world.heard.progress.len < 40 * strlen("<1 ->"));
	end(&world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_stdout_is_had),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_of_redacted),
		cmocka_unit_test(test_cut_secret),
		cmocka_unit_test(test_short_values),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_progress_is_redacted),
		cmocka_unit_test(test_progress_counts),
		cmocka_unit_test(test_progress_flood),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
