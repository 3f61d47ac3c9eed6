/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_LOCK_H
#define SBX_BASE_LOCK_H

#include "base/error.h"

/*
 * Takes the advisory lock called @name (no slashes) in this user's runtime
 * directory ($XDG_RUNTIME_DIR/skillbox, /run/skillbox for root, else a 0700
 * directory under /tmp), waiting until it is free.  Returns a descriptor:
 * closing it, or dying, gives the lock back.  -1 on failure: INTERNAL, or
 * CANCELLED when a signal whose handler has no SA_RESTART ended the waiting.
 */
int sbx_lock_take(const char *name, struct sbx_error *err);

/*
 * Gives back the lock @name, whose descriptor is *@fd, and removes its file:
 * for locks that are seldom taken twice.
 */
void sbx_lock_drop(const char *name, int *fd);

/* The lock's file, opened and not locked; a descriptor, or -1 (INTERNAL). */
int sbx_lock_open(const char *name, struct sbx_error *err);

#endif
