/* SPDX-License-Identifier: MIT */
/*
 * init in a session: it outlives its runners but not its time, and behind a run
 * only what was detached goes on.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <sys/un.h>

#include "init_box.h"
#include "init_memory.h"
#include "sandbox/pipes.h"

/*
 * @box		its streams are the channel
 * @pipes	of what runs
 * @state	as STATE last said
 */
struct session {
	struct box *box;
	struct sbx_pipes pipes;
	struct sbx_wire_state state;
};

/* Whoever watches the directory sees it come when it can be connected to. */
static int listen_at(char path[static 64])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(path, 64, "%s/s", box_directory);
	snprintf(address.sun_path, sizeof(address.sun_path), "%s/new",
		 box_directory);
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)),
			 0);
	assert_int_equal(chmod(address.sun_path, 0666), 0);
	assert_int_equal(listen(fd, 1), 0);
	assert_int_equal(rename(address.sun_path, path), 0);
	return fd;
}

static int accept_at(int listener, int ms)
{
	struct pollfd fd = { .fd = listener, .events = POLLIN };
	int connection = -1;

	if (poll(&fd, 1, ms) > 0)
		connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return connection;
}

static void speak_over(struct session *session, int connection)
{
	sbx_close(&session->box->in);
	sbx_close(&session->box->out);
	session->box->in = dup(connection);
	session->box->out = connection;
	sbx_buf_consume(&session->box->wire, session->box->wire.len);
}

/* Made, its HELLO heard. */
static void begin(struct session *session, const char *ms)
{
	char path[64], time[16];
	int listener = listen_at(path);
	int connection;

	memset(session, 0, sizeof(*session));
	session->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	snprintf(time, sizeof(time), "%s", ms);
	box_argument = path;
	box_session = time;
	session->box = box_start();
	box_argument = box_session = NULL;
	connection = accept_at(listener, BOX_WAIT_MS);
	assert_true(connection >= 0);
	unlink(path);
	speak_over(session, connection);
	assert_int_equal(box_frame(session->box, NULL), SBX_WIRE_HELLO);
	box_send(session->box, SBX_WIRE_BEAT, NULL, 0);
}

static void end(struct session *session)
{
	sbx_pipes_close(&session->pipes);
	box_free(session->box);
}

static void leave(struct session *session)
{
	sbx_pipes_close(&session->pipes);
	sbx_close(&session->box->in);
	sbx_close(&session->box->out);
}

static void hear_state(struct session *session)
{
	cleanup_buf struct sbx_buf payload = SBX_BUF_INIT(1024);
	const unsigned char *at;

	assert_int_equal(box_frame(session->box, &payload), SBX_WIRE_STATE);
	assert_int_equal(payload.len, SBX_WIRE_STATE_SIZE);
	at = (const unsigned char *)payload.data;
	session->state = (struct sbx_wire_state){
		.version = sbx_wire_get32(at),
		.detached = sbx_wire_get32(at + 4),
		.uptime_ms = sbx_wire_get64(at + 8),
		.idle_ms = sbx_wire_get64(at + 16),
		.left_ms = sbx_wire_get64(at + 24),
		.processes = sbx_wire_get32(at + 48),
		.kept = sbx_wire_get32(at + 52),
	};
	assert_int_equal(session->state.version, SBX_WIRE_VERSION);
}

/* The next runner. */
static void meet(struct session *session)
{
	char path[64];
	int connection = accept_at(listen_at(path), BOX_WAIT_MS);

	assert_true(connection >= 0);
	unlink(path);
	speak_over(session, connection);
	hear_state(session);
}

static void ask(struct session *session, uint32_t question)
{
	unsigned char payload[4];

	sbx_wire_put32(payload, question);
	box_send(session->box, SBX_WIRE_ASK, payload, sizeof(payload));
}

/* All that comes in frames of @type, up to an empty one. */
static void hear_all(struct session *session, int type, struct sbx_buf *out)
{
	size_t before;

	do {
		before = out->len;
		assert_int_equal(box_frame(session->box, out), type);
	} while (out->len > before);
}

