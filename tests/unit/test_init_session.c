/* SPDX-License-Identifier: MIT */
/*
 * init in a session: it outlives its runners but not its time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init_memory.h"
#include "init_session.h"

/* --- one after the other -----------------------------------------------------
 */

static void test_runs_one_after_the_other(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i < 20; i++)
		assert_string_equal(run(&session, "echo $((6 * 7))"), "42\n");
	start(&session, "kill -TERM $$");
	hear_exit(&session, SBX_WIRE_SIGNALED);
	end(&session);
}

/* What EXIT says of one is of that one. */
static void test_exit_is_of_one_run(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	run(&session, "setsid sleep 1234 & sleep 0.1");
	assert_int_equal(session.box->exit.leftover, 1);
	run(&session, "true");
	assert_int_equal(session.box->exit.leftover, 0);
	end(&session);
}

static void test_command_that_is_not_there_is_no_end(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	give_streams(&session);
	box_run(session.box, LIST("/no/such/program"));
	hear_exit(&session, SBX_WIRE_EXEC_FAILED);
	assert_string_equal(run(&session, "echo still here"), "still here\n");
	end(&session);
}

static void test_outlives_its_runners(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	run(&session, "true");
	for (int i = 0; i < 5; i++) {
		leave(&session);
		meet(&session);
		assert_int_equal(session.state.detached, 0);
		assert_string_equal(run(&session, "echo here"), "here\n");
	}
	end(&session);
}

static void test_a_run_ends_with_its_runner(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	start(&session, "trap '' TERM HUP; sleep 1234 & setsid sleep 1234 & "
			"echo up; sleep 1234");
	usleep(200000);
	leave(&session);
	meet(&session);
	assert_int_equal(count_processes(&session, "sleep 1234"), 0);
	end(&session);
}

/* A runner that only falls silent is gone as well. */
static void test_silence_ends_the_run_alone(void **state)
{
	struct session session;
	double began;

	(void)state;
	begin(&session, "60000");
	start(&session, "sleep 1234");
	began = sbx_clock_ms();
	meet(&session);
	assert_true(sbx_clock_ms() - began > SBX_WIRE_BEAT_TIMEOUT_MS - 1000);
	assert_int_equal(count_processes(&session, "sleep 1234"), 0);
	end(&session);
}

/* --- time --------------------------------------------------------------------
 */

static void test_ends_when_its_time_is_over(void **state)
{
	struct session session;
	double began;

	(void)state;
	begin(&session, "1500");
	run(&session, "true");
	began = sbx_clock_ms();
	leave(&session);
	assert_true(box_wait(session.box, BOX_WAIT_MS) >= 0);
	assert_true(sbx_clock_ms() - began > 1000);
	assert_true(sbx_clock_ms() - began < 5000);
	end(&session);
}

/* Also with a runner there, and with somebody detached. */
static void test_nobody_keeps_it_alive(void **state)
{
	struct session session;
	double began = sbx_clock_ms();

	(void)state;
	begin(&session, "1500");
	detach(&session, "while :; do sleep 1; done");
	while (box_wait(session.box, 100) < 0 &&
	       sbx_clock_ms() - began < BOX_WAIT_MS)
		(void)!write(session.box->in, "\5\0\0\0\0\0\0\0", 8);
	assert_true(sbx_clock_ms() - began < 6000);
	end(&session);
}

static void test_its_time_begins_anew(void **state)
{
	struct session session;
	double began = sbx_clock_ms();

	(void)state;
	begin(&session, "2000");
	/* What runs is not cut off. */
	run(&session, "sleep 3");
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_true(session.state.left_ms > 1000);
	assert_true(session.state.left_ms <= 2000);
	assert_true(session.state.idle_ms < 1000);
	assert_true(session.state.uptime_ms >= 3000);
	usleep(100000);
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_true(session.state.idle_ms >= 100);
	leave(&session);
	assert_true(box_wait(session.box, BOX_WAIT_MS) >= 0);
	assert_true(sbx_clock_ms() - began > 4500);
	end(&session);
}

/* Of a run that took longer, when its runner has gone. */
static void test_its_time_begins_anew_without_a_runner(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "1500");
	start(&session, "sleep 1234");
	for (int i = 0; i < 4; i++) {
		usleep(500000);
		box_beat(session.box);
	}
	leave(&session);
	meet(&session);
	assert_true(session.state.left_ms > 0);
	assert_true(session.state.left_ms <= 1500);
	end(&session);
}

