/* SPDX-License-Identifier: MIT */
/*
 * The life of a sandbox, from HELLO to EXIT: whatever the action does, its
 * end is told exactly, nobody outlives it, and nothing it said is lost.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init_box.h"

/* --- the program ----------------------------------------------------------- */

static void test_size(void **state)
{
	struct stat st;
	char path[4096];

	(void)state;
	box_init_path(path);
	assert_int_equal(stat(path, &st), 0);
	assert_in_range(st.st_size, 1, 80 * 1024 - 1);
}

/* As any other process it could neither kill all nor die for all. */
static void test_refuses_to_be_anything_but_the_first(void **state)
{
	cleanup_buf struct sbx_buf said = SBX_BUF_INIT(4096);
	char path[4096], data[4096];
	ssize_t got;
	int out[2];
	pid_t pid;
	int status;

	(void)state;
	box_init_path(path);
	assert_int_equal(pipe(out), 0);
	pid = fork();
	if (pid == 0) {
		dup2(out[1], 1);
		dup2(out[1], 2);
		execl(path, path, NULL);
		_exit(99);
	}
	close(out[1]);
	while ((got = read(out[0], data, sizeof(data))) > 0)
		sbx_buf_append(&said, data, (size_t)got);
	close(out[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(WEXITSTATUS(status), 1);
	assert_int_equal((unsigned char)said.data[0], SBX_WIRE_ABORT);
	assert_non_null(strstr(said.data + SBX_WIRE_HEADER_SIZE,
			       "not the first process of a sandbox"));
}

/* --- how it ends ----------------------------------------------------------- */

static void test_exit_codes(void **state)
{
	static const uint32_t codes[] = { 0, 1, 3, 127, 255 };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(codes); i++) {
		struct box *box = box_ready();
		char script[32];

		snprintf(script, sizeof(script), "exit %u", codes[i]);
		box_shell(box, script);
		assert_ended(box, SBX_WIRE_EXITED, codes[i]);
		assert_int_equal(box->exit.leftover, 0);
		assert_int_equal(box->exit.flags, 0);
		assert_int_equal(box->exit.reserved, 0);
		box_free(box);
	}
}

static void test_signals_it_dies_of(void **state)
{
	static const int numbers[] = { SIGTERM, SIGKILL, SIGSEGV };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(numbers); i++) {
		struct box *box = box_ready();
		char script[32];

		snprintf(script, sizeof(script), "kill -%d $$", numbers[i]);
		box_shell(box, script);
		assert_ended(box, SBX_WIRE_SIGNALED, (uint32_t)numbers[i]);
		box_free(box);
	}
}

static void test_commands_that_cannot_be_executed(void **state)
{
	static const struct {
		const char *command;
		uint32_t error;
	} commands[] = {
		{ "no-such-command", ENOENT },
		{ "/no/such/command", ENOENT },
		{ "/", EACCES },
		{ "/etc/passwd", EACCES },
		{ "/etc/passwd/x", ENOTDIR },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++) {
		struct box *box = box_ready();

		box_run(box, LIST(commands[i].command));
		assert_ended(box, SBX_WIRE_EXEC_FAILED, commands[i].error);
		box_free(box);
	}
}

static void test_usage_of_everybody(void **state)
{
	struct box *box = box_ready();

	(void)state;
	/* An orphan that works: init reaps it, the action does not. */
	box_shell(box, "sh -c '(i=0; while [ $i -lt 200000 ]; do i=$((i+1));"
		       " done; echo done) &'; cat");
	box_expect(box, "done");
	box_send(box, SBX_WIRE_INPUT_END, NULL, 0);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_in_range(box->exit.cpu_us, 20000, 60000000);
	box_free(box);
}

static void test_memory_of_the_largest(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_run(box, LIST("dd", "if=/dev/zero", "of=/dev/null", "bs=32M",
			  "count=1"));
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_in_range(box->exit.max_rss_bytes, 32 << 20, 256 << 20);
	box_free(box);
}

