/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SIGNALS_H
#define SBX_INIT_SIGNALS_H

#include "init/state.h"

/* Blocks what init listens to, so that none is lost and none interrupts. */
void sbx_signals_block(void);

/* Makes signal_fd.  0 or SBX_ABORT. */
int sbx_signals_open(struct sbx_init *init);

/*
 * Takes what is pending: children to reap, and signals from outside, which go
 * to the action (or end a sandbox where nothing runs yet: SBX_GONE).
 */
int sbx_signals_read(struct sbx_init *init);

/* SIGNAL from the runner.  0, or SBX_ABORT when it is no signal's number. */
int sbx_signals_send(struct sbx_init *init, int number);

#endif
