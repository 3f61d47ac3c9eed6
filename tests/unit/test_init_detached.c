/* SPDX-License-Identifier: MIT */
/*
 * Behind a run of a session only what was detached goes on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <signal.h>

#include "init_session.h"

static void test_detached_goes_on(void **state)
{
	cleanup_buf struct sbx_buf log = SBX_BUF_INIT(SBX_WIRE_LOG_MAX);
	struct session session;

	(void)state;
	begin(&session, "60000");
	detach(&session, "echo out; echo err >&2; read line; "
			 "echo \"read: $line\"; exec sleep 4321");
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	leave(&session);
	meet(&session);
	assert_int_equal(session.state.detached, 1);
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	ask(&session, SBX_WIRE_ASK_LOG);
	hear_all(&session, SBX_WIRE_LOG, &log);
	assert_string_equal(sbx_buf_text(&log), "out\nerr\nread: \n");
	end(&session);
}

static void test_detached_that_cannot_be_executed(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	box_flags = SBX_WIRE_RUN_DETACH;
	box_run(session.box, LIST("/no/such/program"));
	box_flags = 0;
	hear_exit(&session, SBX_WIRE_EXEC_FAILED);
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_int_equal(session.state.detached, 0);
	end(&session);
}

/* Whatever it does to get away; and what was detached is not hurt. */
static void test_only_the_detached_go_on(void **state)
{
	struct session session;
	int descriptors;

	(void)state;
	begin(&session, "60000");
	detach(&session, "sleep 4321 & (setsid sleep 4321 &); "
			 "while :; do sleep 0.01; done");
	descriptors = count_descriptors(session.box->pid);
	for (int i = 0; i < 5; i++) {
		run(&session, "sleep 1234 & setsid sleep 1234 & "
			      "(setsid sh -c '(sleep 1234 & sleep 1234) &' &); "
			      "sleep 0.05");
		assert_int_equal(count_processes(&session, "sleep 1234"), 0);
		assert_int_equal(count_processes(&session, "sleep 4321"), 3);
	}
	assert_int_equal(count_descriptors(session.box->pid), descriptors);
	end(&session);
}

/* Each of these is what hides from whoever looks at one after the other. */
static void test_nobody_gets_away(void **state)
{
	static const char *const ways[] = {
		/* Children that are gone before one has seen them. */
		"while :; do (: 1234 &); done",
		/* Its own child goes on, and it ends. */
		"exec perl -e 'fork && exit while 1' 1234",
		/* The same, but all stay. */
		"exec perl -e 'while (1) { sleep 1000 if fork }' 1234",
	};
	struct session session;

	(void)state;
	box_nproc = 4000;
	begin(&session, "60000");
	box_nproc = 0;
	detach(&session, "sleep 4321 & while :; do sleep 0.01; done");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(ways); i++) {
		char script[512];

		snprintf(script, sizeof(script),
			 "for i in 1 2 3 4 5; do setsid sh -c \"%s\" 1234 & "
			 "done;"
			 "sleep 0.1",
			 ways[i]);
		run(&session, script);
		assert_int_equal(count_processes(&session, "1234"), 0);
		assert_int_equal(count_processes(&session, "sleep 4321"), 2);
	}
	end(&session);
}

/* How many children process @pid has. */
static int count_below(pid_t pid)
{
	char path[64], text[4096] = "";
	FILE *children;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
	children = fopen(path, "re");
	assert_non_null(children);
	if (fgets(text, sizeof(text), children)) {
		for (const char *at = text; (at = strchr(at, ' ')); at++)
			n++;
	}
	fclose(children);
	return n;
}

/* What was killed takes a moment to be gone. */
static void assert_below(const struct session *session, int n)
{
	double until = sbx_clock_ms() + BOX_WAIT_MS;

	while (count_below(session->box->pid) != n && sbx_clock_ms() < until)
		usleep(1000);
	assert_int_equal(count_below(session->box->pid), n);
}