static int keep(void *ctx, int stream, const void *data, size_t size,
		struct sbx_error *err)
{
	struct box *box = ctx;

	(void)err;
	sbx_buf_append(stream == 1 ? &box->stdout_ : &box->stderr_, data, size);
	return 0;
}

static void start(struct session *session, const char *script)
{
	struct sbx_error err = SBX_ERROR_INIT;
	uid_t uid = geteuid() == 0 ? BOX_UID : geteuid();

	assert_int_equal(sbx_pipes_open(&session->pipes, uid, uid, &err), 0);
	box_give(session->pipes.theirs, 3);
	box_shell(session->box, script);
	for (int i = 0; i < 3; i++)
		sbx_close(&session->pipes.theirs[i]);
}

static void hear_exit(struct session *session, uint32_t kind)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(box_take(session->box), SBX_WIRE_EXIT);
	assert_int_equal(session->box->exit.kind, kind);
	sbx_pipes_drain(&session->pipes, keep, session->box, &err);
	sbx_pipes_close(&session->pipes);
}

/* What @script prints; it exits with 0. */
static const char *run(struct session *session, const char *script)
{
	sbx_buf_consume(&session->box->stdout_, session->box->stdout_.len);
	start(session, script);
	hear_exit(session, SBX_WIRE_EXITED);
	assert_int_equal(session->box->exit.code, 0);
	return sbx_buf_text(&session->box->stdout_);
}

static void detach(struct session *session, const char *script)
{
	box_flags = SBX_WIRE_RUN_DETACH;
	box_shell(session->box, script);
	box_flags = 0;
	hear_exit(session, SBX_WIRE_DETACHED);
	assert_true(session->box->exit.code > 1);
}

/* How many processes have @word in their command line, but for this one. */
static int count_processes(struct session *session, const char *word)
{
	char script[256];

	snprintf(script, sizeof(script),
		 "n=0; for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || "
		 "! tr '\\0' ' ' <$p/cmdline 2>/dev/null | "
		 "grep -q '%s' || n=$((n + 1)); done; echo $n",
		 word);
	return atoi(run(session, script));
}

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

static void test_command_that_is_not_there_is_no_end(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct session session;

	(void)state;
	begin(&session, "60000");
	assert_int_equal(sbx_pipes_open(&session.pipes, BOX_UID, BOX_UID, &err),
			 0);
	box_give(session.pipes.theirs, 3);
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
	leave(&session);
	assert_true(box_wait(session.box, BOX_WAIT_MS) >= 0);
	assert_true(sbx_clock_ms() - began > 4500);
	end(&session);
}

static void test_a_session_of_no_time(void **state)
{
	static const char *const bad[] = { "0", "", "x", "-1", "10s" };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		char nowhere[] = "/tmp/nowhere/s";
		char time[8];
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

/* --- what is detached --------------------------------------------------------
 */

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

	(void)state;
	/* All that run at once count: the uid is one. */
	box_nproc = 4000;
	begin(&session, "60000");
	box_nproc = 0;
	detach(&session, "sleep 4321 & (setsid sleep 4321 &); "
			 "while :; do sleep 0.01; done");
	for (int i = 0; i < 5; i++) {
		run(&session, "sleep 1234 & setsid sleep 1234 & "
			      "(setsid sh -c '(sleep 1234 & sleep 1234) &' &); "
			      "sleep 0.05");
		assert_int_equal(count_processes(&session, "sleep 1234"), 0);
		assert_int_equal(count_processes(&session, "sleep 4321"), 3);
	}
	/* Ones that are never the same processes for long. */
	run(&session, "n=0; while [ $n -lt 20 ]; do "
		      "(setsid sh -c 'while :; do (: 1234 &); done' 1234 &); "
		      "n=$((n + 1)); done");
	assert_int_equal(count_processes(&session, "1234"), 0);
	assert_int_equal(count_processes(&session, "sleep 4321"), 3);
	end(&session);
}

