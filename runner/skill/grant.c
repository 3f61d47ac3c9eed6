/* SPDX-License-Identifier: MIT */
/*
 * A copy of the action is made, the overrides are put in, and then everything
 * in it is held against the policy: what the manifest asked for against the
 * rules for skills, what an override asked for against those for whoever
 * made it.  An override that asks for less than the manifest needs no rule.
 */
#include "skill/grant.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/units.h"
#include "skill/grant_devices.h"
#include "skill/grant_volumes.h"
#include "skill/names.h"

#define DEFAULT_RUNTIME "default"

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
	json_decref(grant->volumes);
	sbx_strv_free(&grant->lowered);
	*grant = (struct sbx_grant){ .owner = NULL };
}

/* --- environment ---------------------------------------------------------- */

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

static int grant_environment(const struct sbx_policy *policy,
			     const struct sbx_wish *wish,
			     struct sbx_action *action, struct sbx_error *err)
{
	const struct sbx_strv *asked = &wish->overrides->environment;

	for (size_t i = 0; i < asked->n; i++) {
		if (check_variable(asked->v[i], err) < 0)
			return -1;
	}
	if (asked->n > 0 && !policy->requests[wish->requester].environment)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "%s.environment: the policy does not let "
				     "a request set variables",
				     sbx_requester_name(wish->requester));
	sbx_strv_extend_env(&action->environment, asked);
	return 0;
}

/* --- numbers -------------------------------------------------------------- */

static char *format_cpus(int64_t nano)
{
	return sbx_asprintf("%g", (double)nano / 1e9);
}

static char *format_count(int64_t count)
{
	return sbx_asprintf("%lld", (long long)count);
}

#define NOT_OVERRIDDEN SIZE_MAX

/*
 * @asked, @rule, @override	where struct sbx_action, sbx_limits and
 *				sbx_overrides have it
 * @min, @max			what an override may be
 * @what, @expected		the same for people
 */
static const struct limit {
	const char *name;
	size_t asked;
	size_t rule;
	char *(*format)(int64_t value);
	size_t override;
	int64_t min;
	int64_t max;
	const char *what;
	const char *expected;
} limits[] = {
#define LIMIT(name, member, format)                                            \
	name, offsetof(struct sbx_action, member),                             \
		offsetof(struct sbx_limits, member), format
#define OVERRIDE(member) offsetof(struct sbx_overrides, member)
	{ LIMIT("timeout", timeout_ms, sbx_units_format_duration),
	  OVERRIDE(timeout_ms), 1, SBX_TIMEOUT_MS_MAX, "the time-out",
	  "more than 0, at most 24h" },
	{ LIMIT("mem_limit", mem_limit, sbx_units_format_size),
	  OVERRIDE(mem_limit), SBX_MEM_LIMIT_MIN, SBX_MEM_LIMIT_MAX,
	  "the memory limit", "at least 6m" },
	{ LIMIT("cpus", nano_cpus, format_cpus), OVERRIDE(nano_cpus),
	  SBX_NANO_CPUS_MIN, SBX_NANO_CPUS_MAX, "the number of CPUs",
	  "from 0.01 to 4096" },
	{ LIMIT("pids_limit", pids_limit, format_count), OVERRIDE(pids_limit),
	  SBX_PIDS_LIMIT_MIN, SBX_PIDS_LIMIT_MAX, "the limit of processes",
	  "from 2 to 4194304" },
	{ LIMIT("stop_grace_period", stop_grace_period_ms,
		sbx_units_format_duration),
	  .override = NOT_OVERRIDDEN },
	{ LIMIT("input_limit", input_limit, sbx_units_format_size),
	  .override = NOT_OVERRIDDEN },
	{ LIMIT("output_limit", output_limit, sbx_units_format_size),
	  .override = NOT_OVERRIDDEN },
};

static int64_t at(const void *object, size_t offset)
{
	int64_t value;

	memcpy(&value, (const char *)object + offset, sizeof(value));
	return value;
}

static void note_lowered(struct sbx_grant *grant, const char *section,
			 const struct limit *limit, int64_t asked,
			 int64_t granted)
{
	cleanup_free char *from = limit->format(asked);
	cleanup_free char *to = limit->format(granted);

	sbx_strv_push_take(&grant->lowered,
			   sbx_asprintf("%s.limits.%s: %s was asked for, %s is "
					"granted",
					section, limit->name, from, to));
}