/* How long the file at "@box_directory/name" is. */
static off_t size_of(const char *name)
{
	cleanup_free char *path = sbx_asprintf("%s/%s", box_directory, name);
	struct stat status;

	return stat(path, &status) == 0 ? status.st_size : 0;
}

/*
 * proc(5) calls it a zombie, and has no command line of it, when its first
 * thread has ended; others of it may go on.
 */
static void test_without_its_first_thread(void **state)
{
	static const char program[] = "import ctypes, threading, time\n"
				      "def go_on():\n"
				      "    while True:\n"
				      "        open('ticks', 'a').write('.')\n"
				      "        time.sleep(0.01)\n"
				      "threading.Thread(target=go_on).start()\n"
				      "ctypes.CDLL(None).syscall(60, 0)\n";
	struct session session;
	char script[1024];
	off_t before;

	(void)state;
	begin(&session, "60000");
	detach(&session, "exec sleep 4321");
	snprintf(script, sizeof(script),
		 "setsid /usr/bin/python3 -c \"%s\" & "
		 "while ! grep -q ^State:.Z /proc/$!/status; do sleep 0.01; "
		 "done; "
		 "sleep 0.1",
		 program);
	box_working_dir = box_directory;
	run(&session, script);
	box_working_dir = "";
	before = size_of("ticks");
	assert_true(before > 0);
	usleep(200000);
	assert_int_equal(size_of("ticks"), before);
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	end(&session);
}

/* Then nobody is spared, rather than somebody missed. */
static void test_more_than_can_be_told_apart(void **state)
{
	struct session session;

	(void)state;
	box_nproc = 10000;
	begin(&session, "60000");
	box_nproc = 0;
	detach(&session, "exec sleep 4321");
	run(&session, "setsid perl -e 'for (1..4200) { my $p = fork; "
		      "die unless defined $p; sleep 1000 unless $p }' & "
		      "wait $!");
	assert_int_equal(count_processes(&session, "perl"), 0);
	assert_int_equal(count_processes(&session, "sleep 4321"), 0);
	end(&session);
}

static void test_what_a_detached_one_leaves(void **state)
{
	struct session session;
	int left = 1;
	int before;

	(void)state;
	begin(&session, "60000");
	run(&session, "true");
	before = count_descriptors(session.box->pid);
	detach(&session, "setsid sleep 4321 & sleep 0.1");
	for (int i = 0; i < 50 && left > 0; i++) {
		usleep(100000);
		box_beat(session.box);
		ask(&session, SBX_WIRE_ASK_STATE);
		hear_state(&session);
		left = (int)session.state.detached;
	}
	assert_int_equal(left, 0);
	assert_int_equal(count_processes(&session, "sleep 4321"), 0);
	assert_int_equal(count_descriptors(session.box->pid), before);
	end(&session);
}

/* What it leaves while nobody takes what the run before has left. */
static void test_what_one_leaves_when_a_run_has_ended(void **state)
{
	struct session session;
	char script[128];
	int type;

	(void)state;
	begin(&session, "60000");
	detach(&session, "setsid sleep 4321 & sleep 1");
	snprintf(script, sizeof(script), "head -c 8000000 /dev/zero >%s/big",
		 box_directory);
	box_out = box_directory;
	box_out_limit = 10000000;
	start(&session, script);
	box_out = "";
	box_out_limit = 0;
	usleep(2000000);
	do {
		type = box_frame(session.box, NULL);
		assert_true(type == SBX_WIRE_ARTIFACT ||
			    type == SBX_WIRE_CONTENT || type == SBX_WIRE_EXIT);
	} while (type != SBX_WIRE_EXIT);
	sbx_pipes_close(&session.pipes);
	assert_int_equal(count_processes(&session, "sleep 4321"), 0);
	end(&session);
}

