/* SPDX-License-Identifier: MIT */
/*
 * init and a connection to the runner with no engine in between: which of its
 * two ways is the channel, and what is the action's then.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <sys/un.h>

#include "init_box.h"
#include "sandbox/pipes.h"

/*
 * @box		its streams are the attached ones until the channel was chosen
 * @socket	the connection
 * @pipes	of the action
 */
struct pair {
	struct box *box;
	int socket;
	struct sbx_pipes pipes;
	struct sbx_buf hello;
};

static int listen_at(char path[static 64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, 64, "%s/s", box_directory);
	memcpy(address.sun_path, path, strlen(path) + 1);
	unlink(path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(chmod(path, 0666), 0);
	assert_int_equal(listen(fd, 1), 0);
	return fd;
}

/* Connected, and nothing heard yet. */
static void begin(struct pair *pair)
{
	char path[64];
	int listener = listen_at(path);

	memset(pair, 0, sizeof(*pair));
	pair->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	pair->hello.max = SBX_WIRE_HELLO_MAX;
	box_argument = path;
	pair->box = box_start();
	box_argument = NULL;
	pair->socket = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(pair->socket >= 0);
	close(listener);
}

static void end(struct pair *pair)
{
	sbx_close(&pair->socket);
	sbx_pipes_close(&pair->pipes);
	sbx_buf_free(&pair->hello);
	box_free(pair->box);
}

/* From now on @box speaks over the connection. */
static void use_socket(struct pair *pair)
{
	sbx_close(&pair->box->in);
	sbx_close(&pair->box->out);
	pair->box->in = dup(pair->socket);
	pair->box->out = sbx_take_fd(&pair->socket);
	sbx_buf_consume(&pair->box->wire, pair->box->wire.len);
}

/* HELLO heard over the connection, which was chosen. */
static void begin_direct(struct pair *pair)
{
	begin(pair);
	use_socket(pair);
	assert_int_equal(box_frame(pair->box, &pair->hello), SBX_WIRE_HELLO);
}

static void run(struct pair *pair, const char *script)
{
	struct sbx_error err = SBX_ERROR_INIT;
	uid_t uid = geteuid() == 0 ? BOX_UID : geteuid();

	assert_int_equal(sbx_pipes_open(&pair->pipes, uid, uid, &err), 0);
	box_give(pair->pipes.theirs, 3);
	box_shell(pair->box, script);
	for (int i = 0; i < 3; i++)
		sbx_close(&pair->pipes.theirs[i]);
}

static int keep(void *ctx, int stream, const void *data, size_t size,
		struct sbx_error *err)
{
	struct box *box = ctx;

	(void)err;
	sbx_buf_append(stream == 1 ? &box->stdout_ : &box->stderr_, data, size);
	return 0;
}

/* Up to EXIT, and what was written by then. */
static void assert_exits(struct pair *pair, uint32_t code)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_ended(pair->box, SBX_WIRE_EXITED, code);
	assert_int_equal(sbx_pipes_drain(&pair->pipes, keep, pair->box, &err),
			 0);
}

static void give(struct pair *pair, const char *input)
{
	sbx_pipes_set_input(&pair->pipes, input, strlen(input));
	sbx_pipes_feed(&pair->pipes);
}

/* --- which way ------------------------------------------------------------- */