/* What is left of @asked where there may be @most; -1 sets no bound. */
static int64_t lower(struct sbx_grant *grant, const char *section,
		     const struct limit *limit, int64_t asked, int64_t most)
{
	if (most < 0 || asked <= most)
		return asked;
	note_lowered(grant, section, limit, asked, most);
	return most;
}

/* A request may raise a limit as far as its own rule, and always lower it. */
static int grant_limit(const struct sbx_policy *policy,
		       const struct sbx_skill_rules *rules,
		       const struct sbx_wish *wish, const struct limit *limit,
		       struct sbx_grant *grant, struct sbx_error *err)
{
	int64_t *slot = (void *)((char *)&grant->action + limit->asked);
	int64_t most = at(&policy->requests[wish->requester].rights.limits,
			  limit->rule);
	int64_t override = -1;

	if (limit->override != NOT_OVERRIDDEN)
		override = at(wish->overrides, limit->override);
	if (override != -1 && (override < limit->min || override > limit->max))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s makes no sense, expected %s",
				     limit->what, limit->expected);
	if (override == -1) {
		*slot = lower(grant, "skills", limit, *slot,
			      at(&rules->rights.limits, limit->rule));
		return 0;
	}
	/* What the manifest would have got, it may have. */
	if (at(&rules->rights.limits, limit->rule) >= 0 &&
	    *slot > at(&rules->rights.limits, limit->rule))
		*slot = at(&rules->rights.limits, limit->rule);
	if (most < *slot)
		most = *slot;
	*slot = lower(grant, sbx_requester_name(wish->requester), limit,
		      override, most);
	return 0;
}

static void lower_tmpfs(const struct sbx_skill_rules *rules,
			struct sbx_grant *grant)
{
	static const struct limit each = { .name = "tmpfs",
					   .format = sbx_units_format_size };
	static const struct limit files = { .name = "files",
					    .format = sbx_units_format_size };
	struct sbx_action *action = &grant->action;

	if (action->files_in || action->files_out)
		action->files_limit = lower(grant, "skills", &files,
					    action->files_limit,
					    rules->rights.limits.files_size);
	for (size_t i = 0; i < action->n_tmpfs; i++)
		action->tmpfs[i].size = lower(grant, "skills", &each,
					      action->tmpfs[i].size,
					      rules->rights.limits.tmpfs_size);
}

static void lower_ulimits(const struct sbx_skill_rules *rules,
			  struct sbx_grant *grant)
{
	struct sbx_action *action = &grant->action;

	for (size_t i = 0; i < action->n_ulimits; i++) {
		struct sbx_ulimit *asked = &action->ulimits[i];
		const struct sbx_ulimit *rule = sbx_ulimits_find(
			rules->ulimits, rules->n_ulimits, asked->name);
		cleanup_free char *name =
			sbx_asprintf("ulimits.%s", asked->name);
		const struct limit limit = { .name = name,
					     .format = format_count };

		if (!rule)
			continue;
		asked->hard =
			lower(grant, "skills", &limit, asked->hard, rule->hard);
		if (asked->soft > asked->hard)
			asked->soft = asked->hard;
	}
}

/* An action that says nothing has not asked: only what is always kept counts. */
static void lower_warm_pool(const struct sbx_skill_rules *rules,
			    struct sbx_grant *grant)
{
	struct sbx_warm_pool *warm = &grant->action.warm_pool;

	grant->waiting = rules->waiting;
	if (warm->min > rules->waiting) {
		sbx_strv_push_take(
			&grant->lowered,
			sbx_asprintf("skills.waiting: %lld was asked for, "
				     "%lld is granted",
				     (long long)warm->min,
				     (long long)rules->waiting));
		warm->min = rules->waiting;
	}
	if (warm->max > rules->waiting)
		warm->max = rules->waiting;
}

static int grant_limits(const struct sbx_policy *policy,
			const struct sbx_skill_rules *rules,
			const struct sbx_wish *wish, struct sbx_grant *grant,
			struct sbx_error *err)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(limits); i++) {
		if (grant_limit(policy, rules, wish, &limits[i], grant, err) <
		    0)
			return -1;
	}
	lower_tmpfs(rules, grant);
	lower_ulimits(rules, grant);
	lower_warm_pool(rules, grant);
	return 0;
}

/* --- what cannot be lowered ----------------------------------------------- */