static void test_sigkill_spares_the_detached(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	detach(&session, "exec sleep 4321");
	start(&session, "trap '' TERM; (setsid sleep 1234 &); sleep 1234");
	usleep(100000);
	box_signal(session.box, SIGKILL);
	hear_exit(&session, SBX_WIRE_SIGNALED);
	assert_int_equal(session.box->exit.code, SIGKILL);
	assert_int_equal(count_processes(&session, "sleep 1234"), 0);
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	/* One that comes too late for a run is for nobody. */
	box_signal(session.box, SIGKILL);
	box_signal(session.box, SIGTERM);
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	box_send(session.box, SBX_WIRE_SIGNAL_DETACHED, "\x0f", 1);
	usleep(100000);
	assert_int_equal(count_processes(&session, "sleep 4321"), 0);
	end(&session);
}

static void test_no_more_than_so_many_detached(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i < SBX_WIRE_DETACHED_MAX; i++)
		detach(&session, "exec sleep 4321");
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_int_equal(session.state.detached, SBX_WIRE_DETACHED_MAX);
	box_flags = SBX_WIRE_RUN_DETACH;
	box_shell(session.box, "exec sleep 4321");
	box_flags = 0;
	hear_exit(&session, SBX_WIRE_EXEC_FAILED);
	assert_int_equal(session.box->exit.code, EAGAIN);
	assert_string_equal(run(&session, "echo still here"), "still here\n");
	end(&session);
}

/* A pipe that nobody holds any more is no reason to look again and again. */
static void test_one_that_closes_its_output(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	detach(&session, "exec sleep 4321 >/dev/null 2>&1");
	assert_not_busy(session.box);
	assert_int_equal(count_processes(&session, "sleep 4321"), 1);
	end(&session);
}

/* However fast somebody writes, it has an end. */
static void test_log_that_is_written_meanwhile(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	detach(&session, "exec cat /dev/zero");
	usleep(200000);
	for (int i = 0; i < 20; i++) {
		cleanup_buf struct sbx_buf log =
			SBX_BUF_INIT(4 * SBX_WIRE_LOG_MAX);

		ask(&session, SBX_WIRE_ASK_LOG);
		hear_all(&session, SBX_WIRE_LOG, &log);
		assert_true(log.len <= SBX_WIRE_LOG_MAX);
	}
	end(&session);
}

/* Nor is what was asked for more when nobody takes it for a while. */
static void test_log_that_has_to_wait(void **state)
{
	struct session session;
	size_t size = 0, before;
	int type;

	(void)state;
	begin(&session, "60000");
	detach(&session, "exec cat /dev/zero");
	for (int i = 0; i < 20000; i++)
		ask(&session, SBX_WIRE_ASK_STATE);
	ask(&session, SBX_WIRE_ASK_LOG);
	usleep(300000);
	do {
		cleanup_buf struct sbx_buf payload =
			SBX_BUF_INIT(SBX_WIRE_DATA_MAX);

		before = size;
		type = box_frame(session.box, &payload);
		if (type == SBX_WIRE_LOG)
			size += payload.len;
		else
			assert_int_equal(type, SBX_WIRE_STATE);
	} while (type == SBX_WIRE_STATE || size > before);
	assert_true(size <= SBX_WIRE_LOG_MAX);
	end(&session);
}

/*
 * A process that is to be detached, and is kept from becoming a program: its
 * runner goes, and the next one must not wait for it.
 */
static void test_one_that_is_stopped_before_it_is_one(void **state)
{
	static const char stop[] =
		"exec perl -e 'my $p = $$; while (1) { "
		"kill(\"STOP\", $_) for ($p + 1 .. $p + 8) }'";
	struct session session;
	int stopped = 0;

	(void)state;
	for (int i = 0; i < 20 && stopped < 3; i++) {
		struct pollfd out = { .events = POLLIN };

		begin(&session, "60000");
		detach(&session, stop);
		usleep(100000);
		box_flags = SBX_WIRE_RUN_DETACH;
		box_shell(session.box, "exec sleep 4321");
		box_flags = 0;
		out.fd = session.box->out;
		if (poll(&out, 1, 300) == 0) {
			stopped++;
			leave(&session);
			meet(&session);
			/* It may have become one all the same. */
			assert_below(&session, (int)session.state.detached);
		}
		end(&session);
	}
	assert_true(stopped > 0);
}

