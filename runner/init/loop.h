/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_LOOP_H
#define SBX_INIT_LOOP_H

#include "init/state.h"

/* Until EXIT is sent: 0.  Or SBX_ABORT, SBX_GONE. */
int sbx_loop(struct sbx_init *init);

#endif
