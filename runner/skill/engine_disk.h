/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_ENGINE_DISK_H
#define SBX_SKILL_ENGINE_DISK_H

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

/*
 * Whether at least @floor bytes are free (to users, not to root alone) where
 * the engine has its data.  0 asks nothing.
 *
 * @storage	a path in there, as an image's inspect has it; NULL asks the
 *		engine for its directory (tens of milliseconds)
 *
 * DENIED, "engine.disk_free: ...", where there is less, and where it cannot be
 * told because that directory is not on this machine; UNAVAILABLE.
 */
int sbx_engine_disk_check(struct sbx_engine *engine, const char *storage,
			  int64_t floor, struct sbx_error *err);

#endif
