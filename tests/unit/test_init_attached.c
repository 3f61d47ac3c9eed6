/* SPDX-License-Identifier: MIT */
/*
 * init in a session whose runners come over the attached streams, and go
 * without a word.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init_memory.h"
#include "init_session.h"

#define RANDOM "0123456789abcdef0123456789abcdef"

static const char sync_bytes[] = SBX_WIRE_SYNC RANDOM;

static void begin_attached(struct session *session, const char *ms)
{
	char nowhere[] = "";
	char time[16];

	memset(session, 0, sizeof(*session));
	session->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	snprintf(time, sizeof(time), "%s", ms);
	box_argument = nowhere;
	box_session = time;
	session->box = box_start();
	box_argument = box_session = NULL;
	assert_int_equal(box_frame(session->box, NULL), SBX_WIRE_HELLO);
	box_send(session->box, SBX_WIRE_BEAT, NULL, 0);
	box_send(session->box, SBX_WIRE_LEARN, RANDOM, strlen(RANDOM));
	/* Nobody comes before that was heard. */
	ask(session, SBX_WIRE_ASK_STATE);
	hear_state(session);
}

/* Another runner, right behind @before of another one. */
static void come_behind(struct session *session, const void *before,
			size_t size)
{
	cleanup_buf struct sbx_buf said = SBX_BUF_INIT(10000);
	struct sbx_buf *wire = &session->box->wire;
	double until = sbx_clock_ms() + BOX_WAIT_MS;
	char *found = NULL;

	sbx_buf_append(&said, before, size);
	sbx_buf_append(&said, sync_bytes, sizeof(sync_bytes) - 1);
	box_write(session->box, said.data, said.len);
	while (!found) {
		if (sbx_clock_ms() > until || box_wait(session->box, 0) >= 0) {
			char why[256] = "";

			(void)!read(session->box->err, why, sizeof(why) - 1);
			fail_msg("init does not answer: %s", why);
		}
		box_read(session->box, 100);
		found = wire->len ? memmem(wire->data, wire->len, sync_bytes,
					   sizeof(sync_bytes) - 1)
				  : NULL;
		if (!found && wire->len > 1000000)
			sbx_buf_consume(wire, 900000);
	}
	sbx_buf_consume(wire,
			(size_t)(found - wire->data) + sizeof(sync_bytes) - 1);
	hear_state(session);
}

/* Whatever is on the way is not for it. */
static void come(struct session *session)
{
	come_behind(session, "", 0);
}

static void await_exit(struct box *box)
{
	int type;

	while ((type = box_take(box)) != SBX_WIRE_EXIT) {
		if (type < 0 || type == SBX_WIRE_ABORT)
			fail_msg("frame 0x%x instead of EXIT", type);
	}
}

static const char *run_attached(struct session *session, const char *script)
{
	struct box *box = session->box;

	sbx_buf_consume(&box->stdout_, box->stdout_.len);
	box_shell(box, script);
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	await_exit(box);
	assert_int_equal(box->exit.code, 0);
	return sbx_buf_text(&box->stdout_);
}

static void test_runners_come_and_go(void **state)
{
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	assert_string_equal(run_attached(&session, "echo one"), "one\n");
	for (int i = 0; i < 5; i++) {
		come(&session);
		assert_string_equal(run_attached(&session, "echo two"),
				    "two\n");
		assert_string_equal(run_attached(&session, "cat"), "");
	}
	end(&session);
}

/* In the middle of what is said to init, wherever that is. */
static void test_half_a_command_of_another(void **state)
{
	static const char half[] = "\x01\0\0\0\0\1\0\0half of RUN";
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	for (size_t i = 0; i < sizeof(half); i++) {
		if (i > 0)
			box_write(session.box, half, i);
		come(&session);
		assert_string_equal(run_attached(&session, "echo ok"), "ok\n");
	}
	if (!box_wrapper())
		assert_false(has_in_memory(session.box->pid, "half of RUN"));
	/* Half a SYNC is none, and as a command it makes no sense. */
	box_write(session.box, sync_bytes, 10);
	come(&session);
	assert_string_equal(run_attached(&session, "echo ok"), "ok\n");
	end(&session);
}

/* What is behind the end of the next command in a buffer, too. */
static void test_attached_commands_are_forgotten(void **state)
{
	static const char half[] = "\x01\0\0\0\0\1\0\0                  "
				   "half of a token";
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	come_behind(&session, half, sizeof(half));
	if (!box_wrapper())
		assert_false(
			has_in_memory(session.box->pid, "half of a token"));
	assert_string_equal(run_attached(&session,
					 "echo ok #                            "
					 "                                     "
					 "a-token-to-be-forgotten"),
			    "ok\n");
	if (!box_wrapper())
		assert_false(has_in_memory(session.box->pid, "a-token-to-be-"));
	end(&session);
}

static bool has_children(pid_t pid)
{
	char path[64], text[16];
	FILE *children;
	bool has;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	children = fopen(path, "re");
	assert_non_null(children);
	has = fgets(text, sizeof(text), children) != NULL;
	fclose(children);
	return has;
}

