/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_VOLUME_UPLOAD_H
#define SBX_SANDBOX_VOLUME_UPLOAD_H

#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "codec/tar.h"
#include "engine/engine.h"
#include "sandbox/spec.h"

/*
 * Writing into an engine volume with nothing of ours on the engine's machine:
 * a container is created from an empty image, with the volume in it, never
 * started, given the archive, and removed.
 */

/*
 * Unpacks @entries in @volume.  An entry called "/" sets owner and mode of
 * the volume's own root.  The volume is made, with @labels (or NULL), if it is
 * not there.  UNAVAILABLE, CANCELLED.
 */
int sbx_volume_upload(struct sbx_engine *engine, const char *volume,
		      json_t *labels, const struct sbx_tar_entry *entries,
		      size_t count, struct sbx_error *err);

/* The empty image, made when it is not there: its reference, static. */
int sbx_empty_image(struct sbx_engine *engine, const char **ref,
		    struct sbx_error *err);

/*
 * Gives the volumes that @spec has written to their action's user.  A volume
 * that was just made belongs to root, as @hello, init's report, shows; one that
 * belongs to somebody else is left as it is.
 */
int sbx_volume_give(struct sbx_engine *engine, const struct sbx_spec *spec,
		    const struct sbx_buf *hello, struct sbx_error *err);

#endif
