/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_FORWARD_H
#define SBX_INIT_FORWARD_H

#include "init/state.h"

/*
 * Connections to ports of the sandbox's own loopback interface, for a runner
 * that hands on what somebody outside has to say (init/wire.h, FORWARD).  The
 * sockets are the runner's once they are connected: no byte of theirs passes
 * through init.
 */

/* Takes *@fd, over which is asked from now on. */
void sbx_forward_use(struct sbx_init *init, int *fd);

/* Somebody has asked, or is gone. */
void sbx_forward_heard(struct sbx_init *init);

#endif