static int grant_enabled(const struct sbx_skill_rules *rules, const char *skill,
			 struct sbx_error *err)
{
	if (rules->enabled)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "skills.enabled: the policy disables the skill %s",
			     skill);
}

static int grant_network(const struct sbx_policy *policy,
			 const struct sbx_skill_rules *rules,
			 const struct sbx_wish *wish, struct sbx_action *action,
			 struct sbx_error *err)
{
	const bool *given = rules->rights.networks;
	const char *section = "skills";
	enum sbx_network asked = action->network;

	if (wish->overrides->has_network) {
		asked = wish->overrides->network;
		/* To ask for less than the manifest needs no right to more. */
		if (asked > action->network || !given[asked]) {
			section = sbx_requester_name(wish->requester);
			given = policy->requests[wish->requester]
					.rights.networks;
		}
	}
	action->network = asked;
	if (given[asked])
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "%s.networks: the policy does not grant the "
			     "network \"%s\" to %s; it would have to be in "
			     "that list",
			     section, sbx_network_name(asked),
			     wish->manifest->name);
}

static bool is_user_granted(const struct sbx_skill_rules *rules, uint32_t id)
{
	for (size_t i = 0; i < rules->n_users; i++) {
		if (id >= rules->users[i].first && id <= rules->users[i].last)
			return true;
	}
	return false;
}

static int grant_user(const struct sbx_policy *policy,
		      const struct sbx_skill_rules *rules,
		      const struct sbx_wish *wish, struct sbx_action *action,
		      struct sbx_error *err)
{
	if (!action->has_user) {
		action->uid = sbx_policy_uid(policy, wish->owner,
					     wish->manifest->name);
		action->gid = action->uid;
	}
	if (action->uid == 0 || action->gid == 0)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "user.root: the action asks for user "
				     "%u:%u, and neither may be 0",
				     action->uid, action->gid);
	if (!action->has_user || (is_user_granted(rules, action->uid) &&
				  is_user_granted(rules, action->gid)))
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "skills.users: the policy does not grant the user "
			     "%u:%u to %s; without \"user:\" it has one of its "
			     "own",
			     action->uid, action->gid, wish->manifest->name);
}

/*
 * An action that names no runtime gets the first of the list: that may be a
 * stronger one than the engine's own, never by chance a weaker one.
 */
static int grant_runtime(const struct sbx_skill_rules *rules, const char *skill,
			 struct sbx_action *action, struct sbx_error *err)
{
	const struct sbx_strv *granted = &rules->runtimes;
	const char *asked = action->runtime;

	for (size_t i = 0; asked && i < granted->n; i++) {
		if (strcmp(granted->v[i], asked) == 0)
			return 0;
	}
	if (asked)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "skills.runtimes: the policy does not "
				     "grant the runtime \"%s\" to %s",
				     asked, skill);
	if (strcmp(granted->v[0], DEFAULT_RUNTIME) != 0)
		sbx_strset(&action->runtime, granted->v[0]);
	return 0;
}

/* --- published ports ------------------------------------------------------ */

static bool is_address_granted(const struct sbx_strv *rules,
			       const char *host_ip)
{
	for (size_t i = 0; i < rules->n; i++) {
		char address[INET6_ADDRSTRLEN];

		if (strcmp(rules->v[i], SBX_PUBLISH_ANY) == 0 ||
		    (sbx_publish_address(rules->v[i], address) &&
		     strcmp(address, host_ip) == 0))
			return true;
	}
	return false;
}

/* No manifest asks for any: what counts are the rules for who does. */
static int grant_publish(const struct sbx_policy *policy,
			 const struct sbx_wish *wish, struct sbx_grant *grant,
			 struct sbx_error *err)
{
	const struct sbx_publish_list *asked = &wish->overrides->publish;
	const struct sbx_strv *rules =
		&policy->requests[wish->requester].publish;

	if (asked->n > 0 && grant->action.network == SBX_NETWORK_HOST)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "ports cannot be published with the "
				     "network \"host\": what listens there "
				     "does so on the host itself; ask for "
				     "none or bridge");
	for (size_t i = 0; i < asked->n; i++) {
		if (!is_address_granted(rules, asked->v[i].host_ip))
			return sbx_error_set(
				err, SBX_OUTCOME_DENIED,
				"%s.publish: the policy does not let port %u "
				"be published at %s; the address would have "
				"to be in that list",
				sbx_requester_name(wish->requester),
				asked->v[i].target, asked->v[i].host_ip);
	}
	grant->publish = *asked;
	return 0;
}