static int count_descriptors(pid_t pid)
{
	cleanup_free char *path = sbx_asprintf("/proc/%d/fd", pid);
	DIR *dir = opendir(path);
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
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

/* --- files
 * -------------------------------------------------------------------- */

/* A secret is there for each run anew, whatever has become of it. */
static void test_files_of_secrets_are_replaced(void **state)
{
	struct session session;
	char path[64];

	(void)state;
	begin(&session, "60000");
	snprintf(path, sizeof(path), "%s/secret", box_directory);
	for (int i = 0; i < 3; i++) {
		char script[256];

		snprintf(script, sizeof(script),
			 "cat %s; rm -f %s; ln -s /etc/passwd %s", path, path,
			 path);
		box_files = LIST(path, i % 2 ? "odd" : "even");
		assert_string_equal(run(&session, script),
				    i % 2 ? "odd" : "even");
		box_files = NULL;
	}
	end(&session);
}

/* A copy is a run like any other. */
static void test_copies(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct session session;
	char path[64], script[128];

	(void)state;
	begin(&session, "60000");
	snprintf(path, sizeof(path), "%s/copied", box_directory);
	snprintf(script, sizeof(script), "echo content >%s", path);
	run(&session, script);
	for (uint32_t flags = SBX_WIRE_RUN_COPY_IN;
	     flags <= SBX_WIRE_RUN_COPY_OUT; flags <<= 1) {
		uid_t uid = geteuid() == 0 ? BOX_UID : geteuid();

		sbx_buf_consume(&session.box->stdout_,
				session.box->stdout_.len);
		assert_int_equal(sbx_pipes_open(&session.pipes, uid, uid, &err),
				 0);
		box_give(session.pipes.theirs, 3);
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
	static char given[100000];
	cleanup_buf struct sbx_buf kept = SBX_BUF_INIT(SBX_WIRE_KEPT_MAX);
	struct session session;

	(void)state;
	memset(given, 'k', sizeof(given));
	begin(&session, "60000");
	box_send(session.box, SBX_WIRE_KEEP, "old", 3);
	box_send(session.box, SBX_WIRE_KEEP, NULL, 0);
	box_send(session.box, SBX_WIRE_KEEP, given, SBX_WIRE_DATA_MAX);
	box_send(session.box, SBX_WIRE_KEEP, given,
		 sizeof(given) - SBX_WIRE_DATA_MAX);
	run(&session, "true");
	leave(&session);
	meet(&session);
	assert_int_equal(session.state.kept, sizeof(given));
	ask(&session, SBX_WIRE_ASK_KEPT);
	hear_all(&session, SBX_WIRE_KEPT, &kept);
	assert_int_equal(kept.len, sizeof(given));
	assert_memory_equal(kept.data, given, sizeof(given));
	end(&session);
}

/* --- what it must not be told ------------------------------------------------
 */

static void assert_gives_up(struct session *session, const char *text)
{
	cleanup_buf struct sbx_buf why = SBX_BUF_INIT(SBX_WIRE_ABORT_MAX);

	assert_int_equal(box_frame(session->box, &why), SBX_WIRE_ABORT);
	assert_string_equal(sbx_buf_text(&why), text);
	assert_true(box_wait(session->box, BOX_WAIT_MS) >= 0);
	end(session);
}

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

/* --- over the attached streams -----------------------------------------------
 */

#define RANDOM "0123456789ab"

static const char sync_bytes[] = SBX_WIRE_SYNC RANDOM;

static void begin_attached(struct session *session, const char *ms)
{
	char name[] = "/.skillbox-" RANDOM "/init";
	char nowhere[] = "";
	char time[16];

	memset(session, 0, sizeof(*session));
	session->pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	snprintf(time, sizeof(time), "%s", ms);
	box_argument = nowhere;
	box_session = time;
	box_name = name;
	session->box = box_start();
	box_argument = box_session = box_name = NULL;
	assert_int_equal(box_frame(session->box, NULL), SBX_WIRE_HELLO);
	box_send(session->box, SBX_WIRE_BEAT, NULL, 0);
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
		assert_true(sbx_clock_ms() < until);
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

/* --- connections -------------------------------------------------------------
 */

static int listen_on_loopback(uint16_t *port)
{
	struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)
	};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(listen(fd, 5), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size),
			 0);
	*port = ntohs(address.sin_port);
	return fd;
}

