/* SPDX-License-Identifier: MIT */
/*
 * init's end of the conversation: it never blocks on one thing so that it
 * misses another, it ends with its runner, and what it must not be told ends
 * the sandbox.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init_box.h"

#define INPUT_PIECE 65536

/* --- input ----------------------------------------------------------------- */

static void test_input_of_any_size_in_pieces_of_any_size(void **state)
{
	static const size_t pieces[] = { 1, 7, 4096, INPUT_PIECE };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(pieces); i++) {
		struct box *box = box_ready();
		char data[INPUT_PIECE];
		size_t sent = 0;

		memset(data, 'a' + (int)i, sizeof(data));
		box_run(box, LIST("cat"));
		while (sent < 100 * pieces[i] && sent < 200000) {
			box_send(box, SBX_WIRE_INPUT, data, pieces[i]);
			sent += pieces[i];
		}
		box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
		assert_ended(box, SBX_WIRE_EXITED, 0);
		assert_int_equal(box->stdout_.len, sent);
		box_free(box);
	}
}

static void test_commands_in_single_bytes(void **state)
{
	static const char wire[] = "\x01\0\0\0\x28\0\0\0"
				   "\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
				   "\0\0\0\0\0\0\0\0\0\0\0\0"
				   "\0\0\0/bin/cat\0"
				   "\x05\0\0\0\0\0\0\0"
				   "\x02\0\0\0\x02\0\0\0hi"
				   "\x03\0\0\0\0\0\0\0";
	struct box *box = box_ready();

	(void)state;
	for (size_t i = 0; i < sizeof(wire) - 1; i++) {
		box_write(box, wire + i, 1);
		usleep(100);
	}
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "hi");
	box_free(box);
}

/* As a runner does it: never more than there is credit for. */
static void send_input(struct box *box, size_t size)
{
	static char data[INPUT_PIECE];

	while (size > 0) {
		size_t piece = size < INPUT_PIECE ? size : INPUT_PIECE;

		while (box->credit < piece)
			assert_true(box_take(box) > 0);
		box_send(box, SBX_WIRE_INPUT, data, piece);
		box->credit -= (uint32_t)piece;
		size -= piece;
	}
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
}

static void test_16_mib_of_input(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_run(box, LIST("wc", "-c"));
	send_input(box, 16 << 20);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "16777216\n");
	box_free(box);
}

/* Nothing else happens that would wake init up: the action's reading does. */
static void test_input_to_an_action_that_starts_late(void **state)
{
	static char data[INPUT_PIECE];
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "sleep 0.5; wc -c");
	for (int i = 0; i < SBX_WIRE_WINDOW / INPUT_PIECE; i++)
		box_send(box, SBX_WIRE_INPUT, data, INPUT_PIECE);
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	box->beat_at = sbx_clock_ms() + BOX_WAIT_MS;
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "262144\n");
	box_free(box);
}

/* What cannot be delivered counts as taken. */
static void test_input_to_an_action_that_closed_it(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "exec <&-; echo closed; sleep 1; echo ok");
	box_expect(box, "closed");
	send_input(box, 2 << 20);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "closed\nok\n");
	box_free(box);
}

static void fill_window(struct box *box)
{
	static char data[INPUT_PIECE];

	for (int i = 0; i < SBX_WIRE_WINDOW / INPUT_PIECE; i++)
		box_send(box, SBX_WIRE_INPUT, data, INPUT_PIECE);
}

/* The action reads nothing, the window is full: SIGNAL is seen. */
static void test_signal_behind_input_nobody_reads(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_run(box, LIST("sleep", "100"));
	fill_window(box);
	box_signal(box, SIGTERM);
	assert_ended(box, SBX_WIRE_SIGNALED, SIGTERM);
	box_free(box);
}

