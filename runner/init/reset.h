/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_RESET_H
#define SBX_INIT_RESET_H

#include "init/state.h"

/*
 * A sandbox that is used again (RUN names tmpfs): what it is like
 * before anything has run in it, and that it is like that again.
 */

/*
 * Notes what it is like, before the first RUN, and the @n tmpfs that are to be
 * emptied.  0 or SBX_ABORT.
 */
int sbx_reset_note(struct sbx_init *init, char *const *list, uint32_t n);

/*
 * After the action's end, when init knows of nobody else: cleans up, looks at
 * everything, and queues RESET.  0 and back to SBX_WAITING, or SBX_ENDED where
 * something is not as it was.
 */
void sbx_reset(struct sbx_init *init);

#endif