static void test_a_session_of_no_time(void **state)
{
	static const char *const bad[] = { "0",	  "",	 "x",	"-1",
					   "1-1", "10s", "10x", "99999999999" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		char nowhere[] = "/tmp/nowhere/s";
		char time[16];
		struct box *box;

		snprintf(time, sizeof(time), "%s", bad[i]);
		box_argument = nowhere;
		box_session = time;
		box = box_start();
		box_argument = box_session = NULL;
		assert_aborts(box, "a session of no time");
		box_free(box);
	}
}

/* --- what it says of itself --------------------------------------------------
 */

/* cgroup v2, as the kernel shows it to a container. */
static void mount_cgroup(void)
{
	static const char *const files[][2] = {
		{ "/sys/fs/cgroup/cpu.stat",
		  "usage_usec 1234567\nuser_usec 1\n" },
		{ "/sys/fs/cgroup/memory.current", "7654321\n" },
		{ "/sys/fs/cgroup/pids.current", "17\n" },
	};

	if (mount("none", "/sys/fs/cgroup", "tmpfs", 0, "mode=755") < 0)
		_exit(121);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(files); i++) {
		close(open(files[i][0], O_WRONLY | O_CREAT | O_CLOEXEC, 0444));
		box_write_file(files[i][0], files[i][1]);
	}
}

static void test_tells_what_it_uses(void **state)
{
	struct session session;

	(void)state;
	box_mounts = mount_cgroup;
	begin(&session, "60000");
	box_mounts = NULL;
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_int_equal(session.state.cpu_us, 1234567);
	assert_int_equal(session.state.memory, 7654321);
	assert_int_equal(session.state.processes, 17);
	end(&session);
}

/* --- finding runners ---------------------------------------------------------
 */

/* What fdinfo says of the descriptors of @pid, proc_pid_fdinfo(5). */
static void read_fdinfo(pid_t pid, struct sbx_buf *out)
{
	for (int fd = 0; fd < 64; fd++) {
		char path[64], text[1024];
		int file;
		ssize_t got;

		snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
		file = open(path, O_RDONLY | O_CLOEXEC);
		while (file >= 0 && (got = read(file, text, sizeof(text))) > 0)
			sbx_buf_append(out, text, (size_t)got);
		sbx_close(&file);
	}
}

/* It need not try again and again. */
static void test_watches_where_runners_come(void **state)
{
	cleanup_buf struct sbx_buf info = SBX_BUF_INIT(1 << 20);
	struct session session;
	struct stat directory;
	char watched[64];

	(void)state;
	begin(&session, "60000");
	assert_int_equal(stat(box_directory, &directory), 0);
	snprintf(watched, sizeof(watched), " ino:%lx ", directory.st_ino);
	read_fdinfo(session.box->pid, &info);
	assert_non_null(strstr(sbx_buf_text(&info), "inotify wd:"));
	assert_non_null(strstr(sbx_buf_text(&info), watched));
	end(&session);
}

/* Neither with a runner there nor without does what happens next to the socket
 * keep it busy. */
static void test_events_without_a_runner(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (int is_alone = 0; is_alone < 2; is_alone++) {
		char path[64];

		if (is_alone)
			leave(&session);
		close(listen_at(path));
		unlink(path);
		assert_not_busy(session.box);
	}
	end(&session);
}

/* How many others are in the queue of @listener; it takes no more. */
static int crowd(const char *path, int others[16])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int n = 0;

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	for (; n < 16; n++) {
		others[n] = socket(
			AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (connect(others[n], (struct sockaddr *)&address,
			    sizeof(address)) < 0)
			break;
	}
	assert_int_equal(errno, EAGAIN);
	close(others[n]);
	return n;
}

