/* SPDX-License-Identifier: MIT */
#include "sandbox/runner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"

/*
 * A runner is named by what the kernel never gives out twice: the boot id,
 * the inode of the pid namespace, the pid and the time the process started.
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

static unsigned long long pid_namespace(void)
{
	struct stat st;

	return stat("/proc/self/ns/pid", &st) ? 0 : st.st_ino;
}

/*
 * When process @pid started, in clock ticks since boot; 0 when there is none.
 * proc(5): field 22 of stat; field 2 is the command in parentheses, in which
 * anything may stand, so the fields are counted from the last ')'.
 */
static unsigned long long start_time(long pid)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(TEXT_MAX);
	unsigned long long value = 0;
	char path[64];
	const char *at;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	if (!read_text(path, &text))
		return 0;
	at = strrchr(sbx_buf_text(&text), ')');
	for (int field = 2; at && field < 22; field++)
		at = strchr(at + 1, ' ');
	return at && sscanf(at, "%llu", &value) == 1 ? value : 0;
}

const char *sbx_runner_identity(void)
{
	/* Not kept from call to call: a fork(2) makes another process. */
	static _Thread_local char identity[160];
	char boot[64] = "unknown";
	long pid = (long)getpid();

	boot_id(boot, sizeof(boot));
	snprintf(identity, sizeof(identity), "%s:%llu:%ld:%llu", boot,
		 pid_namespace(), pid, start_time(pid));
	return identity;
}

enum sbx_runner_state sbx_runner_state(const char *identity)
{
	unsigned long long namespace, started, now;
	char boot[64], own_boot[64];
	char extra;
	long pid;

	if (sscanf(identity, "%63[0-9a-f-]:%llu:%ld:%llu%c", boot, &namespace,
		   &pid, &started, &extra) != 4)
		return SBX_RUNNER_ELSEWHERE;
	if (!boot_id(own_boot, sizeof(own_boot)) ||
	    strcmp(boot, own_boot) != 0 || namespace == 0 ||
	    namespace != pid_namespace() || pid <= 0 || started == 0)
		return SBX_RUNNER_ELSEWHERE;
	now = start_time(pid);
	/* hidepid=2 of proc(5) hides the processes of other users. */
	if (now == 0 && (kill((pid_t)pid, 0) == 0 || errno != ESRCH))
		return SBX_RUNNER_ELSEWHERE;
	return now == started ? SBX_RUNNER_ALIVE : SBX_RUNNER_DEAD;
}
