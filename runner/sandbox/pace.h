/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_PACE_H
#define SBX_SANDBOX_PACE_H

#include <stdbool.h>

#include "sandbox/events.h"

/*
 * Keeps an action that tells how far it is at every step from flooding who
 * listens: of a burst SBX_PACE_BURST go on at once, then one every
 * SBX_PACE_INTERVAL_MS.  What comes in between waits for its time, and the
 * latest takes the place of the one that waits.  The last one is never lost.
 * Pure: the caller says what time it is.
 */
#define SBX_PACE_BURST	     10
#define SBX_PACE_INTERVAL_MS 100.0

/* All zeros at first.  @spent: of the burst, as it was @at a time. */
struct sbx_pace {
	double spent;
	double at;
	bool waits;
	struct sbx_run_progress latest;
	char *message;
};

/* The latest, copied. */
void sbx_pace_put(struct sbx_pace *pace,
		  const struct sbx_run_progress *progress);

/* Milliseconds until one may go on; INFINITY when none waits. */
double sbx_pace_wait(struct sbx_pace *pace, double now);

/*
 * The one that waits, if it may go on; else NULL.  When nothing more will come
 * @now is INFINITY.  Valid until the next sbx_pace_put().
 */
const struct sbx_run_progress *sbx_pace_take(struct sbx_pace *pace, double now);

void sbx_pace_free(struct sbx_pace *pace);

#endif
