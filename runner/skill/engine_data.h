/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_ENGINE_DATA_H
#define SBX_SKILL_ENGINE_DATA_H

#include <stdint.h>

#include "base/error.h"
#include "engine/engine.h"

/*
 * Where the engine keeps images, volumes and containers.
 *
 * @storage	a directory of an image in there, as the image's inspect has it
 *		(ROOT/overlay2/ID/diff); NULL asks the engine, which takes tens
 *		of milliseconds
 * @out		the root; free() it
 *
 * UNAVAILABLE, also when the engine does not tell.
 */
int sbx_engine_data_root(struct sbx_engine *engine, const char *storage,
			 char **out, struct sbx_error *err);

/*
 * Whether at least @floor bytes are free there, to users and not to root
 * alone; 0 asks nothing.  DENIED, "engine.disk_free: ...", where there is
 * less, and where that cannot be told because @root is not on this machine.
 */
int sbx_engine_data_free(const char *root, int64_t floor,
			 struct sbx_error *err);

#endif