/* --- the decision --------------------------------------------------------- */

static int decide(const struct sbx_policy *policy, const struct sbx_wish *wish,
		  struct sbx_grant *grant, struct sbx_error *err)
{
	const char *skill = wish->manifest->name;
	const struct sbx_skill_rules *rules = sbx_policy_skill(policy, skill);
	struct sbx_action *action = &grant->action;

	grant->concurrency = rules->concurrency;
	if (grant_enabled(rules, skill, err) < 0 ||
	    grant_environment(policy, wish, action, err) < 0 ||
	    grant_limits(policy, rules, wish, grant, err) < 0 ||
	    grant_network(policy, rules, wish, action, err) < 0 ||
	    grant_user(policy, rules, wish, action, err) < 0 ||
	    grant_runtime(rules, skill, action, err) < 0 ||
	    sbx_grant_devices(rules, skill, action, err) < 0 ||
	    grant_publish(policy, wish, grant, err) < 0)
		return -1;
	return sbx_grant_volumes(policy, wish, action, err);
}

static bool has_workspace(const struct sbx_action *action,
			  const struct sbx_overrides *overrides)
{
	for (size_t i = 0; i < action->n_tmpfs; i++) {
		if (strcmp(action->tmpfs[i].target, SBX_WORKSPACE) == 0)
			return true;
	}
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (strcmp(action->volumes[i].target, SBX_WORKSPACE) == 0)
			return true;
	}
	for (size_t i = 0; i < overrides->n_volumes; i++) {
		if (strcmp(overrides->volumes[i].target, SBX_WORKSPACE) == 0)
			return true;
	}
	return false;
}

/*
 * What is installed in it is to be run.  It is memory, of which the action has
 * as much as before; of what a request names there is at least half for it.
 */
static void add_workspace(struct sbx_action *action,
			  const struct sbx_overrides *overrides)
{
	int64_t size = SBX_WORKSPACE_SIZE;

	if (has_workspace(action, overrides))
		return;
	if (overrides->mem_limit < 0)
		action->mem_limit += size;
	else if (size > overrides->mem_limit / 2)
		size = overrides->mem_limit / 2;
	sbx_action_add_tmpfs(action, SBX_WORKSPACE, size, true);
}

int sbx_grant_decide(const struct sbx_policy *policy,
		     const struct sbx_wish *wish, struct sbx_grant *out,
		     struct sbx_error *err)
{
	struct sbx_grant grant = { .owner = NULL };

	if (!sbx_name_is_owner(wish->owner))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%.100s\" is no owner: 1 to 64 of a-z, "
				     "0-9, \".\", \"_\" and \"-\" are",
				     wish->owner);
	sbx_action_copy(&grant.action, wish->action);
	if (wish->is_session)
		add_workspace(&grant.action, wish->overrides);
	grant.owner = sbx_strdup(wish->owner);
	grant.skill = sbx_strdup(wish->manifest->name);
	grant.volumes = json_incref(wish->manifest->volumes);
	if (decide(policy, wish, &grant, err) < 0) {
		sbx_grant_clear(&grant);
		return -1;
	}
	*out = grant;
	return 0;
}

int sbx_grant_base(const struct sbx_policy *policy, const char *skill,
		   const char *image, struct sbx_error *err)
{
	const struct sbx_strv *patterns =
		&sbx_policy_skill(policy, skill)->build_from;

	for (size_t i = 0; i < patterns->n; i++) {
		if (fnmatch(patterns->v[i], image, FNM_NOESCAPE) == 0)
			return 0;
	}
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "skills.build.from: the policy does not let %s "
			     "be built from %.300s; it would have to be in "
			     "that list (policy-developer.yaml, for whoever "
			     "writes skills, takes any image)",
			     skill, image);
}

int sbx_grant_fetch(const struct sbx_policy *policy, const char *skill,
		    const char *source, struct sbx_error *err)
{
	if (sbx_policy_skill(policy, skill)->build_network)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "skills.build.network: the policy gives builds of "
			     "%s no network, so ADD may fetch nothing: %.300s "
			     "is a URL, or may be one; a file of the skill is "
			     "written out, without quotes and variables",
			     skill, source);
}