static void test_no_credit_for_what_nobody_took(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "sleep 0.3; echo still here; sleep 100");
	fill_window(box);
	box_expect(box, "still here");
	/* What the pipe of 64 KiB took; at its end the action drops the rest. */
	assert_in_range(box->credit, SBX_WIRE_WINDOW, SBX_WIRE_WINDOW + 65536);
	box_signal(box, SIGTERM);
	assert_ended(box, SBX_WIRE_SIGNALED, SIGTERM);
	box_free(box);
}

/* --- signals --------------------------------------------------------------- */

static void test_signal_reaches_the_process_group(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "trap 'wait; exit 9' TERM;"
		       " sh -c 'trap \"echo child; exit\" TERM; echo ready;"
		       " while :; do sleep 0.05; done' & wait");
	box_expect(box, "ready");
	box_signal(box, SIGTERM);
	assert_ended(box, SBX_WIRE_EXITED, 9);
	assert_string_equal(sbx_buf_text(&box->stdout_), "ready\nchild\n");
	box_free(box);
}

static void test_sigkill_reaches_everybody(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "trap '' TERM; setsid sh -c 'trap \"\" TERM; echo ready;"
		       " while :; do sleep 1; done' & wait; wait");
	box_expect(box, "ready");
	box_signal(box, SIGTERM);
	usleep(100000);
	assert_int_equal(box_wait(box, 0), -1);
	box_signal(box, SIGKILL);
	assert_ended(box, SBX_WIRE_SIGNALED, SIGKILL);
	box_free(box);
}

/* It may not be the leader of its group yet. */
static void test_signal_right_behind_run(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		struct box *box = box_ready();

		box_run(box, LIST("sleep", "100"));
		box_signal(box, SIGTERM);
		assert_ended(box, SBX_WIRE_SIGNALED, SIGTERM);
		box_free(box);
	}
}

static void test_signal_from_outside_is_passed_on(void **state)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP, SIGQUIT };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(numbers); i++) {
		struct box *box = box_ready();

		box_shell(box, "trap 'exit 9' TERM INT HUP QUIT; echo ready;"
			       " while :; do sleep 0.05; done");
		box_expect(box, "ready");
		kill(box->pid, numbers[i]);
		assert_ended(box, SBX_WIRE_EXITED, 9);
		box_free(box);
	}
}

static void test_signal_from_outside_ends_who_waits(void **state)
{
	struct box *box = box_ready();

	(void)state;
	kill(box->pid, SIGTERM);
	assert_int_equal(WEXITSTATUS(box_wait(box, 5000)), 1);
	box_free(box);
}

/* Another signal that is there at the same time does not make it forget. */
static void test_two_signals_from_outside_at_once(void **state)
{
	struct box *box = box_ready();

	(void)state;
	/* As one who is stopped, init gets them together. */
	if (!box_wrapper()) {
		kill(box->pid, SIGSTOP);
		kill(box->pid, SIGTERM);
		kill(box->pid, SIGCHLD);
		kill(box->pid, SIGCONT);
		assert_true(box_wait(box, 2000) != -1);
	}
	box_free(box);
}

/* The action's own signals, all of them, leave init alone. */
static void test_signals_from_inside_are_nothing(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "trap 'exit 9' TERM INT HUP QUIT; i=1;"
		       " while [ $i -le 64 ]; do kill -$i 1; i=$((i+1)); done;"
		       " sleep 0.2; exit 5");
	assert_ended(box, SBX_WIRE_EXITED, 5);
	box_free(box);
}

static void test_signal_before_run_is_for_nobody(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_signal(box, SIGKILL);
	box_signal(box, SIGTERM);
	box_shell(box, "exit 5");
	assert_ended(box, SBX_WIRE_EXITED, 5);
	box_free(box);
}

/* --- the dead man's switch ------------------------------------------------- */

static void assert_box_dies(struct box *box, double ms)
{
	assert_int_equal(WEXITSTATUS(box_wait(box, ms)), 1);
	box_free(box);
}

