/* SPDX-License-Identifier: MIT */
#include "skill/grant_volumes.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "codec/json.h"
#include "skill/never.h"
#include "skill/volume_options.h"

/* Who asks for a mount, for messages and for the rules it falls under. */
struct side {
	const struct sbx_rights *rights;
	const char *section; /* "skills", "operator", "callers" */
};

static bool is_host_path(const char *source)
{
	return source[0] == '/';
}

static int check_never(const char *source, struct sbx_error *err)
{
	const char *what;

	if (!is_host_path(source)) {
		if (!sbx_never_volume(source))
			return 0;
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "volumes.never: volumes that begin with "
				     "skillbox- (%s) are skillbox's own",
				     source);
	}
	if (!sbx_never_mounted(source, &what))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: %s would hand over %s%s", source,
			     what, what[0] == '/' ? " of the host" : "");
}

/* --- what a policy says of a source --------------------------------------- */

static bool covers(const struct sbx_volume_rule *rule, const char *source)
{
	if (is_host_path(source))
		return is_host_path(rule->source) &&
		       sbx_path_is_within(source, rule->source);
	return strcmp(rule->source, "*") == 0 ||
	       strcmp(rule->source, source) == 0;
}

/* The rule that says most about @source: the longest one that covers it. */
static const struct sbx_volume_rule *find_rule(const struct sbx_rights *rights,
					       const char *source)
{
	const struct sbx_volume_rule *best = NULL;

	for (size_t i = 0; i < rights->n_volumes; i++) {
		const struct sbx_volume_rule *rule = &rights->volumes[i];

		if (covers(rule, source) &&
		    (!best || strlen(rule->source) >= strlen(best->source)))
			best = rule;
	}
	return best;
}

/* Something below @source that may only be read, or NULL. */
static const char *find_read_only(const struct sbx_rights *rights,
				  const char *source)
{
	for (size_t i = 0; i < rights->n_volumes; i++) {
		const struct sbx_volume_rule *rule = &rights->volumes[i];

		if (!rule->writable && is_host_path(rule->source) &&
		    sbx_path_is_within(rule->source, source))
			return rule->source;
	}
	return NULL;
}

static int check_rule(const struct side *side, const struct sbx_mount *mount,
		      struct sbx_error *err)
{
	const char *source = mount->source;
	const struct sbx_volume_rule *rule = find_rule(side->rights, source);
	const char *below;

	if (!rule)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "%s.volumes: no rule of the policy grants "
				     "%s%s (\"%s:%s\" there would)",
				     side->section,
				     is_host_path(source) ? "" : "the volume ",
				     source, source,
				     mount->read_only ? "ro" : "rw");
	if (mount->rslave && !rule->rslave)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "%s.volumes: the policy does not grant "
				     "%s with propagation (\"%s:rw,rslave\" "
				     "there would)",
				     side->section, source, source);
	if (mount->read_only)
		return 0;
	if (!rule->writable)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "%s.volumes: the policy grants %s "
				     "read-only; mount it with \":ro\"",
				     side->section, source);
	below = is_host_path(source) ? find_read_only(side->rights, source)
				     : NULL;
	if (!below)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "%s.volumes: in %s is %s, which the policy grants "
			     "read-only; mount it with \":ro\"",
			     side->section, source, below);
}

/* --- volumes that the engine makes of something --------------------------- */

static bool is_type_granted(const struct sbx_strv *types, const char *type)
{
	for (size_t i = 0; i < types->n; i++) {
		if (strcmp(types->v[i], type) == 0)
			return true;
	}
	return false;
}

/* What another driver hands over only that driver knows. */
static int check_driver(const json_t *volumes, const char *name,
			struct sbx_error *err)
{
	const char *driver = sbx_json_text_at(volumes, name, "driver", NULL);

	if (!driver || strcmp(driver, "local") == 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.never: the volume %s is made by the "
			     "driver \"%s\"; only those of \"local\" can be "
			     "judged",
			     name, driver);
}

static int check_options(const struct sbx_policy *policy,
			 const struct sbx_wish *wish,
			 const struct sbx_mount *mount, struct sbx_error *err)
{
	const char *skill = wish->manifest->name;
	const json_t *volumes = wish->manifest->volumes;
	const char *device;
	const char *type;

	if (check_driver(volumes, mount->source, err) < 0 ||
	    sbx_volume_options_judge(
		    mount->source,
		    sbx_volume_options_of(volumes, mount->source), &device,
		    &type, err) < 0)
		return -1;
	if (device)
		return sbx_grant_device(policy, skill, device, mount->read_only,
					err);
	if (!type ||
	    is_type_granted(&sbx_policy_skill(policy, skill)->volume_types,
			    type))
		return 0;
	return sbx_error_set(
		err, SBX_OUTCOME_DENIED,
		"skills.volume_types: the policy does not grant "
		"the volume %s, which is of type %s, to %s; \"%s\" "
		"would have to be in that list",
		mount->source, type, skill, type);
}

/* --- both lists ----------------------------------------------------------- */

