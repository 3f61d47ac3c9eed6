/* SPDX-License-Identifier: MIT */
/*
 * A sandbox that waits, and what it is used for then: init and the connection
 * to it are played, and so is the clock.
 */
#include "sandbox/sandbox.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "channel_talk.h"
#include "sandbox/sandbox_state.h"
#include "secret/memory.h"

/* There is no stream of an engine's here to be opened or closed. */
int sbx_stream_attach(struct sbx_stream **out, struct sbx_engine *engine,
		      const char *container, struct sbx_error *err)
{
	(void)out;
	(void)engine;
	(void)container;
	return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "not played");
}

void sbx_stream_free(struct sbx_stream **stream)
{
	assert_null(*stream);
}

struct waiting {
	struct talk talk;
	struct sbx_engine *engine;
	struct sbx_sandbox *sandbox;
	struct sbx_sandbox_program program;
	struct sbx_sandbox_result result;
	struct sbx_error err;
};

/* One whose HELLO was heard; the engine is nowhere. */
static void set_up(struct waiting *waiting)
{
	const struct sbx_channel_handler handler = {
		.event = sbx_sandbox_on_event,
	};
	struct sbx_channel_handler own = handler;

	memset(waiting, 0, sizeof(*waiting));
	begin(&waiting->talk);
	sbx_channel_free(&waiting->talk.channel);
	assert_int_equal(sbx_engine_new(&waiting->engine, "unix:///nowhere",
					&waiting->err),
			 0);
	waiting->sandbox = sbx_calloc(1, sizeof(*waiting->sandbox));
	waiting->sandbox->engine = waiting->engine;
	waiting->sandbox->hello.max = SBX_WIRE_HELLO_MAX;
	waiting->sandbox->note.max = 512;
	waiting->sandbox->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	own.ctx = waiting->sandbox;
	sbx_channel_new(&waiting->sandbox->channel, &waiting->talk.stream,
			&own);
	init_says(&waiting->talk, SBX_WIRE_HELLO, "facts", 5);
	assert_int_equal(sbx_sandbox_tend(waiting->sandbox, &waiting->err), 0);
	waiting->sandbox->phase = SBX_SANDBOX_READY;
	waiting->program = (struct sbx_sandbox_program){
		.argv = &waiting->talk.argv,
		.env = &waiting->talk.env,
		.input = "{}",
		.input_size = 2,
		.timeout_ms = 1000,
		.output_limit = 1000000,
		.cancel_fd = -1,
	};
}

static void tear_down(struct waiting *waiting)
{
	sbx_sandbox_free(&waiting->sandbox);
	sbx_engine_free(&waiting->engine);
	end(&waiting->talk);
}

static int spawn(struct waiting *waiting)
{
	return sbx_sandbox_spawn(waiting->sandbox, &waiting->program,
				 &waiting->err);
}

static int tend(struct waiting *waiting)
{
	return sbx_sandbox_tend(waiting->sandbox, &waiting->err);
}

static int run(struct waiting *waiting)
{
	return sbx_sandbox_run(waiting->sandbox, &waiting->program,
			       &waiting->result, &waiting->err);
}

static void assert_says(const struct waiting *waiting, const char *part)
{
	if (!strstr(waiting->err.message, part))
		fail_msg("\"%s\" has no \"%s\"", waiting->err.message, part);
}

/* Spawned, and what that sent is forgotten. */
static void set_up_early(struct waiting *waiting)
{
	set_up(waiting);
	assert_int_equal(spawn(waiting), 0);
	assert_int_equal(sent_frame(&waiting->talk, NULL), SBX_WIRE_RUN);
	assert_int_equal(sent_frame(&waiting->talk, NULL), -1);
}

/* What init says from here on is its answer to what it is sent. */
static void answers_follow(struct waiting *waiting)
{
	waiting->talk.stream.answer_at = waiting->talk.stream.in.len;
}

static void test_spawn_sends_run_and_no_input(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up_early(&waiting);
	assert_int_equal(waiting.sandbox->phase, SBX_SANDBOX_EARLY);
	assert_int_equal(tend(&waiting), 0);
	assert_int_equal(sent_frame(&waiting.talk, NULL), -1);
	tear_down(&waiting);
}

