/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_LOCK_H
#define SBX_BASE_LOCK_H

#include "base/error.h"

/*
 * Takes the advisory lock called @name (no slashes) in this user's runtime
 * directory ($XDG_RUNTIME_DIR/skillbox, /run/skillbox for root, else a 0700
 * directory under /tmp), waiting until it is free.  Returns a descriptor:
 * closing it, or dying, gives the lock back.  -1 on failure: as
 * sbx_lock_wait().
 */
int sbx_lock_take(const char *name, int cancel_fd, struct sbx_error *err);

/*
 * Locks the file or directory @fd, called @what in messages, and waits at most
 * @ms (or INFINITY) for others who have it.  0; SBX_LOCK_BUSY when the time is
 * over; or -1: INTERNAL, or CANCELLED when @cancel_fd (or -1) becomes
 * readable.
 */
#define SBX_LOCK_BUSY 1
int sbx_lock_wait(int fd, const char *what, double ms, int cancel_fd,
		  struct sbx_error *err);

/*
 * Gives back the lock @name, whose descriptor is *@fd, and removes its file:
 * for locks that are seldom taken twice.
 */
void sbx_lock_drop(const char *name, int *fd);

/* The lock's file, opened and not locked; a descriptor, or -1 (INTERNAL). */
int sbx_lock_open(const char *name, struct sbx_error *err);

#endif
