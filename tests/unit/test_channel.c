/* SPDX-License-Identifier: MIT */
#include "sandbox/channel.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>

#include "channel_talk.h"
#include "sandbox/channel_state.h"

/* --- hearing --------------------------------------------------------------- */

static void play_whole_run(struct talk *talk)
{
	init_says(talk, SBX_WIRE_HELLO, "facts", 5);
	assert_true(pump(talk) >= 0);
	send_run(talk, "/tmp/out", 100);
	assert_true(pump(talk) >= 0);
	init_says(talk, SBX_WIRE_STDOUT, "one ", 4);
	init_says(talk, SBX_WIRE_STDERR, "oops", 4);
	docker_says(talk, SBX_FRAMES_STDERR, "note", 4);
	init_says(talk, SBX_WIRE_STDOUT, "two", 3);
	init_says(talk, SBX_WIRE_FILE, "file", 4);
	init_exits(talk, SBX_WIRE_EXITED, 3);
	talk->stream.closed = true;
}

/* However the bytes are cut, the same is heard. */
static void test_frames_come_in_any_pieces(void **state)
{
	(void)state;
	for (size_t chunk = 1; chunk < 90; chunk++) {
		struct talk talk;
		int result = 0;

		begin(&talk);
		talk.stream.chunk = chunk;
		play_whole_run(&talk);
		while (result == 0)
			result = pump(&talk);
		assert_int_equal(result, SBX_CHANNEL_CLOSED);
		assert_heard(&talk, SBX_CHANNEL_HELLO, "facts");
		assert_int_equal(talk.count[SBX_CHANNEL_HELLO], 1);
		assert_heard(&talk, SBX_CHANNEL_STDOUT, "one two");
		assert_heard(&talk, SBX_CHANNEL_STDERR, "oops");
		assert_heard(&talk, SBX_CHANNEL_FILE, "file");
		assert_heard(&talk, SBX_CHANNEL_NOTE, "note");
		assert_int_equal(talk.count[SBX_CHANNEL_EXIT], 1);
		assert_int_equal(talk.heard[SBX_CHANNEL_EXIT].len,
				 SBX_WIRE_EXIT_SIZE);
		assert_int_equal(talk.heard[SBX_CHANNEL_EXIT].data[4], 3);
		end(&talk);
	}
}

/* One of init's frames in many of Docker's. */
static void test_frame_spread_over_docker_frames(void **state)
{
	const unsigned char wire[] = "\x81\0\0\0\x05\0\0\0facts";
	struct talk talk;

	(void)state;
	begin(&talk);
	for (size_t i = 0; i < sizeof(wire) - 1; i++) {
		docker_says(&talk, SBX_FRAMES_STDOUT, wire + i, 1);
		docker_says(&talk, SBX_FRAMES_STDERR, "n", 1);
	}
	assert_int_equal(pump(&talk), 0);
	assert_heard(&talk, SBX_CHANNEL_HELLO, "facts");
	assert_heard(&talk, SBX_CHANNEL_NOTE, "nnnnnnnnnnnnn");
	end(&talk);
}

/* Many of init's frames in one of Docker's, each heard once. */
static void test_frames_in_one_docker_frame(void **state)
{
	static const char wire[] = "\x82\0\0\0\x03\0\0\0out"
				   "\x83\0\0\0\x03\0\0\0err"
				   "\x82\0\0\0\x01\0\0\0!"
				   "\x85\0\0\0\x04\0\0\0file";
	struct talk talk;

	(void)state;
	begin_running(&talk);
	docker_says(&talk, SBX_FRAMES_STDOUT, wire, sizeof(wire) - 1);
	assert_int_equal(pump(&talk), 0);
	assert_heard(&talk, SBX_CHANNEL_STDOUT, "out!");
	assert_heard(&talk, SBX_CHANNEL_STDERR, "err");
	assert_heard(&talk, SBX_CHANNEL_FILE, "file");
	assert_int_equal(talk.count[SBX_CHANNEL_STDOUT], 2);
	assert_int_equal(talk.count[SBX_CHANNEL_STDERR], 1);
	end(&talk);
}