/* The manifest's are the first @n: a skill's own volumes are always granted. */
static int check_manifest_volumes(const struct sbx_action *action, size_t n,
				  const struct side *skill,
				  struct sbx_error *err)
{
	for (size_t i = 0; i < n; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		if (check_never(mount->source, err) < 0 ||
		    (is_host_path(mount->source) &&
		     check_rule(skill, mount, err) < 0))
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

/* True when the manifest mounts the same there and lets as much be done. */
static bool is_tighter(const struct sbx_action *manifest,
		       const struct sbx_mount *mount)
{
	for (size_t i = 0; i < manifest->n_volumes; i++) {
		const struct sbx_mount *asked = &manifest->volumes[i];

		if (strcmp(asked->target, mount->target) == 0)
			return strcmp(asked->source, mount->source) == 0 &&
			       (mount->read_only || !asked->read_only) &&
			       (asked->rslave || !mount->rslave);
	}
	return false;
}

/* Adds one that is asked for on top, in place of the manifest's. */
static int add_volume(const struct sbx_wish *wish, const struct side *skill,
		      const struct side *requester, struct sbx_action *action,
		      size_t *n_manifest, const struct sbx_mount *asked,
		      struct sbx_error *err)
{
	struct sbx_mount mount = { .source = NULL };
	const char *why;
	int result;

	if (!sbx_mount_fill(&mount, asked->source, asked->target,
			    asked->read_only, &why))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "volume %.200s:%.200s: %s", asked->source,
				     asked->target, why);
	mount.rslave = asked->rslave;
	result = check_never(mount.source, err);
	if (result == 0 && !is_tighter(wish->action, &mount))
		result = check_rule(requester, &mount, err);
	else if (result == 0 && is_host_path(mount.source))
		result = check_rule(skill, &mount, err);
	if (result == 0) {
		make_way(action, n_manifest, mount.target);
		sbx_action_copy_volume(action, &mount);
	}
	sbx_mount_clear(&mount);
	return result;
}

int sbx_grant_device(const struct sbx_policy *policy, const char *skill,
		     const char *device, bool read_only, struct sbx_error *err)
{
	const struct side side = { &sbx_policy_skill(policy, skill)->rights,
				   "skills" };
	cleanup_free char *path = sbx_path_normalize(device);
	const struct sbx_mount mount = { .source = path,
					 .read_only = read_only };

	if (!path)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "volumes.never: %.200s is no absolute "
				     "path without \"..\"",
				     device);
	if (check_never(path, err) < 0)
		return -1;
	return check_rule(&side, &mount, err);
}

/* --- mounts against each other -------------------------------------------- */

/* The path of the host that @mount is, also by its options; free() it. */
static char *host_path_of(const json_t *volumes, const struct sbx_mount *mount)
{
	const json_t *options = sbx_volume_options_of(volumes, mount->source);
	struct sbx_error ignored = SBX_ERROR_INIT;
	const char *device = NULL;
	const char *type;

	if (is_host_path(mount->source))
		return sbx_strdup(mount->source);
	sbx_volume_options_judge(mount->source, options, &device, &type,
				 &ignored);
	return device ? sbx_path_normalize(device) : NULL;
}

static int check_pair(const char *outer, const char *inner,
		      struct sbx_error *err)
{
	if (!inner || strcmp(inner, outer) == 0 ||
	    !sbx_path_is_within(inner, outer))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.inside: %s lies in %s, which is mounted "
			     "too, and writable: what is at %s could be "
			     "swapped",
			     inner, outer, inner);
}

/*
 * An action that may change the directory in which another of its mounts'
 * sources lies could put something else there before the next run.
 */
static int check_sources(const json_t *volumes, const struct sbx_action *action,
			 struct sbx_error *err)
{
	for (size_t i = 0; i < action->n_volumes; i++) {
		cleanup_free char *outer =
			host_path_of(volumes, &action->volumes[i]);

		if (!outer || action->volumes[i].read_only)
			continue;
		for (size_t j = 0; j < action->n_volumes; j++) {
			cleanup_free char *inner =
				host_path_of(volumes, &action->volumes[j]);

			if (check_pair(outer, inner, err) < 0)
				return -1;
		}
	}
	return 0;
}

static int check_targets(const struct sbx_action *action, struct sbx_error *err)
{
	const char *a;
	const char *b;

	if (!sbx_action_overlap(action, &a, &b))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "volumes.overlap: the mounts at %s and %s hide "
			     "one another",
			     b, a);
}

int sbx_grant_volumes(const struct sbx_policy *policy,
		      const struct sbx_wish *wish, struct sbx_action *action,
		      struct sbx_error *err)
{
	const struct sbx_skill_rules *rules =
		sbx_policy_skill(policy, wish->manifest->name);
	const struct side skill = { &rules->rights, "skills" };
	const struct side requester = {
		&policy->requests[wish->requester].rights,
		sbx_requester_name(wish->requester),
	};
	size_t n_manifest = action->n_volumes;

	for (size_t i = 0; i < wish->overrides->n_volumes; i++) {
		if (add_volume(wish, &skill, &requester, action, &n_manifest,
			       &wish->overrides->volumes[i], err) < 0)
			return -1;
	}
	if (check_manifest_volumes(action, n_manifest, &skill, err) < 0 ||
	    check_sources(wish->manifest->volumes, action, err) < 0)
		return -1;
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (check_options(policy, wish, &action->volumes[i], err) < 0)
			return -1;
	}
	return check_targets(action, err);
}
