/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_DETACHED_H
#define SBX_INIT_DETACHED_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "init/wire.h"

/* Processes of a session that go on behind EXIT, and all that they start. */

/* There may be one more. */
bool sbx_detached_has_room(void);

/* @pid is one; what it writes comes out at @out, which is taken. */
void sbx_detached_add(pid_t pid, int out);

/* It has ended; false when it was none. */
bool sbx_detached_remove(pid_t pid);

uint32_t sbx_detached_count(void);

/* A signal for each of them, and whoever stayed in its process group. */
void sbx_detached_signal(int number);

/*
 * What they write goes to the log: fills in entries, and says how many those
 * are; and looks at so many.
 */
uint32_t sbx_detached_want(struct pollfd fds[SBX_WIRE_DETACHED_MAX]);
void sbx_detached_take(const struct pollfd fds[SBX_WIRE_DETACHED_MAX],
		       uint32_t n);

/*
 * SIGKILL for every process of the sandbox but init, them, and what they have
 * started; nobody is missed, however it forks.  How many there were; where they
 * are more than can be told apart everybody is killed.
 */
uint32_t sbx_kill_others(void);

#endif