static void test_hello_comes_both_ways(void **state)
{
	cleanup_buf struct sbx_buf other = SBX_BUF_INIT(SBX_WIRE_HELLO_MAX);
	struct pair pair;

	(void)state;
	begin(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	use_socket(&pair);
	assert_int_equal(box_frame(pair.box, &other), SBX_WIRE_HELLO);
	assert_int_equal(other.len, pair.hello.len);
	assert_memory_equal(other.data, pair.hello.data, other.len);
	end(&pair);
}

/* sandbox_hello.c does not wait for it any more by then. */
static void test_attached_hello_is_the_later_one(void **state)
{
	struct pair pair;
	char data[SBX_WIRE_HEADER_SIZE];

	(void)state;
	begin(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	assert_int_equal(recv(pair.socket, data, sizeof(data), MSG_DONTWAIT),
			 sizeof(data));
	assert_int_equal((unsigned char)data[0], SBX_WIRE_HELLO);
	end(&pair);
}

/* An end of its standard input is not the runner's death then. */
static void test_attached_stream_ends(void **state)
{
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "cat; exit 3");
	give(&pair, "input");
	assert_exits(&pair, 3);
	assert_string_equal(sbx_buf_text(&pair.box->stdout_), "input");
	end(&pair);
}

static void without_reader(void)
{
	int ends[2];

	if (pipe(ends) < 0 || dup2(ends[1], STDOUT_FILENO) < 0)
		_exit(118);
	close(ends[0]);
	close(ends[1]);
}

/* Nor is one of its standard output, whenever that comes. */
static void test_attached_output_ends(void **state)
{
	struct pair pair;
	int in;

	(void)state;
	box_last = without_reader;
	begin(&pair);
	box_last = NULL;
	in = dup(pair.box->in);
	use_socket(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	assert_int_equal(box_wait(pair.box, 100), -1);
	run(&pair, "exit 6");
	assert_exits(&pair, 6);
	close(in);
	end(&pair);
}

static void test_attached_stream_stays_open_and_does_not_count(void **state)
{
	struct pair pair;
	int in, out;
	char byte;

	(void)state;
	begin(&pair);
	in = dup(pair.box->in);
	out = dup(pair.box->out);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	use_socket(&pair);
	assert_int_equal(box_frame(pair.box, NULL), SBX_WIRE_HELLO);
	box_beat(pair.box);
	run(&pair, "cat; exit 4");
	/* It has closed them, so that nobody can say anything there. */
	assert_int_equal(read(out, &byte, 1), 0);
	assert_int_equal(write(in, &byte, 1), -1);
	assert_int_equal(errno, EPIPE);
	give(&pair, "x");
	assert_exits(&pair, 4);
	close(in);
	close(out);
	end(&pair);
}

static void test_connection_that_is_not_used(void **state)
{
	struct pair pair;

	(void)state;
	begin(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	sbx_close(&pair.socket);
	box_shell(pair.box, "cat");
	box_send(pair.box, SBX_WIRE_INPUT, "attached", 8);
	box_send(pair.box, SBX_WIRE_INPUT_END, NULL, 0);
	assert_ended(pair.box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&pair.box->stdout_), "attached");
	end(&pair);
}

/* Who has chosen is not heard the other way. */
static void test_attached_stream_is_chosen(void **state)
{
	struct pair pair;
	char data[SBX_WIRE_HELLO_MAX];
	ssize_t got;

	(void)state;
	begin(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	box_shell(pair.box, "cat");
	do
		got = read(pair.socket, data, sizeof(data));
	while (got > 0);
	assert_int_equal(got, 0);
	box_send(pair.box, SBX_WIRE_INPUT_END, NULL, 0);
	assert_ended(pair.box, SBX_WIRE_EXITED, 0);
	end(&pair);
}

static void test_nobody_listens(void **state)
{
	char path[200];

	(void)state;
	memset(path, 'x', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	path[0] = '/';
	/* Too long first, then not there. */
	for (int i = 0; i < 2; i++) {
		struct box *box;

		box_argument = path;
		box = box_ready();
		box_argument = NULL;
		box_shell(box, "exit 5");
		assert_ended(box, SBX_WIRE_EXITED, 5);
		box_free(box);
		path[50] = '\0';
	}
}

/* --- the end of the runner ------------------------------------------------- */

static void test_ends_when_both_ways_are_closed(void **state)
{
	struct pair pair;

	(void)state;
	begin(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	sbx_close(&pair.box->in);
	assert_int_equal(box_wait(pair.box, 100), -1);
	sbx_close(&pair.socket);
	assert_int_equal(WEXITSTATUS(box_wait(pair.box, BOX_WAIT_MS)), 1);
	end(&pair);
}

static void test_ends_with_its_connection(void **state)
{
	struct pair pair;
	int in;

	(void)state;
	begin(&pair);
	in = dup(pair.box->in);
	use_socket(&pair);
	assert_int_equal(box_frame(pair.box, &pair.hello), SBX_WIRE_HELLO);
	run(&pair, "echo up; sleep 100");
	assert_int_equal(box_wait(pair.box, 100), -1);
	sbx_close(&pair.box->in);
	sbx_close(&pair.box->out);
	assert_int_equal(WEXITSTATUS(box_wait(pair.box, BOX_WAIT_MS)), 1);
	close(in);
	end(&pair);
}

static void test_ends_without_a_heartbeat_on_its_connection(void **state)
{
	struct pair pair;
	double began = sbx_clock_ms();

	(void)state;
	begin_direct(&pair);
	run(&pair, "sleep 100");
	assert_int_equal(box_wait(pair.box, SBX_WIRE_BEAT_TIMEOUT_MS - 2000),
			 -1);
	assert_int_equal(WEXITSTATUS(box_wait(pair.box, BOX_WAIT_MS)), 1);
	assert_true(sbx_clock_ms() - began > SBX_WIRE_BEAT_TIMEOUT_MS);
	end(&pair);
}

/* --- the action's streams -------------------------------------------------- */

static void test_no_byte_of_the_action_passes_through_init(void **state)
{
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "cat; echo no >&2; exit 1");
	give(&pair, "all of it");
	assert_exits(&pair, 1);
	assert_string_equal(sbx_buf_text(&pair.box->stdout_), "all of it");
	assert_string_equal(sbx_buf_text(&pair.box->stderr_), "no\n");
	end(&pair);
}

/* Its streams and, while ls looks, the folder. */
static void test_action_has_nothing_but_its_streams(void **state)
{
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "ls -l /proc/self/fd | sed -n 's/.*[0-9] -> //p' |"
		   " sed 's/pipe:.*/pipe/; s/[0-9].*/self/'");
	give(&pair, "");
	assert_exits(&pair, 0);
	assert_string_equal(sbx_buf_text(&pair.box->stdout_),
			    "pipe\npipe\npipe\n/proc/self\n");
	end(&pair);
}

/* Programs do write to /dev/stdout. */
static void test_streams_can_be_opened_anew(void **state)
{
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "cat /proc/self/fd/0 > /proc/self/fd/1;"
		   " echo e > /proc/self/fd/2");
	give(&pair, "again");
	assert_exits(&pair, 0);
	assert_string_equal(sbx_buf_text(&pair.box->stdout_), "again");
	assert_string_equal(sbx_buf_text(&pair.box->stderr_), "e\n");
	end(&pair);
}

static void test_those_left_behind_hold_no_stream(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "setsid sleep 100 & echo out");
	give(&pair, "");
	assert_exits(&pair, 0);
	assert_string_equal(sbx_buf_text(&pair.box->stdout_), "out\n");
	assert_int_equal(pair.box->exit.leftover, 1);
	/* Nobody, init neither, has the other end any more. */
	assert_int_equal(
		sbx_pipes_read(&pair.pipes, SIZE_MAX, keep, pair.box, &err), 0);
	assert_int_equal(pair.pipes.ours[1], -1);
	end(&pair);
}

/* --- what the runner must not say ------------------------------------------ */

static void assert_gives_up(struct pair *pair, const char *why)
{
	assert_aborts(pair->box, why);
	end(pair);
}

static void test_run_without_streams(void **state)
{
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	box_shell(pair.box, "exit 0");
	assert_gives_up(&pair, "RUN without streams");
}

static void test_wrong_number_of_streams(void **state)
{
	static const int fds[4] = { 0, 0, 0, 0 };

	(void)state;
	for (size_t n = 1; n <= 4; n++) {
		struct pair pair;

		if (n == 3)
			continue;
		begin_direct(&pair);
		box_give(fds, n);
		box_shell(pair.box, "exit 0");
		assert_gives_up(&pair, "unexpected descriptors");
	}
}

static void wait_until_it_runs(const struct pair *pair)
{
	struct pollfd output = { .fd = pair->pipes.ours[1], .events = POLLIN };

	assert_int_equal(poll(&output, 1, BOX_WAIT_MS), 1);
}

static void test_streams_for_what_runs_already(void **state)
{
	static const int fds[3] = { 0, 0, 0 };
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "echo it runs; sleep 100");
	wait_until_it_runs(&pair);
	box_give(fds, 3);
	box_send(pair.box, SBX_WIRE_BEAT, NULL, 0);
	assert_gives_up(&pair, "unexpected descriptors");
}

