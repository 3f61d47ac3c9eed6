/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_NEVER_H
#define SBX_SKILL_NEVER_H

#include <stdbool.h>

/*
 * What no policy can grant and nobody may have, because it would hand over
 * the host or the engine.  Pure: what depends on the machine is in
 * sandbox/guarded.h.
 */

/*
 * True when to mount @path (absolute, normalized) would give the kernel's file
 * systems, /etc, an engine's socket or state, or skillbox's own state: when it
 * is one of these, is in one, or one is in it.  *@what is which (static).
 */
bool sbx_never_mounted(const char *path, const char **what);

/* True when everything at and below @path is so, as for /etc but not /var. */
bool sbx_never_below(const char *path, const char **what);

/*
 * True for a device that would hand over what stands in *@what (static): by
 * its path (absolute, normalized), and by what it really is.  The path of a
 * link or of a node that somebody made says nothing, so both are asked.
 */
bool sbx_never_device(const char *path, const char **what);
bool sbx_never_device_number(unsigned int major, unsigned int minor,
			     const char **what);

/* True for the name of an engine's volume that is skillbox's own. */
bool sbx_never_volume(const char *name);

#endif