static void test_spawned_program_gets_only_its_input(void **state)
{
	cleanup_buf struct sbx_buf input = SBX_BUF_INIT(100);
	struct waiting waiting;

	(void)state;
	set_up_early(&waiting);
	/* Nothing of its RUN is needed any more. */
	waiting.program.argv = NULL;
	waiting.program.env = NULL;
	/* Nor does its time-out begin before its input. */
	now_ms += 100 * (double)waiting.program.timeout_ms;
	assert_int_equal(tend(&waiting), 0);
	assert_int_equal(sent_frame(&waiting.talk, NULL), SBX_WIRE_BEAT);
	answers_follow(&waiting);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "out", 3);
	init_exits(&waiting.talk, SBX_WIRE_EXITED, 3);
	assert_int_equal(run(&waiting), 0);
	assert_int_equal(sent_frame(&waiting.talk, &input), SBX_WIRE_INPUT);
	assert_string_equal(sbx_buf_text(&input), "{}");
	assert_int_equal(sent_frame(&waiting.talk, NULL), SBX_WIRE_INPUT_END);
	assert_int_equal(sent_frame(&waiting.talk, NULL), -1);
	assert_string_equal(sbx_buf_text(waiting.result.out), "out");
	assert_int_equal(waiting.result.exit.code, 3);
	assert_true(waiting.result.started);
	assert_false(waiting.result.timed_out);
	tear_down(&waiting);
}

/* Where the input did not leave, another sandbox may have it. */
static void test_retry_is_safe_until_input_has_left(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up_early(&waiting);
	/* Found alive, and lost before anything could be sent. */
	waiting.talk.stream.takes = 0;
	waiting.talk.stream.breaks_after = 2;
	assert_int_equal(run(&waiting), -1);
	assert_false(waiting.result.started);
	tear_down(&waiting);

	set_up_early(&waiting);
	waiting.talk.stream.takes = 1;
	answers_follow(&waiting);
	init_says(&waiting.talk, SBX_WIRE_ABORT, "no more", 7);
	assert_int_equal(run(&waiting), -1);
	assert_true(waiting.result.started);
	tear_down(&waiting);
	/* What was not spawned may have an effect from RUN on. */
	set_up(&waiting);
	waiting.talk.stream.takes = 1;
	answers_follow(&waiting);
	init_says(&waiting.talk, SBX_WIRE_ABORT, "no more", 7);
	assert_int_equal(run(&waiting), -1);
	assert_true(waiting.result.started);
	tear_down(&waiting);
}

static void test_early_output_is_kept(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up_early(&waiting);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "early ", 6);
	init_says(&waiting.talk, SBX_WIRE_STDERR, "warning", 7);
	assert_int_equal(tend(&waiting), 0);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "bird ", 5);
	answers_follow(&waiting);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "late", 4);
	init_exits(&waiting.talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(run(&waiting), 0);
	assert_string_equal(sbx_buf_text(waiting.result.out),
			    "early bird late");
	assert_string_equal(sbx_buf_text(waiting.result.err), "warning");
	tear_down(&waiting);
}

/* It is searched for secrets like all else. */
static void test_early_output_is_redacted(void **state)
{
	cleanup_secrets struct sbx_secrets secrets = { .n = 0 };
	unsigned char *value = NULL;
	struct waiting waiting;

	(void)state;
	set_up(&waiting);
	assert_int_equal(sbx_secret_alloc(&value, 13, &waiting.err), 0);
	memcpy(value, "correct horse", 13);
	sbx_secrets_set(&secrets, "TOKEN", &value, 13);
	waiting.program.redacted = &secrets;
	assert_int_equal(spawn(&waiting), 0);
	assert_int_equal(sent_frame(&waiting.talk, NULL), SBX_WIRE_RUN);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "a correct ho", 12);
	assert_int_equal(tend(&waiting), 0);
	answers_follow(&waiting);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "rse", 3);
	init_exits(&waiting.talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(run(&waiting), 0);
	assert_string_equal(sbx_buf_text(waiting.result.out), "a ***");
	tear_down(&waiting);
}

