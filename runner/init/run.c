/* SPDX-License-Identifier: MIT */
/*
 * From RUN to a running action: take the payload apart, make the pipes, fork.
 * What the child does then is in child.c.
 */
#include "init/run.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "init/artifacts.h"
#include "init/child.h"
#include "init/copy_in.h"
#include "init/copy_out.h"
#include "init/cursor.h"
#include "init/detached.h"
#include "init/file.h"
#include "init/oom.h"
#include "init/reset.h"
#include "init/secret_file.h"

static char *argv[SBX_WIRE_STRINGS_MAX + 1];
static char *envp[SBX_WIRE_STRINGS_MAX + 1];
static char *tmpfs[SBX_WIRE_TMPFS_MAX + 1];

static bool next_file(struct sbx_cursor *cursor, struct sbx_secret_file *file)
{
	file->path = sbx_cursor_string(cursor);
	if (!file->path || cursor->end - cursor->at < 4)
		return false;
	file->size = sbx_wire_get32(cursor->at);
	file->data = cursor->at + 4;
	if (file->size > (size_t)(cursor->end - file->data))
		return false;
	cursor->at += 4 + file->size;
	return true;
}

/* What RUN says beside argv and envp. */
struct run {
	const char *dir;
	const char *output_file;
	uint32_t output_file_limit;
	const char *out;
	uint32_t out_limit;
	uint32_t n_files;
	uint32_t n_tmpfs;
	uint32_t flags;
	struct sbx_cursor files;
};

/* False when this is not what wire.h says RUN is. */
static bool parse(unsigned char *payload, uint32_t size, struct run *run)
{
	struct sbx_cursor cursor = { .at = payload + SBX_WIRE_RUN_FIXED,
				     .end = payload + size };
	struct sbx_secret_file file;
	uint32_t argc = sbx_wire_get32(payload);
	uint32_t envc = sbx_wire_get32(payload + 4);

	run->output_file_limit = sbx_wire_get32(payload + 8);
	run->n_files = sbx_wire_get32(payload + 12);
	run->n_tmpfs = sbx_wire_get32(payload + 16);
	run->out_limit = sbx_wire_get32(payload + 20);
	run->flags = sbx_wire_get32(payload + 24);
	if (run->n_tmpfs > SBX_WIRE_TMPFS_MAX || argc < 1 ||
	    argc > SBX_WIRE_STRINGS_MAX || envc > SBX_WIRE_STRINGS_MAX)
		return false;
	run->dir = sbx_cursor_string(&cursor);
	run->output_file = run->dir ? sbx_cursor_string(&cursor) : NULL;
	run->out = run->output_file ? sbx_cursor_string(&cursor) : NULL;
	if (!run->out || !sbx_cursor_strings(&cursor, argv, argc) ||
	    !sbx_cursor_strings(&cursor, envp, envc) ||
	    !sbx_cursor_strings(&cursor, tmpfs, run->n_tmpfs))
		return false;
	run->files = cursor;
	for (uint32_t i = 0; i < run->n_files; i++) {
		if (!next_file(&cursor, &file))
			return false;
	}
	return cursor.at == cursor.end;
}

/*
 * Before anything of the image runs, so that nobody can stand in the way.  In a
 * session they may be there from before.
 */
static int make_files(struct run *run, bool may_replace)
{
	struct sbx_secret_file file;

	for (uint32_t i = 0; i < run->n_files; i++) {
		next_file(&run->files, &file);
		if (may_replace)
			sbx_secret_file_clear(file.path);
		if (sbx_secret_file_make(&file) < 0)
			return -1;
	}
	return 0;
}

/* Both ends close on exec; only init's own, @mine, does not block. */
static int make_pipe(int ends[2], int mine)
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	return fcntl(ends[mine], F_SETFL, O_NONBLOCK);
}

/* The action's ends of pipes whose other ends are init's. */
static int make_streams(struct sbx_init *init)
{
	int in[2], out[2], err[2];

	if (make_pipe(in, 1) < 0 || make_pipe(out, 0) < 0 ||
	    make_pipe(err, 0) < 0)
		return sbx_abort(init, "pipes for the action", errno);
	init->action_in = in[1];
	init->action_out = out[0];
	init->action_err = err[0];
	init->given[0] = in[0];
	init->given[1] = out[1];
	init->given[2] = err[1];
	return 0;
}

/* Of one that goes on: nothing to read, and one pipe for what it writes. */
static int make_log(struct sbx_init *init, int *out)
{
	int log[2];

	init->given[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (init->given[0] < 0 || make_pipe(log, 0) < 0)
		return sbx_abort(init, "pipes for the action", errno);
	*out = log[0];
	init->given[1] = log[1];
	init->given[2] = fcntl(log[1], F_DUPFD_CLOEXEC, 3);
	if (init->given[2] < 0)
		return sbx_abort(init, "pipes for the action", errno);
	return 0;
}

/*
 * As if it could not be executed, and without a try; that is no end of what
 * goes on in the session.
 */
static int refuse(struct sbx_init *init, uint32_t kind, int errnum)
{
	int *const streams[] = { &init->given[0],   &init->given[1],
				 &init->given[2],   &init->action_in,
				 &init->action_out, &init->action_err };

	for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++)
		sbx_close(streams[i]);
	init->exit.kind = kind;
	init->exit.code = (uint32_t)errnum;
	sbx_run_over(init);
	return 0;
}