static void test_ends_with_its_runner_while_waiting(void **state)
{
	struct box *box = box_ready();

	(void)state;
	sbx_close(&box->in);
	assert_box_dies(box, 2000);
}

static void test_ends_with_its_runner_while_running(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "trap '' TERM HUP; echo ready; sleep 100");
	box_expect(box, "ready");
	sbx_close(&box->in);
	assert_box_dies(box, 2000);
}

/* Nobody reads its output, and much waits to be sent. */
static void test_ends_with_its_runner_while_stalled(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "cat /dev/zero");
	usleep(300000);
	assert_int_equal(box_wait(box, 0), -1);
	sbx_close(&box->in);
	assert_box_dies(box, 2000);
}

static void test_ends_when_nobody_can_read(void **state)
{
	struct box *box = box_ready();

	(void)state;
	sbx_close(&box->out);
	box_shell(box, "echo out; sleep 100");
	assert_box_dies(box, 2000);
}

static void test_signal_is_seen_while_stalled(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "cat /dev/zero");
	usleep(300000);
	box_signal(box, SIGKILL);
	assert_ended(box, SBX_WIRE_SIGNALED, SIGKILL);
	box_free(box);
}

/* The request that an action was started for may come much later. */
static void test_input_may_come_long_after_run(void **state)
{
	struct box *box = box_ready();
	double began = sbx_clock_ms();

	(void)state;
	box_shell(box, "echo up; cat");
	box_expect(box, "up\n");
	while (sbx_clock_ms() - began < SBX_WIRE_BEAT_TIMEOUT_MS + 1000) {
		usleep(100000);
		box_beat(box);
	}
	box_send(box, SBX_WIRE_INPUT, "late", 4);
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "up\nlate");
	box_free(box);
}

/* A stream that stays open and silent, in every state there is. */
static void test_ends_without_a_heartbeat(void **state)
{
	struct box *waiting = box_ready();
	struct box *running = box_ready();
	struct box *stalled = box_ready();
	struct box *beating = box_ready();
	double began = sbx_clock_ms();

	(void)state;
	box_send(waiting, SBX_WIRE_BEAT, NULL, 0);
	box_shell(running, "sleep 100");
	box_shell(stalled, "cat /dev/zero");
	box_run(beating, LIST("sleep", "100"));
	while (sbx_clock_ms() - began < SBX_WIRE_BEAT_TIMEOUT_MS - 1000) {
		usleep(100000);
		box_beat(beating);
	}
	assert_int_equal(box_wait(waiting, 0), -1);
	assert_int_equal(box_wait(running, 0), -1);
	assert_int_equal(box_wait(stalled, 0), -1);
	usleep(800 * 1000);
	box_beat(beating);
	assert_box_dies(waiting, 2000);
	assert_box_dies(running, 2000);
	assert_box_dies(stalled, 2000);
	box_beat(beating);
	assert_int_equal(box_wait(beating, 0), -1);
	box_signal(beating, SIGTERM);
	assert_ended(beating, SBX_WIRE_SIGNALED, SIGTERM);
	box_free(beating);
}

/* An engine may take its time to tell the runner of the start. */
static void test_first_word_may_take_longer(void **state)
{
	struct box *box = box_start();
	struct box *forgotten = box_start();
	double began = sbx_clock_ms();

	(void)state;
	assert_int_equal(box_wait(box, SBX_WIRE_BEAT_TIMEOUT_MS + 1000), -1);
	box_run(box, LIST("true"));
	assert_ended(box, SBX_WIRE_EXITED, 0);
	box_free(box);
	/* But not for ever. */
	assert_box_dies(forgotten, SBX_WIRE_FIRST_TIMEOUT_MS);
	assert_true(sbx_clock_ms() - began > SBX_WIRE_FIRST_TIMEOUT_MS - 1000);
}

/* --- what it must not be told ---------------------------------------------- */

struct lie {
	uint8_t type;
	const char *payload;
	size_t size;
	const char *answer;
};

