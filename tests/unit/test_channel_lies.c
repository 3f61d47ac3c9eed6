/* SPDX-License-Identifier: MIT */
/*
 * An init that has been taken over says what it likes.  Whatever it may not
 * say at that moment ends the run as sandbox_failed; no bytes do harm.
 */
#include "sandbox/channel.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "channel_talk.h"

enum moment { BEFORE_HELLO, BEFORE_RUN, WHILE_RUNNING, AFTER_FILE, AFTER_EXIT };

struct lie {
	const char *name;
	enum moment moment;
	unsigned char header[8];
	const char *payload;
	size_t size;
	const char *reason;
};

#define HEADER(type, size)                                                     \
	{                                                                      \
		type, 0, 0, 0, (size)&0xff, (size) >> 8 & 0xff,                \
			(size) >> 16 & 0xff, (size) >> 24 & 0xff               \
	}
#define EXIT_PAYLOAD(kind, code0, code1)                                       \
	((const char[SBX_WIRE_EXIT_SIZE]){ kind, 0, 0, 0, code0, code1 })

static const struct lie lies[] = {
	{ "STDOUT first", BEFORE_HELLO, HEADER(SBX_WIRE_STDOUT, 1), "x", 1,
	  "out of turn" },
	{ "CREDIT first", BEFORE_HELLO, HEADER(SBX_WIRE_CREDIT, 4), "\1\0\0\0",
	  4, "out of turn" },
	{ "STDOUT before RUN", BEFORE_RUN, HEADER(SBX_WIRE_STDOUT, 1), "x", 1,
	  "out of turn" },
	{ "STDERR before RUN", BEFORE_RUN, HEADER(SBX_WIRE_STDERR, 1), "x", 1,
	  "out of turn" },
	{ "FILE before RUN", BEFORE_RUN, HEADER(SBX_WIRE_FILE, 1), "x", 1,
	  "out of turn" },
	{ "EXIT before RUN", BEFORE_RUN, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(0, 0, 0), 48, "out of turn" },
	{ "HELLO twice", BEFORE_RUN, HEADER(SBX_WIRE_HELLO, 1), "x", 1,
	  "out of turn" },
	{ "HELLO later", WHILE_RUNNING, HEADER(SBX_WIRE_HELLO, 1), "x", 1,
	  "out of turn" },
	{ "empty HELLO", BEFORE_HELLO, HEADER(SBX_WIRE_HELLO, 0), "", 0,
	  "size" },
	{ "long HELLO", BEFORE_HELLO,
	  HEADER(SBX_WIRE_HELLO, SBX_WIRE_HELLO_MAX + 1), "", 0, "size" },
	{ "endless HELLO", BEFORE_HELLO, HEADER(SBX_WIRE_HELLO, 0xffffffff), "",
	  0, "size" },
	{ "the runner's RUN", WHILE_RUNNING, HEADER(SBX_WIRE_RUN, 20), "", 0,
	  "unknown" },
	{ "type 0", WHILE_RUNNING, HEADER(0, 0), "", 0, "unknown" },
	{ "type 0x80", WHILE_RUNNING, HEADER(0x80, 0), "", 0, "unknown" },
	{ "RESET nobody asked for", WHILE_RUNNING, HEADER(SBX_WIRE_RESET, 20),
	  "", 0, "out of turn" },
	{ "RESET first", BEFORE_HELLO, HEADER(SBX_WIRE_RESET, 20), "", 0,
	  "out of turn" },
	{ "type 0x8f", WHILE_RUNNING, HEADER(0x8f, 0), "", 0, "unknown" },
	{ "STATE of no session", BEFORE_RUN,
	  HEADER(SBX_WIRE_STATE, SBX_WIRE_STATE_SIZE), "", 0, "of a session" },
	{ "KEPT of no session", BEFORE_RUN, HEADER(SBX_WIRE_KEPT, 1), "", 0,
	  "of a session" },
	{ "LOG of no session", BEFORE_RUN, HEADER(SBX_WIRE_LOG, 1), "", 0,
	  "of a session" },
	{ "STATE while something runs", WHILE_RUNNING,
	  HEADER(SBX_WIRE_STATE, SBX_WIRE_STATE_SIZE), "", 0, "out of turn" },
	{ "byte 1",
	  WHILE_RUNNING,
	  { SBX_WIRE_STDOUT, 1, 0, 0, 1 },
	  "",
	  0,
	  "unknown" },
	{ "byte 2",
	  WHILE_RUNNING,
	  { SBX_WIRE_STDOUT, 0, 1, 0, 1 },
	  "",
	  0,
	  "unknown" },
	{ "byte 3",
	  WHILE_RUNNING,
	  { SBX_WIRE_STDOUT, 0, 0, 1, 1 },
	  "",
	  0,
	  "unknown" },
	{ "empty STDOUT", WHILE_RUNNING, HEADER(SBX_WIRE_STDOUT, 0), "", 0,
	  "size" },
	{ "long STDOUT", WHILE_RUNNING,
	  HEADER(SBX_WIRE_STDOUT, SBX_WIRE_DATA_MAX + 1), "", 0, "size" },
	{ "long STDERR", WHILE_RUNNING,
	  HEADER(SBX_WIRE_STDERR, SBX_WIRE_DATA_MAX + 1), "", 0, "size" },
	{ "short CREDIT", WHILE_RUNNING, HEADER(SBX_WIRE_CREDIT, 3), "", 0,
	  "size" },
	{ "long CREDIT", WHILE_RUNNING, HEADER(SBX_WIRE_CREDIT, 5), "", 0,
	  "size" },
	{ "no CREDIT", WHILE_RUNNING, HEADER(SBX_WIRE_CREDIT, 4), "\0\0\0\0", 4,
	  "credits" },
	{ "CREDIT for nothing", WHILE_RUNNING, HEADER(SBX_WIRE_CREDIT, 4),
	  "\1\0\0\0", 4, "credits" },
	{ "more FILE than wanted", WHILE_RUNNING, HEADER(SBX_WIRE_FILE, 101),
	  "", 0, "more than asked" },
	{ "long FILE", WHILE_RUNNING,
	  HEADER(SBX_WIRE_FILE, SBX_WIRE_DATA_MAX + 1), "", 0, "size" },
	{ "more FILE in all", AFTER_FILE, HEADER(SBX_WIRE_FILE, 98), "", 0,
	  "more than asked" },
	{ "STDOUT after FILE", AFTER_FILE, HEADER(SBX_WIRE_STDOUT, 1), "x", 1,
	  "out of turn" },
	{ "CREDIT after FILE", AFTER_FILE, HEADER(SBX_WIRE_CREDIT, 4),
	  "\1\0\0\0", 4, "out of turn" },
	{ "short EXIT", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 47), "", 0,
	  "size" },
	{ "long EXIT", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 49), "", 0,
	  "size" },
	{ "EXIT of kind 4", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(4, 1, 0), 48, "impossible end" },
	{ "exit code 256", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(SBX_WIRE_EXITED, 0, 1), 48, "impossible end" },
	{ "signal 0", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(SBX_WIRE_SIGNALED, 0, 0), 48, "impossible end" },
	{ "signal 65", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(SBX_WIRE_SIGNALED, 65, 0), 48, "impossible end" },
	{ "errno 0", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(SBX_WIRE_EXEC_FAILED, 0, 0), 48, "impossible end" },
	{ "errno 4096", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(SBX_WIRE_EXEC_FAILED, 0, 16), 48, "impossible end" },
	{ "errno 0 of chdir", WHILE_RUNNING, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(SBX_WIRE_CHDIR_FAILED, 0, 0), 48, "impossible end" },
	{ "long ABORT", BEFORE_HELLO,
	  HEADER(SBX_WIRE_ABORT, SBX_WIRE_ABORT_MAX + 1), "", 0, "size" },
	{ "STDOUT after EXIT", AFTER_EXIT, HEADER(SBX_WIRE_STDOUT, 1), "x", 1,
	  "out of turn" },
	{ "FILE after EXIT", AFTER_EXIT, HEADER(SBX_WIRE_FILE, 1), "x", 1,
	  "out of turn" },
	{ "EXIT twice", AFTER_EXIT, HEADER(SBX_WIRE_EXIT, 48),
	  EXIT_PAYLOAD(0, 0, 0), 48, "out of turn" },
	{ "ABORT after EXIT", AFTER_EXIT, HEADER(SBX_WIRE_ABORT, 0), "", 0,
	  "out of turn" },
};