static void test_program_that_does_not_wait_for_input(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up_early(&waiting);
	init_says(&waiting.talk, SBX_WIRE_STDOUT, "no input?", 9);
	init_exits(&waiting.talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(tend(&waiting), SBX_SANDBOX_EXITED);
	assert_says(&waiting, "ended before there was any input");
	tear_down(&waiting);
}

/* Nobody looked after it since. */
static void test_program_that_ended_right_before_its_input(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up_early(&waiting);
	init_exits(&waiting.talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(run(&waiting), -1);
	assert_says(&waiting, "ended before there was any input");
	assert_false(waiting.result.started);
	assert_int_equal(sent_frame(&waiting.talk, NULL), -1);
	tear_down(&waiting);
}

static void test_early_output_is_bounded(void **state)
{
	static const char much[SBX_SANDBOX_EARLY_MAX + 1];
	struct waiting waiting;

	(void)state;
	for (int over = 0; over < 2; over++) {
		set_up_early(&waiting);
		init_says(&waiting.talk, SBX_WIRE_STDERR, much,
			  SBX_SANDBOX_EARLY_MAX + (size_t)over);
		assert_int_equal(tend(&waiting), over ? SBX_SANDBOX_EXITED : 0);
		assert_int_equal(waiting.sandbox->early[1].size,
				 SBX_SANDBOX_EARLY_MAX);
		if (over)
			assert_says(&waiting, "wrote too much");
		tear_down(&waiting);
	}
}

/* It may be over before anybody stops it. */
static void test_nothing_runs_for_who_wanted_out(void **state)
{
	struct waiting waiting;
	int fds[2];

	(void)state;
	set_up(&waiting);
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "", 1), 1);
	waiting.program.cancel_fd = fds[0];
	assert_int_equal(run(&waiting), -1);
	assert_int_equal(waiting.err.outcome, SBX_OUTCOME_CANCELLED);
	assert_false(waiting.result.started);
	assert_int_equal(sent_frame(&waiting.talk, NULL), -1);
	close(fds[0]);
	close(fds[1]);
	tear_down(&waiting);
}

/* The next request must not go to what is not there. */
static void test_tend_hears_the_end_of_a_sandbox(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up(&waiting);
	assert_int_equal(tend(&waiting), 0);
	waiting.talk.stream.closed = true;
	assert_int_equal(tend(&waiting), -1);
	assert_int_equal(waiting.err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	assert_says(&waiting, "ended while it waited");
	tear_down(&waiting);
}

/* Where nothing runs there is nothing to say. */
static void test_waiting_init_that_speaks(void **state)
{
	struct waiting waiting;

	(void)state;
	set_up(&waiting);
	init_exits(&waiting.talk, SBX_WIRE_EXITED, 0);
	assert_int_equal(tend(&waiting), -1);
	assert_int_equal(waiting.err.outcome, SBX_OUTCOME_SANDBOX_FAILED);
	tear_down(&waiting);
}

/* --- over a direct channel ------------------------------------------------- */

/* init's end of the channel, which a test plays. */
static int set_up_direct(struct waiting *waiting)
{
	struct sbx_channel_handler handler = { .event = sbx_sandbox_on_event };
	static const unsigned char hello[] = "\x81\0\0\0\x05\0\0\0facts";
	struct sbx_sandbox *sandbox;
	int ends[2];

	set_up(waiting);
	sandbox = waiting->sandbox;
	handler.ctx = sandbox;
	sbx_channel_free(&sandbox->channel);
	assert_int_equal(socketpair(AF_UNIX,
				    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				    0, ends),
			 0);
	sbx_channel_new_direct(&sandbox->channel, &ends[0], &handler);
	sandbox->is_direct = true;
	sandbox->uid = geteuid();
	sandbox->gid = getegid();
	sandbox->phase = SBX_SANDBOX_STARTING;
	assert_int_equal(write(ends[1], hello, sizeof(hello) - 1),
			 sizeof(hello) - 1);
	assert_int_equal(tend(waiting), 0);
	sandbox->phase = SBX_SANDBOX_READY;
	return ends[1];
}

/* Takes RUN, and the action's streams that came with it. */
static void take_run(int init, int fds[3])
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(3 * sizeof(int))];
	} control;
	char data[4096];
	struct iovec vec = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };
	struct pollfd ready = { init, POLLIN, 0 };

	assert_int_equal(poll(&ready, 1, 10000), 1);
	assert_true(recvmsg(init, &message, MSG_CMSG_CLOEXEC) >
		    SBX_WIRE_HEADER_SIZE + SBX_WIRE_RUN_FIXED);
	assert_int_equal(data[0], SBX_WIRE_RUN);
	assert_int_equal(control.header.cmsg_len, CMSG_LEN(3 * sizeof(int)));
	memcpy(fds, CMSG_DATA(&control.header), 3 * sizeof(int));
}