/* A beat counts over these as well, and so does none. */
static void test_attached_silence_ends_the_run(void **state)
{
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	assert_string_equal(run_attached(&session, "sleep 11; echo late"),
			    "late\n");
	box_shell(session.box, "sleep 1234");
	usleep(1000000);
	assert_true(has_children(session.box->pid));
	usleep((SBX_WIRE_BEAT_TIMEOUT_MS + 1000) * 1000);
	assert_false(has_children(session.box->pid));
	come(&session);
	assert_string_equal(run_attached(&session, "echo ok"), "ok\n");
	end(&session);
}

/* And of what init says. */
static void test_output_of_another(void **state)
{
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	for (int i = 0; i < 3; i++) {
		box_shell(session.box, "while :; do echo flood; done");
		usleep(100000);
		come(&session);
		assert_string_equal(run_attached(&session, "echo mine"),
				    "mine\n");
	}
	end(&session);
}

/* Bytes that only look like it are the program's. */
static void test_input_that_looks_like_it(void **state)
{
	static const char input[] = SBX_WIRE_SYNC SBX_WIRE_SYNC
		"0123\xf5\xf5" SBX_WIRE_SYNC "0123456789aX\xf5";
	struct session session;
	struct box *box;

	(void)state;
	begin_attached(&session, "60000");
	box = session.box;
	box_shell(box, "cat");
	for (size_t i = 0; i < sizeof(input) - 1; i++)
		box_send(box, SBX_WIRE_INPUT, input + i, 1);
	box_send(box, SBX_WIRE_INPUT, input, sizeof(input) - 1);
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	await_exit(box);
	assert_int_equal(box->stdout_.len, 2 * (sizeof(input) - 1));
	assert_memory_equal(box->stdout_.data, input, sizeof(input) - 1);
	assert_memory_equal(box->stdout_.data + sizeof(input) - 1, input,
			    sizeof(input) - 1);
	end(&session);
}

/* What comes behind a program's end was for it. */
static void test_input_that_comes_late(void **state)
{
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	for (int i = 0; i < 20; i++) {
		box_shell(session.box, "exit 0");
		box_send(session.box, SBX_WIRE_INPUT, "late", 4);
		await_exit(session.box);
		box_send(session.box, SBX_WIRE_INPUT, "later", 5);
		box_send(session.box, SBX_WIRE_INPUT_END, NULL, 0);
		assert_string_equal(run_attached(&session, "cat"), "");
	}
	end(&session);
}

static void test_attached_ends_in_time(void **state)
{
	struct session session;
	double began;

	(void)state;
	begin_attached(&session, "1500");
	began = sbx_clock_ms();
	sbx_close(&session.box->in);
	assert_true(box_wait(session.box, BOX_WAIT_MS) >= 0);
	assert_true(sbx_clock_ms() - began > 1000);
	assert_true(sbx_clock_ms() - began < 5000);
	end(&session);
}

/* Runners come over the streams and in no other way. */
static void test_nobody_else_is_asked(void **state)
{
	struct sockaddr_un nameless = { .sun_family = AF_UNIX };
	struct session session;
	int listener;

	(void)state;
	/* Tests may run at once; who is not root has them do so one by one. */
	assert_true(unshare(CLONE_NEWNET) == 0 || errno == EPERM);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* unix(7): an abstract address, of as many NULs as have room. */
	assert_int_equal(
		bind(listener, (struct sockaddr *)&nameless, sizeof(nameless)),
		0);
	assert_int_equal(listen(listener, 1), 0);
	begin_attached(&session, "60000");
	sbx_close(&session.box->in);
	assert_int_equal(accept_at(listener, 2500), -1);
	assert_int_equal(box_wait(session.box, 0), -1);
	end(&session);
}

/* Once it is told what runners say, and only where they come that way. */
static void test_learns_once(void **state)
{
	struct session session;

	(void)state;
	begin_attached(&session, "60000");
	box_send(session.box, SBX_WIRE_LEARN, RANDOM, strlen(RANDOM));
	assert_gives_up(&session, "LEARN out of turn");

	begin(&session, "60000");
	box_send(session.box, SBX_WIRE_LEARN, RANDOM, strlen(RANDOM));
	assert_gives_up(&session, "LEARN out of turn");
}

/* Of whoever went before that nobody can know. */
static void test_nothing_learned(void **state)
{
	char nowhere[] = "", time[] = "1500";
	struct box *box;

	(void)state;
	box_argument = nowhere;
	box_session = time;
	box = box_start();
	box_argument = box_session = NULL;
	assert_int_equal(box_frame(box, NULL), SBX_WIRE_HELLO);
	box_send(box, SBX_WIRE_BEAT, NULL, 0);
	/* As good as anything; NULs are no SYNC either. */
	box_write(box, "\5\0\0\0\0\0\0\0\5\0\0\0\0\0\0\0", 16);
	sbx_close(&box->in);
	assert_int_equal(box_wait(box, BOX_WAIT_MS), 1 << 8);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runners_come_and_go),
		cmocka_unit_test(test_half_a_command_of_another),
		cmocka_unit_test(test_attached_commands_are_forgotten),
		cmocka_unit_test(test_attached_silence_ends_the_run),
		cmocka_unit_test(test_output_of_another),
		cmocka_unit_test(test_input_that_looks_like_it),
		cmocka_unit_test(test_input_that_comes_late),
		cmocka_unit_test(test_attached_ends_in_time),
		cmocka_unit_test(test_nobody_else_is_asked),
		cmocka_unit_test(test_learns_once),
		cmocka_unit_test(test_nothing_learned),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