static void test_streams_twice(void **state)
{
	static const int fds[3] = { 0, 0, 0 };
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	for (int i = 0; i < 2; i++) {
		box_give(fds, 3);
		box_send(pair.box, SBX_WIRE_BEAT, NULL, 0);
	}
	assert_gives_up(&pair, "unexpected descriptors");
}

static void test_input_that_has_its_own_pipe(void **state)
{
	struct pair pair;

	(void)state;
	begin_direct(&pair);
	run(&pair, "sleep 100");
	box_send(pair.box, SBX_WIRE_INPUT, "x", 1);
	assert_gives_up(&pair, "INPUT out of turn");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hello_comes_both_ways),
		cmocka_unit_test(test_attached_hello_is_the_later_one),
		cmocka_unit_test(test_attached_stream_ends),
		cmocka_unit_test(test_attached_output_ends),
		cmocka_unit_test(
			test_attached_stream_stays_open_and_does_not_count),
		cmocka_unit_test(test_connection_that_is_not_used),
		cmocka_unit_test(test_attached_stream_is_chosen),
		cmocka_unit_test(test_nobody_listens),
		cmocka_unit_test(test_ends_when_both_ways_are_closed),
		cmocka_unit_test(test_ends_with_its_connection),
		cmocka_unit_test(
			test_ends_without_a_heartbeat_on_its_connection),
		cmocka_unit_test(
			test_no_byte_of_the_action_passes_through_init),
		cmocka_unit_test(test_action_has_nothing_but_its_streams),
		cmocka_unit_test(test_streams_can_be_opened_anew),
		cmocka_unit_test(test_those_left_behind_hold_no_stream),
		cmocka_unit_test(test_run_without_streams),
		cmocka_unit_test(test_wrong_number_of_streams),
		cmocka_unit_test(test_streams_for_what_runs_already),
		cmocka_unit_test(test_streams_twice),
		cmocka_unit_test(test_input_that_has_its_own_pipe),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
