/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_GUARDED_H
#define SBX_SANDBOX_GUARDED_H

#include "base/error.h"
#include "secret/keyring.h"

/*
 * Whether @path (absolute, without symbolic links) may be mounted, as far as
 * that depends on this machine: it must not be, hold, or lie in the engine's
 * socket, skillbox's keys and secrets (sbx_keyring_places(), and "skillbox" in
 * $XDG_CONFIG_HOME or ~/.config), or the policy that is in force.  DENIED:
 * "volumes.never: ...".  What is so everywhere is in skill/never.h.
 *
 * @engine_url	"unix://PATH", or another that names no file
 * @policy_file	or NULL for the built-in policy
 * @keys	or NULL: then only what the environment names
 */
int sbx_guarded_check(const char *path, const char *engine_url,
		      const char *policy_file, const struct sbx_keyring *keys,
		      struct sbx_error *err);

/*
 * The same for the directory @root in which the engine keeps images and
 * everybody's volumes.  What is no path of the host passes.
 */
int sbx_guarded_data(const char *path, const char *root, struct sbx_error *err);

#endif
