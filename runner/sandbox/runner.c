/* SPDX-License-Identifier: MIT */
#include "sandbox/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/*
 * A runner is named by what the kernel never gives out twice: the boot id,
 * the namespaces, the pid and the time since boot when the process started.
 * The name is a label on what the runner makes, so that any other runner can
 * tell later whether it is still there, without a state of its own.
 */

#define TEXT_MAX 4096

static bool read_text(const char *path, struct sbx_buf *out)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_fd int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd >= 0 && sbx_fd_read_all(fd, out, &ignored) == 0;
}

static bool boot_id(char *out, size_t size)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(TEXT_MAX);

	if (!read_text("/proc/sys/kernel/random/boot_id", &text))
		return false;
	snprintf(out, size, "%.*s", (int)strcspn(sbx_buf_text(&text), "\n"),
		 sbx_buf_text(&text));
	return true;
}

/*
 * Where pids and start times mean the same: the inode of the pid namespace,
 * and above it that of the time namespace (time_namespaces(7)), whose offset
 * is in what /proc says of start times; of the initial one, nothing.  0 where
 * /proc is not that of our own pid namespace: it then tells of others.
 */
static unsigned long long namespaces(void)
{
	const unsigned long long initial_time = 0xEFFFFFFA;
	unsigned long long time = initial_time;
	char self[32] = "";
	struct stat st;

	if (readlink("/proc/self", self, sizeof(self) - 1) < 0 ||
	    strtol(self, NULL, 10) != (long)getpid())
		return 0;
	/* Linux before 5.6 has no time namespaces. */
	if (stat("/proc/self/ns/time", &st) == 0)
		time = st.st_ino;
	if (stat("/proc/self/ns/pid", &st) < 0)
		return 0;
	return (time ^ initial_time) << 32 | (unsigned long long)st.st_ino;
}

/*
 * When process @pid started, in clock ticks since boot; 0 when there is none.
 * One that has ended and waits for its parent to notice is none (*@is_over).
 * proc(5): fields 3, 20 and 22 of stat are the state, the number of threads
 * and the start time; field 2 is the command in parentheses, in which anything
 * may stand, so the fields are counted from the last ')'.  A first thread may
 * end before others do.
 */
static unsigned long long start_time(long pid, bool *is_over)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(TEXT_MAX);
	unsigned long long value;
	char path[64];
	const char *at;
	char run_state;
	long threads;

	*is_over = false;
	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (!read_text(path, &text))
		return 0;
	at = strrchr(sbx_buf_text(&text), ')');
	if (!at || sscanf(at,
			  ") %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s "
			  "%*s %*s %*s %*s %*s %ld %*s %llu",
			  &run_state, &threads, &value) != 3)
		return 0;
	*is_over = strchr("ZX", run_state) && threads <= 1;
	return *is_over ? 0 : value;
}

const char *sbx_runner_identity(void)
{
	/* Not kept from call to call: a fork(2) makes another process. */
	static _Thread_local char identity[160];
	char boot[64] = "unknown";
	long pid = (long)getpid();
	bool is_over;

	boot_id(boot, sizeof(boot));
	snprintf(identity, sizeof(identity), "%s:%llu:%ld:%llu", boot,
		 namespaces(), pid, start_time(pid, &is_over));
	return identity;
}

enum sbx_runner_state sbx_runner_state(const char *identity)
{
	unsigned long long namespace, started, now;
	char boot[64], own_boot[64];
	bool is_over;
	char extra;
	long pid;

	if (sscanf(identity, "%63[0-9a-f-]:%llu:%ld:%llu%c", boot, &namespace,
		   &pid, &started, &extra) != 4)
		return SBX_RUNNER_ELSEWHERE;
	if (!boot_id(own_boot, sizeof(own_boot)) ||
	    strcmp(boot, own_boot) != 0 || namespace == 0 ||
	    namespace != namespaces() || pid <= 0 || started == 0)
		return SBX_RUNNER_ELSEWHERE;
	now = start_time(pid, &is_over);
	/* hidepid=2 of proc(5) hides the processes of other users. */
	if (now == 0 && !is_over &&
	    (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
		return SBX_RUNNER_ELSEWHERE;
	return now == started ? SBX_RUNNER_ALIVE : SBX_RUNNER_DEAD;
}
