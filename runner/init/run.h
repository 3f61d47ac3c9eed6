/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_RUN_H
#define SBX_INIT_RUN_H

#include "init/state.h"

/*
 * Starts what RUN's @payload asks for, in phase WAITING.  0 (the action runs,
 * or has failed to in its child, which reaping tells) or SBX_ABORT.
 */
int sbx_run_start(struct sbx_init *init, unsigned char *payload, uint32_t size);

/*
 * Why the child that is now reaped never became the action.  0 when it did;
 * errno of execve(2) as a positive number; SBX_ABORT when the sandbox, not
 * the command, was to blame.
 */
int sbx_run_exec_error(struct sbx_init *init);

#endif
