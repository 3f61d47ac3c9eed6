/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_INIT_BOX_H
#define SBX_TESTS_INIT_BOX_H

/*
 * The real build/init as the first process of a PID namespace, and the
 * runner's end of its streams.  Included by one test program at a time, after
 * cmocka; needs root or user namespaces.
 *
 * INIT_WRAPPER names a program to run init with, and its arguments, separated
 * by spaces ("/usr/bin/valgrind ..."); the action then keeps the test's uid.
 * Valgrind 3.19 loses signals that are pending at exec and dies of those it
 * uses itself, so tests about either fail under it.
 */

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "init/wire.h"

#define BOX_UID 200001
/* For what comes in an instant, on a machine with too much else to do. */
#define BOX_WAIT_MS 60000

/*
 * @pid		of init, as seen from here; 0 when it has been waited for
 * @in, @out, @err	the runner's ends of its streams
 * @wire	what came and was not taken as a frame yet
 * @stdout_, @stderr_, @file	the action's bytes
 * @credit	INPUT that may still be sent
 */
struct box {
	pid_t pid;
	int in;
	int out;
	int err;
	struct sbx_buf wire;
	struct sbx_buf stdout_;
	struct sbx_buf stderr_;
	struct sbx_buf file;
	uint32_t credit;
	struct sbx_wire_exit exit;
	double beat_at;
};

static inline const char *box_wrapper(void)
{
	const char *wrapper = getenv("INIT_WRAPPER");

	return wrapper && wrapper[0] ? wrapper : NULL;
}

/* build/init, which is two folders up from build/unit/test_init. */
static inline void box_init_path(char out[static 4096])
{
	ssize_t size = readlink("/proc/self/exe", out, 4000);
	char *slash;

	assert_true(size > 0);
	out[size] = '\0';
	slash = strrchr(out, '/');
	*slash = '\0';
	slash = strrchr(out, '/');
	memcpy(slash, "/init", sizeof("/init"));
	/* Builds with sanitizers are a folder further down. */
	if (access(out, F_OK) == 0)
		return;
	*slash = '\0';
	slash = strrchr(out, '/');
	memcpy(slash, "/init", sizeof("/init"));
}

static inline void box_write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		_exit(120);
	close(fd);
}

/* For a sandbox that is not what it should be. */
static bool box_without_no_new_privs;

/* What else is mounted in the sandbox, done in it before init starts. */
static void (*box_mounts)(void);

/* What else the sandbox does right before init starts. */
static void (*box_last)(void);

/* init's arguments, or NULL. */
static char *box_argument;
static char *box_session;

/* Limits that init is to find, besides those of the test; 0: none. */
static rlim_t box_nofile;
static rlim_t box_nproc;

static inline void box_limit(int resource, rlim_t most)
{
	struct rlimit limit = { most, most };

	if (most > 0 && setrlimit(resource, &limit) < 0)
		_exit(119);
}

/* In the new namespaces: what an engine would have done. */
static inline void box_become_sandbox(uid_t uid, gid_t gid, bool is_root)
{
	char map[64];

	if (!is_root) {
		box_write_file("/proc/self/setgroups", "deny");
		snprintf(map, sizeof(map), "%d %u 1", BOX_UID, uid);
		box_write_file("/proc/self/uid_map", map);
		snprintf(map, sizeof(map), "%d %u 1", BOX_UID, gid);
		box_write_file("/proc/self/gid_map", map);
	}
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  NULL) < 0)
		_exit(121);
	if (box_mounts)
		box_mounts();
	if (is_root && !box_wrapper() &&
	    (setgroups(0, NULL) < 0 || setresgid(BOX_UID, BOX_UID, BOX_UID) ||
	     setresuid(BOX_UID, BOX_UID, BOX_UID)))
		_exit(122);
	if (!box_without_no_new_privs &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		_exit(123);
}

