/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_VOLUME_OPTIONS_H
#define SBX_SKILL_VOLUME_OPTIONS_H

#include <stdbool.h>

#include <jansson.h>

#include "base/error.h"

/*
 * What the options of an engine's volume make of it: {"type", "o", "device"}
 * of the driver "local", as a manifest has them under "driver_opts" and an
 * engine's inspect under "Options".  Pure.
 */

/* "nfs", "nfs4", "cifs", "tmpfs": file systems that are none of this host's. */
bool sbx_volume_is_type(const char *text);

/*
 * What the volume @name is with @options (or NULL): an ordinary one, both of
 * *@device and *@type NULL; a path of the host, *@device; or a file system of
 * *@type.  Both are borrowed.  DENIED for options that say what cannot be
 * judged: "volumes.never: ...".
 */
int sbx_volume_options_judge(const char *name, const json_t *options,
			     const char **device, const char **type,
			     struct sbx_error *err);

/* Whether two such say the same; NULL, null and {} do. */
bool sbx_volume_options_same(const json_t *a, const json_t *b);

/*
 * Why @o, mount options, cannot stand in a manifest: it has a password, or
 * names the file of one.  NULL when it can.
 */
const char *sbx_volume_options_secret(const char *o);

/* The driver_opts of volume @name in a manifest's @volumes, or NULL. */
const json_t *sbx_volume_options_of(const json_t *volumes, const char *name);

#endif