static void test_abort_is_heard_at_once(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	init_says(&talk, SBX_WIRE_ABORT, "no /proc", 8);
	talk.stream.closed = true;
	assert_int_equal(pump(&talk), SBX_CHANNEL_CLOSED);
	assert_heard(&talk, SBX_CHANNEL_ABORT, "no /proc");
	end(&talk);
}

static void test_empty_abort_is_one(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	init_says(&talk, SBX_WIRE_ABORT, "", 0);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(talk.count[SBX_CHANNEL_ABORT], 1);
	end(&talk);
}

static void test_handlers_error_ends_the_pump(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	talk.refuse = true;
	init_says(&talk, SBX_WIRE_HELLO, "facts", 5);
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_BUSY, "not now");
	end(&talk);
}

static void test_lost_connection_is_unavailable(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	init_says(&talk, SBX_WIRE_STDOUT, "all of it", 9);
	talk.stream.lost = true;
	assert_int_equal(pump(&talk), -1);
	assert_error(&talk, SBX_OUTCOME_UNAVAILABLE, "lost");
	assert_heard(&talk, SBX_CHANNEL_STDOUT, "all of it");
	end(&talk);
}

/* An action that ends early leaves input behind: its EXIT counts. */
static void test_exit_is_heard_after_sending_failed(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, "input", 5);
	talk.stream.broken = true;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN);
	init_exits(&talk, SBX_WIRE_EXITED, 0);
	talk.stream.closed = true;
	assert_int_equal(pump(&talk), SBX_CHANNEL_CLOSED);
	assert_int_equal(talk.count[SBX_CHANNEL_EXIT], 1);
	end(&talk);
}

/* The caller must get to see its deadline, however much is said. */
static void test_pump_returns_from_a_flood(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_buf_consume(&talk.stream.in, talk.stream.in.len);
	talk.stream.at = 0;
	init_says(&talk, SBX_WIRE_STDOUT, "flood", 5);
	talk.stream.endless = true;
	talk.stream.n_recv = 0;
	assert_int_equal(pump(&talk), 0);
	assert_in_range(talk.stream.n_recv, 2, 1000);
	end(&talk);
}

/* --- sending --------------------------------------------------------------- */

static void test_run_is_as_wire_h_says(void **state)
{
	static const char expected[] = "\x02\0\0\0\x01\0\0\0\x64\0\0\0\0\0\0\0"
				       "\0\0\0\0\0\0\0\0\0\0\0\0"
				       "\0/tmp/out\0\0cat\0-u\0A=1";
	cleanup_buf struct sbx_buf payload = SBX_BUF_INIT(1000);
	struct talk talk;

	(void)state;
	begin_ready(&talk);
	send_run(&talk, "/tmp/out", 100);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN | POLLOUT);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, &payload), SBX_WIRE_RUN);
	assert_int_equal(payload.len, sizeof(expected));
	assert_memory_equal(payload.data, expected, sizeof(expected));
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN);
	end(&talk);
}

/* Not a word to an init that has not reported: it could be anybody. */
static void test_nothing_is_told_before_hello(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	send_run(&talk, NULL, 0);
	sbx_channel_send_input(talk.channel, "secret", 6);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	init_says(&talk, SBX_WIRE_HELLO, "facts", 5);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_RUN);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT_END);
	end(&talk);
}