static void say_exit(int init, unsigned char code)
{
	unsigned char frame[SBX_WIRE_HEADER_SIZE + SBX_WIRE_EXIT_SIZE] = { 0 };

	sbx_wire_put_header(frame, SBX_WIRE_EXIT, SBX_WIRE_EXIT_SIZE);
	frame[SBX_WIRE_HEADER_SIZE + 4] = code;
	assert_int_equal(write(init, frame, sizeof(frame)), sizeof(frame));
}

/* An action that says what it read, and init at its end. */
static pid_t play_action(const struct waiting *waiting, int init,
			 const int *given)
{
	pid_t pid = fork();
	char data[4096];
	ssize_t size;
	int fds[3];

	if (pid != 0)
		return pid;
	/* Of its streams it has no other ends. */
	for (int i = 0; i < 3; i++)
		close(waiting->sandbox->pipes.ours[i]);
	if (given)
		memcpy(fds, given, sizeof(fds));
	else
		take_run(init, fds);
	while ((size = read(fds[0], data, sizeof(data))) > 0)
		(void)!write(fds[1], data, (size_t)size);
	(void)!write(fds[2], "end", 3);
	say_exit(init, 5);
	_exit(0);
}

static void test_direct_run(void **state)
{
	struct waiting waiting;
	int init = set_up_direct(&waiting);
	pid_t pid = play_action(&waiting, init, NULL);

	(void)state;
	assert_int_equal(run(&waiting), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(waiting.result.started);
	assert_int_equal(waiting.result.exit.code, 5);
	assert_string_equal(sbx_buf_text(waiting.result.out), "{}");
	assert_string_equal(sbx_buf_text(waiting.result.err), "end");
	close(init);
	tear_down(&waiting);
}

/* What it writes while it waits is kept in its pipes, and nowhere else. */
static void test_direct_run_of_what_was_spawned(void **state)
{
	struct waiting waiting;
	int init = set_up_direct(&waiting);
	int fds[3];
	pid_t pid;

	(void)state;
	assert_int_equal(spawn(&waiting), 0);
	take_run(init, fds);
	assert_int_equal(write(fds[1], "early ", 6), 6);
	assert_int_equal(tend(&waiting), 0);
	assert_null(waiting.sandbox->early[0].data);
	pid = play_action(&waiting, init, fds);
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	assert_int_equal(run(&waiting), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(waiting.result.started);
	assert_string_equal(sbx_buf_text(waiting.result.out), "early {}");
	close(init);
	tear_down(&waiting);
}

/* As long as nothing of the input was written, another sandbox may have it. */
static void test_direct_sandbox_that_is_gone(void **state)
{
	struct waiting waiting;
	int init = set_up_direct(&waiting);
	int fds[3];

	(void)state;
	assert_int_equal(spawn(&waiting), 0);
	take_run(init, fds);
	close(init);
	assert_int_equal(run(&waiting), -1);
	assert_false(waiting.result.started);
	assert_says(&waiting, "ended while it waited");
	for (int i = 0; i < 3; i++)
		close(fds[i]);
	tear_down(&waiting);
}

static void test_direct_program_that_does_not_wait(void **state)
{
	struct waiting waiting;
	int init = set_up_direct(&waiting);

	(void)state;
	assert_int_equal(spawn(&waiting), 0);
	say_exit(init, 0);
	assert_int_equal(tend(&waiting), SBX_SANDBOX_EXITED);
	close(init);
	tear_down(&waiting);
}

/* The streams are not init's: it has nothing to say of them. */
static void test_direct_init_that_speaks_for_the_action(void **state)
{
	static const unsigned char frames[][13] = {
		"\x82\0\0\0\x04\0\0\0fake",
		"\x83\0\0\0\x04\0\0\0fake",
		"\x84\0\0\0\x04\0\0\0\x01\0\0\0",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(frames); i++) {
		struct waiting waiting;
		int init = set_up_direct(&waiting);

		assert_int_equal(spawn(&waiting), 0);
		assert_int_equal(write(init, frames[i], 12), 12);
		assert_int_equal(tend(&waiting), -1);
		assert_says(&waiting, "is of streams it has not got");
		close(init);
		tear_down(&waiting);
	}
}

/* --- used again ------------------------------------------------------------ */

static void say_reset(int init, uint32_t processes, uint32_t emptied,
		      uint32_t objects, const char *why)
{
	unsigned char frame[SBX_WIRE_HEADER_SIZE + SBX_WIRE_RESET_MAX] = { 0 };
	size_t size = SBX_WIRE_RESET_FIXED + strlen(why);

	sbx_wire_put_header(frame, SBX_WIRE_RESET, (uint32_t)size);
	sbx_wire_put32(frame + SBX_WIRE_HEADER_SIZE, processes);
	sbx_wire_put32(frame + SBX_WIRE_HEADER_SIZE + 4, emptied);
	sbx_wire_put32(frame + SBX_WIRE_HEADER_SIZE + 12, objects);
	memcpy(frame + SBX_WIRE_HEADER_SIZE + SBX_WIRE_RESET_FIXED, why,
	       strlen(why));
	assert_int_equal(write(init, frame, SBX_WIRE_HEADER_SIZE + size),
			 SBX_WIRE_HEADER_SIZE + size);
}

/* Behind EXIT of a program with @reset, in a sandbox with two tmpfs. */
static int set_up_reset(struct waiting *waiting)
{
	int init = set_up_direct(waiting);
	pid_t pid;

	sbx_strv_push(&waiting->sandbox->tmpfs, "/tmp");
	sbx_strv_push(&waiting->sandbox->tmpfs, "/dev/shm");
	waiting->program.reset = true;
	pid = play_action(waiting, init, NULL);
	assert_int_equal(run(waiting), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return init;
}

static int reset_done(struct waiting *waiting)
{
	return sbx_sandbox_reset_done(waiting->sandbox, &waiting->err);
}

static void test_reset_and_another_run(void **state)
{
	struct waiting waiting;
	int init = set_up_reset(&waiting);
	pid_t pid;

	(void)state;
	assert_int_equal(reset_done(&waiting), SBX_SANDBOX_RESETTING);
	say_reset(init, 1, 2, 0, "");
	assert_int_equal(reset_done(&waiting), 0);
	assert_int_equal(reset_done(&waiting), 0);
	assert_int_equal(tend(&waiting), 0);
	pid = play_action(&waiting, init, NULL);
	assert_int_equal(run(&waiting), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_string_equal(sbx_buf_text(waiting.result.out), "{}");
	assert_string_equal(sbx_buf_text(waiting.result.err), "end");
	assert_true(waiting.result.started);
	close(init);
	tear_down(&waiting);
}

/* init's word is not enough: what it says it has seen must fit. */
static void test_reset_that_is_not_clean(void **state)
{
	static const struct {
		uint32_t processes;
		uint32_t emptied;
		uint32_t objects;
		const char *why;
		const char *said;
	} resets[] = {
		{ 1, 2, 0, "a \033[31mfile", "again: a \\x1b[31mfile" },
		{ 2, 2, 0, "", "more than init is left" },
		{ 0, 2, 0, "", "more than init is left" },
		{ 1, 1, 0, "", "not all of it was emptied" },
		{ 1, 2, 1, "", "objects are left" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(resets); i++) {
		struct waiting waiting;
		int init = set_up_reset(&waiting);

		say_reset(init, resets[i].processes, resets[i].emptied,
			  resets[i].objects, resets[i].why);
		assert_int_equal(reset_done(&waiting), -1);
		assert_says(&waiting, resets[i].said);
		close(init);
		tear_down(&waiting);
	}
}

static void test_reset_that_does_not_come(void **state)
{
	struct waiting waiting;
	int init = set_up_reset(&waiting);

	(void)state;
	now_ms += 1900;
	assert_int_equal(reset_done(&waiting), SBX_SANDBOX_RESETTING);
	now_ms += 200;
	assert_int_equal(reset_done(&waiting), -1);
	assert_says(&waiting, "took too long");
	close(init);
	tear_down(&waiting);

	init = set_up_reset(&waiting);
	close(init);
	assert_int_equal(reset_done(&waiting), -1);
	assert_says(&waiting, "init has ended");
	tear_down(&waiting);
}

static void test_reset_that_was_not_asked_for(void **state)
{
	struct waiting waiting;
	int init = set_up_direct(&waiting);
	pid_t pid = play_action(&waiting, init, NULL);

	(void)state;
	assert_int_equal(run(&waiting), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_int_equal(reset_done(&waiting), -1);
	close(init);
	tear_down(&waiting);
}

/* --- hearing HELLO --------------------------------------------------------- */

/* A connection of init's, on which HELLO comes when somebody listens at the
 * attached stream. */
static int silent_init = -1;

static void say_hello(void)
{
	static const unsigned char hello[] = "\x81\0\0\0\x05\0\0\0facts";

	if (silent_init < 0)
		return;
	assert_int_equal(write(silent_init, hello, sizeof(hello) - 1),
			 sizeof(hello) - 1);
	silent_init = -1;
}

static int connect_init(struct sbx_sandbox *sandbox)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct sbx_error err = SBX_ERROR_INIT;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (sbx_direct_new(&sandbox->direct, &err) < 0)
		fail_msg("%s", err.message);
	sandbox->pid = getpid();
	snprintf(address.sun_path, sizeof(address.sun_path),
		 "%s/" SBX_DIRECT_SOCKET, sbx_direct_path(sandbox->direct));
	assert_int_equal(
		connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

/*
 * The start took so long that a heartbeat is overdue.  On the attached stream
 * it would be the choice of that one, and closing it then init's end.
 */
static void test_nothing_is_said_before_the_choice(void **state)
{
	const struct sbx_channel_handler handler = {
		.event = sbx_sandbox_on_event,
	};
	struct sbx_channel_handler own = handler;
	unsigned char said[SBX_WIRE_HEADER_SIZE];
	struct waiting waiting;
	struct sbx_sandbox *sandbox;
	int init;

	(void)state;
	set_up(&waiting);
	sandbox = waiting.sandbox;
	sandbox->own_hello.max = SBX_WIRE_HELLO_MAX;
	own.ctx = sandbox;
	sbx_channel_free(&sandbox->channel);
	sbx_channel_new(&sandbox->channel, &waiting.talk.stream, &own);
	sbx_channel_listen(sandbox->channel);
	silent_init = init = connect_init(sandbox);
	waiting.talk.stream.before_recv = say_hello;
	sandbox->looked_at = now_ms;
	now_ms += SBX_WIRE_BEAT_TIMEOUT_MS + 1;
	if (sbx_sandbox_hear_hello(sandbox, -1, &waiting.err) < 0)
		fail_msg("%s", waiting.err.message);
	assert_true(sandbox->is_direct);
	assert_int_equal(recv(init, said, sizeof(said), MSG_DONTWAIT), -1);
	now_ms += SBX_WIRE_BEAT_TIMEOUT_MS + 1;
	sbx_sandbox_choose(sandbox);
	assert_int_equal(waiting.talk.stream.n_send, 0);
	/* And the first word comes at once. */
	assert_int_equal(read(init, said, sizeof(said)), sizeof(said));
	assert_int_equal(said[0], SBX_WIRE_BEAT);
	/* That was no sleep that init could have noticed. */
	sandbox->phase = SBX_SANDBOX_READY;
	assert_int_equal(tend(&waiting), 0);
	assert_true(sandbox->slept <= 0);
	close(init);
	tear_down(&waiting);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_spawn_sends_run_and_no_input),
		cmocka_unit_test(test_spawned_program_gets_only_its_input),
		cmocka_unit_test(test_retry_is_safe_until_input_has_left),
		cmocka_unit_test(test_early_output_is_kept),
		cmocka_unit_test(test_early_output_is_redacted),
		cmocka_unit_test(test_program_that_does_not_wait_for_input),
		cmocka_unit_test(
			test_program_that_ended_right_before_its_input),
		cmocka_unit_test(test_early_output_is_bounded),
		cmocka_unit_test(test_nothing_runs_for_who_wanted_out),
		cmocka_unit_test(test_tend_hears_the_end_of_a_sandbox),
		cmocka_unit_test(test_waiting_init_that_speaks),
		cmocka_unit_test(test_direct_run),
		cmocka_unit_test(test_direct_run_of_what_was_spawned),
		cmocka_unit_test(test_direct_sandbox_that_is_gone),
		cmocka_unit_test(test_direct_program_that_does_not_wait),
		cmocka_unit_test(test_direct_init_that_speaks_for_the_action),
		cmocka_unit_test(test_reset_and_another_run),
		cmocka_unit_test(test_reset_that_is_not_clean),
		cmocka_unit_test(test_reset_that_does_not_come),
		cmocka_unit_test(test_reset_that_was_not_asked_for),
		cmocka_unit_test(test_nothing_is_said_before_the_choice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