static void check_lies(const struct lie *lies, size_t n, bool running)
{
	for (size_t i = 0; i < n; i++) {
		struct box *box = box_ready();

		if (running)
			box_run(box, LIST("sleep", "100"));
		box_send(box, lies[i].type, lies[i].payload, lies[i].size);
		assert_aborts(box, lies[i].answer);
		box_free(box);
	}
}

#define ZERO	      "\0\0\0\0"
#define RUN(text)     SBX_WIRE_RUN, text, sizeof(text) - 1
#define U32(a, b)     a "\0\0\0" b "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0" ZERO
#define U32_FILES(n)  "\1\0\0\0\0\0\0\0\0\0\0\0" n "\0\0\0\0\0\0\0\0\0\0\0" ZERO
#define SENSELESS_RUN "RUN makes no sense"

static void test_lies_before_run(void **state)
{
	static const struct lie lies[] = {
		{ 0x00, "", 0, "unknown command" },
		{ 0x0f, "", 0, "unknown command" },
		{ SBX_WIRE_KEEP, "", 0, "a session's command" },
		{ SBX_WIRE_ASK, "\1\0\0\0", 4, "a session's command" },
		{ SBX_WIRE_FORWARD, "", 0, "a session's command" },
		{ SBX_WIRE_SIGNAL_DETACHED, "\x9", 1, "a session's command" },
		{ RUN("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0"
		      "\0\0\0x\0"),
		  SENSELESS_RUN },
		{ SBX_WIRE_HELLO, "", 0, "unknown command" },
		{ SBX_WIRE_INPUT, "x", 1, "INPUT out of turn" },
		{ SBX_WIRE_INPUT_END, "", 0, "INPUT out of turn" },
		{ SBX_WIRE_INPUT, "", 0, "command of impossible size" },
		{ SBX_WIRE_INPUT_END, "x", 1, "command of impossible size" },
		{ SBX_WIRE_BEAT, "x", 1, "command of impossible size" },
		{ SBX_WIRE_SIGNAL, "", 0, "command of impossible size" },
		{ SBX_WIRE_SIGNAL, "\x9\x9", 2, "command of impossible size" },
		{ SBX_WIRE_SIGNAL, "\0", 1, "SIGNAL without a signal" },
		{ SBX_WIRE_SIGNAL, "\x41", 1, "SIGNAL without a signal" },
		{ RUN(U32("\1", "\0")), "command of impossible size" },
		/* no argv, no end of a string, too few and too many of them */
		{ RUN(U32("\0", "\0") "\0\0\0"), SENSELESS_RUN },
		/* too many tmpfs, and too few */
		{ RUN("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x41\0\0\0\0\0\0\0\0\0"
		      "\0" ZERO "x\0"),
		  SENSELESS_RUN },
		{ RUN("\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0\0\0"
		      "\0" ZERO "x\0y\0"),
		  SENSELESS_RUN },
		{ RUN(U32("\1", "\0") "\0\0\0x"), SENSELESS_RUN },
		{ RUN(U32("\1", "\0") "\0\0\0"), SENSELESS_RUN },
		{ RUN(U32("\2", "\0") "\0\0\0x\0"), SENSELESS_RUN },
		{ RUN(U32("\1", "\1") "\0\0\0x\0"), SENSELESS_RUN },
		{ RUN(U32("\1", "\0") "\0\0\0x\0y\0"), SENSELESS_RUN },
		/* no file, no path, no size, not its size, too much of it */
		{ RUN(U32_FILES("\1") "\0\0\0x\0"), SENSELESS_RUN },
		{ RUN(U32_FILES("\1") "\0\0\0x\0/tmp/f"), SENSELESS_RUN },
		{ RUN(U32_FILES("\1") "\0\0\0x\0/tmp/f\0\1\0\0"),
		  SENSELESS_RUN },
		{ RUN(U32_FILES("\1") "\0\0\0x\0/tmp/f\0\2\0\0\0a"),
		  SENSELESS_RUN },
		{ RUN(U32_FILES("\1") "\0\0\0x\0/tmp/f\0\xff\xff\xff\xff"
				      "a"),
		  SENSELESS_RUN },
		{ RUN(U32_FILES("\1") "\0\0\0x\0/tmp/f\0\1\0\0\0ab"),
		  SENSELESS_RUN },
		{ RUN(U32_FILES("\2") "\0\0\0x\0/tmp/f\0\xff\xff\xff\x7f"
				      "a"),
		  SENSELESS_RUN },
		{ RUN(U32_FILES("\2") "\0\0\0x\0/tmp/f\0\1\0\0\0a"),
		  SENSELESS_RUN },
		{ RUN("\1\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		      "x" ZERO "\0"),
		  SENSELESS_RUN },
		{ RUN("\1\0\0\0\1\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		      "x" ZERO "\0"),
		  SENSELESS_RUN },
		{ RUN("\xff\xff\xff\xff\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
		      "\0" ZERO "\0\0x\0"),
		  SENSELESS_RUN },
	};

	(void)state;
	check_lies(lies, SBX_ARRAY_SIZE(lies), false);
}

/* Honest in all but their number. */
static void test_run_with_too_many_strings(void **state)
{
	const char *many[SBX_WIRE_STRINGS_MAX + 2] = { NULL };
	struct box *box = box_ready();

	(void)state;
	for (int i = 0; i <= SBX_WIRE_STRINGS_MAX; i++)
		many[i] = "A=1";
	box_run_with(box, LIST("true"), many, "", 0);
	assert_aborts(box, SENSELESS_RUN);
	box_free(box);
	box = box_ready();
	box_run_with(box, many, LIST(PATH_ENV), "", 0);
	assert_aborts(box, SENSELESS_RUN);
	box_free(box);
	box = box_ready();
	many[SBX_WIRE_TMPFS_MAX + 1] = NULL;
	box_tmpfs = many;
	box_run(box, LIST("true"));
	box_tmpfs = NULL;
	assert_aborts(box, SENSELESS_RUN);
	box_free(box);
}

static void test_lies_after_run(void **state)
{
	static const struct lie lies[] = {
		{ RUN(U32("\1", "\0") "\0\0\0x\0"), "second RUN" },
		{ 0x0f, "", 0, "unknown command" },
		{ SBX_WIRE_SIGNAL, "\0", 1, "SIGNAL without a signal" },
	};

	(void)state;
	check_lies(lies, SBX_ARRAY_SIZE(lies), true);
}

static void test_reserved_bytes_must_be_zero(void **state)
{
	(void)state;
	for (int i = 1; i < 4; i++) {
		unsigned char header[SBX_WIRE_HEADER_SIZE] = { SBX_WIRE_BEAT };
		struct box *box = box_ready();

		header[i] = 1;
		box_write(box, header, sizeof(header));
		assert_aborts(box, "unknown command");
		box_free(box);
	}
}

static void test_sizes_that_nobody_has_to_send(void **state)
{
	static const struct {
		uint8_t type;
		uint32_t size;
	} frames[] = {
		{ SBX_WIRE_RUN, SBX_WIRE_RUN_MAX + 1 },
		{ SBX_WIRE_RUN, 0xffffffff },
		{ SBX_WIRE_INPUT, SBX_WIRE_DATA_MAX + 1 },
		{ SBX_WIRE_FILES, SBX_WIRE_INTO_MAX + 1 },
		{ SBX_WIRE_NEW, SBX_WIRE_NAME_MAX + 1 },
		{ SBX_WIRE_DATA, SBX_WIRE_DATA_MAX + 1 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(frames); i++) {
		unsigned char header[SBX_WIRE_HEADER_SIZE];
		struct box *box = box_ready();

		sbx_wire_put_header(header, frames[i].type, frames[i].size);
		box_write(box, header, sizeof(header));
		assert_aborts(box, "command of impossible size");
		box_free(box);
	}
}

static void test_input_over_the_window(void **state)
{
	struct box *box = box_ready();

	(void)state;
	/* Nobody reads, so the pipe's 64 KiB are all that could be credited. */
	box_run(box, LIST("sleep", "100"));
	fill_window(box);
	while (box->credit < SBX_WIRE_WINDOW + 65536)
		assert_int_equal(box_take(box), SBX_WIRE_CREDIT);
	box_send(box, SBX_WIRE_INPUT, (char[65536]){ 0 }, 65536);
	box_send(box, SBX_WIRE_INPUT, "x", 1);
	assert_aborts(box, "INPUT over the window");
	box_free(box);
}

static void test_input_behind_its_end(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_run(box, LIST("sleep", "100"));
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	box_send(box, SBX_WIRE_INPUT, "x", 1);
	assert_aborts(box, "INPUT out of turn");
	box_free(box);
}

/* Nobody stays behind when init gives up, either. */
static void test_abort_ends_the_action(void **state)
{
	struct box *box = box_ready();
	char byte;

	(void)state;
	box_shell(box, "trap '' TERM; echo ready; sleep 100");
	box_expect(box, "ready");
	box_send(box, 0x7f, NULL, 0);
	assert_aborts(box, "unknown command");
	while (read(box->err, &byte, 1) > 0)
		;
	box_free(box);
}

/* Whom nobody listens to cannot say why, and goes all the same. */
static void test_last_word_to_nobody(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "while :; do echo flood; done");
	usleep(500000);
	box_send(box, 0x7f, NULL, 0);
	assert_int_equal(WEXITSTATUS(box_wait(box, 5000)), 1);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input_of_any_size_in_pieces_of_any_size),
		cmocka_unit_test(test_commands_in_single_bytes),
		cmocka_unit_test(test_16_mib_of_input),
		cmocka_unit_test(test_input_to_an_action_that_starts_late),
		cmocka_unit_test(test_input_to_an_action_that_closed_it),
		cmocka_unit_test(test_signal_behind_input_nobody_reads),
		cmocka_unit_test(test_no_credit_for_what_nobody_took),
		cmocka_unit_test(test_signal_reaches_the_process_group),
		cmocka_unit_test(test_sigkill_reaches_everybody),
		cmocka_unit_test(test_signal_right_behind_run),
		cmocka_unit_test(test_signal_from_outside_is_passed_on),
		cmocka_unit_test(test_signal_from_outside_ends_who_waits),
		cmocka_unit_test(test_two_signals_from_outside_at_once),
		cmocka_unit_test(test_signals_from_inside_are_nothing),
		cmocka_unit_test(test_signal_before_run_is_for_nobody),
		cmocka_unit_test(test_ends_with_its_runner_while_waiting),
		cmocka_unit_test(test_ends_with_its_runner_while_running),
		cmocka_unit_test(test_ends_with_its_runner_while_stalled),
		cmocka_unit_test(test_ends_when_nobody_can_read),
		cmocka_unit_test(test_signal_is_seen_while_stalled),
		cmocka_unit_test(test_input_may_come_long_after_run),
		cmocka_unit_test(test_ends_without_a_heartbeat),
		cmocka_unit_test(test_first_word_may_take_longer),
		cmocka_unit_test(test_lies_before_run),
		cmocka_unit_test(test_run_with_too_many_strings),
		cmocka_unit_test(test_lies_after_run),
		cmocka_unit_test(test_reserved_bytes_must_be_zero),
		cmocka_unit_test(test_sizes_that_nobody_has_to_send),
		cmocka_unit_test(test_input_over_the_window),
		cmocka_unit_test(test_input_behind_its_end),
		cmocka_unit_test(test_abort_ends_the_action),
		cmocka_unit_test(test_last_word_to_nobody),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
