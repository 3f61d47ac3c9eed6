/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "skill/grant.h"
#include "skill/policy_file.h"

/* Action "run" of skill "example", whose body is @action (flow style). */
static struct sbx_manifest *manifest(const char *action)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *out = NULL;
	cleanup_free char *text =
		sbx_asprintf("{schema_version: 1, name: example, "
			     "version: 0.1.0, actions: {run: %s}}",
			     action);

	if (sbx_manifest_parse(text, strlen(text), "example", "skill.yaml",
			       &out, &problems, &err) < 0)
		fail_msg("%s", err.message);
	sbx_problems_free(&problems);
	return out;
}

/* The policy of @text, or the built-in one. */
static struct sbx_policy policy_of(const char *text)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy out;
	size_t size = text ? strlen(text) : 0;

	if (!text)
		text = sbx_policy_builtin(&size);
	if (sbx_policy_parse(text, size, NULL, &out, &problems, &err) < 0)
		fail_msg("%s", err.message);
	sbx_problems_free(&problems);
	return out;
}

static int decide(const char *policy_text, const struct sbx_manifest *m,
		  const struct sbx_overrides *overrides,
		  enum sbx_requester requester, const char *owner,
		  struct sbx_grant *grant, struct sbx_error *err)
{
	struct sbx_policy policy = policy_of(policy_text);
	const struct sbx_wish wish = { .manifest = m,
				       .action = &m->actions[0],
				       .overrides = overrides,
				       .requester = requester,
				       .owner = owner };
	int result = sbx_grant_decide(&policy, &wish, grant, err);

	sbx_policy_clear(&policy);
	return result;
}

/*
 * Asks for what @action and @overrides say.  @refusal: what the message has
 * to begin with, or NULL for what has to be granted.
 */
static void check_under(const char *policy, const char *action,
			const struct sbx_overrides *overrides,
			enum sbx_requester requester, enum sbx_outcome outcome,
			const char *refusal)
{
	struct sbx_manifest *m = manifest(action);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant = { .owner = NULL };
	int result =
		decide(policy, m, overrides, requester, "1000", &grant, &err);

	if (result != (refusal ? -1 : 0))
		fail_msg("%s under %s: %s", action, policy, err.message);
	assert_int_equal(err.outcome, outcome);
	if (refusal && !sbx_text_has_prefix(err.message, refusal))
		assert_string_equal(err.message, refusal);
	assert_int_equal(grant.owner == NULL, refusal != NULL);
	sbx_grant_clear(&grant);
	sbx_manifest_free(&m);
}

static void check(const char *action, const struct sbx_overrides *overrides,
		  enum sbx_outcome outcome, const char *refusal)
{
	check_under(NULL, action, overrides, SBX_REQUESTER_OPERATOR, outcome,
		    refusal);
}