static inline void box_exec(int init_fd, char *path)
{
	char *argv[32 + 1] = { path, box_argument, box_session, NULL };
	char *wrapper = box_wrapper() ? sbx_strdup(box_wrapper()) : NULL;
	int n = 0;

	if (!wrapper) {
		char *env[] = { (char *)"OF_INIT=itself", NULL };

		syscall(SYS_execveat, init_fd, "", argv, env, AT_EMPTY_PATH);
		_exit(124);
	}
	while (n < 29 && (argv[n] = strsep(&wrapper, " ")))
		n++;
	argv[n++] = path;
	argv[n++] = box_argument;
	argv[n++] = box_argument ? box_session : NULL;
	argv[n] = NULL;
	execv(argv[0], argv);
	_exit(124);
}

static inline void box_child(const int fds[3], int init_fd, char *path)
{
	bool is_root = geteuid() == 0;

	box_become_sandbox(geteuid(), getegid(), is_root);
	for (int i = 0; i < 3; i++) {
		if (dup2(fds[i], i) < 0)
			_exit(125);
	}
	/* Something an engine might have forgotten to close. */
	dup2(fds[0], 9);
	umask(0);
	signal(SIGUSR1, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	box_limit(RLIMIT_NOFILE, box_nofile);
	box_limit(RLIMIT_NPROC, box_nproc);
	if (box_last)
		box_last();
	box_exec(init_fd, path);
}

static inline struct box *box_start(void)
{
	struct box *box = sbx_calloc(1, sizeof(*box));
	unsigned long flags = SIGCHLD | CLONE_NEWPID | CLONE_NEWNS;
	int in[2], out[2], err[2], init_fd;
	char path[4096];

	box_init_path(path);
	init_fd = open(path, O_PATH | O_CLOEXEC);
	if (init_fd < 0)
		fail_msg("%s: not built", path);
	assert_int_equal(pipe2(in, O_CLOEXEC), 0);
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(err, O_CLOEXEC), 0);
	if (geteuid() != 0)
		flags |= CLONE_NEWUSER;
	box->pid = (pid_t)syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);
	if (box->pid == 0)
		box_child((int[]){ in[0], out[1], err[1] }, init_fd, path);
	if (box->pid < 0)
		fail_msg("namespaces: %s (neither root nor user namespaces?)",
			 strerror(errno));
	close(init_fd);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	box->in = in[1];
	box->out = out[0];
	box->err = err[0];
	box->wire.max = 4 * 1024 * 1024;
	box->stdout_.max = 256 * 1024 * 1024;
	box->stderr_.max = 256 * 1024 * 1024;
	box->file.max = 256 * 1024 * 1024;
	box->credit = SBX_WIRE_WINDOW;
	box->beat_at = sbx_clock_ms();
	return box;
}

/* Waits for init's end; its wait status, or -1 after @ms. */
static inline int box_wait(struct box *box, double ms)
{
	double until = sbx_clock_ms() + ms;
	int status;

	while (box->pid) {
		if (waitpid(box->pid, &status, WNOHANG) == box->pid) {
			box->pid = 0;
			return status;
		}
		if (sbx_clock_ms() > until)
			return -1;
		usleep(1000);
	}
	return -1;
}

static inline void box_free(struct box *box)
{
	sbx_close(&box->in);
	sbx_close(&box->out);
	sbx_close(&box->err);
	if (box->pid) {
		kill(box->pid, SIGKILL);
		waitpid(box->pid, NULL, 0);
	}
	sbx_buf_free(&box->wire);
	sbx_buf_free(&box->stdout_);
	sbx_buf_free(&box->stderr_);
	sbx_buf_free(&box->file);
	free(box);
}

/* --- speaking -------------------------------------------------------------- */

/* Descriptors that go with the next bytes, over a direct channel; or none. */
static int box_fds[16];
static size_t box_n_fds;

static inline void box_give(const int *fds, size_t n)
{
	memcpy(box_fds, fds, n * sizeof(int));
	box_n_fds = n;
}

static inline ssize_t box_write_fds(const struct box *box, const void *data,
				    size_t size)
{
	union {
		struct cmsghdr header;
		char space[CMSG_SPACE(sizeof(box_fds))];
	} control = { .space = { 0 } };
	struct iovec vec = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &vec,
				  .msg_iovlen = 1,
				  .msg_control = &control };

	message.msg_controllen = CMSG_SPACE(box_n_fds * sizeof(int));
	control.header.cmsg_level = SOL_SOCKET;
	control.header.cmsg_type = SCM_RIGHTS;
	control.header.cmsg_len = CMSG_LEN(box_n_fds * sizeof(int));
	memcpy(CMSG_DATA(&control.header), box_fds, box_n_fds * sizeof(int));
	box_n_fds = 0;
	return sendmsg(box->in, &message, MSG_NOSIGNAL);
}