/* Then it tries again soon.  The fastest of some: machines are busy. */
static void test_a_queue_that_others_keep_full(void **state)
{
	struct session session;
	double fastest = BOX_WAIT_MS;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i < 5; i++) {
		int others[16], n, listener, connection;
		char path[64];
		double began;

		listener = listen_at(path);
		n = crowd(path, others);
		leave(&session);
		usleep(100000);
		for (int j = 0; j < n; j++) {
			close(others[j]);
			close(accept(listener, NULL, NULL));
		}
		began = sbx_clock_ms();
		connection = accept_at(listener, BOX_WAIT_MS);
		assert_true(connection >= 0);
		if (fastest > sbx_clock_ms() - began)
			fastest = sbx_clock_ms() - began;
		unlink(path);
		speak_over(&session, connection);
		hear_state(&session);
	}
	assert_true(fastest < 500);
	end(&session);
}

/* Nobody can come; its time is the same. */
static void test_addresses_that_are_none(void **state)
{
	static char relative[] = "s";
	static char endless[100000];
	static char *const bad[] = { relative, endless };

	(void)state;
	memset(endless, 'x', sizeof(endless) - 1);
	endless[0] = endless[sizeof(endless) - 2] = '/';
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		char time[] = "500";
		struct box *box;

		box_argument = bad[i];
		box_session = time;
		box = box_start();
		box_argument = box_session = NULL;
		assert_int_equal(box_frame(box, NULL), SBX_WIRE_HELLO);
		sbx_close(&box->in);
		assert_int_equal(box_wait(box, BOX_WAIT_MS), 1 << 8);
		box_free(box);
	}
}

/* --- files
 * -------------------------------------------------------------------- */

/* A secret is there for each run anew, whatever has become of it. */
static void test_files_of_secrets_are_replaced(void **state)
{
	static const char *const ways[] = {
		"ln -s /etc/passwd secret",
		"mkdir -p secret/x/y; echo >secret/x/z; ln -s /etc secret/l; "
		"chmod 0 secret/x secret",
		"mkfifo secret",
		":",
	};
	struct session session;
	char path[64];

	(void)state;
	begin(&session, "60000");
	snprintf(path, sizeof(path), "%s/secret", box_directory);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(ways); i++) {
		char script[256];

		/* A link, and directories that are locked. */
		snprintf(script, sizeof(script),
			 "cat %s; cd %s; rm -f secret; %s", path, box_directory,
			 ways[i]);
		box_files = LIST(path, i % 2 ? "odd" : "even");
		assert_string_equal(run(&session, script),
				    i % 2 ? "odd" : "even");
		box_files = NULL;
	}
	end(&session);
}

/* What is not given to a run it must not find either. */
static void test_files_of_secrets_end_with_their_run(void **state)
{
	cleanup_free char *one = sbx_asprintf("%s/one", box_directory);
	cleanup_free char *two = sbx_asprintf("%s/two", box_directory);
	struct session session;

	(void)state;
	begin(&session, "60000");
	box_working_dir = box_directory;
	box_files = LIST(one, "1", two, "2");
	assert_string_equal(run(&session, "cat one two"), "12");
	box_files = NULL;
	assert_string_equal(run(&session, "ls"), "");
	/* Nor when its runner has gone. */
	box_files = LIST(one, "1");
	start(&session, "sleep 1234");
	box_files = NULL;
	leave(&session);
	meet(&session);
	assert_string_equal(run(&session, "ls"), "");
	/* One that goes on has them as long. */
	box_files = LIST(one, "1");
	detach(&session, "exec sleep 4321");
	box_files = LIST(two, "2");
	assert_string_equal(run(&session, "ls"), "one\ntwo\n");
	box_files = NULL;
	assert_string_equal(run(&session, "ls"), "one\n");
	box_send(session.box, SBX_WIRE_SIGNAL_DETACHED, "\x09", 1);
	usleep(200000);
	assert_string_equal(run(&session, "ls"), "");
	box_working_dir = "";
	end(&session);
}

/* That is no end of the session, nor of what goes on in it. */
static void test_files_of_secrets_that_cannot_be_made(void **state)
{
	cleanup_free char *path = sbx_asprintf("%s/no/such", box_directory);
	cleanup_free char *too_long =
		sbx_asprintf("%s/%0255d", box_directory, 0);
	struct session session;
	int before;

	(void)state;
	begin(&session, "60000");
	detach(&session, "exec sleep 4321");
	before = count_descriptors(session.box->pid);
	for (int i = 0; i < 3; i++) {
		give_streams(&session);
		box_files = LIST(path, "secret");
		box_shell(session.box, "true");
		box_files = NULL;
		hear_exit(&session, SBX_WIRE_FILES_FAILED);
		assert_int_equal(session.box->exit.code, ENOENT);
	}
	box_files = LIST(too_long, "secret");
	start(&session, "true");
	box_files = NULL;
	hear_exit(&session, SBX_WIRE_FILES_FAILED);
	assert_int_equal(session.box->exit.code, ENAMETOOLONG);
	assert_int_equal(count_descriptors(session.box->pid), before);
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	end(&session);
}

