/* SPDX-License-Identifier: MIT */
#include "skill/policy.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "codec/hash.h"
#include "skill/names.h"

#define UID_FIRST 200000

void sbx_overrides_clear(struct sbx_overrides *overrides)
{
	sbx_strv_free(&overrides->environment);
	for (size_t i = 0; i < overrides->n_volumes; i++)
		sbx_mount_clear(&overrides->volumes[i]);
	free(overrides->volumes);
	*overrides = (struct sbx_overrides)SBX_OVERRIDES_INIT;
}

void sbx_grant_clear(struct sbx_grant *grant)
{
	sbx_action_clear(&grant->action);
	free(grant->owner);
	free(grant->skill);
	*grant = (struct sbx_grant){ .owner = NULL };
}

uint32_t sbx_policy_uid(const char *owner, const char *skill)
{
	struct sbx_hash *hash = NULL;
	char hex[SBX_HASH_HEX_SIZE];

	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, owner, strlen(owner) + 1);
	sbx_hash_bytes(hash, skill, strlen(skill));
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	/* 16 bits: 65536 ids. */
	hex[4] = '\0';
	return UID_FIRST + (uint32_t)strtoul(hex, NULL, 16);
}

/* --- overrides ------------------------------------------------------------ */

static int check_range(const char *what, int64_t value, int64_t min,
		       int64_t max, const char *expected, struct sbx_error *err)
{
	if (value == -1 || (value >= min && value <= max))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s makes no sense, expected %s", what, expected);
}

static int check_variable(const char *entry, struct sbx_error *err)
{
	size_t size = strcspn(entry, "=");
	cleanup_free char *name = sbx_strndup(entry, size);

	if (entry[size] == '=' && sbx_name_is_variable(name) &&
	    !sbx_text_has_prefix(name, "SKILL_"))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "the variable \"%.100s\" cannot be set: a name "
			     "has letters, digits and \"_\", and does not "
			     "begin with a digit or SKILL_",
			     name);
}

static int check_overrides(const struct sbx_overrides *overrides,
			   struct sbx_error *err)
{
	for (size_t i = 0; i < overrides->environment.n; i++) {
		if (check_variable(overrides->environment.v[i], err) < 0)
			return -1;
	}
	if (check_range("the time-out", overrides->timeout_ms, 1,
			SBX_TIMEOUT_MS_MAX, "more than 0, at most 24h",
			err) < 0 ||
	    check_range("the memory limit", overrides->mem_limit,
			SBX_MEM_LIMIT_MIN, SBX_MEM_LIMIT_MAX, "at least 6m",
			err) < 0 ||
	    check_range("the number of CPUs", overrides->nano_cpus,
			SBX_NANO_CPUS_MIN, SBX_NANO_CPUS_MAX,
			"from 0.01 to 4096", err) < 0)
		return -1;
	return check_range("the limit of processes", overrides->pids_limit,
			   SBX_PIDS_LIMIT_MIN, SBX_PIDS_LIMIT_MAX,
			   "from 2 to 4194304", err);
}

static void override(int64_t *value, int64_t by)
{
	if (by != -1)
		*value = by;
}

static void apply_overrides(struct sbx_action *action,
			    const struct sbx_overrides *overrides)
{
	sbx_strv_extend_env(&action->environment, &overrides->environment);
	if (overrides->has_network)
		action->network = overrides->network;
	override(&action->timeout_ms, overrides->timeout_ms);
	override(&action->mem_limit, overrides->mem_limit);
	override(&action->nano_cpus, overrides->nano_cpus);
	override(&action->pids_limit, overrides->pids_limit);
}

/* --- volumes -------------------------------------------------------------- */

/*
 * What would hand over the host or the engine.  Nobody may mount these, what
 * is in them, or what they are in.
 */
static const char *const never[] = {
	"/proc",
	"/sys",
	"/dev",
	"/etc",
	"/run/docker.sock",
	"/run/docker",
	"/run/containerd",
	"/run/podman",
	"/run/crio",
	"/run/buildkit",
	"/run/user",
	"/run/systemd",
	"/run/dbus",
	"/run/skillbox",
	"/var/run", /* the same once more: it is a link to /run */
	"/var/lib/docker",
	"/var/lib/containerd",
	"/var/lib/containers",
};

/* Sockets of engines, wherever they are. */
static const char *const sockets[] = {
	"docker.sock", "podman.sock",	 "containerd.sock",
	"crio.sock",   "buildkitd.sock", "docker-cli.sock",
};

