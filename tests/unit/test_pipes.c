/* SPDX-License-Identifier: MIT */
/*
 * The pipes an action gets: whatever it, or who it has handed them to, does
 * with its ends, the runner neither waits nor reads for ever.
 */
#include "sandbox/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"

struct heard {
	struct sbx_buf streams[3];
	bool refuse;
};

static int hear(void *ctx, int stream, const void *data, size_t size,
		struct sbx_error *err)
{
	struct heard *heard = ctx;

	assert_true(stream == 1 || stream == 2);
	if (heard->refuse)
		return sbx_error_set(err, SBX_OUTCOME_BUSY, "not now");
	heard->streams[stream].max = 64 * 1024 * 1024;
	sbx_buf_append(&heard->streams[stream], data, size);
	return 0;
}

struct world {
	struct sbx_pipes pipes;
	struct heard heard;
	struct sbx_error err;
};

static void begin(struct world *world)
{
	memset(world, 0, sizeof(*world));
	assert_int_equal(sbx_pipes_open(&world->pipes, geteuid(), getegid(),
					&world->err),
			 0);
}

static void end(struct world *world)
{
	sbx_pipes_close(&world->pipes);
	for (int i = 1; i < 3; i++)
		sbx_buf_free(&world->heard.streams[i]);
}

static int read_all(struct world *world)
{
	return sbx_pipes_read(&world->pipes, SIZE_MAX, hear, &world->heard,
			      &world->err);
}

static int drain(struct world *world)
{
	return sbx_pipes_drain(&world->pipes, hear, &world->heard, &world->err);
}

static void say(const struct world *world, int stream, const char *text)
{
	assert_int_equal(write(world->pipes.theirs[stream], text, strlen(text)),
			 strlen(text));
}

static void test_ends_are_what_they_should_be(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	for (int i = 0; i < 3; i++) {
		int ours = world.pipes.ours[i];
		int theirs = world.pipes.theirs[i];

		assert_int_equal(fcntl(ours, F_GETFL) & O_NONBLOCK, O_NONBLOCK);
		assert_int_equal(fcntl(theirs, F_GETFL) & O_NONBLOCK, 0);
		assert_int_equal(fcntl(ours, F_GETFL) & O_ACCMODE,
				 i == 0 ? O_WRONLY : O_RDONLY);
		assert_int_equal(fcntl(theirs, F_GETFL) & O_ACCMODE,
				 i == 0 ? O_RDONLY : O_WRONLY);
		assert_int_equal(fcntl(ours, F_GETFD), FD_CLOEXEC);
		assert_int_equal(fcntl(theirs, F_GETFD), FD_CLOEXEC);
	}
	end(&world);
}

/* /dev/stdout is opened by the owner, or by anybody. */
static void test_pipes_belong_to_the_action(void **state)
{
	struct sbx_pipes pipes;
	struct sbx_error err = SBX_ERROR_INIT;
	struct stat about;

	(void)state;
	assert_int_equal(sbx_pipes_open(&pipes, 200001, 200002, &err), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(fstat(pipes.theirs[i], &about), 0);
		if (geteuid() == 0) {
			assert_int_equal(about.st_uid, 200001);
			assert_int_equal(about.st_gid, 200002);
			assert_int_equal(about.st_mode & 0777, 0600);
		} else {
			assert_int_equal(about.st_mode & 0777, 0666);
		}
	}
	sbx_pipes_close(&pipes);
}

static void test_both_streams_are_read(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	assert_int_equal(read_all(&world), 0);
	say(&world, 1, "out");
	say(&world, 2, "err");
	assert_int_equal(read_all(&world), 0);
	assert_string_equal(sbx_buf_text(&world.heard.streams[1]), "out");
	assert_string_equal(sbx_buf_text(&world.heard.streams[2]), "err");
	end(&world);
}

static void test_much_output_arrives_whole(void **state)
{
	static char much[1024 * 1024];
	struct world world;

	(void)state;
	begin(&world);
	sbx_pipes_grow(&world.pipes);
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (char)(i * 31 + (i >> 8));
	assert_int_equal(write(world.pipes.theirs[1], much, sizeof(much)),
			 sizeof(much));
	assert_int_equal(read_all(&world), 0);
	assert_int_equal(world.heard.streams[1].len, sizeof(much));
	assert_memory_equal(world.heard.streams[1].data, much, sizeof(much));
	end(&world);
}

static void test_closed_stream_is_over(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	say(&world, 1, "last");
	sbx_close(&world.pipes.theirs[1]);
	assert_int_equal(read_all(&world), 0);
	assert_int_equal(read_all(&world), 0);
	assert_int_equal(world.pipes.ours[1], -1);
	assert_true(world.pipes.ours[2] >= 0);
	assert_string_equal(sbx_buf_text(&world.heard.streams[1]), "last");
	end(&world);
}

