/* SPDX-License-Identifier: MIT */
/*
 * A policy, a line "%%", and a manifest of somebody who wants too much.  A
 * policy is read whole or refused; what is granted by one that was read keeps
 * each of its limits, and never is what no policy can grant.
 */
#include "fuzz.h"

#include "base/path.h"
#include "skill/grant.h"
#include "skill/policy_file.h"

#define NAME "fuzz"

static void must_be_limits(const struct sbx_limits *limits)
{
	const int64_t *all[] = {
		&limits->nano_cpus,   &limits->mem_limit,
		&limits->pids_limit,  &limits->timeout_ms,
		&limits->input_limit, &limits->stop_grace_period_ms,
		&limits->tmpfs_size,  &limits->output_limit,
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(all); i++)
		must(*all[i] >= -1);
}

static void must_be_rights(const struct sbx_rights *rights)
{
	must_be_limits(&rights->limits);
	for (size_t i = 0; i < rights->n_volumes; i++) {
		const char *source = rights->volumes[i].source;

		must(source && *source);
		if (*source == '/') {
			char *same = sbx_path_normalize(source);

			must(same && strcmp(same, source) == 0);
			free(same);
		}
	}
}

static void must_be_skill_rules(const struct sbx_skill_rules *rules)
{
	must(rules->concurrency >= 0 &&
	     rules->concurrency <= SBX_CONCURRENCY_MAX);
	must_be_rights(&rules->rights);
	for (size_t i = 0; i < rules->n_users; i++) {
		must(rules->users[i].first > 0);
		must(rules->users[i].first <= rules->users[i].last);
		must(rules->users[i].last <= SBX_ID_MAX);
	}
	must(rules->gpus >= SBX_GPUS_ALL && rules->gpus <= SBX_GPUS_MAX);
	for (size_t i = 0; i < rules->n_devices; i++) {
		must(strncmp(rules->devices[i].pattern, "/dev/", 5) == 0);
		must(!(rules->devices[i].access & SBX_DEVICE_MKNOD));
	}
}

static void must_be_policy(const struct sbx_policy *policy)
{
	must_be_skill_rules(&policy->skills);
	for (size_t i = 0; i < policy->n_exceptions; i++)
		must_be_skill_rules(&policy->exceptions[i].rules);
	for (int i = 0; i < SBX_REQUESTER_COUNT; i++)
		must_be_rights(&policy->requests[i].rights);
	must(policy->uid_range.first > 0);
	must(policy->uid_range.first <= policy->uid_range.last);
	must(policy->uid_range.last <= SBX_ID_MAX);
	must(policy->disk_free >= 0);
	must(policy->sessions.most >= 0);
	must(policy->sessions.ttl_ms >= 1000);
}

/* --- what is granted ------------------------------------------------------- */

/* As near to the rules of skill/never.h as they can be said in one line. */
static void must_not_be_host(const char *source)
{
	static const char *const never[] = { "/proc",
					     "/sys",
					     "/dev",
					     "/etc",
					     "/run/docker.sock",
					     "/var/run/docker.sock",
					     "/var/lib/docker" };

	for (size_t i = 0; i < SBX_ARRAY_SIZE(never); i++)
		must(!sbx_path_overlaps(source, never[i]));
}

static bool is_granted(const struct sbx_rights *rights,
		       const struct sbx_mount *mount)
{
	for (size_t i = 0; i < rights->n_volumes; i++) {
		const struct sbx_volume_rule *rule = &rights->volumes[i];

		if (!rule->writable && !mount->read_only)
			continue;
		if (*mount->source != '/' || *rule->source != '/') {
			if (strcmp(rule->source, mount->source) == 0 ||
			    strcmp(rule->source, "*") == 0)
				return true;
		} else if (sbx_path_is_within(mount->source, rule->source)) {
			return true;
		}
	}
	return false;
}

static void must_be_volumes(const struct sbx_action *action,
			    const struct sbx_rights *by_skill,
			    const struct sbx_rights *by_request)
{
	const char *a;
	const char *b;

	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];

		if (*mount->source != '/')
			continue;
		must_not_be_host(mount->source);
		must(is_granted(by_skill, mount) ||
		     is_granted(by_request, mount));
	}
	must(!sbx_action_overlap(action, &a, &b));
}

static void must_be_devices(const struct sbx_action *action,
			    const struct sbx_skill_rules *rules)
{
	must(action->gpus == 0 || rules->gpus == SBX_GPUS_ALL ||
	     (action->gpus > 0 && action->gpus <= rules->gpus));
	must(action->n_devices == 0 || rules->n_devices > 0);
	for (size_t i = 0; i < action->n_devices; i++) {
		const struct sbx_device *device = &action->devices[i];

		must(strncmp(device->source, "/dev/", 5) == 0);
		must(strncmp(device->target, "/dev/", 5) == 0);
		must(!(device->access & SBX_DEVICE_MKNOD));
		must(strcmp(device->source, "/dev/mem") != 0);
		must(strncmp(device->source, "/dev/sd", 7) != 0);
	}
}

static void must_be_at_most(int64_t value, int64_t by_skill, int64_t by_request,
			    bool requested)
{
	if (by_skill < 0 || value <= by_skill)
		return;
	must(requested && value <= by_request);
}