/* Whoever has all processes for himself has not the session. */
static void test_no_process_for_a_run(void **state)
{
	struct session session;
	int before;

	(void)state;
	box_nproc = 1;
	begin(&session, "60000");
	box_nproc = 0;
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	before = count_descriptors(session.box->pid);
	for (int i = 0; i < 3; i++) {
		give_streams(&session);
		box_shell(session.box, "true");
		hear_exit(&session, SBX_WIRE_EXEC_FAILED);
		assert_int_equal(session.box->exit.code, EAGAIN);
		box_flags = SBX_WIRE_RUN_DETACH;
		box_shell(session.box, "true");
		box_flags = 0;
		hear_exit(&session, SBX_WIRE_EXEC_FAILED);
		assert_int_equal(session.box->exit.code, EAGAIN);
	}
	assert_int_equal(count_descriptors(session.box->pid), before);
	end(&session);
}

/* What a run leaves stays as it was, and of the way there nothing stays. */
static void test_what_is_sent_stays(void **state)
{
	static const char *const scripts[] = {
		"for i in 1 2 3; do echo >l$i; chmod 0 l$i; done; "
		"for i in 1 2 3 4 5 6 7 8 9; do echo >f$i; done",
		"mkdir d; truncate -s 1T d/f",
	};
	struct session session;
	int descriptors;

	(void)state;
	begin(&session, "60000");
	run(&session, "true");
	descriptors = count_descriptors(session.box->pid);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(scripts); i++) {
		int type;

		box_out = box_working_dir = box_directory;
		box_out_limit = 100000;
		start(&session, scripts[i]);
		box_out = box_working_dir = "";
		box_out_limit = 0;
		do {
			type = box_frame(session.box, NULL);
			assert_true(type == SBX_WIRE_ARTIFACT ||
				    type == SBX_WIRE_CONTENT ||
				    type == SBX_WIRE_EXIT);
		} while (type != SBX_WIRE_EXIT);
		sbx_pipes_close(&session.pipes);
		assert_int_equal(count_descriptors(session.box->pid),
				 descriptors);
	}
	box_working_dir = box_directory;
	assert_string_equal(run(&session, "stat -c %a f? | uniq -c"),
			    "      9 644\n");
	box_working_dir = "";
	end(&session);
}

/* A copy is a run like any other. */
static void test_copies(void **state)
{
	struct session session;
	char path[64], script[128];

	(void)state;
	begin(&session, "60000");
	snprintf(path, sizeof(path), "%s/copied", box_directory);
	snprintf(script, sizeof(script), "echo content >%s", path);
	run(&session, script);
	for (uint32_t flags = SBX_WIRE_RUN_COPY_IN;
	     flags <= SBX_WIRE_RUN_COPY_OUT; flags <<= 1) {
		sbx_buf_consume(&session.box->stdout_,
				session.box->stdout_.len);
		give_streams(&session);
		box_flags = flags;
		box_run(session.box, LIST(path));
		box_flags = 0;
		for (int i = 0; i < 3; i++)
			sbx_close(&session.pipes.theirs[i]);
		sbx_pipes_set_input(&session.pipes, "no archive", 10);
		sbx_pipes_feed(&session.pipes);
		hear_exit(&session, SBX_WIRE_EXITED);
		assert_int_equal(session.box->exit.code,
				 flags == SBX_WIRE_RUN_COPY_IN);
	}
	/* cpio(5), "newc" */
	assert_memory_equal(session.box->stdout_.data, "070701", 6);
	end(&session);
}

/* --- what is kept ------------------------------------------------------------
 */