static void test_sinks_error_stops(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	world.heard.refuse = true;
	say(&world, 2, "err");
	assert_int_equal(read_all(&world), -1);
	assert_int_equal(world.err.outcome, SBX_OUTCOME_BUSY);
	say(&world, 2, "err");
	assert_int_equal(drain(&world), -1);
	end(&world);
}

/*
 * Who was handed the pipe over a socket in a shared volume lives in another
 * container, and writes as fast as it is read.
 */
static pid_t flood(const struct world *world)
{
	static const char much[64 * 1024];
	pid_t pid = fork();

	if (pid == 0) {
		close(world->pipes.ours[1]);
		signal(SIGPIPE, SIG_DFL);
		for (;;)
			(void)!write(world->pipes.theirs[1], much,
				     sizeof(much));
	}
	return pid;
}

static void test_flood_after_the_end_is_not_waited_for(void **state)
{
	struct pollfd ready;
	struct world world;
	pid_t pid;
	int size;

	(void)state;
	begin(&world);
	sbx_pipes_grow(&world.pipes);
	size = fcntl(world.pipes.ours[1], F_GETPIPE_SZ);
	pid = flood(&world);
	ready = (struct pollfd){ world.pipes.ours[1], POLLIN, 0 };
	assert_int_equal(poll(&ready, 1, 10000), 1);
	for (int i = 0; i < 50; i++) {
		size_t before = world.heard.streams[1].len;

		assert_int_equal(drain(&world), 0);
		assert_true(world.heard.streams[1].len - before <=
			    (size_t)size);
	}
	/* Nor does reading go on without end, and with it no deadline. */
	assert_int_equal(read_all(&world), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(world.heard.streams[1].len > 0);
	end(&world);
}

/* An open end that nobody writes to is no reason to wait either. */
static void test_drain_does_not_wait(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	say(&world, 1, "what there is");
	assert_int_equal(drain(&world), 0);
	assert_int_equal(drain(&world), 0);
	assert_string_equal(sbx_buf_text(&world.heard.streams[1]),
			    "what there is");
	assert_true(world.pipes.ours[1] >= 0);
	end(&world);
}

/* The ends are of different descriptions: its flags are not ours. */
static void test_their_flags_are_not_ours(void **state)
{
	struct world world;

	(void)state;
	begin(&world);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(
			fcntl(world.pipes.theirs[i], F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(fcntl(world.pipes.theirs[i], F_SETFL, 0), 0);
		assert_int_equal(fcntl(world.pipes.ours[i], F_GETFL) &
					 O_NONBLOCK,
				 O_NONBLOCK);
	}
	assert_int_equal(read_all(&world), 0);
	end(&world);
}

static void test_input_of_any_size(void **state)
{
	static const size_t sizes[] = { 0, 1, 65536, 3000000 };
	static char input[3000000];
	static char got[3000000];

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		struct world world;
		size_t at = 0;
		ssize_t size;

		begin(&world);
		assert_false(world.pipes.has_fed);
		sbx_pipes_set_input(&world.pipes, input, sizes[i]);
		assert_false(world.pipes.has_fed);
		sbx_pipes_feed(&world.pipes);
		assert_true(world.pipes.has_fed);
		while ((size = read(world.pipes.theirs[0], got + at,
				    sizeof(got) - at)) > 0) {
			at += (size_t)size;
			sbx_pipes_feed(&world.pipes);
		}
		assert_int_equal(size, 0);
		assert_int_equal(at, sizes[i]);
		assert_memory_equal(got, input, at);
		end(&world);
	}
}

static void test_input_that_nobody_reads(void **state)
{
	static char input[3000000];
	struct world world;

	(void)state;
	begin(&world);
	sbx_pipes_set_input(&world.pipes, input, sizeof(input));
	sbx_pipes_feed(&world.pipes);
	assert_true(world.pipes.left > 0);
	sbx_close(&world.pipes.theirs[0]);
	sbx_pipes_feed(&world.pipes);
	assert_int_equal(world.pipes.left, 0);
	assert_int_equal(world.pipes.ours[0], -1);
	end(&world);
}

static int ignore_sigpipe(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ends_are_what_they_should_be),
		cmocka_unit_test(test_pipes_belong_to_the_action),
		cmocka_unit_test(test_both_streams_are_read),
		cmocka_unit_test(test_much_output_arrives_whole),
		cmocka_unit_test(test_closed_stream_is_over),
		cmocka_unit_test(test_sinks_error_stops),
		cmocka_unit_test(test_flood_after_the_end_is_not_waited_for),
		cmocka_unit_test(test_drain_does_not_wait),
		cmocka_unit_test(test_their_flags_are_not_ours),
		cmocka_unit_test(test_input_of_any_size),
		cmocka_unit_test(test_input_that_nobody_reads),
	};

	return cmocka_run_group_tests(tests, ignore_sigpipe, NULL);
}
