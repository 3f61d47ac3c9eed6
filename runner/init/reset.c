/* SPDX-License-Identifier: MIT */
/*
 * What may be left of an action, and where it would be seen:
 *
 *	processes	kill(2) finds none, the cgroup counts one
 *	files		the tmpfs that are writable, which are emptied, and
 *			whose modes, times, attributes and space are what they
 *			were; all else is read-only, or a volume, which is meant
 *			to stay
 *	POSIX queues	/dev/mqueue
 *	SysV objects	/proc/sysvipc
 *	sockets		the network namespace's counters
 *	keys		there are none: the filter of seccomp.c
 *	init itself	self.c
 *
 * Whatever differs, for whatever reason, is the end of the sandbox: nothing is
 * repaired but what is emptied.  What an action can move that is not looked at
 * are counters, such as the next pid.
 */
#include "init/reset.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "init/empty.h"
#include "init/out.h"
#include "init/self.h"
#include "init/text.h"

#define FILES_MAX 200000
#define RESET_MS  1000
/* What the kernel does behind a process's end may take a moment. */
#define SETTLE_MS 20
#define SETTLE_NS 200000

#define MQUEUE	  "/dev/mqueue"

static struct sbx_self self;
static struct sbx_empty tmpfs[SBX_WIRE_TMPFS_MAX];
static uint32_t n_tmpfs;
static char paths[16 * 1024];
static uint64_t sockets;

/* Files of the kernel's that are read again and again. */
static struct {
	const char *path;
	int fd;
} looked_at[] = {
	{ "/sys/fs/cgroup/pids.current", -1 },
	{ "/sys/fs/cgroup/pids/pids.current", -1 },
	{ "/proc/sysvipc/shm", -1 },
	{ "/proc/sysvipc/sem", -1 },
	{ "/proc/sysvipc/msg", -1 },
	{ "/proc/net/sockstat", -1 },
	{ "/proc/net/sockstat6", -1 },
};
enum { PIDS_V2, PIDS_V1, SHM, SEM, MSG, SOCKETS, SOCKETS6, LOOKED_AT };

/* Its text, with a NUL; "" where there is no such file.  -1 with errno. */
static int look(int which, char *text, size_t size)
{
	ssize_t got = 0;

	if (looked_at[which].fd >= 0)
		got = pread(looked_at[which].fd, text, size - 1, 0);
	if (got < 0)
		return -1;
	text[got] = '\0';
	return 0;
}

/* --- before ---------------------------------------------------------------- */

/* Of those that RUN names, and no other: a volume may be a tmpfs as well. */
static const char *note_all(char *const *list, uint32_t n)
{
	uint32_t used = 0;

	if (n > SBX_WIRE_TMPFS_MAX)
		return "too many tmpfs";
	for (uint32_t i = 0; i < n; i++) {
		size_t size = strlen(list[i]) + 1;
		const char *why;

		if (size > sizeof(paths) - used)
			return "too many tmpfs";
		memcpy(paths + used, list[i], size);
		why = sbx_empty_note(&tmpfs[i], paths + used);
		if (why)
			return why;
		used += (uint32_t)size;
	}
	n_tmpfs = n;
	return NULL;
}

/* The number behind @key, or 0. */
static uint64_t number_behind(const char *text, const char *key)
{
	const char *at = strstr(text, key);
	uint64_t number = 0;

	for (at = at ? at + strlen(key) : ""; *at >= '0' && *at <= '9'; at++)
		number = number * 10 + (uint64_t)(*at - '0');
	return number;
}

/* Of this network namespace alone; what lingers after a connection is one. */
static uint64_t count_sockets(void)
{
	char text[1024];
	uint64_t count = 0;

	if (look(SOCKETS, text, sizeof(text)) < 0)
		return UINT64_MAX;
	count = number_behind(text, "sockets: used ") +
		number_behind(text, "TCP: inuse ") +
		number_behind(text, "tw ") +
		number_behind(text, "UDP: inuse ") +
		number_behind(text, "RAW: inuse ");
	if (look(SOCKETS6, text, sizeof(text)) < 0)
		return UINT64_MAX;
	return count + number_behind(text, "TCP6: inuse ") +
	       number_behind(text, "UDP6: inuse ") +
	       number_behind(text, "RAW6: inuse ");
}

int sbx_reset_note(struct sbx_init *init, char *const *list, uint32_t n)
{
	const char *why;

	if (init->can_reset)
		return 0;
	if (!init->is_direct)
		return sbx_abort(init, "reset of an attached sandbox", 0);
	for (int i = 0; i < LOOKED_AT; i++)
		looked_at[i].fd = open(looked_at[i].path, O_RDONLY | O_CLOEXEC);
	if (sbx_self_note(&self) < 0)
		return sbx_abort(init, "what init is like", errno);
	why = note_all(list, n);
	if (why)
		return sbx_abort(init, why, 0);
	sockets = count_sockets();
	init->can_reset = true;
	return 0;
}

