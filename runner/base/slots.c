/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * Slots are the bytes 0 to n-1 of a bound's part of the file, locked by
 * F_OFD_SETLK (fcntl(2)): one system call where a slot is free.  It would also
 * wait (F_OFD_SETLKW), but for one certain byte, and neither with a time-out
 * nor for a descriptor besides.  So those who wait ask again and again; to keep
 * that cheap with a hundred of them, two more bytes are doors behind which at
 * most one waits at the slots and asks every millisecond.  The others ask for
 * the door, the more often the longer they have been there.
 *
 * There is a door for each kind of caller: one who may only have some of the
 * slots must not stand in the way of one who may have all.
 */
#include "base/slots.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/mem.h"

#define FILE_NAME "slots"

/* Bytes of the file for each bound: slots and doors. */
#define PART_SHIFT 12
#define DOOR_SOME  (SBX_SLOTS_MAX)
#define DOOR_ALL   (SBX_SLOTS_MAX + 1)

/* How often those in front of a door, and those behind it, ask. */
#define INSIDE_MS      1
#define OUTSIDE_MAX_MS 20
#define OUTSIDE_MIN_MS 4
/* What one has to have waited to ask a millisecond sooner. */
#define AGE_MS 250.0

enum state { LOCKED, TAKEN, UNUSABLE };

void sbx_slots_init(struct sbx_slots *slots, uint64_t key, unsigned int n)
{
	const uint64_t last = INT64_MAX >> PART_SHIFT;

	*slots = (struct sbx_slots){
		.fd = -1,
		.start = (off_t)((key & last) << PART_SHIFT),
		.n = n < SBX_SLOTS_MAX ? n : SBX_SLOTS_MAX,
	};
}

void sbx_slots_close(struct sbx_slots *slots)
{
	sbx_close(&slots->fd);
}

static int set_lock(const struct sbx_slots *slots, unsigned int at, short type)
{
	struct flock lock = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = slots->start + (off_t)at,
		.l_len = 1,
	};

	return fcntl(slots->fd, F_OFD_SETLK, &lock);
}

static enum state try_lock(const struct sbx_slots *slots, unsigned int at)
{
	if (set_lock(slots, at, F_WRLCK) == 0)
		return LOCKED;
	return errno == EAGAIN || errno == EACCES ? TAKEN : UNUSABLE;
}

static void unlock(const struct sbx_slots *slots, unsigned int at)
{
	set_lock(slots, at, F_UNLCK);
}

/* From the last down: the first ones are all that some callers may have. */
static enum state try_slots(const struct sbx_slots *slots, unsigned int among,
			    int *slot)
{
	for (unsigned int i = among; i-- > 0;) {
		enum state state = try_lock(slots, i);

		if (state == TAKEN)
			continue;
		*slot = state == LOCKED ? (int)i : SBX_SLOTS_NONE;
		return state;
	}
	return TAKEN;
}

static int outside_ms(double waited)
{
	double sooner = waited / AGE_MS;

	if (sooner > OUTSIDE_MAX_MS - OUTSIDE_MIN_MS)
		return OUTSIDE_MIN_MS;
	return OUTSIDE_MAX_MS - (int)sooner;
}

static int wait_for_slot(const struct sbx_slots *slots, unsigned int among,
			 double wait_ms, int cancel_fd, int *slot,
			 struct sbx_error *err)
{
	unsigned int door = among < slots->n ? DOOR_SOME : DOOR_ALL;
	struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };
	double began = sbx_clock_ms();
	bool inside = false;
	int result = SBX_SLOTS_BUSY;

	for (;;) {
		double waited = sbx_clock_ms() - began;

		if (!inside)
			inside = try_lock(slots, door) != TAKEN;
		if (inside && try_slots(slots, among, slot) != TAKEN) {
			result = 0;
			break;
		}
		if (waited >= wait_ms)
			break;
		if (poll(&cancel, 1, inside ? INSIDE_MS : outside_ms(waited)) >
		    0) {
			result = sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					       "cancelled");
			break;
		}
	}
	if (inside)
		unlock(slots, door);
	return result;
}

int sbx_slots_take(struct sbx_slots *slots, unsigned int among, double wait_ms,
		   int cancel_fd, int *slot, struct sbx_error *err)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	*slot = SBX_SLOTS_NONE;
	if (slots->fd < 0 && !slots->is_unusable) {
		slots->fd = sbx_lock_open(FILE_NAME, &ignored);
		slots->is_unusable = slots->fd < 0;
	}
	if (slots->is_unusable)
		return 0;
	if (among > slots->n)
		among = slots->n;
	if (try_slots(slots, among, slot) != TAKEN)
		return 0;
	return wait_for_slot(slots, among, wait_ms, cancel_fd, slot, err);
}

void sbx_slots_give(struct sbx_slots *slots, int slot)
{
	if (slot != SBX_SLOTS_NONE)
		unlock(slots, (unsigned int)slot);
}
