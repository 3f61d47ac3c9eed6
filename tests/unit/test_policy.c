/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/policy.h"

/*
 * In the range, spread over it, the same every time, another for another
 * owner or skill; and the border between the two counts.  The values come from
 * an independent implementation (Python's hashlib).
 */
static void test_uid(void **state)
{
	struct sbx_policy policy;
	uint32_t seen = 0;

	(void)state;
	sbx_policy_init(&policy);
	assert_int_equal(sbx_policy_uid(&policy, "1000", "example"), 201239);
	assert_int_equal(sbx_policy_uid(&policy, "a", "bc"), 207428);
	assert_int_equal(sbx_policy_uid(&policy, "ab", "c"), 223980);
	for (int i = 0; i < 1000; i++) {
		cleanup_free char *owner = sbx_asprintf("%d", i);
		uint32_t uid = sbx_policy_uid(&policy, owner, "example");

		assert_in_range(uid, 200000, 265535);
		seen |= uid - 200000;
	}
	assert_int_equal(seen, 0xffff);
	policy.uid_range = (struct sbx_id_range){ 1000, 1009 };
	assert_int_equal(sbx_policy_uid(&policy, "1000", "example"), 1003);
	policy.uid_range = (struct sbx_id_range){ 7, 7 };
	assert_int_equal(sbx_policy_uid(&policy, "1000", "example"), 7);
	sbx_policy_clear(&policy);
}

/* What nothing is said about is not granted. */
static void test_strictest(void **state)
{
	struct sbx_policy policy;

	(void)state;
	sbx_policy_init(&policy);
	assert_true(policy.skills.enabled);
	assert_false(policy.skills.rights.networks[SBX_NETWORK_BRIDGE]);
	assert_false(policy.skills.rights.networks[SBX_NETWORK_HOST]);
	assert_int_equal(policy.skills.rights.n_volumes, 0);
	assert_int_equal(policy.skills.n_users, 0);
	assert_int_equal(policy.skills.gpus, 0);
	assert_int_equal(policy.skills.n_devices, 0);
	assert_int_equal(policy.skills.runtimes.n, 1);
	assert_false(policy.skills.build_network);
	assert_int_equal(policy.skills.build_timeout_ms, 30 * 60 * 1000);
	assert_true(policy.disk_free > 0);
	for (int i = 0; i < SBX_REQUESTER_COUNT; i++) {
		const struct sbx_request_rules *rules = &policy.requests[i];

		assert_false(rules->environment);
		assert_true(rules->rights.networks[SBX_NETWORK_NONE]);
		assert_false(rules->rights.networks[SBX_NETWORK_BRIDGE]);
		assert_int_equal(rules->rights.n_volumes, 0);
		assert_int_equal(rules->publish.n, 0);
		assert_int_equal(rules->rights.limits.mem_limit, -1);
		assert_int_equal(rules->rights.limits.timeout_ms, -1);
	}
	sbx_policy_clear(&policy);
}

/* A copy shares nothing with what it was copied from. */
static void test_copy(void **state)
{
	struct sbx_skill_rules copy;
	struct sbx_policy policy;

	(void)state;
	sbx_policy_init(&policy);
	sbx_rights_add_volume(&policy.skills.rights, "/srv", true);
	policy.skills.rights.volumes[0].rslave = true;
	sbx_skill_rules_add_users(&policy.skills,
				  (struct sbx_id_range){ 3, 4 });
	sbx_skill_rules_set_ulimit(&policy.skills, "nofile", 77);
	sbx_strv_push(&policy.skills.volume_types, "nfs");
	sbx_skill_rules_add_device(&policy.skills, "/dev/a", SBX_DEVICE_WRITE);
	policy.skills.gpus = 5;
	policy.skills.build_timeout_ms = 6;
	sbx_skill_rules_copy(&copy, &policy.skills);
	sbx_policy_clear(&policy);
	assert_int_equal(copy.rights.n_volumes, 1);
	assert_string_equal(copy.rights.volumes[0].source, "/srv");
	assert_true(copy.rights.volumes[0].writable);
	assert_true(copy.rights.volumes[0].rslave);
	assert_int_equal(copy.users[0].first, 3);
	assert_int_equal(copy.users[0].last, 4);
	assert_int_equal(
		sbx_ulimits_find(copy.ulimits, copy.n_ulimits, "nofile")->hard,
		77);
	assert_string_equal(copy.runtimes.v[0], "default");
	assert_string_equal(copy.volume_types.v[0], "nfs");
	assert_int_equal(copy.gpus, 5);
	assert_int_equal(copy.n_devices, 1);
	assert_string_equal(copy.devices[0].pattern, "/dev/a");
	assert_int_equal(copy.devices[0].access, SBX_DEVICE_WRITE);
	assert_true(copy.build_from.n > 0);
	assert_int_equal(copy.build_timeout_ms, 6);
	sbx_skill_rules_clear(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_uid),
		cmocka_unit_test(test_strictest),
		cmocka_unit_test(test_copy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
