/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_POLICY_H
#define SBX_SKILL_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strv.h"
#include "codec/hash.h"
#include "skill/manifest.h"

/*
 * What a host lets skills, and those who call them, have: policy.yaml as C
 * structures.  policy_file.h reads it, grant.h decides by it.  The words are
 * those of manifests/policy.schema.json.
 */

/* Who asks for what a manifest does not. */
enum sbx_requester {
	SBX_REQUESTER_OPERATOR, /* whoever has the command line */
	SBX_REQUESTER_CALLER,	/* whoever reaches us over HTTP or MCP */
	SBX_REQUESTER_COUNT,
};

/* "operator", "callers": the section of the policy, static. */
const char *sbx_requester_name(enum sbx_requester requester);

/*
 * @source	absolute normalized path of the host, which covers what is
 *		below it too; a volume's name; "*" for every name
 * @rslave	what the host mounts there later may be seen; of paths that
 *		are writable only
 */
struct sbx_volume_rule {
	char *source;
	bool writable;
	bool rslave;
};

/*
 * @pattern	normalized path in /dev, "*" for any text without "/"
 * @access	of SBX_DEVICE_READ and SBX_DEVICE_WRITE
 */
struct sbx_device_rule {
	char *pattern;
	unsigned int access;
};

struct sbx_id_range {
	uint32_t first;
	uint32_t last;
};

/* The most of each, or -1 where nothing is said. */
struct sbx_limits {
	int64_t nano_cpus;
	int64_t mem_limit;
	int64_t pids_limit;
	int64_t timeout_ms;
	int64_t stop_grace_period_ms;
	int64_t input_limit;
	int64_t output_limit;
	int64_t tmpfs_size; /* of each tmpfs */
	int64_t files_size; /* of each directory of files */
};

#define SBX_LIMITS_INIT                                                        \
	{                                                                      \
		.nano_cpus = -1, .mem_limit = -1, .pids_limit = -1,            \
		.timeout_ms = -1, .stop_grace_period_ms = -1,                  \
		.input_limit = -1, .output_limit = -1, .tmpfs_size = -1,       \
		.files_size = -1                                               \
	}

/*
 * What one side may ask for.  @networks is indexed by enum sbx_network; none
 * is always granted.
 */
struct sbx_rights {
	bool networks[SBX_NETWORK_COUNT];
	struct sbx_volume_rule *volumes;
	size_t n_volumes;
	struct sbx_limits limits;
};

/*
 * What manifests may ask for.
 *
 * @concurrency		runs of one skill at once; 0 for any number
 * @waiting		sandboxes of one skill that wait for a request
 * @ulimits		the most of some; what is not named is not bounded
 * @runtimes		of the engine, by name; "default" is the engine's own
 * @volume_types		what volumes with options of their own may be:
 *"tmpfs"
 * @users		what an explicit "user:" may be, uid and gid
 * @gpus		how many an action may ask for, or SBX_GPUS_ALL
 * @devices		which devices of the host, and for what
 * @build_from		patterns (fnmatch(3), "*" matches "/" too) of what a
 *			Dockerfile may name
 * @build_network	whether its RUN steps reach a network
 * @build_timeout_ms	how long the engine may take to build or pull an image
 */
struct sbx_skill_rules {
	bool enabled;
	int64_t concurrency;
	int64_t waiting;
	struct sbx_rights rights;
	struct sbx_ulimit *ulimits;
	size_t n_ulimits;
	struct sbx_strv runtimes;
	struct sbx_strv volume_types;
	struct sbx_id_range *users;
	size_t n_users;
	int64_t gpus;
	struct sbx_device_rule *devices;
	size_t n_devices;
	struct sbx_strv build_from;
	bool build_network;
	int64_t build_timeout_ms;
};

/*
 * What those who call may ask for on top of that.
 *
 * @publish	addresses of the host at which they may publish ports, "*" for
 *		each of them
 * @owner	they may say for whom they ask; of callers only
 * @secrets	they may give secrets in place of sealed ones; the same
 */
struct sbx_request_rules {
	struct sbx_rights rights;
	struct sbx_strv publish;
	bool environment;
	bool owner;
	bool secrets;
};

struct sbx_skill_exception {
	char *skill;
	struct sbx_skill_rules rules;
};

/*
 * Sandboxes that wait for a request, all together.
 *
 * @waiting	how many there may be
 * @mem_limit	bytes that they may take, with what the engine needs for each
 * @mem_free	bytes that must be available on the host besides
 */
struct sbx_pool_rules {
	int64_t waiting;
	int64_t mem_limit;
	int64_t mem_free;
};

/*
 * Sessions.
 *
 * @most	how many one owner may have at once on an engine
 * @ttl_ms	the longest time to live
 */
#define SBX_SESSIONS_MAX 4096
struct sbx_session_rules {
	int64_t most;
	int64_t ttl_ms;
};

/*
 * @file	where it came from; NULL for the built-in one
 * @hash	of its text
 * @exceptions	of single skills, complete: what they do not change is as in
 *		@skills
 * @uid_range	where the users of sandboxes are taken from
 * @disk_free	bytes that must be free on the engine's disk; 0 for any
 */
struct sbx_policy {
	char *file;
	char hash[SBX_HASH_HEX_SIZE];
	struct sbx_skill_rules skills;
	struct sbx_skill_exception *exceptions;
	size_t n_exceptions;
	struct sbx_request_rules requests[SBX_REQUESTER_COUNT];
	struct sbx_id_range uid_range;
	int64_t disk_free;
	struct sbx_pool_rules pool;
	struct sbx_session_rules sessions;
};

/*
 * The strictest one, which the sections of a policy begin with: no network
 * but none, no path or device of the host, no runtime but the engine's own, no
 * user of their choice, no network in builds; who calls may only tighten, and
 * publish no port.
 */
void sbx_policy_init(struct sbx_policy *policy);
void sbx_policy_clear(struct sbx_policy *policy);
#define cleanup_policy SBX_CLEANUP(sbx_policy_clear)

/* The rules for skill @name: its exception's, else everybody's. */
const struct sbx_skill_rules *sbx_policy_skill(const struct sbx_policy *policy,
					       const char *name);

/* For whoever fills one in. */
void sbx_skill_rules_copy(struct sbx_skill_rules *to,
			  const struct sbx_skill_rules *from);
void sbx_skill_rules_clear(struct sbx_skill_rules *rules);
void sbx_rights_add_volume(struct sbx_rights *rights, const char *source,
			   bool writable);
void sbx_rights_clear_volumes(struct sbx_rights *rights);
void sbx_skill_rules_set_ulimit(struct sbx_skill_rules *rules, const char *name,
				int64_t most);
void sbx_skill_rules_add_users(struct sbx_skill_rules *rules,
			       struct sbx_id_range range);
void sbx_skill_rules_clear_users(struct sbx_skill_rules *rules);
void sbx_skill_rules_add_device(struct sbx_skill_rules *rules,
				const char *pattern, unsigned int access);
void sbx_skill_rules_clear_devices(struct sbx_skill_rules *rules);

/*
 * The uid (and gid) of @owner and @skill: a hash of both into the policy's
 * uid_range, which no host account uses, because the kernel counts inotify
 * watches, pipe buffers, queued signals and descriptors in flight per uid
 * across containers.
 */
uint32_t sbx_policy_uid(const struct sbx_policy *policy, const char *owner,
			const char *skill);

#endif
