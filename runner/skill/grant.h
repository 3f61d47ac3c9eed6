/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_GRANT_H
#define SBX_SKILL_GRANT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/strv.h"
#include "skill/manifest.h"
#include "skill/policy.h"
#include "skill/publish.h"

/* The manifest asks, the policy grants.  Pure. */

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
	struct sbx_publish_list publish; /* a manifest cannot ask for any */
};

#define SBX_OVERRIDES_INIT                                                     \
	{                                                                      \
		.timeout_ms = -1, .mem_limit = -1, .nano_cpus = -1,            \
		.pids_limit = -1                                               \
	}

void sbx_overrides_clear(struct sbx_overrides *overrides);

/*
 * What is writable in a session, and stays; it has so many bytes, on top of the
 * action's memory limit, or half of the request's.
 */
#define SBX_WORKSPACE	   "/workspace"
#define SBX_WORKSPACE_SIZE (256LL * 1024 * 1024)

/*
 * All that is asked for; everything is borrowed.
 *
 * @is_session	the action gets SBX_WORKSPACE, unless it has something there
 */
struct sbx_wish {
	const struct sbx_manifest *manifest;
	const struct sbx_action *action;
	const struct sbx_overrides *overrides;
	enum sbx_requester requester; /* whose overrides they are */
	const char *owner;
	bool is_session;
};

/*
 * What is granted to one run.
 *
 * @action	a copy, with the overrides in it, within the policy's limits;
 *		uid and gid are set, and the runtime where the policy says one
 * @owner	[a-z0-9._-]{1,64}
 * @skill	the skill's name
 * @volumes	how volumes of the skill are made, as the manifest has it
 * @concurrency	how many runs of the skill there may be; 0: any number
 * @waiting	how many sandboxes of the skill may wait; the action's warm_pool
 *		asks for no more
 * @publish	ports that are to be published; none with the host's network
 * @lowered	"skills.limits.mem_limit: 4g was asked for, 2g is granted"
 */
struct sbx_grant {
	struct sbx_action action;
	char *owner;
	char *skill;
	json_t *volumes;
	int64_t concurrency;
	int64_t waiting;
	struct sbx_publish_list publish;
	struct sbx_strv lowered;
};

/*
 * Decides.  Numbers that are too large are lowered.  What cannot be lowered is
 * DENIED, the message beginning with the rule's name: its place in the policy
 * ("skills.networks: ...", "operator.publish: ..."), or, for what no policy
 * grants, "volumes.never" (never.h), "volumes.overlap" (two mounts on one
 * target, or a target inside another mount's), "volumes.inside" (a source
 * inside of what another mount lets the action change), "devices.never",
 * "user.root".  INVALID
 * for an override that makes no sense (memory under 6 MiB, no cpus, pids under
 * 2, a relative path, ports published of the host's own network) and for an
 * owner that is none.
 */
int sbx_grant_decide(const struct sbx_policy *policy,
		     const struct sbx_wish *wish, struct sbx_grant *out,
		     struct sbx_error *err);
void sbx_grant_clear(struct sbx_grant *grant);
#define cleanup_grant SBX_CLEANUP(sbx_grant_clear)

/*
 * Whether a volume of @skill may lie at @device, a path of the host that the
 * engine was told as an option of the volume's driver: that is a host path
 * like any other.  DENIED: "skills.volumes: ...", "volumes.never: ...".
 */
int sbx_grant_device(const struct sbx_policy *policy, const char *skill,
		     const char *device, bool read_only, struct sbx_error *err);

/*
 * Whether a Dockerfile of @skill may name @image ("FROM", "COPY --from" and
 * the like, or a manifest's "image:").  DENIED: "skills.build.from: ...".
 */
int sbx_grant_base(const struct sbx_policy *policy, const char *skill,
		   const char *image, struct sbx_error *err);

/*
 * Whether ADD in a Dockerfile of @skill may fetch @source: builders do that
 * themselves, with the host's own network, so it takes one for the build.
 * DENIED: "skills.build.network: ...".
 */
int sbx_grant_fetch(const struct sbx_policy *policy, const char *skill,
		    const char *source, struct sbx_error *err);

#endif