/* Somebody's orphans, when it ends as another one becomes a program. */
static void test_orphans_while_another_is_detached(void **state)
{
	struct session session;

	(void)state;
	begin(&session, "60000");
	for (int i = 0; i < 20; i++) {
		char script[256];

		/* It sees the next one come, as a process that is no program. */
		snprintf(script, sizeof(script),
			 "exec perl -e 'for (1..5) { fork or exec qw(sleep "
			 "4321) } "
			 "my $n = $$ + 6; select(undef, undef, undef, 0.0001) "
			 "until -e \"/proc/$n\"; "
			 "select(undef, undef, undef, %d * 0.00005)'",
			 i);
		detach(&session, script);
		usleep(100000);
		detach(&session, "exec sleep 2222");
		usleep(50000);
		ask(&session, SBX_WIRE_ASK_STATE);
		hear_state(&session);
		if (session.state.detached == 1)
			assert_below(&session, 1);
		box_send(session.box, SBX_WIRE_SIGNAL_DETACHED, "\x09", 1);
		run(&session, "true");
	}
	end(&session);
}

/* What it wrote last, also where its end comes at the same time. */
static void test_last_words(void **state)
{
	cleanup_buf struct sbx_buf log = SBX_BUF_INIT(SBX_WIRE_LOG_MAX);
	struct session session;

	(void)state;
	begin(&session, "60000");
	detach(&session, "sleep 0.2; echo last words");
	kill(session.box->pid, SIGSTOP);
	usleep(500000);
	kill(session.box->pid, SIGCONT);
	/* Its log is as long as it is when somebody asks. */
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	ask(&session, SBX_WIRE_ASK_STATE);
	hear_state(&session);
	assert_int_equal(session.state.detached, 0);
	ask(&session, SBX_WIRE_ASK_LOG);
	hear_all(&session, SBX_WIRE_LOG, &log);
	assert_string_equal(sbx_buf_text(&log), "last words\n");
	end(&session);
}

/* Only the end of it is kept. */
static void test_log_without_end(void **state)
{
	cleanup_buf struct sbx_buf log = SBX_BUF_INIT(2 * SBX_WIRE_LOG_MAX);
	struct session session;

	(void)state;
	begin(&session, "60000");
	detach(&session, "head -c 1000000 /dev/zero | tr '\\0' x; echo; "
			 "echo the end; exec sleep 4321");
	usleep(500000);
	ask(&session, SBX_WIRE_ASK_LOG);
	hear_all(&session, SBX_WIRE_LOG, &log);
	assert_int_equal(log.len, SBX_WIRE_LOG_MAX);
	assert_string_equal(log.data + log.len - strlen("x\nthe end\n"),
			    "x\nthe end\n");
	end(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_detached_goes_on),
		cmocka_unit_test(test_detached_that_cannot_be_executed),
		cmocka_unit_test(test_only_the_detached_go_on),
		cmocka_unit_test(test_nobody_gets_away),
		cmocka_unit_test(test_without_its_first_thread),
		cmocka_unit_test(test_more_than_can_be_told_apart),
		cmocka_unit_test(test_what_a_detached_one_leaves),
		cmocka_unit_test(test_what_one_leaves_when_a_run_has_ended),
		cmocka_unit_test(test_sigkill_spares_the_detached),
		cmocka_unit_test(test_no_more_than_so_many_detached),
		cmocka_unit_test(test_one_that_closes_its_output),
		cmocka_unit_test(test_log_that_is_written_meanwhile),
		cmocka_unit_test(test_log_that_has_to_wait),
		cmocka_unit_test(test_one_that_is_stopped_before_it_is_one),
		cmocka_unit_test(test_orphans_while_another_is_detached),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_log_without_end),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