static int (*what_it_does(uint32_t flags))(const char *path)
{
	if (flags & SBX_WIRE_RUN_COPY_IN)
		return sbx_copy_in;
	return flags & SBX_WIRE_RUN_COPY_OUT ? sbx_copy_out : NULL;
}

static int fork_child(struct sbx_init *init, const char *dir, int status[2])
{
	struct sbx_child child = {
		.fds = { init->given[0], init->given[1], init->given[2] },
		.status = status[1],
		.dir = dir,
		.argv = argv,
		.envp = envp,
		.without_ipc = init->wants_reset,
		.is_subreaper = init->flags & SBX_WIRE_RUN_DETACH,
		.does = what_it_does(init->flags),
	};
	pid_t pid = fork();

	if (pid == 0)
		sbx_child_become(&child);
	close(status[1]);
	if (pid < 0) {
		int errnum = errno;

		close(status[0]);
		if (init->session == 0)
			return sbx_abort(init, "fork", errnum);
		return refuse(init, SBX_WIRE_EXEC_FAILED, errnum);
	}
	for (int i = 0; i < 3; i++)
		sbx_close(&init->given[i]);
	init->pid = pid;
	init->exec_status = status[0];
	init->phase = SBX_RUNNING;
	return 0;
}

static int check(struct sbx_init *init, const struct run *run)
{
	const uint32_t all = SBX_WIRE_RUN_DETACH | SBX_WIRE_RUN_COPY_IN |
			     SBX_WIRE_RUN_COPY_OUT;
	bool detaches = run->flags & SBX_WIRE_RUN_DETACH;

	if (run->flags & ~all || (run->flags & (run->flags - 1)) ||
	    (run->flags && init->session == 0) ||
	    (run->n_tmpfs > 0 && init->session != 0))
		return sbx_abort(init, "RUN makes no sense", 0);
	if ((init->is_direct && !detaches) != (init->given[0] >= 0))
		return sbx_abort(init, "RUN without streams", 0);
	return 0;
}

/* What init has to know of it when it ends. */
static int remember(struct sbx_init *init, const struct run *run)
{
	if (!sbx_file_remember(run->output_file))
		return sbx_abort(init, "output file", ENAMETOOLONG);
	if (!sbx_artifacts_remember(run->out, run->out_limit,
				    init->session != 0))
		return sbx_abort(init, "directory of files", ENAMETOOLONG);
	init->file_left = run->output_file_limit;
	init->flags = run->flags;
	init->wants_reset = run->n_tmpfs > 0;
	if (init->wants_reset)
		return sbx_reset_note(init, tmpfs, run->n_tmpfs);
	return 0;
}

int sbx_run_start(struct sbx_init *init, unsigned char *payload, uint32_t size)
{
	int status[2];
	int log = -1;
	struct run run;

	if (!parse(payload, size, &run))
		return sbx_abort(init, "RUN makes no sense", 0);
	if (check(init, &run) < 0 || remember(init, &run) < 0)
		return SBX_ABORT;
	if (run.flags & SBX_WIRE_RUN_DETACH && !sbx_detached_has_room())
		return refuse(init, SBX_WIRE_EXEC_FAILED, EAGAIN);
	if (make_files(&run, init->session != 0) < 0) {
		if (init->session == 0)
			return sbx_abort(init, "files of secrets", errno);
		return refuse(init, SBX_WIRE_FILES_FAILED, errno);
	}
	init->oom_before = sbx_oom_kills();
	if (run.flags & SBX_WIRE_RUN_DETACH) {
		if (make_log(init, &log) < 0)
			return SBX_ABORT;
	} else if (!init->is_direct && make_streams(init) < 0) {
		return SBX_ABORT;
	}
	if (make_pipe(status, 0) < 0)
		return sbx_abort(init, "pipes for the action", errno);
	if (fork_child(init, run.dir, status) < 0)
		return SBX_ABORT;
	if (log < 0)
		return 0;
	if (init->phase == SBX_RUNNING) {
		sbx_detached_add(init->pid, log);
		sbx_secret_files_hand_over(init->pid);
	} else {
		sbx_close(&log);
	}
	return 0;
}

void sbx_run_over(struct sbx_init *init)
{
	sbx_secret_files_remove(0);
	init->phase = SBX_DRAINING;
	init->out_left = init->err_left = 0;
	ioctl(init->action_out, FIONREAD, &init->out_left);
	ioctl(init->action_err, FIONREAD, &init->err_left);
}

void sbx_run_detached(struct sbx_init *init)
{
	sbx_close(&init->exec_status);
	init->exit.kind = SBX_WIRE_DETACHED;
	init->exit.code = (uint32_t)init->pid;
	init->pid = 0;
	/* Of one that has ended meanwhile. */
	sbx_kill_others();
	sbx_run_over(init);
}

int sbx_run_failure(struct sbx_init *init)
{
	struct sbx_child_failure failure;
	ssize_t got = read(init->exec_status, &failure, sizeof(failure));

	sbx_close(&init->exec_status);
	if (got != sizeof(failure))
		return 0;
	init->exit.code = (uint32_t)failure.errnum;
	switch (failure.step) {
	case SBX_CHILD_EXEC:
		init->exit.kind = SBX_WIRE_EXEC_FAILED;
		return SBX_RUN_FAILED;
	case SBX_CHILD_CHDIR:
		init->exit.kind = SBX_WIRE_CHDIR_FAILED;
		return SBX_RUN_FAILED;
	default:
		return sbx_abort(init, sbx_child_step_name(failure.step),
				 failure.errnum);
	}
}
