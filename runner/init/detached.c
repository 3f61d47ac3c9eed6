/* SPDX-License-Identifier: MIT */
/*
 * Who belongs to a detached process is told by parents: it is a subreaper
 * (prctl(2)), so what it starts, and what that starts, stays below it whoever
 * in between ends.  All others are below init.  While they are told apart
 * nobody may fork, so everybody is stopped: a fork(2) that is under way when
 * the signal comes is begun anew behind it, or its child has it too
 * (kernel/fork.c, copy_process).
 */
#include "init/detached.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "init/dir_entry.h"
#include "init/log.h"
#include "init/secret_file.h"
#include "init/state.h"
#include "init/text.h"

/* Of which we can keep a list. */
#define PROCESSES_MAX 4096

static struct {
	pid_t pid;
	int out;
} all[SBX_WIRE_DETACHED_MAX];

static bool is_one(pid_t pid)
{
	for (int i = 0; i < SBX_WIRE_DETACHED_MAX; i++) {
		if (all[i].pid == pid)
			return true;
	}
	return false;
}

bool sbx_detached_has_room(void)
{
	return is_one(0);
}

void sbx_detached_add(pid_t pid, int out)
{
	for (int i = 0; i < SBX_WIRE_DETACHED_MAX; i++) {
		if (all[i].pid != 0)
			continue;
		all[i].pid = pid;
		all[i].out = out;
		return;
	}
}

/* What of its output is there is kept; who inherited the pipe is nobody. */
bool sbx_detached_remove(pid_t pid)
{
	for (int i = 0; i < SBX_WIRE_DETACHED_MAX; i++) {
		if (all[i].pid != pid)
			continue;
		sbx_log_take_all(all[i].out);
		sbx_close(&all[i].out);
		sbx_secret_files_remove(pid);
		all[i].pid = 0;
		return true;
	}
	return false;
}

uint32_t sbx_detached_count(void)
{
	uint32_t n = 0;

	for (int i = 0; i < SBX_WIRE_DETACHED_MAX; i++)
		n += all[i].pid != 0;
	return n;
}

void sbx_detached_signal(int number)
{
	for (int i = 0; i < SBX_WIRE_DETACHED_MAX; i++) {
		if (all[i].pid != 0)
			kill(-all[i].pid, number);
	}
}

uint32_t sbx_detached_want(struct pollfd fds[SBX_WIRE_DETACHED_MAX])
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < SBX_WIRE_DETACHED_MAX; i++) {
		fds[i] = (struct pollfd){ all[i].pid != 0 ? all[i].out : -1,
					  POLLIN, 0 };
		if (fds[i].fd >= 0)
			n = i + 1;
	}
	return n;
}

void sbx_detached_take(const struct pollfd fds[SBX_WIRE_DETACHED_MAX],
		       uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (fds[i].revents && sbx_log_take(all[i].out) == 0)
			sbx_close(&all[i].out);
	}
}

/* --- telling them apart ---------------------------------------------------- */

/* By pid, as /proc has them (fs/proc/base.c, proc_pid_readdir). */
static struct process {
	pid_t pid;
	pid_t parent;
	bool is_spared;
} processes[PROCESSES_MAX];

static int by_pid(const void *a, const void *b)
{
	pid_t x = ((const struct process *)a)->pid;
	pid_t y = ((const struct process *)b)->pid;

	return (x > y) - (x < y);
}

static struct process *find(pid_t pid, uint32_t n)
{
	const struct process key = { .pid = pid };

	return bsearch(&key, processes, n, sizeof(key), by_pid);
}

/*
 * proc(5), stat: the parent stands behind the command, in which anything may
 * stand, and the state.  That may be a zombie's, and other threads of it go on
 * (pthread_exit(3) in the first one).  False for what is not there any more.
 */
static bool find_parent(pid_t pid, pid_t *parent)
{
	char path[32], data[512];
	struct sbx_text name = { .data = path, .size = sizeof(path) - 1 };
	struct sbx_text text = { .data = data, .size = sizeof(data) - 1 };
	const char *at;

	sbx_text_puts(&name, "/proc/");
	sbx_text_number(&name, (uint64_t)pid, 10);
	sbx_text_puts(&name, "/stat");
	path[name.len] = '\0';
	(void)sbx_text_file(&text, path);
	data[text.len] = '\0';
	at = strrchr(data, ')');
	if (!at || strlen(at) < strlen(") S 1"))
		return false;
	*parent = (pid_t)strtol(at + strlen(") S "), NULL, 10);
	return true;
}

/* One of what is in /proc; it is counted also where there is no room for it. */
static void note(const char *name, uint32_t *n)
{
	pid_t pid = (pid_t)strtol(name, NULL, 10);
	pid_t parent;

	if (pid <= 1 || !find_parent(pid, &parent))
		return;
	if (*n < PROCESSES_MAX)
		processes[*n] =
			(struct process){ .pid = pid, .parent = parent };
	*n += 1;
}

/* False when that was not all of them. */
static bool list(uint32_t *n)
{
	static char entries[16 * 1024];
	int dir = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	long size;

	*n = 0;
	while ((size = syscall(SYS_getdents64, dir, entries, sizeof(entries))) >
	       0) {
		for (long at = 0; at < size;) {
			const struct dir_entry *entry =
				(const struct dir_entry *)(entries + at);

			note(entry->name, n);
			at += entry->size;
		}
	}
	sbx_close(&dir);
	return size == 0 && *n <= PROCESSES_MAX;
}

static bool is_spared(const struct process *process, uint32_t n)
{
	const struct process *parent;

	if (is_one(process->pid))
		return true;
	parent = find(process->parent, n);
	return parent && parent->is_spared;
}

/* Children mostly come behind their parents: rarely more than twice. */
static void mark(uint32_t n)
{
	bool has_changed = true;

	while (has_changed) {
		has_changed = false;
		for (uint32_t i = 0; i < n; i++) {
			struct process *process = &processes[i];

			if (process->is_spared || !is_spared(process, n))
				continue;
			process->is_spared = true;
			has_changed = true;
		}
	}
}

static uint32_t kill_marked(uint32_t n)
{
	uint32_t killed = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (processes[i].is_spared)
			continue;
		kill(processes[i].pid, SIGKILL);
		killed++;
	}
	return killed;
}

uint32_t sbx_kill_others(void)
{
	uint32_t killed = 1;
	uint32_t n;

	if (sbx_detached_count() == 0)
		return kill(-1, SIGKILL) == 0;
	kill(-1, SIGSTOP);
	if (list(&n)) {
		mark(n);
		killed = kill_marked(n);
	} else {
		kill(-1, SIGKILL);
	}
	kill(-1, SIGCONT);
	return killed;
}