static void test_has_sent_from_the_first_byte_of_run(void **state)
{
	cleanup_buf struct sbx_buf run = SBX_BUF_INIT(1000);
	struct talk talk;

	(void)state;
	begin_ready(&talk);
	now_ms += SBX_WIRE_BEAT_WAITING_MS;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_false(sbx_channel_has_sent(talk.channel));
	send_run(&talk, NULL, 0);
	talk.stream.takes = 0;
	assert_int_equal(pump(&talk), 0);
	assert_false(sbx_channel_has_sent(talk.channel));
	talk.stream.takes = 1;
	assert_int_equal(pump(&talk), 0);
	assert_true(sbx_channel_has_sent(talk.channel));
	talk.stream.takes = SIZE_MAX;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, &run), SBX_WIRE_RUN);
	assert_string_equal(run.data + SBX_WIRE_RUN_FIXED + 3, "cat");
	end(&talk);
}

/* A beat that got stuck half-way must not be taken for RUN. */
static void test_run_behind_half_a_beat(void **state)
{
	struct talk talk;

	(void)state;
	begin_ready(&talk);
	now_ms += SBX_WIRE_BEAT_WAITING_MS;
	talk.stream.takes = 3;
	assert_int_equal(pump(&talk), 0);
	send_run(&talk, NULL, 0);
	talk.stream.takes = 5;
	assert_int_equal(pump(&talk), 0);
	assert_false(sbx_channel_has_sent(talk.channel));
	talk.stream.takes = SIZE_MAX;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_RUN);
	end(&talk);
}

static void assert_sent(struct talk *talk, int type, const char *data,
			size_t size)
{
	cleanup_buf struct sbx_buf payload = SBX_BUF_INIT(1 << 20);

	assert_int_equal(sent_frame(talk, &payload), type);
	assert_int_equal(payload.len, size);
	if (size > 0)
		assert_memory_equal(payload.data, data, size);
}

static void add_file(struct sbx_files *files, const char *name, size_t size)
{
	struct sbx_error err = SBX_ERROR_INIT;
	unsigned char *data = sbx_malloc(size + 1);

	memset(data, 'd', size);
	assert_int_equal(sbx_files_add(files, name, &data, size, &err), 0);
}

static void begin_files(struct talk *talk, struct sbx_files *files,
			const struct sbx_strv *tmpfs)
{
	begin_ready(talk);
	add_file(files, "empty", 0);
	add_file(files, "a/b", SBX_WIRE_DATA_MAX + 5);
	assert_int_equal(sbx_channel_send_files(talk->channel, files, "/in",
						tmpfs, &talk->err),
			 0);
}

static void assert_files_sent(struct talk *talk, const struct sbx_files *files,
			      const char *into, size_t size)
{
	const char *data = (const char *)files->v[1].data;

	assert_sent(talk, SBX_WIRE_FILES, into, size);
	assert_sent(talk, SBX_WIRE_NEW, "empty", 5);
	assert_sent(talk, SBX_WIRE_NEW, "a/b", 3);
	assert_sent(talk, SBX_WIRE_DATA, data, SBX_WIRE_DATA_MAX);
	assert_sent(talk, SBX_WIRE_DATA, data, 5);
	assert_sent(talk, SBX_WIRE_FILES_END, "", 0);
	assert_int_equal(sent_frame(talk, NULL), -1);
}

static void test_files_and_then_run(void **state)
{
	struct sbx_files files = { .v = NULL };
	struct sbx_strv tmpfs = SBX_STRV_INIT;
	struct talk talk;

	(void)state;
	sbx_strv_push(&tmpfs, "/tmp");
	begin_files(&talk, &files, &tmpfs);
	assert_int_equal(pump(&talk), 0);
	assert_files_sent(&talk, &files, "\1\0\0\0/in\0/tmp\0", 13);
	assert_false(sbx_channel_has_sent(talk.channel));
	assert_false(sbx_channel_has_sent_input(talk.channel));
	init_says(&talk, SBX_WIRE_FILES_DONE, "\0\0\0\0", 4);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(talk.count[SBX_CHANNEL_FILES_DONE], 1);
	send_run(&talk, NULL, 0);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_RUN);
	end(&talk);
	sbx_files_clear(&files);
	sbx_strv_free(&tmpfs);
}

