/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SOURCES_H
#define SBX_SANDBOX_SOURCES_H

#include <jansson.h>

#include "base/error.h"
#include "engine/engine.h"
#include "sandbox/host_path.h"
#include "secret/keyring.h"
#include "skill/grant.h"

/*
 * What the sources of a sandbox's mounts, and its devices, really are on this
 * host, and whether that is what was granted.  The grant itself judged by names
 * alone.
 */

/*
 * What is judged, and by what.
 *
 * @keys	only where they are counts, not what is there; or NULL
 */
struct sbx_sources {
	struct sbx_engine *engine;
	const struct sbx_policy *policy;
	const struct sbx_keyring *keys;
	const struct sbx_grant *grant;
};

/*
 * Finds the granted host paths, without following links, and refuses what
 * nobody may have on this machine (guarded.h).  *@out has an element per
 * volume of the action, zero for what is no path of the host; free() it.
 * INVALID, DENIED.
 */
int sbx_sources_find(const struct sbx_sources *of, struct sbx_host_path **out,
		     struct sbx_error *err);

/*
 * The same of the granted devices.  *@out has an element per device of the
 * action; free() it.  INVALID, DENIED ("devices.never: ...",
 * "devices.host_path: ...").
 */
int sbx_sources_find_devices(const struct sbx_grant *grant,
			     struct sbx_host_device **out,
			     struct sbx_error *err);

/*
 * What only the engine can tell: that no source is in its own data, that its
 * disk has room (policy's disk_free), that a volume of the skill which is there
 * already has the options that the manifest gives it, and that one is no host
 * path by the options of its driver, unless that is granted too; such a one is
 * added to @paths.
 *
 * @storage	as for sbx_engine_data_root()
 *
 * DENIED, UNAVAILABLE; INVALID for a volume that was made with other options.
 */
int sbx_sources_check(const struct sbx_sources *of, const char *storage,
		      struct sbx_host_path *paths, struct sbx_error *err);

#endif
