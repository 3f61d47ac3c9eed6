/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_GATE_H
#define SBX_SERVE_GATE_H

#include <stdbool.h>

#include "base/error.h"

/*
 * How many runs go on at once in the daemon, and how many may wait for that,
 * in the order in which they came.  For any number of threads.
 */
struct sbx_gate;

void sbx_gate_new(struct sbx_gate **out, unsigned int runs, unsigned int queue);
void sbx_gate_free(struct sbx_gate **gate);

/* A place of one run, or in the queue; begin with SBX_TICKET_INIT. */
struct sbx_ticket {
	struct sbx_gate *gate;
	struct sbx_ticket *next;
	bool is_admitted;
	int event_fd;
};

#define SBX_TICKET_INIT                                                        \
	{                                                                      \
		.event_fd = -1                                                 \
	}

/*
 * Takes a place, or one in the queue: never blocks.  BUSY when both are full.
 * @ticket stays where it is until sbx_gate_leave().
 */
int sbx_gate_enter(struct sbx_gate *gate, struct sbx_ticket *ticket,
		   struct sbx_error *err);

/* Waits until it is our turn; CANCELLED when @cancel_fd becomes readable. */
int sbx_gate_wait(struct sbx_ticket *ticket, int cancel_fd,
		  struct sbx_error *err);

/* Gives the place back, whichever it is; harmless without one. */
void sbx_gate_leave(struct sbx_ticket *ticket);

#endif