/* --- nobody outlives it ---------------------------------------------------- */

static void test_child_that_holds_stdout_is_no_reason_to_wait(void **state)
{
	struct box *box = box_ready();
	double began = sbx_clock_ms();

	(void)state;
	box_shell(box, "sleep 100 & setsid sleep 100 & echo out; exit 7");
	assert_ended(box, SBX_WIRE_EXITED, 7);
	assert_true(sbx_clock_ms() - began < 5000);
	assert_string_equal(sbx_buf_text(&box->stdout_), "out\n");
	assert_int_equal(box->exit.leftover, 2);
	box_free(box);
}

/* Only who was killed at the end was left over. */
static void test_orphan_that_was_killed_before(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "sh -c 'echo $$; exec sleep 100' & kill -9 $!; wait;"
		       " (sh -c 'kill -9 $$' &); sleep 0.3");
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_int_equal(box->exit.leftover, 0);
	box_free(box);
}

/* A zombie that nobody has waited for is init's to reap, not to count. */
static void test_those_who_were_dead_are_not_left_over(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "true & sleep 60 & kill $!; exec sleep 0.5");
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_int_equal(box->exit.leftover, 0);
	box_free(box);
}

static void test_sixty_processes_that_ignore_everything(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "trap '' TERM HUP INT; i=0; while [ $i -lt 60 ]; do"
		       " setsid sh -c 'trap \"\" TERM; while :; do sleep 9;"
		       " done' & i=$((i+1)); done; echo all; wait");
	box_expect(box, "all");
	box_signal(box, SIGKILL);
	assert_ended(box, SBX_WIRE_SIGNALED, SIGKILL);
	box_free(box);
}

/* Zombies count against the pids limit: orphans are reaped all the while. */
static void test_orphans_are_reaped_while_it_runs(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "i=0; while [ $i -lt 50 ]; do (true &); i=$((i+1));"
		       " done; n=9; t=0; while [ $n != 0 ] && [ $t -lt 50 ];"
		       " do sleep 0.1; t=$((t+1)); n=$(cat /proc/[0-9]*/stat"
		       " 2>/dev/null | grep -c ') Z 1 '); done; echo $n");
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->stdout_), "0\n");
	box_free(box);
}

/* --- nothing is lost ------------------------------------------------------- */

/* The numbers from 0, a line each, and nothing else. */
static void assert_counts_to(const char *text, long end)
{
	for (long i = 0; i < end; i++) {
		char *newline;

		assert_int_equal(strtol(text, &newline, 10), i);
		assert_int_equal(*newline, '\n');
		text = newline + 1;
	}
	assert_int_equal(*text, '\0');
}

static void test_all_output_in_its_order(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "i=0; while [ $i -lt 20000 ]; do echo $i;"
		       " i=$((i+1)); done; echo end >&2");
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_counts_to(sbx_buf_text(&box->stdout_), 20000);
	assert_string_equal(sbx_buf_text(&box->stderr_), "end\n");
	box_free(box);
}

/* What is in the pipe at the moment of death counts. */
static void test_output_of_those_who_are_killed(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "(echo child; exec sleep 100) & sleep 0.2;"
		       " head -c 60000 /dev/zero; kill -9 $$");
	assert_ended(box, SBX_WIRE_SIGNALED, SIGKILL);
	assert_int_equal(box->stdout_.len, 6 + 60000);
	box_free(box);
}

static void test_much_output_to_a_slow_reader(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "head -c 8000000 /dev/zero; echo oops >&2");
	usleep(300000);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_int_equal(box->stdout_.len, 8000000);
	assert_string_equal(sbx_buf_text(&box->stderr_), "oops\n");
	box_free(box);
}

/* The action is gone, what it said last still waits in its pipe. */
static void test_output_of_the_dead_to_a_slow_reader(void **state)
{
	struct box *box = box_ready();

	(void)state;
	/* Runner's pipe and init's queue take less, with the pipe more. */
	box_shell(box, "head -c 300000 /dev/zero");
	usleep(500000);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_int_equal(box->stdout_.len, 300000);
	box_free(box);
}