static void test_manifest_asks(void **state)
{
	static const struct {
		const char *action;
		const char *refusal;
	} samples[] = {
		{ "{}", NULL },
		{ "{volumes: [\"a:/a\"]}", NULL },
		{ "{network: bridge}", "skills.networks: " },
		{ "{network: host}", "skills.networks: " },
		{ "{runtime: runsc}", "skills.runtimes: " },
		{ "{user: \"1000:1000\"}", "skills.users: " },
		{ "{user: \"0:0\"}", "user.root: " },
		{ "{user: \"0:1000\"}", "user.root: " },
		{ "{user: \"1000:0\"}", "user.root: " },
		{ "{volumes: [\"/srv/data:/a\"]}", "skills.volumes: " },
		{ "{volumes: [\"/srv/data:/a:ro\"]}", "skills.volumes: " },
		{ "{volumes: [\"skillbox-init-0:/a\"]}", "volumes.never: " },
		{ "{gpus: 1}", "skills.gpus: the policy grants no GPUs to "
			       "example, which asks for 1" },
		{ "{gpus: all}", "skills.gpus: " },
		{ "{devices: [/dev/kvm]}",
		  "skills.devices: no rule of the policy grants /dev/kvm to "
		  "example (\"/dev/kvm:rw\" there would)" },
		{ "{devices: [/dev/mem]}",
		  "devices.never: /dev/mem would hand over the memory of the "
		  "machine" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides none = SBX_OVERRIDES_INIT;

		check(samples[i].action, &none,
		      samples[i].refusal ? SBX_OUTCOME_DENIED : SBX_OUTCOME_OK,
		      samples[i].refusal);
	}
}

/* The operator's volumes, as -v has them. */
static void test_operator_volumes(void **state)
{
	static const struct {
		const char *source, *target;
		enum sbx_outcome outcome;
		const char *refusal;
	} samples[] = {
		{ "/srv/data", "/data", SBX_OUTCOME_OK, NULL },
		{ "/home/me/etc", "/data", SBX_OUTCOME_OK, NULL },
		{ "/etcetera", "/data", SBX_OUTCOME_OK, NULL },
		{ "name", "/data", SBX_OUTCOME_OK, NULL },
		{ "/", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "//", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/./etc", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/etc/ssl", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/proc", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/sys/fs", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/dev/null", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/run", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/run/docker.sock", "/data", SBX_OUTCOME_DENIED,
		  "volumes.never: " },
		{ "/var", "/data", SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "/var/run/docker.sock", "/data", SBX_OUTCOME_DENIED,
		  "volumes.never: " },
		{ "/var/lib/docker/volumes", "/data", SBX_OUTCOME_DENIED,
		  "volumes.never: " },
		{ "/home/me/.docker/run/docker.sock", "/data",
		  SBX_OUTCOME_DENIED, "volumes.never: " },
		{ "skillbox-init-0", "/data", SBX_OUTCOME_DENIED,
		  "volumes.never: " },
		{ "/srv/../etc", "/data", SBX_OUTCOME_INVALID, "volume " },
		{ "./data", "/data", SBX_OUTCOME_INVALID, "volume " },
		{ "~/data", "/data", SBX_OUTCOME_INVALID, "volume " },
		{ "/srv", "data", SBX_OUTCOME_INVALID, "volume " },
		{ "/srv", "/proc/1", SBX_OUTCOME_INVALID, "volume " },
		{ "/srv", "/a", SBX_OUTCOME_OK, NULL },
		{ "/srv", "/a/b", SBX_OUTCOME_DENIED, "volumes.overlap: " },
		{ "/srv", "/tmp", SBX_OUTCOME_DENIED, "volumes.overlap: " },
		{ "/srv", "/b", SBX_OUTCOME_DENIED, "volumes.overlap: " },
		{ "/srv", "/b/c/d", SBX_OUTCOME_DENIED, "volumes.overlap: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *source = sbx_strdup(samples[i].source);
		cleanup_free char *target = sbx_strdup(samples[i].target);
		struct sbx_mount mount = { .source = source, .target = target };
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

		overrides.volumes = &mount;
		overrides.n_volumes = 1;
		check("{volumes: [\"v:/a\", \"w:/b/c\"]}", &overrides,
		      samples[i].outcome, samples[i].refusal);
	}
}

/* On the same target the operator's takes the place of the manifest's. */
static void test_operator_volume_replaces(void **state)
{
	struct sbx_manifest *m =
		manifest("{volumes: [\"v:/a\", \"/srv:/b\", \"w:/c\"]}");
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	struct sbx_action mine = { .name = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant;

	(void)state;
	sbx_action_add_volume(&mine, "/srv/own", "/b/", true);
	overrides.volumes = mine.volumes;
	overrides.n_volumes = mine.n_volumes;
	assert_int_equal(decide(NULL, m, &overrides, SBX_REQUESTER_OPERATOR,
				"me", &grant, &err),
			 0);
	sbx_manifest_free(&m);
	assert_int_equal(grant.action.n_volumes, 3);
	assert_string_equal(grant.action.volumes[0].source, "v");
	assert_string_equal(grant.action.volumes[1].source, "w");
	assert_string_equal(grant.action.volumes[2].source, "/srv/own");
	assert_string_equal(grant.action.volumes[2].target, "/b");
	assert_true(grant.action.volumes[2].read_only);
	sbx_grant_clear(&grant);
	/* What it does not replace is still the manifest's. */
	check("{volumes: [\"/srv:/a\", \"/srv:/b\"]}", &overrides,
	      SBX_OUTCOME_DENIED, "skills.volumes: ");
	sbx_action_clear(&mine);
}

/* Two of the operator's own collide as well. */
static void test_operator_volumes_overlap(void **state)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	struct sbx_action both = { .name = NULL };

	(void)state;
	sbx_action_add_volume(&both, "/srv", "/x", true);
	sbx_action_add_volume(&both, "/srv", "/x/", true);
	overrides.volumes = both.volumes;
	overrides.n_volumes = both.n_volumes;
	check("{}", &overrides, SBX_OUTCOME_DENIED, "volumes.overlap: ");
	sbx_action_clear(&both);
}

static void test_override_values(void **state)
{
	static const struct {
		size_t member;
		int64_t value;
		bool fits;
	} samples[] = {
#define AT(member) offsetof(struct sbx_overrides, member)
		{ AT(timeout_ms), 1, true },
		{ AT(timeout_ms), 0, false },
		{ AT(timeout_ms), -2, false },
		{ AT(timeout_ms), SBX_TIMEOUT_MS_MAX + 1, false },
		{ AT(mem_limit), SBX_MEM_LIMIT_MIN, true },
		{ AT(mem_limit), SBX_MEM_LIMIT_MIN - 1, false },
		{ AT(mem_limit), INT64_MAX, false },
		{ AT(nano_cpus), SBX_NANO_CPUS_MIN, true },
		{ AT(nano_cpus), 0, false },
		{ AT(pids_limit), 2, true },
		{ AT(pids_limit), 1, false },
		{ AT(pids_limit), 0, false },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
		bool fits = samples[i].fits;

		memcpy((char *)&overrides + samples[i].member,
		       &samples[i].value, sizeof(samples[i].value));
		check("{}", &overrides,
		      fits ? SBX_OUTCOME_OK : SBX_OUTCOME_INVALID,
		      fits ? NULL : "the ");
	}
}

static void test_override_environment(void **state)
{
	static const char *const refused[] = {
		"1A=x", "A", "=x", "A B=x", "SKILL_RUN_ID=x", ""
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(refused); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

		sbx_strv_push(&overrides.environment, refused[i]);
		check("{}", &overrides, SBX_OUTCOME_INVALID, "the variable ");
		sbx_overrides_clear(&overrides);
	}
}

/* Host's network is denied to the operator too, and none takes it away. */
static void test_override_network(void **state)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

	(void)state;
	overrides.has_network = true;
	overrides.network = SBX_NETWORK_HOST;
	check("{}", &overrides, SBX_OUTCOME_DENIED, "operator.networks: ");
	overrides.network = SBX_NETWORK_NONE;
	check("{network: host}", &overrides, SBX_OUTCOME_OK, NULL);
}

/* --- what a policy makes of it -------------------------------------------- */

#define SKILLS(rules) "{schema_version: 1, skills: {" rules "}}"
#define OF_EXAMPLE(rules)                                                      \
	"{schema_version: 1, exceptions: {example: {" rules "}}}"

/* Each rule grants what it names, to whom it names, and nothing else. */
static void test_skills_rules(void **state)
{
	static const struct {
		const char *policy;
		const char *action;
		const char *refusal;
	} samples[] = {
		{ SKILLS("networks: [bridge]"), "{network: bridge}", NULL },
		{ SKILLS("networks: [bridge]"), "{network: none}", NULL },
		{ SKILLS("networks: [bridge]"), "{network: host}",
		  "skills.networks: " },
		{ SKILLS("networks: [host]"), "{network: host}", NULL },
		{ SKILLS("networks: [host]"), "{network: bridge}",
		  "skills.networks: " },
		{ OF_EXAMPLE("networks: [bridge]"), "{network: bridge}", NULL },
		{ "{schema_version: 1, exceptions: {other: {networks: "
		  "[bridge]}}}",
		  "{network: bridge}", "skills.networks: " },
		{ "{schema_version: 1, skills: {networks: [bridge]}, "
		  "exceptions: {example: {networks: []}}}",
		  "{network: bridge}", "skills.networks: " },
		{ SKILLS("enabled: false"), "{}", "skills.enabled: " },
		{ OF_EXAMPLE("enabled: false"), "{}", "skills.enabled: " },
		{ "{schema_version: 1, skills: {enabled: false}, "
		  "exceptions: {example: {enabled: true}}}",
		  "{}", NULL },
		{ SKILLS("users: [\"1000-1999\"]"), "{user: \"1000:1999\"}",
		  NULL },
		{ SKILLS("users: [\"1000-1999\"]"), "{user: \"999:1999\"}",
		  "skills.users: " },
		{ SKILLS("users: [\"1000-1999\"]"), "{user: \"1000:2000\"}",
		  "skills.users: " },
		{ SKILLS("users: [1000, 2000]"), "{user: \"2000:1000\"}",
		  NULL },
		{ SKILLS("runtimes: [default, runsc]"), "{runtime: runsc}",
		  NULL },
		{ SKILLS("runtimes: [default, runsc]"), "{runtime: runc}",
		  "skills.runtimes: " },
		{ SKILLS("runtimes: [runsc]"), "{runtime: runc}",
		  "skills.runtimes: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides none = SBX_OVERRIDES_INIT;

		check_under(samples[i].policy, samples[i].action, &none,
			    SBX_REQUESTER_OPERATOR,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
	}
}

/* Paths of the host: the longest rule that covers one decides. */
static void test_volume_rules(void **state)
{
	static const char policy[] =
		SKILLS("volumes: [\"/srv/a:rw\", \"/srv/a/b:ro\", "
		       "\"/srv/c:ro\", \"/srv/d/e:ro\", \"/srv/d:rw\", "
		       "\"/var:rw\"]");
	static const struct {
		const char *volumes;
		const char *refusal;
	} samples[] = {
		{ "[\"/srv/a/x:/x:rw\"]", NULL },
		{ "[\"/srv/a:/x:ro\"]", NULL },
		{ "[\"/srv/a:/x:rw\"]", "skills.volumes: " },
		{ "[\"/srv/a/b:/x:ro\"]", NULL },
		{ "[\"/srv/a/b:/x:rw\"]", "skills.volumes: " },
		{ "[\"/srv/a/b/deep:/x:rw\"]", "skills.volumes: " },
		{ "[\"/srv/c:/x:ro\"]", NULL },
		{ "[\"/srv/c:/x:rw\"]", "skills.volumes: " },
		{ "[\"/srv/d/x:/x:rw\"]", NULL },
		{ "[\"/srv/d/e/deep:/x:rw\"]", "skills.volumes: " },
		{ "[\"/srv/cc:/x:ro\"]", "skills.volumes: " },
		{ "[\"/srv:/x:ro\"]", "skills.volumes: " },
		{ "[\"/var/mine:/x:rw\"]", NULL },
		{ "[\"/var:/x:ro\"]", "volumes.never: " },
		{ "[\"/var/run:/x:ro\"]", "volumes.never: " },
		{ "[\"/var/mine:/x:rw\", \"/var/mine/y:/y:ro\"]",
		  "volumes.inside: " },
		{ "[\"/var/mine:/x:ro\", \"/var/mine/y:/y:rw\"]", NULL },
		{ "[\"/var/mine:/x:rw\", \"/var/mine:/y:ro\"]", NULL },
		{ "[\"name:/x:rw\"]", NULL },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides none = SBX_OVERRIDES_INIT;
		cleanup_free char *action =
			sbx_asprintf("{volumes: %s}", samples[i].volumes);

		check_under(policy, action, &none, SBX_REQUESTER_OPERATOR,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
	}
}

/* Who calls may ask for less than the manifest, and for nothing else. */
static void test_callers_tighten(void **state)
{
	static const char policy[] = SKILLS("networks: [bridge, host]");
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

	(void)state;
	overrides.has_network = true;
	overrides.network = SBX_NETWORK_NONE;
	check_under(policy, "{network: bridge}", &overrides,
		    SBX_REQUESTER_CALLER, SBX_OUTCOME_OK, NULL);
	overrides.network = SBX_NETWORK_BRIDGE;
	check_under(policy, "{network: bridge}", &overrides,
		    SBX_REQUESTER_CALLER, SBX_OUTCOME_OK, NULL);
	check_under(policy, "{network: host}", &overrides, SBX_REQUESTER_CALLER,
		    SBX_OUTCOME_OK, NULL);
	check_under(policy, "{network: none}", &overrides, SBX_REQUESTER_CALLER,
		    SBX_OUTCOME_DENIED, "callers.networks: ");
	check_under(policy, "{network: none}", &overrides,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_DENIED,
		    "operator.networks: ");
	check_under(NULL, "{}", &overrides, SBX_REQUESTER_CALLER,
		    SBX_OUTCOME_DENIED, "callers.networks: ");
	check_under(NULL, "{}", &overrides, SBX_REQUESTER_OPERATOR,
		    SBX_OUTCOME_OK, NULL);
}

/* What the skill may not have, whoever has the right to it may ask for. */
static void test_requested_network_that_the_skill_has_not(void **state)
{
	static const char policy[] =
		"{schema_version: 1, operator: {networks: [bridge]}}";
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

	(void)state;
	overrides.has_network = true;
	overrides.network = SBX_NETWORK_BRIDGE;
	check_under(policy, "{network: bridge}", &overrides,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_OK, NULL);
	check_under(policy, "{network: bridge}", &overrides,
		    SBX_REQUESTER_CALLER, SBX_OUTCOME_DENIED,
		    "callers.networks: ");
}

static void test_environment_rule(void **state)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

	(void)state;
	sbx_strv_push(&overrides.environment, "LD_PRELOAD=/x");
	check_under(NULL, "{}", &overrides, SBX_REQUESTER_CALLER,
		    SBX_OUTCOME_DENIED, "callers.environment: ");
	check_under(SKILLS(""), "{}", &overrides, SBX_REQUESTER_OPERATOR,
		    SBX_OUTCOME_DENIED, "operator.environment: ");
	check_under("{schema_version: 1, callers: {environment: true}}", "{}",
		    &overrides, SBX_REQUESTER_CALLER, SBX_OUTCOME_OK, NULL);
	sbx_overrides_clear(&overrides);
}

static void test_requested_volumes(void **state)
{
	static const char policy[] =
		"{schema_version: 1, skills: {volumes: [\"/srv/x:rw\"]}, "
		"callers: {volumes: [\"/srv/c:ro\", \"named:ro\"]}}";
	static const struct {
		const char *source;
		bool read_only;
		const char *refusal;
	} samples[] = {
		{ "/srv/x", true, NULL }, /* as the manifest, and tighter */
		{ "/srv/x", false, NULL },
		{ "/srv/y", true, "callers.volumes: " },
		{ "/srv/c/deep", true, NULL },
		{ "/srv/c", false, "callers.volumes: " },
		{ "named", true, NULL },
		{ "named", false, "callers.volumes: " },
		{ "other", true, "callers.volumes: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
		struct sbx_action asked = { .name = NULL };

		sbx_action_add_volume(&asked, samples[i].source, "/m",
				      samples[i].read_only);
		overrides.volumes = asked.volumes;
		overrides.n_volumes = 1;
		check_under(policy, "{volumes: [\"/srv/x:/m:rw\"]}", &overrides,
			    SBX_REQUESTER_CALLER,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
		sbx_action_clear(&asked);
	}
}

/* A skill's own volume is as writable as its manifest says, not more. */
static void test_requested_volume_of_the_skill(void **state)
{
	static const struct {
		const char *manifest;
		bool read_only;
		const char *refusal;
	} samples[] = {
		{ "{volumes: [\"cache:/m:rw\"]}", true, NULL },
		{ "{volumes: [\"cache:/m:rw\"]}", false, NULL },
		{ "{volumes: [\"cache:/m:ro\"]}", true, NULL },
		{ "{volumes: [\"cache:/m:ro\"]}", false, "callers.volumes: " },
		{ "{volumes: [\"other:/m:rw\"]}", true, "callers.volumes: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
		struct sbx_action asked = { .name = NULL };

		sbx_action_add_volume(&asked, "cache", "/m",
				      samples[i].read_only);
		overrides.volumes = asked.volumes;
		overrides.n_volumes = 1;
		check_under(NULL, samples[i].manifest, &overrides,
			    SBX_REQUESTER_CALLER,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
		sbx_action_clear(&asked);
	}
}

/* A mount that is tighter than the manifest's has no more than its rule. */
static void test_tighter_is_still_checked(void **state)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	struct sbx_action asked = { .name = NULL };

	(void)state;
	sbx_action_add_volume(&asked, "/srv/x", "/m", true);
	overrides.volumes = asked.volumes;
	overrides.n_volumes = 1;
	check_under(SKILLS(""), "{volumes: [\"/srv/x:/m:ro\"]}", &overrides,
		    SBX_REQUESTER_CALLER, SBX_OUTCOME_DENIED,
		    "skills.volumes: ");
	sbx_action_clear(&asked);
}

/* --- numbers -------------------------------------------------------------- */

#define MANY                                                                   \
	"{timeout: 2h, stop_grace_period: 1h, cpus: 8, mem_limit: 8g, "        \
	"pids_limit: 2000, input_limit: 1g, output_limit: 1g, "                \
	"tmpfs: [\"/tmp:size=8g\"], files: {in: /in, limit: 1g}, "             \
	"ulimits: {nofile: 1000000, rtprio: 99, nice: 40, fsize: 5}}"

static struct sbx_grant granted(const char *policy, const char *action,
				const struct sbx_overrides *overrides,
				enum sbx_requester requester)
{
	struct sbx_manifest *m = manifest(action);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant = { .owner = NULL };

	if (decide(policy, m, overrides, requester, "me", &grant, &err) < 0)
		fail_msg("%s", err.message);
	sbx_manifest_free(&m);
	return grant;
}

static int64_t hard_limit(const struct sbx_action *action, const char *name)
{
	return sbx_ulimits_find(action->ulimits, action->n_ulimits, name)->hard;
}

/* No more sandboxes wait than the policy lets; what was always to be is said. */
static void test_warm_pool(void **state)
{
	static const char policy[] = SKILLS("waiting: 3");
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_grant grant;

	(void)state;
	grant = granted(policy, "{warm_pool: {min: 4, max: 9}}", &none,
			SBX_REQUESTER_CALLER);
	assert_int_equal(grant.waiting, 3);
	assert_int_equal(grant.action.warm_pool.min, 3);
	assert_int_equal(grant.action.warm_pool.max, 3);
	assert_int_equal(grant.lowered.n, 1);
	assert_string_equal(grant.lowered.v[0],
			    "skills.waiting: 4 was asked for, 3 is granted");
	sbx_grant_clear(&grant);
	grant = granted(policy, "{warm_pool: {min: 1, max: 2}}", &none,
			SBX_REQUESTER_CALLER);
	assert_int_equal(grant.action.warm_pool.min, 1);
	assert_int_equal(grant.action.warm_pool.max, 2);
	assert_int_equal(grant.lowered.n, 0);
	sbx_grant_clear(&grant);
}

/* Each number that is too large is lowered to the rule's, and that is said. */
static void test_numbers_are_lowered(void **state)
{
	static const char policy[] = SKILLS(
		"concurrency: 3, ulimits: {nofile: 99}, "
		"limits: {timeout: 1m, stop_grace_period: 1s, cpus: 1.5, "
		"mem_limit: 7m, pids_limit: 5, input_limit: 11, "
		"output_limit: 12, tmpfs: 1m, files: 2m}");
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_grant grant =
		granted(policy, MANY, &none, SBX_REQUESTER_OPERATOR);
	const struct sbx_action *action = &grant.action;

	(void)state;
	assert_int_equal(grant.concurrency, 3);
	assert_int_equal(action->timeout_ms, 60000);
	assert_int_equal(action->stop_grace_period_ms, 1000);
	assert_int_equal(action->nano_cpus, 1500000000);
	assert_int_equal(action->mem_limit, 7 * 1024 * 1024);
	assert_int_equal(action->pids_limit, 5);
	assert_int_equal(action->input_limit, 11);
	assert_int_equal(action->output_limit, 12);
	assert_int_equal(action->tmpfs[0].size, 1024 * 1024);
	assert_int_equal(action->files_limit, 2 * 1024 * 1024);
	assert_int_equal(hard_limit(action, "nofile"), 99);
	assert_int_equal(hard_limit(action, "rtprio"), 0);
	assert_int_equal(hard_limit(action, "nice"), 20);
	assert_int_equal(hard_limit(action, "fsize"), 5);
	assert_int_equal(hard_limit(action, "core"), 1);
	for (size_t i = 0; i < action->n_ulimits; i++)
		assert_true(action->ulimits[i].soft <= action->ulimits[i].hard);
	assert_int_equal(grant.lowered.n, 12);
	assert_string_equal(grant.lowered.v[0],
			    "skills.limits.timeout: 2h was asked for, 1m is "
			    "granted");
	sbx_grant_clear(&grant);
}

static void assert_files(const char *action, int64_t limit, size_t lowered)
{
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_grant grant = granted(SKILLS("limits: {files: 8k}"), action,
					 &none, SBX_REQUESTER_OPERATOR);

	assert_int_equal(grant.action.files_limit, limit);
	assert_int_equal(grant.lowered.n, lowered);
	sbx_grant_clear(&grant);
}

/* Who has no files has not asked for any. */
static void test_files_are_lowered(void **state)
{
	(void)state;
	assert_files("{files: {in: /in, limit: 9k}}", 8192, 1);
	assert_files("{files: {out: /out, limit: 9k}}", 8192, 1);
	assert_files("{files: {out: /out, limit: 7k}}", 7168, 0);
	assert_files("{}", 64 << 20, 0);
}

/* What is within the rules stays as it was asked for. */
static void test_small_numbers_stay(void **state)
{
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_grant grant =
		granted(NULL, "{timeout: 7s, cpus: 0.25, mem_limit: 9m}", &none,
			SBX_REQUESTER_OPERATOR);

	(void)state;
	assert_int_equal(grant.action.timeout_ms, 7000);
	assert_int_equal(grant.action.nano_cpus, 250000000);
	assert_int_equal(grant.action.mem_limit, 9 * 1024 * 1024);
	assert_int_equal(grant.lowered.n, 0);
	sbx_grant_clear(&grant);
}

/*
 * A request gets what the manifest would get, or its own rule, whichever is
 * more: here 10m of the manifest's 20m, and 15m of the operator's own.
 */
static void test_requested_numbers(void **state)
{
	static const char policy[] =
		"{schema_version: 1, skills: {limits: {mem_limit: 10m}}, "
		"operator: {limits: {mem_limit: 15m}}}";
	static const struct {
		enum sbx_requester requester;
		int64_t asked_mib, granted_mib;
	} samples[] = {
		{ SBX_REQUESTER_CALLER, 8, 8 },
		{ SBX_REQUESTER_CALLER, 10, 10 },
		{ SBX_REQUESTER_CALLER, 18, 10 },
		{ SBX_REQUESTER_OPERATOR, 8, 8 },
		{ SBX_REQUESTER_OPERATOR, 14, 14 },
		{ SBX_REQUESTER_OPERATOR, 18, 15 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
		struct sbx_grant grant;

		overrides.mem_limit = samples[i].asked_mib * 1024 * 1024;
		grant = granted(policy, "{mem_limit: 20m}", &overrides,
				samples[i].requester);
		assert_int_equal(grant.action.mem_limit / 1024 / 1024,
				 samples[i].granted_mib);
		assert_int_equal(grant.lowered.n,
				 samples[i].asked_mib > samples[i].granted_mib);
		sbx_grant_clear(&grant);
	}
}

/* That a skill could have asked for more is no right of who calls. */
static void test_requested_numbers_of_a_modest_manifest(void **state)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	struct sbx_grant grant;

	(void)state;
	overrides.mem_limit = 30 << 20;
	grant = granted(SKILLS("limits: {mem_limit: 1g}"), "{mem_limit: 20m}",
			&overrides, SBX_REQUESTER_CALLER);
	assert_int_equal(grant.action.mem_limit, 20 << 20);
	assert_string_equal(grant.lowered.v[0],
			    "callers.limits.mem_limit: 30m was asked for, 20m "
			    "is granted");
	sbx_grant_clear(&grant);
}

/* The first runtime of the list is for those who name none. */
static void test_runtime_of_the_policy(void **state)
{
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_grant grant = granted(SKILLS("runtimes: [runsc, default]"),
					 "{}", &none, SBX_REQUESTER_OPERATOR);

	(void)state;
	assert_string_equal(grant.action.runtime, "runsc");
	sbx_grant_clear(&grant);
}

/* An option of a volume's driver is a path of the host like any other. */
static void test_devices(void **state)
{
	static const struct {
		const char *device;
		bool read_only;
		const char *refusal;
	} samples[] = {
		{ "/srv/a", true, NULL },
		{ "/srv/a/b", true, NULL },
		{ "/srv/a", false, "skills.volumes: " },
		{ "/srv/b", true, "skills.volumes: " },
		{ "/srv/a/../b", true, "volumes.never: " },
		{ "/dev/sda1", true, "volumes.never: " },
		{ "/etc", true, "volumes.never: " },
		{ "/", true, "volumes.never: " },
	};
	struct sbx_policy policy =
		policy_of(SKILLS("volumes: [\"/srv/a:ro\"]"));

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const char *refusal = samples[i].refusal;
		struct sbx_error err = SBX_ERROR_INIT;
		int result = sbx_grant_device(&policy, "example",
					      samples[i].device,
					      samples[i].read_only, &err);

		assert_int_equal(result, refusal ? -1 : 0);
		if (refusal && !sbx_text_has_prefix(err.message, refusal))
			assert_string_equal(err.message, refusal);
	}
	sbx_policy_clear(&policy);
}

/* What is granted, by whom, and what no policy can grant. */
static void test_gpus_and_devices(void **state)
{
	static const char gpus[] = SKILLS("gpus: 2");
	static const char all[] = SKILLS("gpus: all");
	static const char devices[] =
		SKILLS("devices: [\"/dev/kvm:rw\", \"/dev/dri/*:rw\", "
		       "\"/dev/dri/card1:r\", \"/dev/x:w\"]");
	static const char first[] =
		SKILLS("devices: [\"/dev/dri/card1:r\", \"/dev/dri/*:rw\"]");
	static const char any[] =
		SKILLS("devices: [\"/dev/*:rw\", \"/dev/*/*:rw\"]");
	static const char exception[] =
		"{schema_version: 1, exceptions: {example: {gpus: 1, devices: "
		"[\"/dev/kvm:rw\"]}}}";
	static const char other[] =
		"{schema_version: 1, exceptions: {other: {gpus: 1, devices: "
		"[\"/dev/kvm:rw\"]}}}";
	static const struct {
		const char *policy;
		const char *action;
		const char *refusal;
	} samples[] = {
		{ gpus, "{gpus: 1}", NULL },
		{ gpus, "{gpus: 2}", NULL },
		{ gpus, "{gpus: 3}",
		  "skills.gpus: the policy grants 2 GPUs to example, which "
		  "asks for 3" },
		{ gpus, "{gpus: all}",
		  "skills.gpus: the policy grants 2 GPUs to example, which "
		  "asks for all" },
		{ all, "{gpus: 64}", NULL },
		{ all, "{gpus: all}", NULL },
		{ devices, "{gpus: 1}", "skills.gpus: " },
		{ devices, "{devices: [/dev/kvm]}", NULL },
		{ devices, "{devices: [\"/dev/kvm:/dev/other:r\"]}", NULL },
		{ devices, "{devices: [\"/dev/other:/dev/kvm\"]}",
		  "skills.devices: " },
		{ devices, "{devices: [\"/dev/kvm:/dev/kvm:rwm\"]}",
		  "devices.never: /dev/kvm is asked for with \"m\"" },
		{ devices, "{devices: [/dev/dri/card0]}", NULL },
		{ devices, "{devices: [/dev/dri/a/b]}", "skills.devices: " },
		{ devices, "{devices: [\"/dev/dri/card1:/dev/a:r\"]}", NULL },
		{ devices, "{devices: [/dev/dri/card1]}",
		  "skills.devices: the policy grants /dev/dri/card1 with "
		  "\"r\", and example asks for \"rw\"" },
		{ devices, "{devices: [\"/dev/x:/dev/x:r\"]}",
		  "skills.devices: " },
		{ devices, "{devices: [\"/dev/x:/dev/x:w\"]}", NULL },
		{ devices, "{devices: [/dev/kvm, /dev/y]}",
		  "skills.devices: " },
		{ any, "{devices: [/dev/ttyUSB0, /dev/net/tun]}", NULL },
		{ first, "{devices: [/dev/dri/card1]}", "skills.devices: " },
		{ first, "{devices: [/dev/dri/card2]}", NULL },
		{ any, "{devices: [/dev/tty1]}", "devices.never: " },
		{ any, "{devices: [\"/dev/input/mice:/dev/a\"]}",
		  "devices.never: " },
		{ exception, "{gpus: 1, devices: [/dev/kvm]}", NULL },
		{ exception, "{gpus: 2}", "skills.gpus: " },
		{ other, "{gpus: 1}", "skills.gpus: " },
		{ other, "{devices: [/dev/kvm]}", "skills.devices: " },
	};
	struct sbx_overrides none = SBX_OVERRIDES_INIT;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++)
		check_under(samples[i].policy, samples[i].action, &none,
			    SBX_REQUESTER_OPERATOR,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
}

/* An action "run" that mounts the volume v, writable, made as @volume says. */
static void check_volume(const char *policy_text, const char *volume,
			 const char *mounts, const char *refusal)
{
	cleanup_free char *text =
		sbx_asprintf("{schema_version: 1, name: example, "
			     "version: 0.1.0, volumes: {v: %s}, "
			     "actions: {run: {volumes: %s}}}",
			     volume, mounts);
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_grant grant = { .owner = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *m = NULL;

	if (sbx_manifest_parse(text, strlen(text), "example", "skill.yaml", &m,
			       &problems, &err) < 0)
		fail_msg("%s", err.message);
	if (decide(policy_text, m, &none, SBX_REQUESTER_OPERATOR, "1000",
		   &grant, &err) != (refusal ? -1 : 0))
		fail_msg("%s: %s", volume, err.message);
	if (refusal && !sbx_text_has_prefix(err.message, refusal))
		assert_string_equal(err.message, refusal);
	if (!refusal)
		assert_true(json_equal(grant.volumes, m->volumes));
	sbx_grant_clear(&grant);
	sbx_problems_free(&problems);
	sbx_manifest_free(&m);
}

#define BIND(path) "{driver_opts: {type: none, o: bind, device: " path "}}"

/* What a volume of the skill may be is for the policy to say. */
static void test_volume_types(void **state)
{
	static const char nfs[] = "{driver_opts: {type: nfs, device: \":/x\"}}";
	static const char tmpfs[] =
		"{driver_opts: {type: tmpfs, device: tmpfs}}";
	static const char v[] = "[\"v:/v\"]";
	static const char types[] = SKILLS("volume_types: [tmpfs, nfs]");
	static const char paths[] = SKILLS("volumes: [\"/srv/a:rw\"]");

	(void)state;
	check_volume(NULL, "{}", v, NULL);
	check_volume(NULL, "{driver: local}", v, NULL);
	check_volume(NULL, tmpfs, v, "skills.volume_types: ");
	check_volume(NULL, nfs, v, "skills.volume_types: ");
	check_volume(types, tmpfs, v, NULL);
	check_volume(types, nfs, v, NULL);
	check_volume(SKILLS("volume_types: [nfs]"), tmpfs, v,
		     "skills.volume_types: ");
	check_volume(types, "{driver_opts: {type: cifs, device: //x/y}}", v,
		     "skills.volume_types: ");
	check_volume(types, "{driver_opts: {type: ext4, device: /dev/sda1}}", v,
		     "volumes.never: ");
	check_volume(types, "{driver: rexray}", v, "volumes.never: ");
	check_volume(types, BIND("/srv/a"), v, "skills.volumes: ");
	check_volume(paths, BIND("/srv/a"), v, NULL);
	check_volume(paths, BIND("/etc"), v, "volumes.never: ");
	/* Nothing that is not mounted counts. */
	check_volume(NULL, nfs, "[\"other:/v\"]", NULL);
}

#define RSLAVE "bind: {propagation: rslave}"
#define LONG(more)                                                             \
	"{volumes: [{type: bind, source: /srv/a, target: /a, " more "}]}"

/* Propagation is asked for by the mount, and granted by the path's rule. */
static void test_propagation(void **state)
{
	static const char plain[] = SKILLS("volumes: [\"/srv:rw\"]");
	static const char rslave[] = SKILLS("volumes: [\"/srv:rw,rslave\"]");
	static const char nearer[] =
		SKILLS("volumes: [\"/srv:rw,rslave\", \"/srv/a:rw\"]");
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_mount mount = { (char *)"/srv/a", (char *)"/a", true, true };
	struct sbx_overrides asked = SBX_OVERRIDES_INIT;
	struct sbx_grant grant;

	(void)state;
	check_under(plain, LONG("read_only: false"), &none,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_OK, NULL);
	check_under(plain, LONG(RSLAVE), &none, SBX_REQUESTER_OPERATOR,
		    SBX_OUTCOME_DENIED, "skills.volumes: ");
	check_under(nearer, LONG(RSLAVE), &none, SBX_REQUESTER_OPERATOR,
		    SBX_OUTCOME_DENIED, "skills.volumes: ");
	grant = granted(rslave, LONG(RSLAVE), &none, SBX_REQUESTER_OPERATOR);
	assert_true(grant.action.volumes[0].rslave);
	sbx_grant_clear(&grant);
	grant = granted(rslave, LONG("read_only: true"), &none,
			SBX_REQUESTER_OPERATOR);
	assert_false(grant.action.volumes[0].rslave);
	sbx_grant_clear(&grant);
	/* A request that asks for it in place of one without asks for more. */
	asked.volumes = &mount;
	asked.n_volumes = 1;
	check_under(rslave, LONG("read_only: true"), &asked,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_DENIED,
		    "operator.volumes: ");
	grant = granted(rslave, LONG(RSLAVE), &asked, SBX_REQUESTER_OPERATOR);
	assert_true(grant.action.volumes[0].rslave);
	sbx_grant_clear(&grant);
}

/* A path is one wherever it is said: its neighbours count. */
static void test_volume_in_another(void **state)
{
	static const char policy[] =
		SKILLS("volumes: [\"/srv:rw\", \"/srv/a:rw\"]");

	(void)state;
	check_volume(policy, BIND("/srv//a/b"), "[\"v:/v\", \"/srv/a:/a\"]",
		     "volumes.inside: ");
	check_volume(policy, BIND("/srv//a"), "[\"v:/v\", \"/srv/a/b:/a\"]",
		     "volumes.inside: ");
	check_volume(policy, BIND("/srv/a"), "[\"v:/v:ro\", \"/srv/a/b:/a\"]",
		     NULL);
	check_volume(policy, BIND("/srv/a"), "[\"v:/v\", \"other:/a\"]", NULL);
	check_volume(policy, BIND("/srv/a"), "[\"v:/v\", \"/srv/a:/a\"]", NULL);
}

static void test_bases(void **state)
{
	static const struct {
		const char *policy, *image;
		bool granted;
	} samples[] = {
		{ NULL, "skillbox/python", true },
		{ NULL, "debian:12", false },
		{ NULL, "debian@sha256:0123", true },
		{ NULL, "example.com/a/b@sha256:0123", true },
		{ NULL, "evil/skillbox/python", false },
		{ SKILLS("build: {from: [\"debian:*\"]}"), "debian:12", true },
		{ SKILLS("build: {from: [\"debian:*\"]}"), "skillbox/python",
		  false },
		{ SKILLS("build: {from: []}"), "skillbox/python", false },
		{ OF_EXAMPLE("build: {from: [\"*\"]}"), "any/thing:1", true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_policy policy = policy_of(samples[i].policy);
		struct sbx_error err = SBX_ERROR_INIT;
		int result = sbx_grant_base(&policy, "example",
					    samples[i].image, &err);

		if (result != (samples[i].granted ? 0 : -1))
			fail_msg("%s", samples[i].image);
		if (!samples[i].granted) {
			assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
			assert_true(sbx_text_has_prefix(err.message,
							"skills.build.from: "));
		}
		sbx_policy_clear(&policy);
	}
}

/* What a builder fetches it fetches by the host's network. */
static void test_fetching(void **state)
{
	static const struct {
		const char *policy;
		bool granted;
	} samples[] = {
		{ NULL, false },
		{ SKILLS("build: {network: false}"), false },
		{ SKILLS("build: {network: true}"), true },
		{ OF_EXAMPLE("build: {network: true}"), true },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_policy policy = policy_of(samples[i].policy);
		struct sbx_error err = SBX_ERROR_INIT;
		int result =
			sbx_grant_fetch(&policy, "example", "http://h/x", &err);

		assert_int_equal(result, samples[i].granted ? 0 : -1);
		if (!samples[i].granted) {
			assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
			assert_true(sbx_text_has_prefix(
				err.message, "skills.build.network: "));
			assert_non_null(strstr(err.message, "http://h/x"));
		}
		sbx_policy_clear(&policy);
	}
}

static void test_bad_owners(void **state)
{
	static const char *const owners[] = { "", "a/b", "A", ".. " };
	struct sbx_manifest *m = manifest("{}");
	struct sbx_overrides none = SBX_OVERRIDES_INIT;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(owners); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_grant grant;

		assert_int_equal(decide(NULL, m, &none, SBX_REQUESTER_OPERATOR,
					owners[i], &grant, &err),
				 -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	}
	sbx_manifest_free(&m);
}

/* What is granted is a copy with the overrides in it. */
static void test_grant(void **state)
{
	struct sbx_manifest *m =
		manifest("{environment: {A: manifest, B: manifest}, cpus: 2, "
			 "volumes: [\"v:/v\"]}");
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant;

	(void)state;
	sbx_strv_push(&overrides.environment, "B=request");
	sbx_strv_push(&overrides.environment, "C=a=b");
	overrides.timeout_ms = 5;
	overrides.mem_limit = SBX_MEM_LIMIT_MIN;
	overrides.pids_limit = 7;
	assert_int_equal(decide(NULL, m, &overrides, SBX_REQUESTER_OPERATOR,
				"me", &grant, &err),
			 0);
	sbx_overrides_clear(&overrides);
	assert_int_equal(m->actions[0].environment.n, 2);
	assert_int_equal(m->actions[0].timeout_ms, 30000);
	sbx_manifest_free(&m);
	assert_string_equal(grant.owner, "me");
	assert_string_equal(grant.skill, "example");
	assert_string_equal(grant.action.name, "run");
	assert_int_equal(grant.action.environment.n, 3);
	assert_string_equal(grant.action.environment.v[0], "A=manifest");
	assert_string_equal(grant.action.environment.v[1], "B=request");
	assert_string_equal(grant.action.environment.v[2], "C=a=b");
	assert_int_equal(grant.action.timeout_ms, 5);
	assert_int_equal(grant.action.mem_limit, SBX_MEM_LIMIT_MIN);
	assert_int_equal(grant.action.pids_limit, 7);
	assert_int_equal(grant.action.nano_cpus, 2000000000);
	assert_int_equal(grant.action.n_volumes, 1);
	assert_in_range(grant.action.uid, 200000, 265535);
	assert_int_equal(grant.action.gid, grant.action.uid);
	assert_null(grant.action.runtime);
	assert_int_equal(grant.lowered.n, 0);
	sbx_grant_clear(&grant);
}

static void test_grant_user(void **state)
{
	struct sbx_manifest *m = manifest("{user: \"12:34\"}");
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant;

	(void)state;
	assert_int_equal(decide("{schema_version: 1, "
				"skills: {users: [\"10-40\"]}}",
				m, &none, SBX_REQUESTER_OPERATOR, "me", &grant,
				&err),
			 0);
	assert_int_equal(grant.action.uid, 12);
	assert_int_equal(grant.action.gid, 34);
	sbx_grant_clear(&grant);
	sbx_manifest_free(&m);
}

/* --- published ports ------------------------------------------------------ */

static void publish(struct sbx_overrides *overrides, const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_publish port;

	if (sbx_publish_parse(text, &port, &err) < 0 ||
	    sbx_publish_add(&overrides->publish, &port, &err) < 0)
		fail_msg("%s", err.message);
}

/* At this host's own addresses, for the operator; for callers at none. */
static void test_publish_builtin(void **state)
{
	static const struct {
		const char *port;
		enum sbx_requester requester;
		const char *refusal;
	} samples[] = {
		{ "8080", SBX_REQUESTER_OPERATOR, NULL },
		{ "8080:[::1]:80", SBX_REQUESTER_OPERATOR, NULL },
		{ "8080:127.0.0.2:80", SBX_REQUESTER_OPERATOR,
		  "operator.publish: the policy does not let port 8080 be "
		  "published at 127.0.0.2" },
		{ "8080:0.0.0.0:80", SBX_REQUESTER_OPERATOR,
		  "operator.publish: " },
		{ "8080:[::]:80", SBX_REQUESTER_OPERATOR,
		  "operator.publish: " },
		{ "8080", SBX_REQUESTER_CALLER, "callers.publish: " },
		{ "8080:[::1]:80", SBX_REQUESTER_CALLER, "callers.publish: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

		publish(&overrides, samples[i].port);
		check_under(NULL, "{}", &overrides, samples[i].requester,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
		sbx_overrides_clear(&overrides);
		assert_int_equal(overrides.publish.n, 0);
	}
}

static void test_publish_rules(void **state)
{
	static const struct {
		const char *rules;
		const char *refusal;
	} samples[] = {
		{ "callers: {publish: [\"2001:0DB8::0:1\", 192.0.2.1]}", NULL },
		{ "callers: {publish: [\"*\"]}", NULL },
		{ "callers: {publish: [192.0.2.1]}", "callers.publish: " },
		{ "callers: {publish: [\"2001:db8::1\", 0.0.0.0]}",
		  "callers.publish: " },
		{ "operator: {publish: [\"*\"]}", "callers.publish: " },
		{ "callers: {publish: []}", "callers.publish: " },
		{ "callers: {}", "callers.publish: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
		cleanup_free char *policy = sbx_asprintf(
			"{schema_version: 1, %s}", samples[i].rules);

		publish(&overrides, "80:192.0.2.1:80");
		publish(&overrides, "81:[2001:db8::1]:81");
		check_under(policy, "{}", &overrides, SBX_REQUESTER_CALLER,
			    samples[i].refusal ? SBX_OUTCOME_DENIED
					       : SBX_OUTCOME_OK,
			    samples[i].refusal);
	}
}

/* There is nothing to publish of, whoever asked for that network. */
static void test_publish_host_network(void **state)
{
	static const char policy[] =
		"{schema_version: 1, skills: {networks: [host]}, "
		"operator: {networks: [bridge], publish: [\"*\"]}}";
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;

	(void)state;
	publish(&overrides, "8080");
	check_under(policy, "{network: host}", &overrides,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_INVALID,
		    "ports cannot be published with the network \"host\": ");
	overrides.has_network = true;
	overrides.network = SBX_NETWORK_HOST;
	check_under(policy, "{network: host}", &overrides,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_INVALID,
		    "ports cannot be published with the network \"host\": ");
	overrides.network = SBX_NETWORK_BRIDGE;
	check_under(policy, "{network: host}", &overrides,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_OK, NULL);
	overrides.network = SBX_NETWORK_NONE;
	check_under(policy, "{network: host}", &overrides,
		    SBX_REQUESTER_OPERATOR, SBX_OUTCOME_OK, NULL);
}

static void test_publish_is_granted(void **state)
{
	struct sbx_manifest *m = manifest("{}");
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant;

	(void)state;
	assert_int_equal(decide(NULL, m, &overrides, SBX_REQUESTER_OPERATOR,
				"me", &grant, &err),
			 0);
	assert_int_equal(grant.publish.n, 0);
	sbx_grant_clear(&grant);
	publish(&overrides, "8080:80");
	publish(&overrides, "9090:[::1]:0");
	assert_int_equal(decide(NULL, m, &overrides, SBX_REQUESTER_OPERATOR,
				"me", &grant, &err),
			 0);
	assert_int_equal(grant.publish.n, 2);
	assert_int_equal(grant.publish.v[0].target, 8080);
	assert_int_equal(grant.publish.v[0].published, 80);
	assert_string_equal(grant.publish.v[1].host_ip, "::1");
	sbx_grant_clear(&grant);
	sbx_manifest_free(&m);
}

/* One that is there already is left as it is, whoever asked for it. */
static void test_workspace(void **state)
{
	static const struct {
		const char *action;
		int64_t size;
	} samples[] = {
		{ "{tmpfs: [\"/tmp:size=1m\"]}", SBX_WORKSPACE_SIZE },
		{ "{tmpfs: []}", SBX_WORKSPACE_SIZE },
		{ "{tmpfs: [\"/tmp:size=1m\", \"/workspace:size=2m\"]}",
		  2 << 20 },
		{ "{tmpfs: [\"/tmp:size=1m\"], volumes: [\"a:/workspace\"]}",
		  0 },
	};
	const struct sbx_overrides none = SBX_OVERRIDES_INIT;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_policy policy = policy_of(NULL);
		struct sbx_manifest *m = manifest(samples[i].action);
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_grant grant = { .owner = NULL };
		const struct sbx_wish wish = { .manifest = m,
					       .action = &m->actions[0],
					       .overrides = &none,
					       .owner = "1000",
					       .is_session = true };
		int64_t size = 0;

		assert_int_equal(sbx_grant_decide(&policy, &wish, &grant, &err),
				 0);
		for (size_t j = 0; j < grant.action.n_tmpfs; j++) {
			const struct sbx_tmpfs *tmpfs = &grant.action.tmpfs[j];

			if (strcmp(tmpfs->target, SBX_WORKSPACE) != 0)
				continue;
			size += tmpfs->size;
			assert_int_equal(tmpfs->exec,
					 tmpfs->size == SBX_WORKSPACE_SIZE);
		}
		assert_int_equal(size, samples[i].size);
		assert_int_equal(grant.action.mem_limit,
				 m->actions[0].mem_limit +
					 (size == SBX_WORKSPACE_SIZE
						  ? SBX_WORKSPACE_SIZE
						  : 0));
		sbx_grant_clear(&grant);
		sbx_manifest_free(&m);
		sbx_policy_clear(&policy);
	}
}

/* A caller's own volume counts, too; and it is lowered as any other. */
static void test_workspace_of_a_request(void **state)
{
	static char source[] = "a", target[] = SBX_WORKSPACE;
	struct sbx_mount mount = { .source = source, .target = target };
	const struct sbx_overrides asked = { .volumes = &mount,
					     .n_volumes = 1,
					     .timeout_ms = -1,
					     .mem_limit = -1,
					     .nano_cpus = -1,
					     .pids_limit = -1 };
	const struct sbx_overrides none = SBX_OVERRIDES_INIT;
	const struct sbx_overrides small = { .timeout_ms = -1,
					     .mem_limit = 10 << 20,
					     .nano_cpus = -1,
					     .pids_limit = -1 };
	struct sbx_policy policy =
		policy_of("{schema_version: 1, skills: {limits: {tmpfs: 8m}}, "
			  "operator: {volumes: [\"*:rw\"]}}");
	struct sbx_manifest *m = manifest("{tmpfs: []}");
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant = { .owner = NULL };
	struct sbx_wish wish = { .manifest = m,
				 .action = &m->actions[0],
				 .overrides = &asked,
				 .owner = "1000",
				 .is_session = true };

	(void)state;
	assert_int_equal(sbx_grant_decide(&policy, &wish, &grant, &err), 0);
	assert_int_equal(grant.action.n_tmpfs, 0);
	sbx_grant_clear(&grant);
	wish.overrides = &none;
	assert_int_equal(sbx_grant_decide(&policy, &wish, &grant, &err), 0);
	assert_int_equal(grant.action.n_tmpfs, 1);
	assert_int_equal(grant.action.tmpfs[0].size, 8 << 20);
	sbx_grant_clear(&grant);
	wish.is_session = false;
	assert_int_equal(sbx_grant_decide(&policy, &wish, &grant, &err), 0);
	assert_int_equal(grant.action.n_tmpfs, 0);
	sbx_grant_clear(&grant);
	/* Of what is named it is no more than half. */
	wish.is_session = true;
	wish.overrides = &small;
	assert_int_equal(sbx_grant_decide(&policy, &wish, &grant, &err), 0);
	assert_int_equal(grant.action.mem_limit, 10 << 20);
	assert_int_equal(grant.action.tmpfs[0].size, 5 << 20);
	sbx_grant_clear(&grant);
	sbx_manifest_free(&m);
	sbx_policy_clear(&policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest_asks),
		cmocka_unit_test(test_workspace),
		cmocka_unit_test(test_workspace_of_a_request),
		cmocka_unit_test(test_operator_volumes),
		cmocka_unit_test(test_operator_volume_replaces),
		cmocka_unit_test(test_operator_volumes_overlap),
		cmocka_unit_test(test_override_values),
		cmocka_unit_test(test_override_environment),
		cmocka_unit_test(test_override_network),
		cmocka_unit_test(test_skills_rules),
		cmocka_unit_test(test_volume_rules),
		cmocka_unit_test(test_callers_tighten),
		cmocka_unit_test(test_requested_network_that_the_skill_has_not),
		cmocka_unit_test(test_environment_rule),
		cmocka_unit_test(test_requested_volumes),
		cmocka_unit_test(test_requested_volume_of_the_skill),
		cmocka_unit_test(test_tighter_is_still_checked),
		cmocka_unit_test(test_warm_pool),
		cmocka_unit_test(test_numbers_are_lowered),
		cmocka_unit_test(test_files_are_lowered),
		cmocka_unit_test(test_small_numbers_stay),
		cmocka_unit_test(test_requested_numbers),
		cmocka_unit_test(test_requested_numbers_of_a_modest_manifest),
		cmocka_unit_test(test_runtime_of_the_policy),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_gpus_and_devices),
		cmocka_unit_test(test_volume_types),
		cmocka_unit_test(test_propagation),
		cmocka_unit_test(test_volume_in_another),
		cmocka_unit_test(test_bases),
		cmocka_unit_test(test_fetching),
		cmocka_unit_test(test_bad_owners),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_grant_user),
		cmocka_unit_test(test_publish_builtin),
		cmocka_unit_test(test_publish_rules),
		cmocka_unit_test(test_publish_host_network),
		cmocka_unit_test(test_publish_is_granted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
