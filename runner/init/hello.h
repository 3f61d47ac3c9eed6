/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_HELLO_H
#define SBX_INIT_HELLO_H

#include "init/state.h"

/*
 * HELLO: the facts about this sandbox, as the kernel gives them.  To be called
 * once, with nothing queued before.  Said at once on the direct connection, if
 * there is one (which is closed where that does not take it), then queued for
 * standard output.  0 or SBX_ABORT.
 */
int sbx_hello_say(struct sbx_init *init);

#endif
