/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_CHILD_H
#define SBX_INIT_CHILD_H

#include <stdbool.h>

/*
 * What the forked child is to become.
 *
 * @fds		its stdin, stdout and stderr, all above 2
 * @dir		where it runs, "" for the root
 * @without_ipc	no objects of System V and POSIX IPC
 * @is_subreaper	whose orphans it inherits (prctl(2))
 * @does	what it is instead of a program, given @argv[0]; it returns the
 *		exit status
 * @status	where it says what failed; above 2, closes on exec
 */
struct sbx_child {
	int fds[3];
	int status;
	bool without_ipc;
	bool is_subreaper;
	int (*does)(const char *path);
	const char *dir;
	char **argv;
	char **envp;
};

enum sbx_child_step {
	SBX_CHILD_SESSION,
	SBX_CHILD_SIGNALS,
	SBX_CHILD_STREAMS,
	SBX_CHILD_CLOSE,
	SBX_CHILD_LIMITS,
	SBX_CHILD_CHDIR,
	SBX_CHILD_FILTER,
	SBX_CHILD_EXEC,
};

/* Written to @status as it is, when a step fails. */
struct sbx_child_failure {
	int step; /* enum sbx_child_step */
	int errnum;
};

_Noreturn void sbx_child_become(const struct sbx_child *child);

/* For people: "seccomp filter of the action". */
const char *sbx_child_step_name(int step);

/* Closes every descriptor from @first on, but those above a million. */
int sbx_child_close_from(unsigned int first);

#endif
