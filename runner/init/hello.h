/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_HELLO_H
#define SBX_INIT_HELLO_H

#include "init/state.h"

/*
 * Queues HELLO: the facts about this sandbox, as the kernel gives them.  To be
 * called once, with nothing queued before.  0 or SBX_ABORT.
 */
int sbx_hello_queue(struct sbx_init *init);

#endif