static inline void box_write(struct box *box, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t sent = box_n_fds > 0 ? box_write_fds(box, at, size)
					     : write(box->in, at, size);

		assert_true(sent > 0);
		at += sent;
		size -= (size_t)sent;
	}
}

/*
 * In one write: init goes as soon as a header is wrong, so the rest of what
 * it refuses, in a second one, would find nobody there (EPIPE) at times.
 */
static inline void box_send(struct box *box, uint8_t type, const void *data,
			    size_t size)
{
	unsigned char header[SBX_WIRE_HEADER_SIZE];
	cleanup_buf struct sbx_buf frame = SBX_BUF_INIT(SIZE_MAX);

	sbx_wire_put_header(header, type, (uint32_t)size);
	sbx_buf_append(&frame, header, sizeof(header));
	sbx_buf_append(&frame, data, size);
	box_write(box, frame.data, frame.len);
}

static inline void box_signal(struct box *box, int number)
{
	unsigned char byte = (unsigned char)number;

	box_send(box, SBX_WIRE_SIGNAL, &byte, 1);
}

static inline void put_strings(struct sbx_buf *run, const char *const *list)
{
	for (; *list; list++)
		sbx_buf_append(run, *list, strlen(*list) + 1);
}

static inline uint32_t count(const char *const *list)
{
	uint32_t n = 0;

	while (list[n])
		n++;
	return n;
}

/* Where the next action is to run, "" is the root. */
static const char *box_working_dir = "";

/* What is emptied behind the next action; or none. */
static const char *const *box_tmpfs;

/* Whose files the next action leaves, and how many bytes of them; or none. */
static const char *box_out = "";
static uint32_t box_out_limit;

/* enum sbx_wire_run_flags of the next action. */
static uint32_t box_flags;

/* Files of secrets for the next action: paths and texts in turn. */
static const char *const *box_files;

static inline void put_files(struct sbx_buf *run)
{
	for (const char *const *file = box_files; file && *file; file += 2) {
		unsigned char size[4];

		sbx_wire_put32(size, (uint32_t)strlen(file[1]));
		sbx_buf_append(run, file[0], strlen(file[0]) + 1);
		sbx_buf_append(run, size, sizeof(size));
		sbx_buf_puts(run, file[1]);
	}
}

static inline void box_run_with(struct box *box, const char *const *argv,
				const char *const *env, const char *file,
				uint32_t limit)
{
	cleanup_buf struct sbx_buf run = SBX_BUF_INIT(SBX_WIRE_RUN_MAX);
	unsigned char fixed[SBX_WIRE_RUN_FIXED] = { 0 };

	sbx_wire_put32(fixed, count(argv));
	sbx_wire_put32(fixed + 4, count(env));
	sbx_wire_put32(fixed + 8, limit);
	sbx_wire_put32(fixed + 12, box_files ? count(box_files) / 2 : 0);
	sbx_wire_put32(fixed + 16, box_tmpfs ? count(box_tmpfs) : 0);
	sbx_wire_put32(fixed + 20, box_out_limit);
	sbx_wire_put32(fixed + 24, box_flags);
	sbx_buf_append(&run, fixed, sizeof(fixed));
	sbx_buf_append(&run, box_working_dir, strlen(box_working_dir) + 1);
	sbx_buf_append(&run, file, strlen(file) + 1);
	sbx_buf_append(&run, box_out, strlen(box_out) + 1);
	put_strings(&run, argv);
	put_strings(&run, env);
	if (box_tmpfs)
		put_strings(&run, box_tmpfs);
	put_files(&run);
	box_send(box, SBX_WIRE_RUN, run.data, run.len);
}

/* A directory that the action may read and write; cmocka's group fixtures. */
static char box_directory[32];