static void must_be_ports(const struct sbx_request_rules *rules,
			  const struct sbx_grant *grant)
{
	must(grant->publish.n == 0 ||
	     (rules->publish.n > 0 &&
	      grant->action.network != SBX_NETWORK_HOST));
}

static void must_be_granted(const struct sbx_policy *policy,
			    const struct sbx_wish *wish,
			    const struct sbx_grant *grant)
{
	const struct sbx_skill_rules *rules = sbx_policy_skill(policy, NAME);
	const struct sbx_rights *more =
		&policy->requests[wish->requester].rights;
	const struct sbx_limits *most = &rules->rights.limits;
	const struct sbx_action *action = &grant->action;
	bool asked = wish->overrides->mem_limit >= 0;

	must(rules->enabled);
	must(action->uid > 0 && action->gid > 0);
	must(action->network == SBX_NETWORK_NONE ||
	     rules->rights.networks[action->network] ||
	     (wish->overrides->has_network && more->networks[action->network]));
	must_be_at_most(action->mem_limit, most->mem_limit,
			more->limits.mem_limit, asked);
	must_be_at_most(action->nano_cpus, most->nano_cpus,
			more->limits.nano_cpus, asked);
	must_be_at_most(action->pids_limit, most->pids_limit,
			more->limits.pids_limit, asked);
	must_be_at_most(action->timeout_ms, most->timeout_ms,
			more->limits.timeout_ms, asked);
	must_be_at_most(action->input_limit, most->input_limit, -1, false);
	must_be_at_most(action->output_limit, most->output_limit, -1, false);
	must_be_at_most(action->stop_grace_period_ms,
			most->stop_grace_period_ms, -1, false);
	for (size_t i = 0; i < action->n_tmpfs; i++)
		must_be_at_most(action->tmpfs[i].size, most->tmpfs_size, -1,
				false);
	must_be_volumes(action, &rules->rights, more);
	must_be_ports(&policy->requests[wish->requester], grant);
	must_be_devices(action, rules);
}

static void decide(const struct sbx_policy *policy, const struct sbx_wish *wish)
{
	struct sbx_grant grant = { .owner = NULL };
	struct sbx_error err = fuzz_error();
	int result = sbx_grant_decide(policy, wish, &grant, &err);

	must_fit(result, &err);
	if (result == 0)
		must_be_granted(policy, wish, &grant);
	else
		must(err.outcome == SBX_OUTCOME_DENIED ||
		     err.outcome == SBX_OUTCOME_INVALID);
	sbx_grant_clear(&grant);
}

/* Each action as it is, and as each side would like to have it. */
static void decide_all(const struct sbx_policy *policy,
		       const struct sbx_manifest *manifest)
{
	struct sbx_mount volume = { .source = (char *)"/srv/data",
				    .target = (char *)"/fuzz" };
	struct sbx_overrides nothing = SBX_OVERRIDES_INIT;
	const struct sbx_publish loopback = { .target = 80,
					      .host_ip = "127.0.0.1" };
	struct sbx_overrides much = { .volumes = &volume,
				      .n_volumes = 1,
				      .publish = { .v = { loopback } },
				      .has_network = true,
				      .network = SBX_NETWORK_HOST,
				      .timeout_ms = 3600000,
				      .mem_limit = INT64_C(1) << 40,
				      .nano_cpus = SBX_NANO_CPUS_MAX,
				      .pids_limit = SBX_PIDS_LIMIT_MAX };

	for (size_t i = 0; i < manifest->n_actions; i++) {
		for (int j = 0; j < 3 * SBX_REQUESTER_COUNT; j++) {
			struct sbx_wish wish = {
				.manifest = manifest,
				.action = &manifest->actions[i],
				.overrides = j % 3 ? &much : &nothing,
				.requester = (enum sbx_requester)(j / 3),
				.owner = "1000",
			};

			much.has_network = j % 3 == 1;
			much.publish.n = i % 2;
			decide(policy, &wish);
		}
	}
}

static void ask(const struct sbx_policy *policy, const char *text, size_t size)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_manifest *manifest = NULL;
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (sbx_manifest_parse(text, size, NAME, "skill.yaml", &manifest,
			       &problems, &ignored) == 0)
		decide_all(policy, manifest);
	sbx_manifest_free(&manifest);
	sbx_problems_free(&problems);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char mark[] = "\n%%\n";
	const char *end = size ? memmem(data, size, mark, 4) : NULL;
	size_t first = end ? (size_t)(end - (const char *)data) + 1 : size;
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = fuzz_error();
	char *text = fuzz_exact(data, first);
	struct sbx_policy policy;
	int result;

	memset(&policy, 0, sizeof(policy));
	result = sbx_policy_parse(text, first, "policy.yaml", &policy,
				  &problems, &err);
	must_fit(result, &err);
	must((result == 0) == (problems.errors.n == 0));
	if (result == 0) {
		must_be_policy(&policy);
		if (end)
			ask(&policy, end + strlen(mark),
			    size - first - strlen(mark) + 1);
		sbx_policy_clear(&policy);
	} else {
		static const struct sbx_policy zero;

		must(err.outcome == SBX_OUTCOME_MISCONFIGURED);
		must(memcmp(&policy, &zero, sizeof(zero)) == 0);
	}
	sbx_problems_free(&problems);
	free(text);
	return 0;
}