static void test_keeps_what_it_is_given(void **state)
{
	static char given[SBX_WIRE_KEPT_MAX];
	cleanup_buf struct sbx_buf kept = SBX_BUF_INIT(SBX_WIRE_KEPT_MAX);
	struct session session;

	(void)state;
	for (size_t i = 0; i < sizeof(given); i++)
		given[i] = (char)(i / 1000);
	begin(&session, "60000");
	box_send(session.box, SBX_WIRE_KEEP, "old note", 8);
	box_send(session.box, SBX_WIRE_KEEP, NULL, 0);
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_int_equal(session.state.kept, 0);
	if (!box_wrapper())
		assert_false(has_in_memory(session.box->pid, "old note"));
	for (size_t at = 0; at < sizeof(given); at += SBX_WIRE_DATA_MAX)
		box_send(session.box, SBX_WIRE_KEEP, given + at,
			 SBX_WIRE_DATA_MAX);
	run(&session, "true");
	leave(&session);
	meet(&session);
	assert_int_equal(session.state.kept, sizeof(given));
	ask(&session, SBX_WIRE_ASK_KEPT);
	hear_all(&session, SBX_WIRE_KEPT, &kept);
	assert_int_equal(kept.len, sizeof(given));
	assert_memory_equal(kept.data, given, sizeof(given));
	assert_string_equal(run(&session, "echo no more"), "no more\n");
	end(&session);
}

/* --- what it must not be told ------------------------------------------------
 */

static void test_lies(void **state)
{
	static char data[SBX_WIRE_DATA_MAX];
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i <= SBX_WIRE_KEPT_MAX / SBX_WIRE_DATA_MAX; i++)
		box_send(session.box, SBX_WIRE_KEEP, data, sizeof(data));
	assert_gives_up(&session, "more than can be kept");

	begin(&session, "60000");
	start(&session, "sleep 10");
	box_send(session.box, SBX_WIRE_KEEP, "x", 1);
	assert_gives_up(&session, "a session's command out of turn");

	begin(&session, "60000");
	ask(&session, 4);
	assert_gives_up(&session, "unknown question");

	begin(&session, "60000");
	box_write(session.box,
		  "\x0b\0\0\0\4\0\0\0\3\0\0\0"
		  "\x0b\0\0\0\4\0\0\0\3\0\0\0",
		  24);
	assert_gives_up(&session, "ASK out of turn");

	begin(&session, "60000");
	box_send(session.box, SBX_WIRE_FORWARD, NULL, 0);
	assert_gives_up(&session, "FORWARD without a socket");

	begin(&session, "60000");
	box_give((const int[]){ 0, 0 }, 2);
	box_send(session.box, SBX_WIRE_FORWARD, NULL, 0);
	assert_gives_up(&session, "unexpected descriptors");

	begin(&session, "60000");
	for (int i = 0; i < 2; i++) {
		box_give((const int[]){ 0 }, 1);
		box_send(session.box, SBX_WIRE_BEAT, NULL, 0);
	}
	assert_gives_up(&session, "unexpected descriptors");

	begin(&session, "60000");
	box_flags = SBX_WIRE_RUN_DETACH | SBX_WIRE_RUN_COPY_IN;
	box_shell(session.box, "true");
	assert_gives_up(&session, "RUN makes no sense");

	begin(&session, "60000");
	box_flags = 8;
	box_shell(session.box, "true");
	assert_gives_up(&session, "RUN makes no sense");

	begin(&session, "60000");
	box_flags = 0;
	box_tmpfs = LIST("/tmp");
	box_shell(session.box, "true");
	box_tmpfs = NULL;
	assert_gives_up(&session, "RUN makes no sense");

	begin(&session, "60000");
	box_shell(session.box, "true");
	assert_gives_up(&session, "RUN without streams");
}

/* Who asks and does not listen is answered as far as there is room. */
static void test_questions_without_end(void **state)
{
	struct session session;
	struct pollfd out = { .events = POLLIN };
	uint64_t last = 0;
	int answers = 0;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i < 20000; i++)
		ask(&session, SBX_WIRE_ASK_STATE);
	usleep(200000);
	out.fd = session.box->out;
	while (session.box->wire.len > 0 || poll(&out, 1, 500) > 0) {
		hear_state(&session);
		assert_true(session.state.uptime_ms >= last);
		last = session.state.uptime_ms;
		answers++;
	}
	assert_true(answers > 1000 && answers < 20000);
	leave(&session);
	meet(&session);
	assert_string_equal(run(&session, "echo still here"), "still here\n");
	end(&session);
}

