/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_ARTIFACTS_H
#define SBX_INIT_ARTIFACTS_H

#include <stdbool.h>

#include "init/state.h"

/*
 * Keeps a copy of the directory's path, "" is none, and how many bytes of its
 * files may be sent; with @only_new none that were last changed before this
 * call.  False: too long.
 */
bool sbx_artifacts_remember(const char *path, uint32_t limit, bool only_new);

/* Opens it when the action has ended. */
void sbx_artifacts_open(struct sbx_init *init);

/*
 * Queues as much of its files as there is room for; true when that was all.
 * Sets OUT_TRUNCATED when there is more than may be sent.
 */
bool sbx_artifacts_send(struct sbx_init *init);

#endif
