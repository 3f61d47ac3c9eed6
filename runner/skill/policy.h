/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_POLICY_H
#define SBX_SKILL_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "skill/manifest.h"

/*
 * The manifest asks, the policy grants.  Pure.
 *
 * Built-in rules until there is a policy file: network "host" and uid 0 are
 * denied; a host path in a manifest is denied; the operator may mount host
 * paths, except what would hand over the host (sbx_policy_grant's comment).
 */

/*
 * What one request asks for in place of the manifest; unset is -1 or NULL.
 * Variables and volumes replace those of the same name and on the same target.
 */
struct sbx_overrides {
	struct sbx_strv environment; /* "NAME=value" */
	struct sbx_mount *volumes;   /* on top of the manifest's */
	size_t n_volumes;
	bool has_network;
	enum sbx_network network;
	int64_t timeout_ms;
	int64_t mem_limit;
	int64_t nano_cpus;
	int64_t pids_limit;
};

#define SBX_OVERRIDES_INIT                                                     \
	{                                                                      \
		.timeout_ms = -1, .mem_limit = -1, .nano_cpus = -1,            \
		.pids_limit = -1                                               \
	}

void sbx_overrides_clear(struct sbx_overrides *overrides);

/*
 * What is granted to one run.
 *
 * @action	a copy, with the overrides in it; uid and gid are set
 * @owner	[a-z0-9._-]{1,64}
 * @skill	the skill's name
 */
struct sbx_grant {
	struct sbx_action action;
	char *owner;
	char *skill;
};

/*
 * Decides.  DENIED, the message starting with the rule's name:
 * "network.host: ...", "volumes.host_path: ...", "user.root: ...",
 * "volumes.never: ..." (engine sockets, "/", and anything in or above /proc,
 * /sys, /dev, /etc, /run/docker.sock and the like; in an operator's -v, "~"
 * and relative paths are INVALID), "volumes.overlap: ..." (two mounts on one
 * target, or a target inside another mount's).  INVALID for an override that
 * makes no sense (memory under 6 MiB, no cpus, pids under 2).
 */
int sbx_policy_grant(const struct sbx_manifest *manifest,
		     const struct sbx_action *action,
		     const struct sbx_overrides *overrides, const char *owner,
		     struct sbx_grant *out, struct sbx_error *err);
void sbx_grant_clear(struct sbx_grant *grant);

/*
 * The uid (and gid) of @owner and @skill: a hash of both into the range
 * 200000 to 265535, which no host account uses, because the kernel counts
 * inotify watches, pipe buffers, queued signals and descriptors in flight per
 * uid across containers.
 */
uint32_t sbx_policy_uid(const char *owner, const char *skill);

#endif