/* Half a command of one runner is none of the next one's. */
static void test_half_a_command(void **state)
{
	static const char half[] = "\x01\0\0\0\0\1\0\0half of a token";
	struct session session;

	(void)state;
	begin(&session, "60000");
	box_write(session.box, half, sizeof(half));
	/* Valgrind has a memory of its own. */
	for (int i = 0; i < 100 && !box_wrapper(); i++) {
		if (has_in_memory(session.box->pid, "half of a token"))
			break;
		assert_int_not_equal(i, 99);
		usleep(10000);
	}
	leave(&session);
	meet(&session);
	if (!box_wrapper())
		assert_false(
			has_in_memory(session.box->pid, "half of a token"));
	assert_string_equal(run(&session, "echo whole"), "whole\n");
	end(&session);
}

/* As far as @step of all that may come before a run has ended. */
static void say_half(struct session *session, int step)
{
	int ends[2];

	if (step == 0)
		return;
	if (step < 5)
		box_send_into(session->box, box_directory);
	if (step > 1 && step < 5)
		box_send(session->box, SBX_WIRE_NEW, "half", 4);
	if (step > 2 && step < 5)
		box_send(session->box, SBX_WIRE_DATA, "x", 1);
	if (step == 4)
		assert_int_equal(box_send_end(session->box), 0);
	if (step < 5)
		return;
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	if (step == 5)
		box_give((const int[]){ ends[0], ends[0], ends[0] }, 3);
	else
		box_give(ends, 1);
	box_write(session->box, step == 5 ? "\1\0\0" : "\x0c\0\0", 3);
	close(ends[0]);
	close(ends[1]);
}

/* Nor half of what comes before RUN, or along with it. */
static void test_half_a_request(void **state)
{
	struct session session;
	int ends[2];

	(void)state;
	begin(&session, "60000");
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
	for (int step = 0; step < 7; step++) {
		say_half(&session, step);
		/* init reads it, and not just that we have gone. */
		usleep(20000);
		leave(&session);
		meet(&session);
		box_send_into(session.box, box_directory);
		box_send_file(session.box, "whole", "of it");
		assert_int_equal(box_send_end(session.box), 0);
		box_give(ends, 1);
		box_send(session.box, SBX_WIRE_FORWARD, NULL, 0);
		box_working_dir = box_directory;
		assert_string_equal(run(&session, "cat whole"), "of it");
		box_working_dir = "";
	}
	close(ends[0]);
	close(ends[1]);
	end(&session);
}

/* What never came to an end has one with the run. */
static void test_files_without_an_end(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i < 3; i++) {
		box_send_into(session.box, box_directory);
		box_send(session.box, SBX_WIRE_NEW, "endless", 7);
		run(&session, "true");
	}
	end(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_one_after_the_other),
		cmocka_unit_test(test_exit_is_of_one_run),
		cmocka_unit_test(test_command_that_is_not_there_is_no_end),
		cmocka_unit_test(test_outlives_its_runners),
		cmocka_unit_test(test_a_run_ends_with_its_runner),
		cmocka_unit_test(test_silence_ends_the_run_alone),
		cmocka_unit_test(test_ends_when_its_time_is_over),
		cmocka_unit_test(test_nobody_keeps_it_alive),
		cmocka_unit_test(test_its_time_begins_anew),
		cmocka_unit_test(test_its_time_begins_anew_without_a_runner),
		cmocka_unit_test(test_a_session_of_no_time),
		cmocka_unit_test(test_tells_what_it_uses),
		cmocka_unit_test(test_watches_where_runners_come),
		cmocka_unit_test(test_events_without_a_runner),
		cmocka_unit_test(test_a_queue_that_others_keep_full),
		cmocka_unit_test(test_addresses_that_are_none),
		cmocka_unit_test(test_files_of_secrets_are_replaced),
		cmocka_unit_test(test_files_of_secrets_end_with_their_run),
		cmocka_unit_test(test_files_of_secrets_that_cannot_be_made),
		cmocka_unit_test(test_no_process_for_a_run),
		cmocka_unit_test(test_what_is_sent_stays),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_keeps_what_it_is_given),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_questions_without_end),
		cmocka_unit_test(test_half_a_command),
		cmocka_unit_test(test_half_a_request),
		cmocka_unit_test(test_files_without_an_end),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
