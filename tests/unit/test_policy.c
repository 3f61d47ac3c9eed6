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
#include "skill/policy.h"

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

/*
 * Asks for what @action and @overrides say.  @refusal: what the message has
 * to begin with, or NULL for what has to be granted.
 */
static void check(const char *action, const struct sbx_overrides *overrides,
		  enum sbx_outcome outcome, const char *refusal)
{
	struct sbx_manifest *m = manifest(action);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant = { .owner = NULL };
	int result = sbx_policy_grant(m, &m->actions[0], overrides, "1000",
				      &grant, &err);

	assert_int_equal(result, refusal ? -1 : 0);
	assert_int_equal(err.outcome, outcome);
	if (refusal && !sbx_text_has_prefix(err.message, refusal))
		assert_string_equal(err.message, refusal);
	assert_int_equal(grant.owner == NULL, refusal != NULL);
	sbx_grant_clear(&grant);
	sbx_manifest_free(&m);
}

static void test_manifest_asks(void **state)
{
	static const struct {
		const char *action;
		const char *refusal;
	} samples[] = {
		{ "{}", NULL },
		{ "{network: bridge, volumes: [\"a:/a\"]}", NULL },
		{ "{user: \"1000:1000\"}", NULL },
		{ "{network: host}", "network.host: " },
		{ "{user: \"0:0\"}", "user.root: " },
		{ "{user: \"0:1000\"}", "user.root: " },
		{ "{user: \"1000:0\"}", "user.root: " },
		{ "{volumes: [\"/srv/data:/a\"]}", "volumes.host_path: " },
		{ "{volumes: [\"/srv/data:/a:ro\"]}", "volumes.host_path: " },
		{ "{volumes: [\"skillbox-init-0:/a\"]}", "volumes.never: " },
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
	assert_int_equal(sbx_policy_grant(m, &m->actions[0], &overrides, "me",
					  &grant, &err),
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
	      SBX_OUTCOME_DENIED, "volumes.host_path: ");
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
	check("{}", &overrides, SBX_OUTCOME_DENIED, "network.host: ");
	overrides.network = SBX_NETWORK_NONE;
	check("{network: host}", &overrides, SBX_OUTCOME_OK, NULL);
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

		assert_int_equal(sbx_policy_grant(m, &m->actions[0], &none,
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
	assert_int_equal(sbx_policy_grant(m, &m->actions[0], &overrides, "me",
					  &grant, &err),
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
	assert_int_equal(grant.action.uid, sbx_policy_uid("me", "example"));
	assert_int_equal(grant.action.gid, grant.action.uid);
	sbx_grant_clear(&grant);
}

static void test_grant_user(void **state)
{
	struct sbx_manifest *m = manifest("{user: \"12:34\"}");
	struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_grant grant;

	(void)state;
	assert_int_equal(
		sbx_policy_grant(m, &m->actions[0], &none, "me", &grant, &err),
		0);
	assert_int_equal(grant.action.uid, 12);
	assert_int_equal(grant.action.gid, 34);
	sbx_grant_clear(&grant);
	sbx_manifest_free(&m);
}

/*
 * In the range, spread over it, the same every time, another for another
 * owner or skill; and the border between the two counts.  The values come from
 * an independent implementation (Python's hashlib).
 */
static void test_uid(void **state)
{
	uint32_t seen = 0;

	(void)state;
	assert_int_equal(sbx_policy_uid("1000", "example"), 244901);
	assert_int_equal(sbx_policy_uid("a", "bc"), 242372);
	assert_int_equal(sbx_policy_uid("ab", "c"), 254541);
	for (int i = 0; i < 1000; i++) {
		cleanup_free char *owner = sbx_asprintf("%d", i);
		uint32_t uid = sbx_policy_uid(owner, "example");

		assert_in_range(uid, 200000, 265535);
		seen |= uid - 200000;
	}
	assert_int_equal(seen, 0xffff);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_manifest_asks),
		cmocka_unit_test(test_operator_volumes),
		cmocka_unit_test(test_operator_volume_replaces),
		cmocka_unit_test(test_operator_volumes_overlap),
		cmocka_unit_test(test_override_values),
		cmocka_unit_test(test_override_environment),
		cmocka_unit_test(test_override_network),
		cmocka_unit_test(test_bad_owners),
		cmocka_unit_test(test_grant),
		cmocka_unit_test(test_grant_user),
		cmocka_unit_test(test_uid),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
