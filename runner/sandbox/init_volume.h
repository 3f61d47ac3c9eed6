/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_INIT_VOLUME_H
#define SBX_SANDBOX_INIT_VOLUME_H

#include "base/error.h"
#include "engine/engine.h"

/*
 * The engine volume through which init reaches every sandbox, read-only.  Its
 * name carries the hash of the program in it, so that runners of different
 * versions share an engine.  Whether it is filled is not asked before a run:
 * a sandbox whose init is missing, or says HELLO with another build id, has
 * it filled and is started again.
 */

/* The program's hash, 16 hexadecimal digits, and the volume's name; static. */
const char *sbx_init_hash(void);
const char *sbx_init_volume_name(void);

/*
 * Puts init into the volume, root-owned, mode 0111: nobody may read it, so
 * the kernel makes its process non-dumpable from its first instruction.
 * Several runners may do this at once.  UNAVAILABLE, CANCELLED.
 */
int sbx_init_volume_fill(struct sbx_engine *engine, struct sbx_error *err);

#endif
