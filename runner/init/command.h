/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_COMMAND_H
#define SBX_INIT_COMMAND_H

#include "init/state.h"

/*
 * One read of standard input, and whatever commands that completes.  0,
 * SBX_ABORT when the runner says what it must not, SBX_GONE at the end of the
 * stream.
 */
int sbx_command_read(struct sbx_init *init);

/* What has come of a command that will not come to its end. */
void sbx_command_forget(void);

#endif
