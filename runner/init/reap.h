/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_REAP_H
#define SBX_INIT_REAP_H

#include "init/state.h"

/*
 * Reaps who has ended, up to a bound (reap_again tells).  When that was the
 * action, everybody else is killed; when nobody is left, or KILLING took too
 * long, the phase becomes DRAINING.  0 or SBX_ABORT.
 */
int sbx_reap(struct sbx_init *init);

#endif
