/* SPDX-License-Identifier: MIT */
/*
 * The child between fork and exec.  It shares nothing with init that it could
 * use: after this file's last line there is only the action, with three
 * pipes, a session of its own, and a filter on its system calls.
 */
#include "init/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/seccomp.h"

/* The one descriptor besides 0 to 2 that lives until exec. */
#define STATUS_FD 3

/* Highest signal number of every architecture we run on, asm/signal.h. */
#define SIGNAL_MAX 64

/* Bigger than any struct sigaction of the kernel; zero is SIG_DFL. */
static const unsigned long default_action[8];

/*
 * Straight system calls: libc keeps signals 32 to 34 to itself and would leave
 * them as they were.  SIGKILL and SIGSTOP cannot be set.
 */
static int reset_signals(void)
{
	static const unsigned long none[SIGNAL_MAX / 8 / sizeof(long)];

	for (int i = 1; i <= SIGNAL_MAX; i++) {
		if (syscall(SYS_rt_sigaction, i, default_action, NULL,
			    SIGNAL_MAX / 8) < 0 &&
		    i != SIGKILL && i != SIGSTOP)
			return -1;
	}
	return (int)syscall(SYS_rt_sigprocmask, SIG_SETMASK, none, NULL,
			    SIGNAL_MAX / 8);
}

static int set_streams(const struct sbx_child *child)
{
	for (int i = 0; i < 3; i++) {
		if (dup2(child->fds[i], i) < 0)
			return -1;
	}
	if (child->status == STATUS_FD)
		return 0;
	return dup3(child->status, STATUS_FD, O_CLOEXEC);
}

int sbx_child_close_from(unsigned int first)
{
	struct rlimit limit;

	if (syscall(SYS_close_range, first, ~0U, 0) == 0)
		return 0;
	/* Linux before 5.9, or an engine's filter older than that. */
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return -1;
	if (limit.rlim_max > 1024 * 1024)
		limit.rlim_max = 1024 * 1024;
	for (unsigned int fd = first; fd < limit.rlim_max; fd++)
		close((int)fd);
	return 0;
}

/*
 * Once a uid has as many signals queued as the receiver's limit allows, the
 * kernel still delivers standard ones, but forgets who sent them, and what is
 * left looks as if it came from outside.  The action's half of the limit is
 * full before init's is.
 */
static int limit_signals(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_SIGPENDING, &limit) < 0)
		return -1;
	limit.rlim_max /= 2;
	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_SIGPENDING, &limit);
}

/*
 * As the action's user and with nothing open but its streams, so that no path
 * leads further than the action itself could go.
 */
static int enter(const char *dir)
{
	return chdir(dir[0] != '\0' ? dir : "/");
}

const char *sbx_child_step_name(int step)
{
	static const char *const names[] = {
		[SBX_CHILD_SESSION] = "session of the action",
		[SBX_CHILD_SIGNALS] = "signals of the action",
		[SBX_CHILD_STREAMS] = "standard streams of the action",
		[SBX_CHILD_CLOSE] = "descriptors of the action",
		[SBX_CHILD_LIMITS] = "limits of the action",
		[SBX_CHILD_CHDIR] = "working directory of the action",
		[SBX_CHILD_FILTER] = "seccomp filter of the action",
		[SBX_CHILD_EXEC] = "execution of the action",
	};

	return names[step];
}

/* Ends the child when the step has failed. */
static void check(int step, int result, int status)
{
	struct sbx_child_failure failure = { .step = step, .errnum = errno };

	if (result >= 0)
		return;
	/* Smaller than PIPE_BUF, into an empty pipe: all or nothing. */
	(void)!write(status, &failure, sizeof(failure));
	_exit(127);
}

_Noreturn void sbx_child_become(const struct sbx_child *child)
{
	check(SBX_CHILD_SESSION, setsid(), child->status);
	check(SBX_CHILD_SIGNALS, reset_signals(), child->status);
	check(SBX_CHILD_STREAMS, set_streams(child), child->status);
	check(SBX_CHILD_CLOSE, sbx_child_close_from(STATUS_FD + 1), STATUS_FD);
	check(SBX_CHILD_LIMITS, limit_signals(), STATUS_FD);
	check(SBX_CHILD_CHDIR, enter(child->dir), STATUS_FD);
	umask(022);
	check(SBX_CHILD_FILTER, sbx_seccomp_install(child->without_ipc),
	      STATUS_FD);
	if (child->is_subreaper)
		check(SBX_CHILD_SESSION, prctl(PR_SET_CHILD_SUBREAPER, 1),
		      STATUS_FD);
	if (child->does) {
		close(STATUS_FD);
		_exit(child->does(child->argv[0]));
	}
	environ = child->envp;
	check(SBX_CHILD_EXEC, execvp(child->argv[0], child->argv), STATUS_FD);
	_exit(127);
}
