/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_VOLUME_H
#define SBX_ENGINE_VOLUME_H

#include <jansson.h>

#include "base/error.h"
#include "engine/engine.h"

#define SBX_VOLUME_GONE	  1 /* there is no such volume */
#define SBX_VOLUME_IN_USE 2 /* a container still uses it */

/*
 * All volumes that carry @label ("key" or "key=value"): an array as /volumes
 * has it under "Volumes", new reference.
 */
int sbx_volume_list(struct sbx_engine *engine, const char *label, json_t **out,
		    struct sbx_error *err);

/*
 * As GET /volumes/{name} answers; new reference.  Podman's has "NeedsChown" as
 * well: true where what it is will be given to the user of the next container
 * that has it.  SBX_VOLUME_GONE.
 */
int sbx_volume_inspect(struct sbx_engine *engine, const char *name,
		       json_t **out, struct sbx_error *err);

/* SBX_VOLUME_GONE, SBX_VOLUME_IN_USE. */
int sbx_volume_remove(struct sbx_engine *engine, const char *name,
		      struct sbx_error *err);

#endif
