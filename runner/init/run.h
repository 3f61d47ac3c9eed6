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
 * Nobody of the run is left: its secrets' files go, and what is in its pipes by
 * now is the last of what it wrote.
 */
void sbx_run_over(struct sbx_init *init);

/* A child that is to go on behind EXIT has become a program: that is all. */
void sbx_run_detached(struct sbx_init *init);

/*
 * Did the child that is now reaped become the action?  0 when it did;
 * SBX_RUN_FAILED, and init->exit says why, when the command or its directory
 * was to blame; SBX_ABORT when the sandbox was.
 */
#define SBX_RUN_FAILED 1
int sbx_run_failure(struct sbx_init *init);

#endif
