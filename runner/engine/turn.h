/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_TURN_H
#define SBX_ENGINE_TURN_H

#include <stdint.h>

#include "base/error.h"
#include "base/slots.h"
#include "engine/transport.h"

/*
 * When a call to the engine may begin, and when it has to be over.
 *
 * Of all calls to one engine, by all processes of this user, at most two per
 * core are under way at once, for many at once make each other slower
 * several-fold (Docker 20.10).  One that was given up does not count, whatever
 * the engine still does about it.
 *
 * NORMAL	waits long for its turn, then fails with BUSY
 * LONG		the same; of those (builds, pulls) only half as many, so that
 *		the others never wait for them.  What it takes is not counted.
 * URGENT	ends a sandbox: waits for a second, or a quarter of its
 *		patience, and then goes all the same, above the bound, for its
 *		caller has promised when it is over.  Its waiting is counted.
 * FREE		does not wait: what is called is no engine
 */
enum sbx_turn_kind {
	SBX_TURN_NORMAL,
	SBX_TURN_LONG,
	SBX_TURN_URGENT,
	SBX_TURN_FREE,
};

/*
 * @patience	milliseconds that calls may still take, all together; see
 *		sbx_engine_set_patience()
 * @began	the call that is under way
 * @until	when the call that is under way has to be over
 * @silences	calls in a row that got no answer in time
 * @slots	of the engine, once it has been called; @identity is whose
 * @slot	what the call that is under way holds
 */
struct sbx_turn {
	double began;
	double patience;
	double until;
	unsigned int silences;
	struct sbx_slots slots;
	uint64_t identity;
	int slot;
};

void sbx_turn_init(struct sbx_turn *turn);
void sbx_turn_free(struct sbx_turn *turn);

/* 0, or -1: UNAVAILABLE (out of patience), BUSY, CANCELLED. */
int sbx_turn_begin(struct sbx_turn *turn, const struct sbx_transport *transport,
		   enum sbx_turn_kind kind, int cancel_fd,
		   struct sbx_error *err);
void sbx_turn_end(struct sbx_turn *turn);

/*
 * What the call under way has left of @limit_ms (0: no limit), which it has
 * besides its patience; and the error of one that has nothing left: TIMEOUT,
 * -1.
 */
double sbx_turn_left(const struct sbx_turn *turn, int64_t limit_ms);
int sbx_turn_over(const struct sbx_transport *transport, struct sbx_error *err);

/* How many calls of this process have ended, and what they took together. */
void sbx_turn_count(uint64_t *calls, double *seconds);

/* The error of a call that is not over when it has to be; -1. */
int sbx_turn_too_slow(const struct sbx_transport *transport,
		      struct sbx_error *err);

#endif
