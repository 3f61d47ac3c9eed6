/* SPDX-License-Identifier: MIT */
#include "init/reap.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "init/detached.h"
#include "init/oom.h"
#include "init/run.h"

/* So many at a time: a fork bomb must not keep init from its other work. */
#define AT_ONCE 256

/* A process in an uninterruptible wait may outlive SIGKILL for long. */
#define KILL_MS 5000

static uint64_t microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

/* What wait4 says includes the process's own reaped children. */
static void account(struct sbx_init *init, const struct rusage *usage)
{
	uint64_t rss = (uint64_t)usage->ru_maxrss * 1024;

	init->exit.cpu_us +=
		microseconds(&usage->ru_utime) + microseconds(&usage->ru_stime);
	if (rss > init->exit.max_rss_bytes)
		init->exit.max_rss_bytes = rss;
}

static int action_ended(struct sbx_init *init, int status)
{
	int result = sbx_run_failure(init);

	if (result < 0)
		return result;
	init->pid = 0;
	if (result == SBX_RUN_FAILED) {
		/* It is said already. */
	} else if (WIFSIGNALED(status)) {
		init->exit.kind = SBX_WIRE_SIGNALED;
		init->exit.code = (uint32_t)WTERMSIG(status);
	} else {
		init->exit.kind = SBX_WIRE_EXITED;
		init->exit.code = (uint32_t)WEXITSTATUS(status);
	}
	sbx_close(&init->action_in);
	init->phase = SBX_KILLING;
	init->kill_until = sbx_now() + KILL_MS;
	return 0;
}

/* Unless something runs nobody else will see to what it leaves. */
static void detached_ended(const struct sbx_init *init)
{
	if (init->phase != SBX_RUNNING)
		sbx_kill_others();
}

static int reaped(struct sbx_init *init, pid_t pid, int status,
		  const struct rusage *usage)
{
	account(init, usage);
	if (sbx_detached_remove(pid) && pid != init->pid) {
		detached_ended(init);
		return 0;
	}
	if (pid == init->pid)
		return action_ended(init, status);
	if (init->phase == SBX_KILLING && WIFSIGNALED(status) &&
	    WTERMSIG(status) == SIGKILL)
		init->exit.leftover++;
	return 0;
}

static void nobody_left(struct sbx_init *init)
{
	init->exit.oom_kills = sbx_oom_kills() - init->oom_before;
	sbx_run_over(init);
}

/* *@none: init has no children. */
static int collect(struct sbx_init *init, bool *none)
{
	struct rusage usage;
	int status, result;

	for (int i = 0; i < AT_ONCE; i++) {
		pid_t pid = wait4(-1, &status, WNOHANG | __WALL, &usage);

		if (pid <= 0) {
			*none = pid < 0 && errno == ECHILD;
			init->reap_again = false;
			return 0;
		}
		result = reaped(init, pid, status, &usage);
		if (result < 0)
			return result;
	}
	init->reap_again = true;
	return 0;
}

int sbx_reap(struct sbx_init *init)
{
	bool none = false;
	int result = collect(init, &none);

	if (result < 0 || init->phase != SBX_KILLING)
		return result;
	if (none || sbx_now() >= init->kill_until ||
	    (sbx_kill_others() == 0 && sbx_detached_count() > 0))
		nobody_left(init);
	return 0;
}