/* Clock ticks, a hundredth of a second each, that init has used. */
static long ticks_of(pid_t pid)
{
	char path[32], text[1024];
	long user = -1, system = -1;
	FILE *stat;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	stat = fopen(path, "re");
	assert_non_null(stat);
	assert_non_null(fgets(text, sizeof(text), stat));
	fclose(stat);
	assert_int_equal(sscanf(strrchr(text, ')'),
				") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u "
				"%ld %ld",
				&user, &system),
			 2);
	return user + system;
}

/* Pipes that nobody holds any more are always ready, and nothing to do. */
static void test_closed_streams_keep_nobody_busy(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "exec <&- >&- 2>&-; sleep 1");
	usleep(800000);
	assert_in_range(ticks_of(box->pid), 0, 10);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	box_free(box);
}

static void test_action_that_closes_its_streams(void **state)
{
	struct box *box = box_ready();

	(void)state;
	box_shell(box, "exec <&- >&- 2>&-; sleep 0.2; exit 4");
	assert_ended(box, SBX_WIRE_EXITED, 4);
	box_free(box);
}

/* --- the output file ------------------------------------------------------- */

/* Runs @script ($1: the file's path) and checks what became of the file. */
static void check_file(const char *script, const char *expected, uint32_t flags)
{
	struct box *box = box_ready();
	char path[64];

	snprintf(path, sizeof(path), "%s/file", box_directory);
	unlink(path);
	rmdir(path);
	box_run_with(box, LIST("sh", "-c", script, "sh", path), LIST(PATH_ENV),
		     path, 10);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_string_equal(sbx_buf_text(&box->file), expected);
	assert_int_equal(box->exit.flags, flags);
	box_free(box);
}

static void test_output_file(void **state)
{
	(void)state;
	check_file("echo hello > $1", "hello\n", 0);
	check_file("> $1", "", 0);
	check_file("printf 0123456789 > $1", "0123456789", 0);
	check_file("printf 0123456789a > $1", "0123456789",
		   SBX_WIRE_FILE_TRUNCATED);
}

/* Bigger than what init can queue, to a runner that takes its time. */
static void test_big_output_file_to_a_slow_reader(void **state)
{
	struct box *box = box_ready();
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "%s/big", box_directory);
	box_run_with(box,
		     LIST("sh", "-c",
			  "i=0; while [ $i -lt 200000 ]; do echo $i;"
			  " i=$((i+1)); done > $1",
			  "sh", path),
		     LIST(PATH_ENV), path, 2000000);
	usleep(700000);
	assert_ended(box, SBX_WIRE_EXITED, 0);
	assert_int_equal(box->exit.flags, 0);
	assert_counts_to(sbx_buf_text(&box->file), 200000);
	box_free(box);
}

static void test_path_of_output_file_too_long(void **state)
{
	cleanup_free char *path = sbx_calloc(4097, 1);
	struct box *box = box_ready();

	(void)state;
	memset(path, '/', 4096);
	box_run_with(box, LIST("true"), LIST(PATH_ENV), path, 10);
	assert_aborts(box, "output file (errno 36)");
	box_free(box);
}

static void test_output_file_that_is_none(void **state)
{
	(void)state;
	check_file("true", "", SBX_WIRE_FILE_MISSING);
	check_file("mkdir $1", "", SBX_WIRE_FILE_MISSING);
	check_file("mkfifo $1", "", SBX_WIRE_FILE_MISSING);
	check_file("ln -s /etc/passwd $1", "", SBX_WIRE_FILE_MISSING);
}

