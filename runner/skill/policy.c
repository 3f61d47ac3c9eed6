/* SPDX-License-Identifier: MIT */
#include "skill/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "codec/hash.h"

#define MIB	  (INT64_C(1024) * 1024)
#define UID_FIRST 200000
#define UID_LAST  265535

const char *sbx_requester_name(enum sbx_requester requester)
{
	return requester == SBX_REQUESTER_OPERATOR ? "operator" : "callers";
}

/* --- rights --------------------------------------------------------------- */

void sbx_rights_add_volume(struct sbx_rights *rights, const char *source,
			   bool writable)
{
	size_t size = (rights->n_volumes + 1) * sizeof(*rights->volumes);

	rights->volumes = sbx_realloc(rights->volumes, size);
	rights->volumes[rights->n_volumes++] = (struct sbx_volume_rule){
		.source = sbx_strdup(source),
		.writable = writable,
	};
}

void sbx_rights_clear_volumes(struct sbx_rights *rights)
{
	for (size_t i = 0; i < rights->n_volumes; i++)
		free(rights->volumes[i].source);
	free(rights->volumes);
	rights->volumes = NULL;
	rights->n_volumes = 0;
}

static void copy_rights(struct sbx_rights *to, const struct sbx_rights *from)
{
	*to = *from;
	to->volumes = NULL;
	to->n_volumes = 0;
	for (size_t i = 0; i < from->n_volumes; i++) {
		sbx_rights_add_volume(to, from->volumes[i].source,
				      from->volumes[i].writable);
		to->volumes[i].rslave = from->volumes[i].rslave;
	}
}

/* --- what skills may have ------------------------------------------------- */

void sbx_skill_rules_set_ulimit(struct sbx_skill_rules *rules, const char *name,
				int64_t most)
{
	sbx_ulimits_set(&rules->ulimits, &rules->n_ulimits, name, most, most);
}

void sbx_skill_rules_add_users(struct sbx_skill_rules *rules,
			       struct sbx_id_range range)
{
	size_t size = (rules->n_users + 1) * sizeof(*rules->users);

	rules->users = sbx_realloc(rules->users, size);
	rules->users[rules->n_users++] = range;
}

void sbx_skill_rules_clear_users(struct sbx_skill_rules *rules)
{
	free(rules->users);
	rules->users = NULL;
	rules->n_users = 0;
}

void sbx_skill_rules_add_device(struct sbx_skill_rules *rules,
				const char *pattern, unsigned int access)
{
	size_t size = (rules->n_devices + 1) * sizeof(*rules->devices);

	rules->devices = sbx_realloc(rules->devices, size);
	rules->devices[rules->n_devices++] = (struct sbx_device_rule){
		.pattern = sbx_strdup(pattern),
		.access = access,
	};
}

void sbx_skill_rules_clear_devices(struct sbx_skill_rules *rules)
{
	for (size_t i = 0; i < rules->n_devices; i++)
		free(rules->devices[i].pattern);
	free(rules->devices);
	rules->devices = NULL;
	rules->n_devices = 0;
}

static void copy_devices(struct sbx_skill_rules *to,
			 const struct sbx_skill_rules *from)
{
	to->devices = NULL;
	to->n_devices = 0;
	for (size_t i = 0; i < from->n_devices; i++)
		sbx_skill_rules_add_device(to, from->devices[i].pattern,
					   from->devices[i].access);
}

void sbx_skill_rules_copy(struct sbx_skill_rules *to,
			  const struct sbx_skill_rules *from)
{
	*to = *from;
	copy_rights(&to->rights, &from->rights);
	to->ulimits = NULL;
	to->n_ulimits = 0;
	for (size_t i = 0; i < from->n_ulimits; i++)
		sbx_skill_rules_set_ulimit(to, from->ulimits[i].name,
					   from->ulimits[i].hard);
	to->users = NULL;
	to->n_users = 0;
	for (size_t i = 0; i < from->n_users; i++)
		sbx_skill_rules_add_users(to, from->users[i]);
	copy_devices(to, from);
	to->runtimes = (struct sbx_strv)SBX_STRV_INIT;
	sbx_strv_copy(&to->runtimes, &from->runtimes);
	to->volume_types = (struct sbx_strv)SBX_STRV_INIT;
	sbx_strv_copy(&to->volume_types, &from->volume_types);
	to->build_from = (struct sbx_strv)SBX_STRV_INIT;
	sbx_strv_copy(&to->build_from, &from->build_from);
}