/* A byte at a time it is the same, and a signal overtakes. */
static void test_files_in_small_pieces(void **state)
{
	struct sbx_files files = { .v = NULL };
	struct talk talk;

	(void)state;
	begin_files(&talk, &files, NULL);
	for (int i = 0; i < 100000; i++) {
		talk.stream.takes = i < 100 ? 1 : 7;
		assert_int_equal(pump(&talk), 0);
	}
	assert_files_sent(&talk, &files, "\0\0\0\0/in\0", 8);
	end(&talk);
	sbx_files_clear(&files);
}

static void test_signal_overtakes_files(void **state)
{
	struct sbx_files files = { .v = NULL };
	struct talk talk;

	(void)state;
	begin_files(&talk, &files, NULL);
	talk.stream.takes = 10;
	assert_int_equal(pump(&talk), 0);
	sbx_channel_send_signal(talk.channel, 15);
	talk.stream.takes = SIZE_MAX;
	assert_int_equal(pump(&talk), 0);
	assert_sent(&talk, SBX_WIRE_FILES, "\0\0\0\0/in\0", 8);
	assert_sent(&talk, SBX_WIRE_SIGNAL, "\x0f", 1);
	assert_sent(&talk, SBX_WIRE_NEW, "empty", 5);
	end(&talk);
	sbx_files_clear(&files);
}

static void test_artifacts(void **state)
{
	struct sbx_channel_run run = { .out = "/out", .out_limit = 10 };
	struct talk talk;

	(void)state;
	begin_ready(&talk);
	run.argv = &talk.argv;
	run.env = &talk.env;
	assert_int_equal(sbx_channel_send_run(talk.channel, &run, &talk.err),
			 0);
	assert_int_equal(pump(&talk), 0);
	init_says(&talk, SBX_WIRE_ARTIFACT, "\4\0\0\0\0\0\0\0a/b", 11);
	init_says(&talk, SBX_WIRE_CONTENT, "da", 2);
	init_says(&talk, SBX_WIRE_CONTENT, "ta", 2);
	init_says(&talk, SBX_WIRE_ARTIFACT, "\6\0\0\0\0\0\0\0c", 9);
	init_exits(&talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(talk.count[SBX_CHANNEL_ARTIFACT], 2);
	assert_heard(&talk, SBX_CHANNEL_CONTENT, "data");
	assert_int_equal(talk.count[SBX_CHANNEL_EXIT], 1);
	end(&talk);
}

static void test_empty_input_is_only_its_end(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, NULL, 0);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN | POLLOUT);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT_END);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	end(&talk);
}

static void test_short_input_goes_out_in_one_piece(void **state)
{
	cleanup_buf struct sbx_buf input = SBX_BUF_INIT(1000);
	struct talk talk;

	(void)state;
	begin_running(&talk);
	talk.stream.n_send = 0;
	sbx_channel_send_input(talk.channel, "{\"a\": 1}", 8);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(talk.stream.n_send, 1);
	assert_int_equal(sent_frame(&talk, &input), SBX_WIRE_INPUT);
	assert_string_equal(sbx_buf_text(&input), "{\"a\": 1}");
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT_END);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	end(&talk);
}

/* Takes all frames off; counts INPUT; true when INPUT_END was the last. */
static bool take_input(struct talk *talk, struct sbx_buf *input)
{
	bool ended = false;
	int type;

	while ((type = sent_frame(talk, input)) >= 0) {
		assert_false(ended);
		assert_true(type == SBX_WIRE_INPUT ||
			    type == SBX_WIRE_INPUT_END);
		ended = type == SBX_WIRE_INPUT_END;
	}
	return ended;
}