/* init could read its own environment, the action could not. */
static void test_output_file_behind_a_link_to_proc(void **state)
{
	/* What init alone may read; what anybody may. */
	static const char *const files[] = { "environ", "maps", "status" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(files); i++) {
		struct box *box = box_ready();
		char path[96];

		snprintf(path, sizeof(path), "%s/link/%s", box_directory,
			 files[i]);
		box_run_with(box,
			     LIST("sh", "-c", "cd $1; ln -sfn /proc/1 link",
				  "sh", box_directory),
			     LIST(PATH_ENV), path, 1000);
		assert_ended(box, SBX_WIRE_EXITED, 0);
		assert_int_equal(box->file.len, 0);
		assert_int_equal(box->exit.flags, SBX_WIRE_FILE_MISSING);
		box_free(box);
	}
}

/* --- what the kernel may refuse --------------------------------------------- */

/*
 * Init has 0 to 2 and its signalfd, and looks at one file at a time; then come
 * four pipes for the action, and poll(2) needs a limit of 7.  Valgrind needs
 * descriptors of its own.
 */
static void test_limits_that_leave_no_room_for_pipes(void **state)
{
	(void)state;
	for (rlim_t most = 7; most <= 11 && !box_wrapper(); most += 2) {
		struct box *box;

		box_nofile = most;
		box = box_ready();
		box_nofile = 0;
		box_shell(box, "exit 0");
		assert_aborts(box, "pipes for the action (errno 24)");
		box_free(box);
	}
}

/* The test's own user has more processes than that. */
static void test_limit_that_leaves_no_room_for_the_action(void **state)
{
	struct box *box;

	(void)state;
	if (geteuid() != 0 || box_wrapper())
		return;
	box_nproc = 1;
	box = box_ready();
	box_nproc = 0;
	box_shell(box, "exit 0");
	assert_aborts(box, "fork (errno 11)");
	box_free(box);
}

/* Of the action's pipes init keeps its own ends, or it would never end. */
static void test_descriptors_of_init(void **state)
{
	struct box *box = box_ready();
	char path[32];
	struct stat st;
	int n = 0;

	(void)state;
	box_shell(box, "echo ready; sleep 60");
	box_expect(box, "ready");
	for (int fd = 0; fd < 64; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", box->pid, fd);
		n += lstat(path, &st) == 0;
	}
	if (!box_wrapper())
		assert_int_equal(n, 8);
	box_free(box);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size),
		cmocka_unit_test(test_refuses_to_be_anything_but_the_first),
		cmocka_unit_test(test_exit_codes),
		cmocka_unit_test(test_signals_it_dies_of),
		cmocka_unit_test(test_commands_that_cannot_be_executed),
		cmocka_unit_test(test_usage_of_everybody),
		cmocka_unit_test(test_memory_of_the_largest),
		cmocka_unit_test(
			test_child_that_holds_stdout_is_no_reason_to_wait),
		cmocka_unit_test(test_orphan_that_was_killed_before),
		cmocka_unit_test(test_those_who_were_dead_are_not_left_over),
		cmocka_unit_test(test_sixty_processes_that_ignore_everything),
		cmocka_unit_test(test_orphans_are_reaped_while_it_runs),
		cmocka_unit_test(test_all_output_in_its_order),
		cmocka_unit_test(test_output_of_those_who_are_killed),
		cmocka_unit_test(test_much_output_to_a_slow_reader),
		cmocka_unit_test(test_output_of_the_dead_to_a_slow_reader),
		cmocka_unit_test(test_closed_streams_keep_nobody_busy),
		cmocka_unit_test(test_action_that_closes_its_streams),
		cmocka_unit_test(test_output_file),
		cmocka_unit_test(test_big_output_file_to_a_slow_reader),
		cmocka_unit_test(test_path_of_output_file_too_long),
		cmocka_unit_test(test_output_file_that_is_none),
		cmocka_unit_test(test_output_file_behind_a_link_to_proc),
		cmocka_unit_test(test_limits_that_leave_no_room_for_pipes),
		cmocka_unit_test(test_limit_that_leaves_no_room_for_the_action),
		cmocka_unit_test(test_descriptors_of_init),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