static void begin_at(struct talk *talk, enum moment moment)
{
	if (moment >= WHILE_RUNNING) {
		begin_running(talk);
	} else {
		begin(talk);
		if (moment == BEFORE_RUN)
			init_says(talk, SBX_WIRE_HELLO, "facts", 5);
	}
	if (moment == AFTER_FILE) {
		/* Something is under way, so that credit could be given. */
		sbx_channel_send_input(talk->channel, "input", 5);
		init_says(talk, SBX_WIRE_FILE, "abc", 3);
	}
	if (moment == AFTER_EXIT)
		init_exits(talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(pump(talk), 0);
}

static void test_what_init_must_not_say(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(lies); i++) {
		const struct lie *lie = &lies[i];
		struct talk talk;

		begin_at(&talk, lie->moment);
		docker_says(&talk, SBX_FRAMES_STDOUT, lie->header, 8);
		if (lie->size)
			docker_says(&talk, SBX_FRAMES_STDOUT, lie->payload,
				    lie->size);
		if (pump(&talk) != -1)
			fail_msg("%s was accepted", lie->name);
		assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, lie->reason);
		end(&talk);
	}
}

static void test_credit_only_for_what_was_sent(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, "12345", 5);
	assert_int_equal(pump(&talk), 0);
	init_credits(&talk, 3);
	init_credits(&talk, 2);
	assert_int_equal(pump(&talk), 0);
	init_credits(&talk, 1);
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, "credits");
	end(&talk);
}