/* Byte by byte the same, whatever its size and however sending is cut. */
static void check_input_of(size_t size, size_t takes)
{
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(64 * 1024 * 1024);
	cleanup_free unsigned char *input = sbx_malloc(size + 1);
	size_t credited = 0;
	struct talk talk;
	bool ended = false;

	for (size_t i = 0; i < size; i++)
		input[i] = (unsigned char)(i * 31 + (i >> 8) * 7);
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, input, size);
	while (!ended) {
		talk.stream.takes = takes;
		assert_int_equal(pump(&talk), 0);
		/* Whole frames only: the rest of one that is cut goes first. */
		talk.stream.takes = SIZE_MAX;
		assert_int_equal(pump(&talk), 0);
		ended = take_input(&talk, &got);
		assert_true(got.len - credited <= SBX_WIRE_WINDOW);
		if (!ended && got.len > credited) {
			init_credits(&talk, (uint32_t)(got.len - credited));
			credited = got.len;
		}
	}
	assert_int_equal(got.len, size);
	assert_memory_equal(got.data, input, size);
	end(&talk);
}

static void test_input_of_every_size_arrives(void **state)
{
	static const size_t sizes[] = { 1,
					4096,
					16 * 1024 - 17,
					16 * 1024 - 16,
					16 * 1024 - 15,
					16 * 1024,
					SBX_WIRE_DATA_MAX - 1,
					SBX_WIRE_DATA_MAX,
					SBX_WIRE_DATA_MAX + 1,
					SBX_WIRE_WINDOW,
					SBX_WIRE_WINDOW + 1,
					1000003,
					16 * 1024 * 1024 };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sizes); i++) {
		check_input_of(sizes[i], SIZE_MAX);
		check_input_of(sizes[i], 1);
		check_input_of(sizes[i], 10000);
	}
}

static void test_input_waits_for_credit(void **state)
{
	cleanup_free char *input = sbx_calloc(1, SBX_WIRE_WINDOW + 100);
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(1024 * 1024);
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, input, SBX_WIRE_WINDOW + 100);
	assert_int_equal(pump(&talk), 0);
	assert_false(take_input(&talk, &got));
	assert_int_equal(got.len, SBX_WIRE_WINDOW);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN);
	init_credits(&talk, 60);
	assert_int_equal(pump(&talk), 0);
	assert_false(take_input(&talk, &got));
	assert_int_equal(got.len, SBX_WIRE_WINDOW + 60);
	init_credits(&talk, 40);
	assert_int_equal(pump(&talk), 0);
	assert_true(take_input(&talk, &got));
	assert_int_equal(got.len, SBX_WIRE_WINDOW + 100);
	end(&talk);
}

static void test_signal_does_not_wait_for_credit(void **state)
{
	cleanup_free char *input = sbx_calloc(1, 2 * SBX_WIRE_WINDOW);
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(1024 * 1024);
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, input, 2 * SBX_WIRE_WINDOW);
	assert_int_equal(pump(&talk), 0);
	take_input(&talk, &got);
	sbx_buf_consume(&got, got.len);
	sbx_channel_send_signal(talk.channel, SIGTERM);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN | POLLOUT);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, &got), SBX_WIRE_SIGNAL);
	assert_int_equal(got.len, 1);
	assert_int_equal(got.data[0], SIGTERM);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	end(&talk);
}

/* Behind the frame that has begun, before all others. */
static void test_signal_overtakes_input(void **state)
{
	cleanup_free char *input = sbx_calloc(1, SBX_WIRE_WINDOW);
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, input, SBX_WIRE_WINDOW);
	talk.stream.takes = 100;
	assert_int_equal(pump(&talk), 0);
	sbx_channel_send_signal(talk.channel, SIGKILL);
	talk.stream.takes = SIZE_MAX;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_SIGNAL);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT);
	end(&talk);
}

/* Before RUN it would be for nobody. */
static void test_run_goes_before_signals(void **state)
{
	struct talk talk;

	(void)state;
	begin_ready(&talk);
	sbx_channel_send_signal(talk.channel, SIGTERM);
	send_run(&talk, NULL, 0);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_RUN);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_SIGNAL);
	end(&talk);
}

