/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_INIT_SESSION_H
#define SBX_TESTS_INIT_SESSION_H

/*
 * A session as a runner has it, over the direct channel: init_box.h, and how
 * runners come and go.  Included by one test program at a time, after cmocka.
 */

#include <dirent.h>
#include <sys/un.h>
#include <time.h>

#include "init_box.h"
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
static inline int listen_at(char path[static 64])
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

static inline int accept_at(int listener, int ms)
{
	struct pollfd fd = { .fd = listener, .events = POLLIN };
	int connection = -1;

	if (poll(&fd, 1, ms) > 0)
		connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	close(listener);
	return connection;
}

static inline void speak_over(struct session *session, int connection)
{
	sbx_close(&session->box->in);
	sbx_close(&session->box->out);
	session->box->in = dup(connection);
	session->box->out = connection;
	sbx_buf_consume(&session->box->wire, session->box->wire.len);
}

/* Made, its HELLO heard. */
static inline void begin(struct session *session, const char *ms)
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

static inline void end(struct session *session)
{
	sbx_pipes_close(&session->pipes);
	box_free(session->box);
}

static inline void leave(struct session *session)
{
	sbx_pipes_close(&session->pipes);
	sbx_close(&session->box->in);
	sbx_close(&session->box->out);
}

static inline void hear_state(struct session *session)
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
		.cpu_us = sbx_wire_get64(at + 32),
		.memory = sbx_wire_get64(at + 40),
		.processes = sbx_wire_get32(at + 48),
		.kept = sbx_wire_get32(at + 52),
	};
	assert_int_equal(session->state.version, SBX_WIRE_VERSION);
}

/* The next runner. */
static inline void meet(struct session *session)
{
	char path[64];
	int connection = accept_at(listen_at(path), BOX_WAIT_MS);

	assert_true(connection >= 0);
	unlink(path);
	speak_over(session, connection);
	hear_state(session);
}

static inline void ask(struct session *session, uint32_t question)
{
	unsigned char payload[4];

	sbx_wire_put32(payload, question);
	box_send(session->box, SBX_WIRE_ASK, payload, sizeof(payload));
}

/* All that comes in frames of @type, up to an empty one. */
static inline void hear_all(struct session *session, int type,
			    struct sbx_buf *out)
{
	size_t before;

	do {
		before = out->len;
		assert_int_equal(box_frame(session->box, out), type);
	} while (out->len > before);
}

static inline int keep(void *ctx, int stream, const void *data, size_t size,
		       struct sbx_error *err)
{
	struct box *box = ctx;

	(void)err;
	sbx_buf_append(stream == 1 ? &box->stdout_ : &box->stderr_, data, size);
	return 0;
}

/* Streams for a run, which go with the next frame. */
static inline void give_streams(struct session *session)
{
	struct sbx_error err = SBX_ERROR_INIT;
	uid_t uid = geteuid() == 0 ? BOX_UID : geteuid();

	assert_int_equal(sbx_pipes_open(&session->pipes, uid, uid, &err), 0);
	box_give(session->pipes.theirs, 3);
}

static inline void start(struct session *session, const char *script)
{
	give_streams(session);
	box_shell(session->box, script);
	for (int i = 0; i < 3; i++)
		sbx_close(&session->pipes.theirs[i]);
}

static inline void hear_exit(struct session *session, uint32_t kind)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(box_take(session->box), SBX_WIRE_EXIT);
	assert_int_equal(session->box->exit.kind, kind);
	sbx_pipes_drain(&session->pipes, keep, session->box, &err);
	sbx_pipes_close(&session->pipes);
}

/* What @script prints; it exits with 0. */
static inline const char *run(struct session *session, const char *script)
{
	sbx_buf_consume(&session->box->stdout_, session->box->stdout_.len);
	start(session, script);
	hear_exit(session, SBX_WIRE_EXITED);
	assert_int_equal(session->box->exit.code, 0);
	return sbx_buf_text(&session->box->stdout_);
}

static inline void detach(struct session *session, const char *script)
{
	box_flags = SBX_WIRE_RUN_DETACH;
	box_shell(session->box, script);
	box_flags = 0;
	hear_exit(session, SBX_WIRE_DETACHED);
	assert_true(session->box->exit.code > 1);
}

/* How many processes have @word in their command line, but for this one. */
static inline int count_processes(struct session *session, const char *word)
{
	char script[256];

	snprintf(script, sizeof(script),
		 "n=0; for p in /proc/[0-9]*; do [ $p = /proc/$$ ] || "
		 "! tr '\\0' ' ' <$p/cmdline 2>/dev/null | "
		 "grep -q '%s' || n=$((n + 1)); done; echo $n",
		 word);
	return atoi(run(session, script));
}

static inline int count_descriptors(pid_t pid)
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

static inline double cpu_ms(pid_t pid)
{
	clockid_t clock;
	struct timespec used;

	assert_int_equal(clock_getcpuclockid(pid, &clock), 0);
	assert_int_equal(clock_gettime(clock, &used), 0);
	return (double)used.tv_sec * 1e3 + (double)used.tv_nsec / 1e6;
}

/* It waits for something: that takes no time. */
static inline void assert_not_busy(struct box *box)
{
	double before;

	usleep(100000);
	before = cpu_ms(box->pid);
	usleep(1000000);
	assert_true(cpu_ms(box->pid) - before < 30);
}

/* init's last word is @text. */
static inline void assert_gives_up(struct session *session, const char *text)
{
	cleanup_buf struct sbx_buf why = SBX_BUF_INIT(SBX_WIRE_ABORT_MAX);

	assert_int_equal(box_frame(session->box, &why), SBX_WIRE_ABORT);
	assert_string_equal(sbx_buf_text(&why), text);
	assert_true(box_wait(session->box, BOX_WAIT_MS) >= 0);
	end(session);
}

#endif