static int check_host_path(const char *path, struct sbx_error *err)
{
	const char *name = strrchr(path, '/') + 1;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(never); i++) {
		if (sbx_path_overlaps(path, never[i]))
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "volumes.never: %s would hand "
					     "over %s of the host",
					     path, never[i]);
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(sockets); i++) {
		if (strcmp(name, sockets[i]) == 0)
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "volumes.never: %s would hand "
					     "over the engine",
					     path);
	}
	return 0;
}

static int check_volume_name(const char *name, struct sbx_error *err)
{
	if (!sbx_text_has_prefix(name, "skillbox-"))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: volumes that begin with "
			     "skillbox- (%s) are skillbox's own",
			     name);
}

/* The manifest's are the first @n. */
static int check_manifest_volumes(const struct sbx_action *action, size_t n,
				  struct sbx_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const char *source = action->volumes[i].source;

		if (source[0] == '/')
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "volumes.host_path: the manifest "
					     "asks for %s of the host, which "
					     "only the operator may give (-v)",
					     source);
		if (check_volume_name(source, err) < 0)
			return -1;
	}
	return 0;
}

/* Removes the one of the manifest's @n volumes that is mounted on @target. */
static void make_way(struct sbx_action *action, size_t *n, const char *target)
{
	struct sbx_mount *volumes = action->volumes;

	for (size_t i = 0; i < *n; i++) {
		if (strcmp(volumes[i].target, target) != 0)
			continue;
		sbx_mount_clear(&volumes[i]);
		memmove(&volumes[i], &volumes[i + 1],
			(action->n_volumes - i - 1) * sizeof(*volumes));
		action->n_volumes--;
		(*n)--;
		return;
	}
}

/* Adds one of the operator's own, in place of the manifest's. */
static int add_volume(struct sbx_action *action, size_t *n_manifest,
		      const struct sbx_mount *asked, struct sbx_error *err)
{
	struct sbx_mount mount = { .source = NULL };
	const char *why;
	int result;

	if (!sbx_mount_fill(&mount, asked->source, asked->target,
			    asked->read_only, &why))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "volume %.200s:%.200s: %s", asked->source,
				     asked->target, why);
	if (mount.source[0] == '/')
		result = check_host_path(mount.source, err);
	else
		result = check_volume_name(mount.source, err);
	if (result == 0) {
		make_way(action, n_manifest, mount.target);
		sbx_action_add_volume(action, mount.source, mount.target,
				      mount.read_only);
	}
	sbx_mount_clear(&mount);
	return result;
}

static int grant_volumes(struct sbx_action *action,
			 const struct sbx_overrides *overrides,
			 struct sbx_error *err)
{
	size_t n_manifest = action->n_volumes;
	const char *a;
	const char *b;

	for (size_t i = 0; i < overrides->n_volumes; i++) {
		if (add_volume(action, &n_manifest, &overrides->volumes[i],
			       err) < 0)
			return -1;
	}
	if (check_manifest_volumes(action, n_manifest, err) < 0)
		return -1;
	if (!sbx_action_overlap(action, &a, &b))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.overlap: the mounts at %s and %s hide "
			     "one another",
			     b, a);
}

/* --- the decision --------------------------------------------------------- */

static int grant_user(struct sbx_action *action, const char *owner,
		      const char *skill, struct sbx_error *err)
{
	if (!action->has_user) {
		action->uid = sbx_policy_uid(owner, skill);
		action->gid = action->uid;
	}
	if (action->uid != 0 && action->gid != 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "user.root: the action asks for user %u:%u, and "
			     "neither may be 0",
			     action->uid, action->gid);
}

static int grant_network(const struct sbx_action *action, struct sbx_error *err)
{
	if (action->network != SBX_NETWORK_HOST)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "network.host: the host's network is not given "
			     "to actions: none and bridge are");
}

int sbx_policy_grant(const struct sbx_manifest *manifest,
		     const struct sbx_action *action,
		     const struct sbx_overrides *overrides, const char *owner,
		     struct sbx_grant *out, struct sbx_error *err)
{
	struct sbx_grant grant = { .owner = NULL };

	if (!sbx_name_is_owner(owner))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%.100s\" is no owner: 1 to 64 of a-z, "
				     "0-9, \".\", \"_\" and \"-\" are",
				     owner);
	if (check_overrides(overrides, err) < 0)
		return -1;
	sbx_action_copy(&grant.action, action);
	apply_overrides(&grant.action, overrides);
	grant.owner = sbx_strdup(owner);
	grant.skill = sbx_strdup(manifest->name);
	if (grant_network(&grant.action, err) < 0 ||
	    grant_user(&grant.action, owner, manifest->name, err) < 0 ||
	    grant_volumes(&grant.action, overrides, err) < 0) {
		sbx_grant_clear(&grant);
		return -1;
	}
	*out = grant;
	return 0;
}