static inline int box_make_directory(void **state)
{
	(void)state;
	signal(SIGPIPE, SIG_IGN);
	snprintf(box_directory, sizeof(box_directory), "/tmp/sbx-init-XXXXXX");
	if (!mkdtemp(box_directory))
		return -1;
	return chmod(box_directory, 0777);
}

static inline int box_remove_directory(void **state)
{
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		execlp("rm", "rm", "-rf", "--", box_directory, NULL);
	return waitpid(pid, NULL, 0) == pid ? 0 : -1;
}

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define PATH_ENV  "PATH=/usr/sbin:/usr/bin:/sbin:/bin"

static inline void box_run(struct box *box, const char *const *argv)
{
	box_run_with(box, argv, LIST(PATH_ENV), "", 0);
}

static inline void box_shell(struct box *box, const char *script)
{
	box_run(box, LIST("sh", "-c", script));
}

/* --- hearing --------------------------------------------------------------- */

static inline void box_beat(struct box *box)
{
	if (sbx_clock_ms() - box->beat_at < SBX_WIRE_BEAT_INTERVAL_MS)
		return;
	box->beat_at = sbx_clock_ms();
	box_send(box, SBX_WIRE_BEAT, NULL, 0);
}

/* Reads something; false at the end, or when nothing came for @ms. */
static inline bool box_read(struct box *box, int ms)
{
	struct pollfd fd = { .fd = box->out, .events = POLLIN };
	static char data[256 * 1024];
	ssize_t got;

	if (poll(&fd, 1, ms) <= 0)
		return false;
	got = read(box->out, data, sizeof(data));
	if (got <= 0)
		return false;
	assert_int_equal(sbx_buf_append(&box->wire, data, (size_t)got), got);
	return true;
}

static inline size_t box_frame_size(const struct box *box)
{
	const unsigned char *at = (const unsigned char *)box->wire.data;

	if (box->wire.len < SBX_WIRE_HEADER_SIZE)
		return SIZE_MAX;
	return SBX_WIRE_HEADER_SIZE + sbx_wire_get32(at + 4);
}

/* The next frame's type; -1 when there comes none.  @payload may be NULL. */
static inline int box_frame(struct box *box, struct sbx_buf *payload)
{
	double until = sbx_clock_ms() + BOX_WAIT_MS;
	size_t size;
	int type;

	while ((size = box_frame_size(box)) > box->wire.len) {
		if (!box_read(box, 200)) {
			struct pollfd fd = { .fd = box->out };

			poll(&fd, 1, 0);
			if (fd.revents & POLLHUP &&
			    box_frame_size(box) > box->wire.len)
				return -1;
		}
		if (sbx_clock_ms() > until)
			fail_msg("init says nothing for %d ms", BOX_WAIT_MS);
		box_beat(box);
	}
	type = (unsigned char)box->wire.data[0];
	if (payload)
		sbx_buf_append(payload, box->wire.data + SBX_WIRE_HEADER_SIZE,
			       size - SBX_WIRE_HEADER_SIZE);
	sbx_buf_consume(&box->wire, size);
	return type;
}

static inline void box_decode_exit(struct box *box, const struct sbx_buf *from)
{
	const unsigned char *at = (const unsigned char *)from->data;

	assert_int_equal(from->len, SBX_WIRE_EXIT_SIZE);
	box->exit = (struct sbx_wire_exit){
		.kind = sbx_wire_get32(at),
		.code = sbx_wire_get32(at + 4),
		.oom_kills = sbx_wire_get64(at + 8),
		.cpu_us = sbx_wire_get64(at + 16),
		.max_rss_bytes = sbx_wire_get64(at + 24),
		.leftover = sbx_wire_get32(at + 32),
		.flags = sbx_wire_get32(at + 36),
		.reserved = sbx_wire_get64(at + 40),
	};
}