void sbx_skill_rules_clear(struct sbx_skill_rules *rules)
{
	sbx_rights_clear_volumes(&rules->rights);
	sbx_ulimits_clear(&rules->ulimits, &rules->n_ulimits);
	sbx_skill_rules_clear_users(rules);
	sbx_skill_rules_clear_devices(rules);
	sbx_strv_free(&rules->runtimes);
	sbx_strv_free(&rules->volume_types);
	sbx_strv_free(&rules->build_from);
}

/*
 * Without real-time scheduling and without a better nice value than everybody
 * has: both would be taken from the host and all other sandboxes.
 */
static void init_skills(struct sbx_skill_rules *rules)
{
	static const struct sbx_ulimit ulimits[] = {
		{ .name = (char *)"memlock", .hard = 64 * MIB },
		{ .name = (char *)"msgqueue", .hard = 819200 },
		{ .name = (char *)"nice", .hard = 20 }, /* 20 - 20: nice 0 */
		{ .name = (char *)"nofile", .hard = 65536 },
		{ .name = (char *)"rtprio", .hard = 0 },
		{ .name = (char *)"sigpending", .hard = 1024 },
	};

	*rules = (struct sbx_skill_rules){
		.enabled = true,
		.waiting = 32,
		.rights.networks[SBX_NETWORK_NONE] = true,
		.rights.limits = { .nano_cpus = 4 * INT64_C(1000000000),
				   .mem_limit = 2048 * MIB,
				   .pids_limit = 1024,
				   .timeout_ms = INT64_C(600) * 1000,
				   .stop_grace_period_ms = 10000,
				   .input_limit = 64 * MIB,
				   .output_limit = 64 * MIB,
				   .tmpfs_size = 1024 * MIB,
				   .files_size = 64 * MIB },
		.build_timeout_ms = INT64_C(1800) * 1000,
	};
	for (size_t i = 0; i < SBX_ARRAY_SIZE(ulimits); i++)
		sbx_skill_rules_set_ulimit(rules, ulimits[i].name,
					   ulimits[i].hard);
	sbx_strv_push(&rules->runtimes, "default");
	sbx_strv_push(&rules->build_from, "skillbox/*");
	sbx_strv_push(&rules->build_from, "*@sha256:*");
}

/* --- the policy ----------------------------------------------------------- */

void sbx_policy_init(struct sbx_policy *policy)
{
	static const struct sbx_request_rules tighten_only = {
		.rights = { .networks[SBX_NETWORK_NONE] = true,
			    .limits = SBX_LIMITS_INIT },
	};

	*policy = (struct sbx_policy){
		.uid_range = { UID_FIRST, UID_LAST },
		.disk_free = 256 * MIB,
		.pool = { .waiting = 256,
			  .mem_limit = 4096 * MIB,
			  .mem_free = 512 * MIB },
		.sessions = { .most = 64, .ttl_ms = INT64_C(86400) * 1000 },
	};
	init_skills(&policy->skills);
	for (size_t i = 0; i < SBX_REQUESTER_COUNT; i++)
		policy->requests[i] = tighten_only;
}

void sbx_policy_clear(struct sbx_policy *policy)
{
	free(policy->file);
	sbx_skill_rules_clear(&policy->skills);
	for (size_t i = 0; i < policy->n_exceptions; i++) {
		free(policy->exceptions[i].skill);
		sbx_skill_rules_clear(&policy->exceptions[i].rules);
	}
	free(policy->exceptions);
	for (size_t i = 0; i < SBX_REQUESTER_COUNT; i++) {
		sbx_rights_clear_volumes(&policy->requests[i].rights);
		sbx_strv_free(&policy->requests[i].publish);
	}
	*policy = (struct sbx_policy){ .file = NULL };
}

const struct sbx_skill_rules *sbx_policy_skill(const struct sbx_policy *policy,
					       const char *name)
{
	for (size_t i = 0; i < policy->n_exceptions; i++) {
		if (strcmp(policy->exceptions[i].skill, name) == 0)
			return &policy->exceptions[i].rules;
	}
	return &policy->skills;
}

uint32_t sbx_policy_uid(const struct sbx_policy *policy, const char *owner,
			const char *skill)
{
	const struct sbx_id_range *range = &policy->uid_range;
	struct sbx_hash *hash = NULL;
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, owner, strlen(owner) + 1);
	sbx_hash_bytes(hash, skill, strlen(skill));
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	/* 60 bits: no id of the range is noticeably likelier than another. */
	hex[15] = '\0';
	return range->first + (uint32_t)(strtoull(hex, NULL, 16) %
					 (range->last - range->first + 1));
}