/* init's answer, and the descriptor that came with it, or -1. */
static uint32_t ask_for(int fd, uint32_t port, int *connection)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(int))];
	} control = { .space = { 0 } };
	unsigned char data[4];
	struct iovec vec = { .iov_base = data, .iov_len = sizeof(data) };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control,
				  .msg_controllen = sizeof(control) };

	*connection = -1;
	sbx_wire_put32(data, port);
	assert_int_equal(write(fd, data, sizeof(data)), sizeof(data));
	if (recvmsg(fd, &message, MSG_CMSG_CLOEXEC) != sizeof(data))
		return UINT32_MAX;
	if (CMSG_FIRSTHDR(&message))
		memcpy(connection, CMSG_DATA(CMSG_FIRSTHDR(&message)),
		       sizeof(int));
	return sbx_wire_get32(data);
}

static void test_connects_to_ports(void **state)
{
	struct session session;
	int ends[2], listener, ours, theirs;
	char text[3] = "";
	uint16_t port;

	(void)state;
	begin(&session, "60000");
	listener = listen_on_loopback(&port);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	start(&session, "sleep 0.5");
	box_give(&ends[1], 1);
	box_send(session.box, SBX_WIRE_FORWARD, NULL, 0);
	close(ends[1]);
	assert_int_equal(ask_for(ends[0], port, &ours), 0);
	hear_exit(&session, SBX_WIRE_EXITED);
	assert_true(ours >= 0);
	theirs = accept(listener, NULL, NULL);
	assert_int_equal(write(ours, "hi", 2), 2);
	assert_int_equal(read(theirs, text, 2), 2);
	assert_string_equal(text, "hi");
	close(ours);
	assert_int_equal(read(theirs, text, 1), 0);
	close(theirs);
	close(listener);
	/* It outlives its runner, too. */
	leave(&session);
	assert_int_equal(ask_for(ends[0], port, &ours), ECONNREFUSED);
	assert_int_equal(ours, -1);
	/* What makes no sense is the end of it. */
	assert_int_equal(ask_for(ends[0], 0, &ours), UINT32_MAX);
	close(ends[0]);
	end(&session);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs_one_after_the_other),
		cmocka_unit_test(test_command_that_is_not_there_is_no_end),
		cmocka_unit_test(test_outlives_its_runners),
		cmocka_unit_test(test_a_run_ends_with_its_runner),
		cmocka_unit_test(test_silence_ends_the_run_alone),
		cmocka_unit_test(test_ends_when_its_time_is_over),
		cmocka_unit_test(test_nobody_keeps_it_alive),
		cmocka_unit_test(test_its_time_begins_anew),
		cmocka_unit_test(test_a_session_of_no_time),
		cmocka_unit_test(test_detached_goes_on),
		cmocka_unit_test(test_detached_that_cannot_be_executed),
		cmocka_unit_test(test_only_the_detached_go_on),
		cmocka_unit_test(test_what_a_detached_one_leaves),
		cmocka_unit_test(test_sigkill_spares_the_detached),
		cmocka_unit_test(test_no_more_than_so_many_detached),
		cmocka_unit_test(test_log_without_end),
		cmocka_unit_test(test_files_of_secrets_are_replaced),
		cmocka_unit_test(test_copies),
		cmocka_unit_test(test_keeps_what_it_is_given),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_half_a_command),
		cmocka_unit_test(test_runners_come_and_go),
		cmocka_unit_test(test_half_a_command_of_another),
		cmocka_unit_test(test_attached_commands_are_forgotten),
		cmocka_unit_test(test_attached_silence_ends_the_run),
		cmocka_unit_test(test_output_of_another),
		cmocka_unit_test(test_input_that_looks_like_it),
		cmocka_unit_test(test_input_that_comes_late),
		cmocka_unit_test(test_attached_ends_in_time),
		cmocka_unit_test(test_connects_to_ports),
	};

	return cmocka_run_group_tests(tests, box_make_directory,
				      box_remove_directory);
}