/* One frame into where it belongs; its type. */
static inline int box_take(struct box *box)
{
	cleanup_buf struct sbx_buf payload = SBX_BUF_INIT(SBX_WIRE_HELLO_MAX);
	int type = box_frame(box, &payload);

	if (type == SBX_WIRE_STDOUT || type == SBX_WIRE_STDERR)
		assert_true(payload.len > 0);
	if (type == SBX_WIRE_STDOUT)
		sbx_buf_append(&box->stdout_, payload.data, payload.len);
	else if (type == SBX_WIRE_STDERR)
		sbx_buf_append(&box->stderr_, payload.data, payload.len);
	else if (type == SBX_WIRE_FILE)
		sbx_buf_append(&box->file, payload.data, payload.len);
	else if (type == SBX_WIRE_CREDIT)
		box->credit +=
			sbx_wire_get32((const unsigned char *)payload.data);
	else if (type == SBX_WIRE_EXIT)
		box_decode_exit(box, &payload);
	return type;
}

/* A box that has said HELLO. */
static inline struct box *box_ready(void)
{
	struct box *box = box_start();

	assert_int_equal(box_frame(box, NULL), SBX_WIRE_HELLO);
	return box;
}

/* Until @text is in the action's stdout. */
static inline void box_expect(struct box *box, const char *text)
{
	while (!strstr(sbx_buf_text(&box->stdout_), text)) {
		int type = box_take(box);

		if (type != SBX_WIRE_STDOUT && type != SBX_WIRE_STDERR &&
		    type != SBX_WIRE_CREDIT)
			fail_msg("frame 0x%x instead of \"%s\"", type, text);
	}
}

/* Everything up to EXIT, the last thing init says; then it is told to go. */
static inline void box_end(struct box *box)
{
	int type;

	while ((type = box_take(box)) != SBX_WIRE_EXIT) {
		if (type < 0 || type == SBX_WIRE_ABORT)
			fail_msg("frame 0x%x instead of EXIT", type);
	}
	sbx_close(&box->in);
	assert_int_equal(box_wait(box, BOX_WAIT_MS), 0);
	assert_int_equal(box_frame(box, NULL), -1);
	assert_int_equal(box->wire.len, 0);
}

static inline void assert_ended(struct box *box, uint32_t kind, uint32_t code)
{
	box_end(box);
	assert_int_equal(box->exit.kind, kind);
	assert_int_equal(box->exit.code, code);
}

/* FILES for @dir. */
static inline void box_send_into(struct box *box, const char *dir)
{
	char payload[128] = { 0 };

	memcpy(payload + SBX_WIRE_INTO_FIXED, dir, strlen(dir));
	box_send(box, SBX_WIRE_FILES, payload,
		 SBX_WIRE_INTO_FIXED + strlen(dir) + 1);
}

static inline void box_send_file(struct box *box, const char *name,
				 const char *text)
{
	box_send(box, SBX_WIRE_NEW, name, strlen(name));
	if (text[0])
		box_send(box, SBX_WIRE_DATA, text, strlen(text));
}

/* What init says to the end of them. */
static inline int box_send_end(struct box *box)
{
	cleanup_buf struct sbx_buf payload = SBX_BUF_INIT(16);

	box_send(box, SBX_WIRE_FILES_END, NULL, 0);
	assert_int_equal(box_frame(box, &payload), SBX_WIRE_FILES_DONE);
	assert_int_equal(payload.len, 4);
	return (int)sbx_wire_get32((const unsigned char *)payload.data);
}

/* init gives up with this text, last on both streams, and exits 1. */
static inline void assert_aborts(struct box *box, const char *text)
{
	cleanup_buf struct sbx_buf why = SBX_BUF_INIT(SBX_WIRE_ABORT_MAX);
	char said[SBX_WIRE_ABORT_MAX + 1] = "";
	int type;

	do {
		sbx_buf_consume(&why, why.len);
		type = box_frame(box, &why);
	} while (type == SBX_WIRE_STDOUT || type == SBX_WIRE_CREDIT);
	assert_int_equal(type, SBX_WIRE_ABORT);
	assert_string_equal(sbx_buf_text(&why), text);
	assert_int_equal(WEXITSTATUS(box_wait(box, BOX_WAIT_MS)), 1);
	assert_int_equal(box_frame(box, NULL), -1);
	assert_true(read(box->err, said, sizeof(said) - 1) > 0);
	/* Valgrind may have had something to say as well. */
	assert_non_null(strstr(said, text));
	assert_int_equal(said[strlen(said) - 1], '\n');
}

#endif