static void test_signals_are_sent_once(void **state)
{
	cleanup_buf struct sbx_buf got = SBX_BUF_INIT(100);
	struct talk talk;

	(void)state;
	begin_running(&talk);
	for (int i = 0; i < 1000; i++) {
		sbx_channel_send_signal(talk.channel, SIGTERM);
		sbx_channel_send_signal(talk.channel, 64);
		sbx_channel_send_signal(talk.channel, 0);
		sbx_channel_send_signal(talk.channel, 65);
		sbx_channel_send_signal(talk.channel, -1);
	}
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, &got), SBX_WIRE_SIGNAL);
	assert_int_equal(sent_frame(&talk, &got), SBX_WIRE_SIGNAL);
	assert_int_equal(sent_frame(&talk, &got), -1);
	assert_int_equal(got.data[0], SIGTERM);
	assert_int_equal(got.data[1], 64);
	end(&talk);
}

/* What may turn out not to be the channel is not spoken on. */
static void test_listens_until_it_is_chosen(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	sbx_channel_listen(talk.channel);
	now_ms += 2 * SBX_WIRE_BEAT_TIMEOUT_MS;
	assert_int_equal(pump(&talk), 0);
	init_says(&talk, SBX_WIRE_HELLO, "facts", 5);
	assert_int_equal(pump(&talk), 0);
	assert_heard(&talk, SBX_CHANNEL_HELLO, "facts");
	assert_int_equal(talk.stream.n_send, 0);
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN);
	/* Who has not been spoken to hears that somebody is there. */
	sbx_channel_choose(talk.channel);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	now_ms += SBX_WIRE_BEAT_WAITING_MS;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	end(&talk);
}

/* Hundreds wait at a time, most of them for long. */
static void test_waiting_takes_no_buffers_and_few_beats(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	assert_non_null(talk.channel->buffers);
	now_ms += SBX_WIRE_BEAT_INTERVAL_MS;
	talk.stream.takes = 3;
	assert_int_equal(pump(&talk), 0);
	sbx_channel_rest(talk.channel);
	/* What is under way is sent to its end. */
	talk.stream.takes = SIZE_MAX;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_int_equal(pump(&talk), 0);
	assert_null(talk.channel->buffers);
	now_ms += SBX_WIRE_BEAT_WAITING_MS - 1;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	now_ms += 1;
	init_says(&talk, SBX_WIRE_STDOUT, "early", 5);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_heard(&talk, SBX_CHANNEL_STDOUT, "early");
	assert_null(talk.channel->buffers);
	sbx_channel_send_input(talk.channel, "late", 4);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_INPUT_END);
	now_ms += SBX_WIRE_BEAT_INTERVAL_MS;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	end(&talk);
}

/* Half a frame of it is enough: who got that far may get the rest. */
static void test_has_sent_input_from_its_first_byte(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_channel_send_signal(talk.channel, SIGTERM);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_SIGNAL);
	assert_false(sbx_channel_has_sent_input(talk.channel));
	sbx_channel_send_input(talk.channel, "{}", 2);
	talk.stream.takes = 0;
	assert_int_equal(pump(&talk), 0);
	assert_false(sbx_channel_has_sent_input(talk.channel));
	talk.stream.takes = 1;
	assert_int_equal(pump(&talk), 0);
	assert_true(sbx_channel_has_sent_input(talk.channel));
	end(&talk);
	/* That there is none is as good as input. */
	begin_running(&talk);
	sbx_channel_send_input(talk.channel, NULL, 0);
	assert_int_equal(pump(&talk), 0);
	assert_true(sbx_channel_has_sent_input(talk.channel));
	end(&talk);
	/* A heartbeat behind it is no sign of the next. */
	begin_running(&talk);
	now_ms += SBX_WIRE_BEAT_INTERVAL_MS;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_false(sbx_channel_has_sent_input(talk.channel));
	end(&talk);
}