static void test_file_only_when_asked_for(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	init_says(&talk, SBX_WIRE_HELLO, "facts", 5);
	assert_int_equal(pump(&talk), 0);
	send_run(&talk, NULL, 100);
	assert_int_equal(pump(&talk), 0);
	init_says(&talk, SBX_WIRE_FILE, "x", 1);
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, "more than asked");
	end(&talk);
}

static void test_engine_that_speaks_no_frames(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	sbx_buf_puts(&talk.stream.in, "HTTP/1.1 500 Internal Server Error");
	assert_int_equal(pump(&talk), -1);
	assert_int_equal(talk.err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	end(&talk);
}

/* A small generator of its own: the same bytes every time. */
static unsigned int next_random(void)
{
	static unsigned int seed = 1;

	seed = seed * 1103515245 + 12345;
	return seed >> 16;
}

/* No sequence of bytes does harm (what harm is, the sanitizers say). */
static void test_any_bytes_are_harmless(void **state)
{
	(void)state;
	for (int round = 0; round < 3000; round++) {
		unsigned char noise[64];
		struct talk talk;

		begin_at(&talk, (enum moment)(round % (AFTER_EXIT + 1)));
		talk.stream.chunk = 1 + next_random() % 40;
		for (int i = 0; i < 20; i++) {
			size_t size = next_random() % sizeof(noise);

			for (size_t j = 0; j < size; j++)
				noise[j] = (unsigned char)next_random();
			if (size >= 8) {
				noise[0] = 0x80 + noise[0] % 9;
				noise[1] = noise[2] = noise[3] = 0;
				noise[5] = noise[6] = noise[7] = 0;
			}
			docker_says(&talk, SBX_FRAMES_STDOUT, noise, size);
		}
		for (int i = 0; i < 100 && pump(&talk) == 0; i++)
			;
		end(&talk);
	}
}

/* What init may say of files, when there were to be some; and what not. */
static void assert_artifact_refused(const char *payload, size_t size,
				    const char *content, const char *why)
{
	struct sbx_channel_run run = { .out = "/out", .out_limit = 10 };
	struct talk talk;

	begin_ready(&talk);
	run.argv = &talk.argv;
	run.env = &talk.env;
	assert_int_equal(sbx_channel_send_run(talk.channel, &run, &talk.err),
			 0);
	assert_int_equal(pump(&talk), 0);
	init_says(&talk, SBX_WIRE_ARTIFACT, payload, size);
	if (content)
		init_says(&talk, SBX_WIRE_CONTENT, content, strlen(content));
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, why);
	end(&talk);
}

static void test_artifacts_that_cannot_be(void **state)
{
	struct talk talk;

	(void)state;
#define SIZE(n) n "\0\0\0\0\0\0\0"
	assert_artifact_refused(SIZE("\1") "..", 10, NULL, "impossible name");
	assert_artifact_refused(SIZE("\1") "/etc", 12, NULL, "impossible name");
	assert_artifact_refused(SIZE("\1") "a/../b", 14, NULL,
				"impossible name");
	assert_artifact_refused(SIZE("\1") "a\0b", 11, NULL, "impossible name");
	assert_artifact_refused(SIZE("\1") "a\x1b", 10, NULL,
				"impossible name");
	assert_artifact_refused(SIZE("\x0b") "a", 9, NULL, "more than asked");
	assert_artifact_refused("\0\0\0\0\1\0\0\0a", 9, NULL,
				"more than asked");
	assert_artifact_refused(SIZE("\1") "a", 9, "xx",
				"more than was announced");
	assert_artifact_refused(SIZE("\1"), 8, NULL, "impossible size");
	begin_running(&talk);
	init_says(&talk, SBX_WIRE_ARTIFACT, SIZE("\1") "a", 9);
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, "more than asked for");
	end(&talk);
	begin_running(&talk);
	init_says(&talk, SBX_WIRE_CONTENT, "x", 1);
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, "out of turn");
	end(&talk);
	begin_running(&talk);
	init_says(&talk, SBX_WIRE_FILES_DONE, "\0\0\0\0", 4);
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_SANDBOX_FAILED, "out of turn");
	end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_init_must_not_say),
		cmocka_unit_test(test_credit_only_for_what_was_sent),
		cmocka_unit_test(test_file_only_when_asked_for),
		cmocka_unit_test(test_engine_that_speaks_no_frames),
		cmocka_unit_test(test_artifacts_that_cannot_be),
		cmocka_unit_test(test_any_bytes_are_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
