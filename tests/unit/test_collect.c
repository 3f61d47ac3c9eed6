/* SPDX-License-Identifier: MIT */
/* What an action writes, on its way to the record and to whoever listens. */
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
};

static void on_output(void *ctx, int stream, const void *data, size_t size)
{
	struct heard *heard = ctx;

	assert_true(size > 0);
	assert_true(stream == SBX_FRAMES_STDOUT || stream == SBX_FRAMES_STDERR);
	heard->streams[stream].max = 1000;
	sbx_buf_append(&heard->streams[stream], data, size);
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

		assert_int_equal(sbx_collect_begin(&world.collect, NULL, 10,
						   listeners[i], &world.err),
				 0);
		take(&world, SBX_COLLECT_OUT, "out");
		sbx_collect_end(&world.collect, false);
		assert_kept(&world, SBX_COLLECT_OUT, "out", false);
		end(&world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_streams),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_limit_of_redacted),
		cmocka_unit_test(test_cut_secret),
		cmocka_unit_test(test_short_values),
		cmocka_unit_test(test_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
