/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_DISCARD_H
#define SBX_SANDBOX_DISCARD_H

#include "engine/engine.h"

/*
 * Removes a container of this runner: @id, or where that is "" or nothing has
 * it, what is called @name, also if the engine has yet to make that.  Takes a
 * second or two at most and cannot be cancelled; where it fails the next sweep
 * takes the container.
 */
void sbx_discard(struct sbx_engine *engine, const char *id, const char *name);

#endif