/* --- after ----------------------------------------------------------------- */

/* What RESET says. */
struct report {
	uint32_t processes;
	uint32_t emptied;
	uint32_t files;
	uint32_t objects;
	const char *why;
};

static const char *look_for_processes(struct report *report)
{
	char text[64] = "";

	if (waitpid(-1, NULL, WNOHANG | __WALL) != -1 || errno != ECHILD)
		return "a process";
	if (kill(-1, 0) != -1 || errno != ESRCH)
		return "a process";
	if (look(PIDS_V2, text, sizeof(text)) < 0)
		return "the number of processes";
	if (text[0] == '\0' && look(PIDS_V1, text, sizeof(text)) < 0)
		return "the number of processes";
	report->processes = (uint32_t)number_behind(text, "");
	return report->processes == 1 ? NULL : "the number of processes";
}

/* The header's line is all that there may be. */
static const char *look_for_objects(struct report *report)
{
	char text[512];

	for (int i = SHM; i <= MSG; i++) {
		char *end;

		if (look(i, text, sizeof(text)) < 0)
			return "System V objects";
		end = strchr(text, '\n');
		if (end && end[1] != '\0')
			report->objects++;
	}
	return report->objects > 0 ? "a System V object" : NULL;
}

/*
 * Queues are files of a file system of their own, also for who may not call
 * mq_open(2).  Its root is root's: its times cannot be what they were, but what
 * they say can be no more than when this was.
 */
static const char *empty_queues(uint32_t *budget, int64_t until)
{
	char entries[1024];
	const char *why = NULL;
	int fd = open(MQUEUE, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long size = -1;

	/* Not every engine mounts it; then there is no way to one by name. */
	if (fd < 0)
		return errno == ENOENT ? NULL : "POSIX queues";
	if (sbx_empty_remove(fd, budget, until) == 0 &&
	    lseek(fd, 0, SEEK_SET) == 0 && futimens(fd, NULL) == 0)
		size = syscall(SYS_getdents64, fd, entries, sizeof(entries));
	/* "." and "..", each a header of 19 bytes and a name, rounded to 8 */
	if (size != 48)
		why = "a POSIX queue";
	close(fd);
	return why;
}

static const char *empty_all(struct report *report, int64_t until)
{
	uint32_t budget = FILES_MAX;
	const char *why = empty_queues(&budget, until);

	for (uint32_t i = 0; !why && i < n_tmpfs; i++) {
		why = sbx_empty(&tmpfs[i], &budget, until);
		report->emptied += why == NULL;
	}
	report->files = FILES_MAX - budget;
	return why;
}

static const char *look_at_sockets(void)
{
	return count_sockets() == sockets ? NULL : "a socket";
}

static const char *look_at_init(void)
{
	struct sbx_self now;

	if (sbx_self_note(&now) < 0)
		return "what init is like";
	return sbx_self_compare(&self, &now);
}

static const char *look_around(struct report *report, int64_t until)
{
	const char *why;

	*report = (struct report){ .processes = 0 };
	if ((why = look_for_processes(report)) ||
	    (why = look_for_objects(report)) ||
	    (why = empty_all(report, until)) || (why = look_at_sockets()))
		return why;
	return look_at_init();
}

static uint64_t microseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void say(const struct report *report, uint64_t began)
{
	char payload[SBX_WIRE_RESET_FIXED + 128];
	unsigned char *at = (unsigned char *)payload;
	struct sbx_text why = { .data = payload + SBX_WIRE_RESET_FIXED,
				.size = 128 };

	sbx_wire_put32(at, report->processes);
	sbx_wire_put32(at + 4, report->emptied);
	sbx_wire_put32(at + 8, report->files);
	sbx_wire_put32(at + 12, report->objects);
	sbx_wire_put32(at + 16, (uint32_t)(microseconds() - began));
	if (report->why)
		sbx_text_puts(&why, report->why);
	sbx_out_frame(SBX_WIRE_RESET, payload, SBX_WIRE_RESET_FIXED + why.len);
}

/* As it was before the first RUN. */
static void forget(struct sbx_init *init)
{
	init->phase = SBX_WAITING;
	init->input_ended = false;
	init->reap_again = false;
	init->has_files = false;
	init->owed = 0;
	memset(&init->exit, 0, sizeof(init->exit));
	init->heard_at = sbx_now();
}

void sbx_reset(struct sbx_init *init)
{
	static const struct timespec moment = { .tv_nsec = SETTLE_NS };
	int64_t began = sbx_now();
	uint64_t since = microseconds();
	struct report report;

	report.why = look_around(&report, began + RESET_MS);
	while (report.why && sbx_now() - began < SETTLE_MS) {
		uint32_t files = report.files;

		nanosleep(&moment, NULL);
		report.why = look_around(&report, began + RESET_MS);
		report.files += files;
	}
	say(&report, since);
	init->wants_reset = false;
	if (!report.why)
		forget(init);
}