/* A beat each interval, counted from whatever was sent last. */
static void test_heartbeat(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	now_ms += SBX_WIRE_BEAT_INTERVAL_MS - 1;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	now_ms += 1;
	sbx_channel_send_signal(talk.channel, SIGTERM);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_SIGNAL);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	now_ms += SBX_WIRE_BEAT_INTERVAL_MS - 1;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	now_ms += 1;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	end(&talk);
}

/* init must not be left alone while it has nothing to say but output. */
static void test_heartbeat_goes_out_during_a_flood(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	sbx_buf_consume(&talk.stream.in, talk.stream.in.len);
	talk.stream.at = 0;
	init_says(&talk, SBX_WIRE_STDOUT, "flood", 5);
	talk.stream.endless = true;
	now_ms += SBX_WIRE_BEAT_INTERVAL_MS;
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), SBX_WIRE_BEAT);
	end(&talk);
}

static void test_nothing_is_sent_after_exit(void **state)
{
	struct talk talk;

	(void)state;
	begin_running(&talk);
	init_exits(&talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(pump(&talk), 0);
	sbx_channel_send_signal(talk.channel, SIGTERM);
	now_ms += 10 * SBX_WIRE_BEAT_INTERVAL_MS;
	assert_int_equal(sbx_channel_events(talk.channel), POLLIN);
	assert_int_equal(pump(&talk), 0);
	assert_int_equal(sent_frame(&talk, NULL), -1);
	end(&talk);
}

static void test_fd_is_the_streams(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk);
	assert_int_equal(sbx_channel_fd(talk.channel), 42);
	end(&talk);
	/* A second time, there is nothing to free. */
	end(&talk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_frames_come_in_any_pieces),
		cmocka_unit_test(test_frame_spread_over_docker_frames),
		cmocka_unit_test(test_frames_in_one_docker_frame),
		cmocka_unit_test(test_abort_is_heard_at_once),
		cmocka_unit_test(test_empty_abort_is_one),
		cmocka_unit_test(test_handlers_error_ends_the_pump),
		cmocka_unit_test(test_lost_connection_is_unavailable),
		cmocka_unit_test(test_exit_is_heard_after_sending_failed),
		cmocka_unit_test(test_pump_returns_from_a_flood),
		cmocka_unit_test(test_run_is_as_wire_h_says),
		cmocka_unit_test(test_nothing_is_told_before_hello),
		cmocka_unit_test(test_has_sent_from_the_first_byte_of_run),
		cmocka_unit_test(test_run_behind_half_a_beat),
		cmocka_unit_test(test_files_and_then_run),
		cmocka_unit_test(test_files_in_small_pieces),
		cmocka_unit_test(test_signal_overtakes_files),
		cmocka_unit_test(test_artifacts),
		cmocka_unit_test(test_empty_input_is_only_its_end),
		cmocka_unit_test(test_short_input_goes_out_in_one_piece),
		cmocka_unit_test(test_input_of_every_size_arrives),
		cmocka_unit_test(test_input_waits_for_credit),
		cmocka_unit_test(test_signal_does_not_wait_for_credit),
		cmocka_unit_test(test_signal_overtakes_input),
		cmocka_unit_test(test_run_goes_before_signals),
		cmocka_unit_test(test_signals_are_sent_once),
		cmocka_unit_test(test_listens_until_it_is_chosen),
		cmocka_unit_test(test_waiting_takes_no_buffers_and_few_beats),
		cmocka_unit_test(test_has_sent_input_from_its_first_byte),
		cmocka_unit_test(test_heartbeat),
		cmocka_unit_test(test_heartbeat_goes_out_during_a_flood),
		cmocka_unit_test(test_nothing_is_sent_after_exit),
		cmocka_unit_test(test_fd_is_the_streams),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
