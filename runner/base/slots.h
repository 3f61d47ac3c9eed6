/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_SLOTS_H
#define SBX_BASE_SLOTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * How many of something go on at once, over all processes of this user.
 *
 * A slot is a locked byte of a file in the runtime directory (base/lock.h), so
 * that the kernel takes it back when its holder dies, however that was.  One
 * file serves any number of bounds: they lie at different offsets.  Not for
 * concurrent use: one struct per thread.
 *
 * @fd	of the file; -1 until it is needed, and where there can be none
 */
struct sbx_slots {
	int fd;
	bool is_unusable;
	off_t start;
	unsigned int n;
};

#define SBX_SLOTS_MAX 4000

/* @n slots of what @key stands for; opens nothing yet. */
void sbx_slots_init(struct sbx_slots *slots, uint64_t key, unsigned int n);
void sbx_slots_close(struct sbx_slots *slots);

/*
 * Takes one of the first @among slots (at most @n) and sets *@slot, to be
 * given back with sbx_slots_give().  Waits at most @wait_ms for it, fairly
 * enough: those who wait queue up, and may be overtaken by who comes just when
 * a slot is free.  Where locks are impossible there is no bound: *@slot is
 * SBX_SLOTS_NONE, and that is no failure.
 *
 * 0, SBX_SLOTS_BUSY when the time is over, or -1 with CANCELLED when
 * @cancel_fd (or -1) becomes readable.
 */
#define SBX_SLOTS_NONE (-1)
#define SBX_SLOTS_BUSY 1
int sbx_slots_take(struct sbx_slots *slots, unsigned int among, double wait_ms,
		   int cancel_fd, int *slot, struct sbx_error *err);
void sbx_slots_give(struct sbx_slots *slots, int slot);

#endif
