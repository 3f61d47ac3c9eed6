/* SPDX-License-Identifier: MIT */
/* Run from the top of the source tree. */
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "skill/policy_file.h"

static struct sbx_policy parse(const char *text, size_t size)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy out;

	if (sbx_policy_parse(text, size, NULL, &out, &problems, &err) < 0)
		fail_msg("%s", err.message);
	sbx_problems_free(&problems);
	return out;
}

static void check_same_lists(const struct sbx_strv *a, const struct sbx_strv *b)
{
	assert_int_equal(a->n, b->n);
	for (size_t i = 0; i < a->n; i++)
		assert_string_equal(a->v[i], b->v[i]);
}

static void check_same_rules(const struct sbx_skill_rules *a,
			     const struct sbx_skill_rules *b)
{
	assert_int_equal(a->enabled, b->enabled);
	assert_int_equal(a->concurrency, b->concurrency);
	assert_int_equal(a->waiting, b->waiting);
	assert_memory_equal(a->rights.networks, b->rights.networks,
			    sizeof(a->rights.networks));
	assert_int_equal(a->rights.n_volumes, b->rights.n_volumes);
	assert_memory_equal(&a->rights.limits, &b->rights.limits,
			    sizeof(a->rights.limits));
	assert_int_equal(a->n_ulimits, b->n_ulimits);
	for (size_t i = 0; i < a->n_ulimits; i++) {
		assert_string_equal(a->ulimits[i].name, b->ulimits[i].name);
		assert_int_equal(a->ulimits[i].hard, b->ulimits[i].hard);
	}
	check_same_lists(&a->runtimes, &b->runtimes);
	assert_int_equal(a->n_users, b->n_users);
	assert_int_equal(a->gpus, b->gpus);
	assert_int_equal(a->n_devices, b->n_devices);
	check_same_lists(&a->build_from, &b->build_from);
	assert_int_equal(a->build_network, b->build_network);
	assert_int_equal(a->build_timeout_ms, b->build_timeout_ms);
}

/*
 * What manifests/policy.yaml writes out is what holds where nothing is said,
 * so that to leave a line out changes nothing; and it is what is built in.
 */
static void test_builtin(void **state)
{
	cleanup_buf struct sbx_buf file = SBX_BUF_INIT(65536);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy strictest;
	struct sbx_policy builtin;
	const char *text;
	size_t size;

	(void)state;
	text = sbx_policy_builtin(&size);
	assert_int_equal(
		sbx_file_read(AT_FDCWD, "manifests/policy.yaml", &file, &err),
		0);
	assert_int_equal(size, file.len);
	assert_memory_equal(text, file.data, size);
	builtin = parse(text, size);
	sbx_policy_init(&strictest);
	assert_null(builtin.file);
	assert_int_equal(builtin.skills.gpus, 0);
	assert_int_equal(builtin.skills.n_devices, 0);
	check_same_rules(&builtin.skills, &strictest.skills);
	assert_int_equal(builtin.uid_range.first, strictest.uid_range.first);
	assert_int_equal(builtin.uid_range.last, strictest.uid_range.last);
	assert_int_equal(builtin.disk_free, strictest.disk_free);
	assert_memory_equal(&builtin.pool, &strictest.pool,
			    sizeof(builtin.pool));
	assert_int_equal(builtin.sessions.most, strictest.sessions.most);
	assert_int_equal(builtin.sessions.ttl_ms, strictest.sessions.ttl_ms);
	sbx_policy_clear(&strictest);
	/* The shipped webpage and telegram, and nobody else, have one. */
	assert_int_equal(builtin.n_exceptions, 2);
	assert_true(sbx_policy_skill(&builtin, "telegram")
			    ->rights.networks[SBX_NETWORK_BRIDGE]);
	assert_true(sbx_policy_skill(&builtin, "webpage")
			    ->rights.networks[SBX_NETWORK_BRIDGE]);
	assert_false(sbx_policy_skill(&builtin, "webpage")
			     ->rights.networks[SBX_NETWORK_HOST]);
	assert_false(sbx_policy_skill(&builtin, "text")
			     ->rights.networks[SBX_NETWORK_BRIDGE]);
	assert_true(builtin.requests[SBX_REQUESTER_OPERATOR].environment);
	assert_false(builtin.requests[SBX_REQUESTER_CALLER].environment);
	assert_false(builtin.requests[SBX_REQUESTER_CALLER].owner);
	assert_false(builtin.requests[SBX_REQUESTER_CALLER].secrets);
	assert_int_equal(
		builtin.requests[SBX_REQUESTER_CALLER].rights.n_volumes, 0);
	/* Ports are for the operator, and for nobody but this host. */
	assert_int_equal(builtin.requests[SBX_REQUESTER_OPERATOR].publish.n, 2);
	assert_string_equal(
		builtin.requests[SBX_REQUESTER_OPERATOR].publish.v[0],
		"127.0.0.1");
	assert_string_equal(
		builtin.requests[SBX_REQUESTER_OPERATOR].publish.v[1], "::1");
	assert_int_equal(builtin.requests[SBX_REQUESTER_CALLER].publish.n, 0);
	sbx_policy_clear(&builtin);
}

/* Mappings merge, lists replace; an exception may stand before "skills". */
static void test_exceptions(void **state)
{
	static const char text[] =
		"schema_version: 1\n"
		"exceptions:\n"
		"  a: {limits: {cpus: 1}, ulimits: {nofile: 5}, users: [9], "
		"gpus: all, devices: [\"/dev//kvm:rw\"]}\n"
		"skills: {limits: {timeout: 5s}, users: [1, 2], runtimes: "
		"[b], gpus: 1, devices: [\"/dev/a:r\", \"/dev/b*:w\"]}\n";
	struct sbx_policy policy = parse(text, strlen(text));
	const struct sbx_skill_rules *a = sbx_policy_skill(&policy, "a");
	const struct sbx_skill_rules *other = sbx_policy_skill(&policy, "b");

	(void)state;
	assert_int_equal(a->rights.limits.nano_cpus, 1000000000);
	assert_int_equal(a->rights.limits.timeout_ms, 5000);
	assert_int_equal(a->n_users, 1);
	assert_int_equal(a->users[0].first, 9);
	assert_string_equal(a->runtimes.v[0], "b");
	assert_int_equal(
		sbx_ulimits_find(a->ulimits, a->n_ulimits, "nofile")->hard, 5);
	assert_int_equal(
		sbx_ulimits_find(a->ulimits, a->n_ulimits, "rtprio")->hard, 0);
	assert_int_equal(a->gpus, SBX_GPUS_ALL);
	assert_int_equal(a->n_devices, 1);
	assert_string_equal(a->devices[0].pattern, "/dev/kvm");
	assert_int_equal(a->devices[0].access,
			 SBX_DEVICE_READ | SBX_DEVICE_WRITE);
	assert_int_equal(other->gpus, 1);
	assert_int_equal(other->n_devices, 2);
	assert_string_equal(other->devices[1].pattern, "/dev/b*");
	assert_int_equal(other->devices[1].access, SBX_DEVICE_WRITE);
	assert_int_equal(other->n_users, 2);
	assert_int_equal(other->rights.limits.nano_cpus, 4000000000);
	assert_int_equal(
		sbx_ulimits_find(other->ulimits, other->n_ulimits, "nofile")
			->hard,
		65536);
	sbx_policy_clear(&policy);
}

/* Every error, with its place, what was found and what was expected. */
static void test_errors(void **state)
{
	static const char text[] = "schema_version: 1\n"
				   "skills:\n"
				   "  networks: [bridges]\n"
				   "  volumes: [\"/dev/kvm:rw\", \"/srv\"]\n"
				   "  users: [\"5-3\"]\n"
				   "  privileged: true\n"
				   "  limit: {}\n"
				   "operator: {hosts: []}\n"
				   "uid_range: 0\n";
	static const char *const starts[] = {
		"3:14: skills.networks[0]: found \"bridges\", expected none, "
		"bridge or host; did you mean \"bridge\"?",
		"4:13: skills.volumes[0]: found \"/dev/kvm\", which is never "
		"granted",
		"4:28: skills.volumes[1]: found \"/srv\", expected a path of",
		"5:11: skills.users[0]: found \"5-3\", expected a range",
		"6:3: skills.privileged: no policy can grant this",
		"7:3: skills.limit: unknown key, did you mean \"limits\"?",
		"8:12: operator.hosts: not supported yet",
		"9:12: uid_range: found 0, expected a range",
	};
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy out;

	(void)state;
	assert_int_equal(sbx_policy_parse(text, strlen(text), "FILE", &out,
					  &problems, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_true(sbx_text_has_prefix(err.message, "FILE:3:14: "));
	assert_true(sbx_text_has_suffix(err.message, "(and 7 more)"));
	assert_int_equal(problems.errors.n, SBX_ARRAY_SIZE(starts));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(starts); i++) {
		if (!sbx_text_has_prefix(problems.errors.v[i], starts[i]))
			assert_string_equal(problems.errors.v[i], starts[i]);
	}
	sbx_problems_free(&problems);
}

/* Each by itself is refused, at its own place and by its own name. */
static void test_each_mistake(void **state)
{
	static const struct {
		const char *text;
		const char *where;
	} samples[] = {
		{ "skills: {networks: bridge}", "skills.networks: " },
		{ "skills: {networks: [5]}", "skills.networks[0]: " },
		{ "skills: {volumes: /srv}", "skills.volumes: " },
		{ "skills: {volumes: [5]}", "skills.volumes[0]: " },
		{ "skills: {volumes: [\"/srv\"]}", "skills.volumes[0]: " },
		{ "skills: {volumes: [\"b:rw,rslave\"]}",
		  "skills.volumes[0]: " },
		{ "skills: {volumes: [\"a/b:ro\"]}", "skills.volumes[0]: " },
		{ "skills: {volumes: [\"/a/../b:ro\"]}",
		  "skills.volumes[0]: " },
		{ "skills: {volumes: [\"/etc/x:ro\"]}", "skills.volumes[0]: " },
		{ "skills: {volumes: [\"skillbox-x:ro\"]}",
		  "skills.volumes[0]: " },
		{ "operator: {volumes: [\"/proc:ro\"]}",
		  "operator.volumes[0]: " },
		{ "callers: {volumes: [\"/dev:ro\"]}", "callers.volumes[0]: " },
		{ "skills: {limits: {cpus: 0}}", "skills.limits.cpus: " },
		{ "skills: {limits: {mem_limit: 5m}}",
		  "skills.limits.mem_limit: " },
		{ "skills: {limits: {pids_limit: 1}}",
		  "skills.limits.pids_limit: " },
		{ "skills: {limits: {timeout: 25h}}",
		  "skills.limits.timeout: " },
		{ "skills: {limits: {stop_grace_period: 25h}}",
		  "skills.limits.stop_grace_period: " },
		{ "skills: {limits: {input_limit: 0}}",
		  "skills.limits.input_limit: " },
		{ "skills: {limits: {output_limit: 2g}}",
		  "skills.limits.output_limit: " },
		{ "skills: {limits: {tmpfs: 1k}}", "skills.limits.tmpfs: " },
		{ "skills: {limits: {files: 2g}}", "skills.limits.files: " },
		{ "operator: {limits: {cpus: 0}}", "operator.limits.cpus: " },
		{ "callers: {limits: {cpus: 0}}", "callers.limits.cpus: " },
		{ "skills: {ulimits: [nofile]}", "skills.ulimits: " },
		{ "skills: {ulimits: {nofile: -1}}",
		  "skills.ulimits.nofile: " },
		{ "skills: {ulimits: {files: 1}}", "skills.ulimits.files: " },
		{ "skills: {runtimes: runsc}", "skills.runtimes: " },
		{ "skills: {runtimes: []}", "skills.runtimes: " },
		{ "skills: {runtimes: [\"a b\"]}", "skills.runtimes[0]: " },
		{ "skills: {runtimes: [5]}", "skills.runtimes[0]: " },
		{ "skills: {build: {from: x}}", "skills.build.from: " },
		{ "skills: {build: {from: [\"\"]}}", "skills.build.from[0]: " },
		{ "skills: {build: {from: [\"a b\"]}}",
		  "skills.build.from[0]: " },
		{ "skills: {build: {network: 1}}", "skills.build.network: " },
		{ "skills: {build: {timeout: 0s}}", "skills.build.timeout: " },
		{ "skills: {build: {timeout: 25h}}", "skills.build.timeout: " },
		{ "skills: {build: {timeout: 5}}", "skills.build.timeout: " },
		{ "exceptions: {a: {build: {timeout: x}}}",
		  "exceptions.a.build.timeout: " },
		{ "skills: {build: 1}", "skills.build: " },
		{ "skills: {users: 5}", "skills.users: " },
		{ "skills: {users: [0]}", "skills.users[0]: " },
		{ "skills: {users: [\"0-5\"]}", "skills.users[0]: " },
		{ "skills: {users: [\"5-4\"]}", "skills.users[0]: " },
		{ "skills: {users: [\"1-2147483648\"]}", "skills.users[0]: " },
		{ "skills: {users: [\"1-2-3\"]}", "skills.users[0]: " },
		{ "skills: {users: [\" 5\"]}", "skills.users[0]: " },
		{ "skills: {users: [\"-\"]}", "skills.users[0]: " },
		{ "skills: {users: [true]}", "skills.users[0]: " },
		{ "skills: {enabled: 1}", "skills.enabled: " },
		{ "skills: {concurrency: -1}", "skills.concurrency: " },
		{ "skills: {waiting: -1}", "skills.waiting: " },
		{ "pool: []", "pool: " },
		{ "pool: {waiting: 4097}", "pool.waiting: " },
		{ "pool: {mem_limit: much}", "pool.mem_limit: " },
		{ "pool: {mem_free: -1}", "pool.mem_free: " },
		{ "sessions: []", "sessions: " },
		{ "sessions: {most: 4097}", "sessions.most: " },
		{ "sessions: {most: -1}", "sessions.most: " },
		{ "sessions: {ttl: 25h}", "sessions.ttl: " },
		{ "sessions: {ttl: 999ms}", "sessions.ttl: " },
		{ "skills: {hosts: []}", "skills.hosts: not supported yet" },
		{ "skills: {privileged: true}",
		  "skills.privileged: no policy can grant" },
		{ "skills: {capabilities: []}",
		  "skills.capabilities: no policy can grant" },
		{ "skills: {cap_add: []}",
		  "skills.cap_add: no policy can grant" },
		{ "skills: {gpus: some}", "skills.gpus: " },
		{ "skills: {gpus: -1}", "skills.gpus: " },
		{ "skills: {gpus: 65}", "skills.gpus: " },
		{ "skills: {devices: /dev/kvm}", "skills.devices: " },
		{ "skills: {devices: [5]}", "skills.devices[0]: " },
		{ "skills: {devices: [/dev/kvm]}",
		  "skills.devices[0]: found \"/dev/kvm\", expected a path" },
		{ "skills: {devices: [\"/dev/kvm:x\"]}",
		  "skills.devices[0]: found \"/dev/kvm:x\", expected a path" },
		{ "skills: {devices: [\"/dev/kvm:rwm\"]}",
		  "skills.devices[0]: found \"/dev/kvm:rwm\": \"m\"" },
		{ "skills: {devices: [\"/srv/x:rw\"]}",
		  "skills.devices[0]: found \"/srv/x:rw\": a device is" },
		{ "skills: {devices: [\"/dev/tty?:rw\"]}",
		  "skills.devices[0]: found " },
		{ "skills: {devices: [\"/dev/mem:r\"]}",
		  "skills.devices[0]: found \"/dev/mem\", which is never "
		  "granted: it would hand over the memory of the machine" },
		{ "skills: {devices: [\"/dev/sd*:r\"]}",
		  "skills.devices[0]: found \"/dev/sd*\", which is never" },
		{ "operator: {devices: []}", "operator.devices: " },
		{ "callers: {gpus: 1}", "callers.gpus: " },
		{ "operator: {environment: 1}", "operator.environment: " },
		{ "callers: {environment: 1}", "callers.environment: " },
		{ "callers: {users: [5]}", "callers.users: " },
		{ "operator: {owner: true}", "operator.owner: " },
		{ "operator: {secrets: true}", "operator.secrets: " },
		{ "operator: {publish: 127.0.0.1}", "operator.publish: " },
		{ "operator: {publish: [localhost]}", "operator.publish[0]: " },
		{ "callers: {publish: [\"::ffff:127.0.0.1\"]}",
		  "callers.publish[0]: " },
		{ "callers: {publish: [127.0.0.1, 5]}",
		  "callers.publish[1]: " },
		{ "skills: {publish: [\"*\"]}", "skills.publish: " },
		{ "callers: {hosts: []}", "callers.hosts: not supported yet" },
		{ "exceptions: [a]", "exceptions: " },
		{ "exceptions: {A_B: {}}", "exceptions.A_B: " },
		{ "exceptions: {a: 5}", "exceptions.a: " },
		{ "exceptions: {a: {users: [0]}}", "exceptions.a.users[0]: " },
		{ "engine: {disk_free: -1}", "engine.disk_free: " },
		{ "engine: 5", "engine: " },
		{ "uid_range: \"9-5\"", "uid_range: " },
		{ "skill: {}", "skill: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_problems problems = SBX_PROBLEMS_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_policy out;
		cleanup_free char *text =
			sbx_asprintf("schema_version: 1\n%s", samples[i].text);

		if (sbx_policy_parse(text, strlen(text), NULL, &out, &problems,
				     &err) == 0)
			fail_msg("%s: accepted", samples[i].text);
		if (problems.errors.n != 1 ||
		    !strstr(problems.errors.v[0], samples[i].where))
			fail_msg("%s: %zu errors, %s", samples[i].text,
				 problems.errors.n, problems.errors.v[0]);
		sbx_problems_free(&problems);
	}
}

/* An image's name has a length, and so has what stands for it. */
static void test_longest_pattern(void **state)
{
	(void)state;
	for (int size = 511; size <= 512; size++) {
		struct sbx_problems problems = SBX_PROBLEMS_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_policy out;
		cleanup_free char *text = sbx_asprintf(
			"{schema_version: 1, skills: {build: {from: "
			"[\"%0*d\"]}}}",
			size, 0);
		int result = sbx_policy_parse(text, strlen(text), NULL, &out,
					      &problems, &err);

		assert_int_equal(result, size < 512 ? 0 : -1);
		if (result == 0)
			sbx_policy_clear(&out);
		sbx_problems_free(&problems);
	}
}

static void check_request(const struct sbx_request_rules *rules, int64_t cpus)
{
	assert_true(rules->environment);
	assert_true(rules->rights.networks[SBX_NETWORK_NONE]);
	assert_true(rules->rights.networks[SBX_NETWORK_BRIDGE]);
	assert_false(rules->rights.networks[SBX_NETWORK_HOST]);
	assert_int_equal(rules->rights.n_volumes, 1);
	assert_string_equal(rules->rights.volumes[0].source, "*");
	assert_int_equal(rules->rights.limits.nano_cpus, cpus * 1000000000);
	assert_int_equal(rules->rights.limits.mem_limit, -1);
	assert_int_equal(rules->publish.n, 1);
	assert_string_equal(rules->publish.v[0], "*");
}

/* Each key has its effect, and on nothing else. */
static void test_each_key(void **state)
{
	static const char text[] =
		"schema_version: 1\n"
		"skills: {enabled: false, concurrency: 3, waiting: 4,\n"
		"  networks: [host],\n"
		"  volumes: [\"/srv//a:ro\", \"b:rw\", \"*:ro\"],\n"
		"  limits: {cpus: 1, mem_limit: 7m, pids_limit: 3, timeout: "
		"4s,\n"
		"    stop_grace_period: 5s, input_limit: 6, output_limit: 7,\n"
		"    tmpfs: 8k, files: 9k}, ulimits: {core: 0, nofile: 9}, "
		"runtimes: "
		"[r],\n"
		"  users: [5, \"10-20\"], build: {from: [\"*\"], network: "
		"true, timeout: 17s}}\n"
		"operator: {environment: true, networks: [bridge], volumes: "
		"[\"*:rw\"], limits: {cpus: 2}, publish: [\"*\"]}\n"
		"callers: {owner: true, secrets: true, environment: true, "
		"networks: [bridge], volumes: "
		"[\"*:rw\"], limits: {cpus: 3}, publish: [\"*\"]}\n"
		"uid_range: \"300000-300009\"\n"
		"engine: {disk_free: 11}\n"
		"pool: {waiting: 12, mem_limit: 13, mem_free: 14}\n"
		"sessions: {most: 15, ttl: 16s}\n";
	struct sbx_policy policy = parse(text, strlen(text));
	const struct sbx_skill_rules *skills = &policy.skills;
	const struct sbx_volume_rule *volumes = skills->rights.volumes;
	static const struct sbx_limits limits = {
		.nano_cpus = 1000000000,
		.mem_limit = 7 * 1024 * 1024,
		.pids_limit = 3,
		.timeout_ms = 4000,
		.stop_grace_period_ms = 5000,
		.input_limit = 6,
		.output_limit = 7,
		.tmpfs_size = 8192,
		.files_size = 9216,
	};

	(void)state;
	assert_false(skills->enabled);
	assert_int_equal(skills->concurrency, 3);
	assert_int_equal(skills->waiting, 4);
	assert_true(skills->rights.networks[SBX_NETWORK_NONE]);
	assert_false(skills->rights.networks[SBX_NETWORK_BRIDGE]);
	assert_true(skills->rights.networks[SBX_NETWORK_HOST]);
	assert_int_equal(skills->rights.n_volumes, 3);
	assert_string_equal(volumes[0].source, "/srv/a");
	assert_false(volumes[0].writable);
	assert_string_equal(volumes[1].source, "b");
	assert_true(volumes[1].writable);
	assert_string_equal(volumes[2].source, "*");
	assert_memory_equal(&skills->rights.limits, &limits, sizeof(limits));
	assert_int_equal(
		sbx_ulimits_find(skills->ulimits, skills->n_ulimits, "core")
			->hard,
		0);
	assert_int_equal(
		sbx_ulimits_find(skills->ulimits, skills->n_ulimits, "nofile")
			->hard,
		9);
	assert_int_equal(skills->runtimes.n, 1);
	assert_string_equal(skills->runtimes.v[0], "r");
	assert_int_equal(skills->n_users, 2);
	assert_int_equal(skills->users[0].first, 5);
	assert_int_equal(skills->users[0].last, 5);
	assert_int_equal(skills->users[1].first, 10);
	assert_int_equal(skills->users[1].last, 20);
	assert_int_equal(skills->build_from.n, 1);
	assert_string_equal(skills->build_from.v[0], "*");
	assert_true(skills->build_network);
	assert_int_equal(skills->build_timeout_ms, 17000);
	check_request(&policy.requests[SBX_REQUESTER_OPERATOR], 2);
	check_request(&policy.requests[SBX_REQUESTER_CALLER], 3);
	assert_true(policy.requests[SBX_REQUESTER_CALLER].owner);
	assert_true(policy.requests[SBX_REQUESTER_CALLER].secrets);
	assert_false(policy.requests[SBX_REQUESTER_OPERATOR].owner);
	assert_int_equal(policy.uid_range.first, 300000);
	assert_int_equal(policy.uid_range.last, 300009);
	assert_int_equal(policy.disk_free, 11);
	assert_int_equal(policy.pool.waiting, 12);
	assert_int_equal(policy.pool.mem_limit, 13);
	assert_int_equal(policy.pool.mem_free, 14);
	assert_int_equal(policy.sessions.most, 15);
	assert_int_equal(policy.sessions.ttl_ms, 16000);
	sbx_policy_clear(&policy);
}

/* An exception's lists are its own: what "skills" has it need not have. */
static void test_exceptions_lists_replace(void **state)
{
	static const char text[] =
		"schema_version: 1\n"
		"skills: {networks: [bridge, host], volumes: [\"/a:rw\"]}\n"
		"exceptions:\n"
		"  a: {networks: [none], volumes: [\"/b:ro\"]}\n"
		"  b: {}\n";
	struct sbx_policy policy = parse(text, strlen(text));
	const struct sbx_rights *a = &sbx_policy_skill(&policy, "a")->rights;
	const struct sbx_rights *b = &sbx_policy_skill(&policy, "b")->rights;

	(void)state;
	assert_true(a->networks[SBX_NETWORK_NONE]);
	assert_false(a->networks[SBX_NETWORK_BRIDGE]);
	assert_false(a->networks[SBX_NETWORK_HOST]);
	assert_int_equal(a->n_volumes, 1);
	assert_string_equal(a->volumes[0].source, "/b");
	assert_false(a->volumes[0].writable);
	assert_true(b->networks[SBX_NETWORK_HOST]);
	assert_int_equal(b->n_volumes, 1);
	assert_string_equal(b->volumes[0].source, "/a");
	assert_true(b->volumes[0].writable);
	sbx_policy_clear(&policy);
}

/* What an exception does not say of builds is as in "skills". */
static void test_exceptions_of_builds(void **state)
{
	static const char text[] = "schema_version: 1\n"
				   "exceptions:\n"
				   "  a: {build: {timeout: 24h}}\n"
				   "  b: {build: {network: true}}\n"
				   "skills: {build: {timeout: 1ms}}\n";
	struct sbx_policy policy = parse(text, strlen(text));
	const struct sbx_skill_rules *a = sbx_policy_skill(&policy, "a");
	const struct sbx_skill_rules *b = sbx_policy_skill(&policy, "b");

	(void)state;
	assert_int_equal(a->build_timeout_ms, 24 * 3600 * 1000);
	assert_false(a->build_network);
	assert_int_equal(a->build_from.n, 2);
	assert_int_equal(b->build_timeout_ms, 1);
	assert_true(b->build_network);
	sbx_policy_clear(&policy);
}

/* --- which file ----------------------------------------------------------- */

#define GOOD "schema_version: 1\nengine: {disk_free: 77}\n"

static char *write_file(const char *text, mode_t mode)
{
	char *path = sbx_strdup("/tmp/test_policy.XXXXXX");
	cleanup_fd int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_int_equal(sbx_fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	return path;
}

/* disk_free of what is opened, or -1 for an error, which must say @why. */
static int64_t open_policy(const char *path, const char *why)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy policy;
	int64_t found = -1;

	if (sbx_policy_open(path, &policy, &problems, &err) == 0) {
		found = policy.disk_free;
		assert_string_equal(policy.file,
				    path ? path : getenv("SKILLBOX_POLICY"));
		sbx_policy_clear(&policy);
	} else {
		assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
		if (!strstr(err.message, why))
			assert_string_equal(err.message, why);
	}
	sbx_problems_free(&problems);
	return found;
}

static void test_open(void **state)
{
	cleanup_free char *good = write_file(GOOD, 0644);
	cleanup_free char *other = write_file(
		"schema_version: 1\nengine: {disk_free: 78}\n", 0600);

	(void)state;
	unsetenv("SKILLBOX_POLICY");
	assert_int_equal(open_policy(good, ""), 77);
	setenv("SKILLBOX_POLICY", other, 1);
	assert_int_equal(open_policy(NULL, ""), 78);
	assert_int_equal(open_policy(good, ""), 77);
	/* One that fails never falls back on another. */
	setenv("SKILLBOX_POLICY", "/nonexistent/policy.yaml", 1);
	assert_int_equal(open_policy(NULL, "No such file"), -1);
	assert_int_equal(open_policy(good, ""), 77);
	unsetenv("SKILLBOX_POLICY");
	unlink(good);
	unlink(other);
}

/* Who can write the policy can do anything. */
static void test_open_untrusted(void **state)
{
	static const mode_t modes[] = { 0666, 0664, 0622, 0620, 0602, 0606 };
	cleanup_free char *foreign = write_file(GOOD, 0644);
	cleanup_free char *fifo = sbx_asprintf("%s.fifo", foreign);

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(modes); i++) {
		cleanup_free char *path = write_file(GOOD, modes[i]);

		assert_int_equal(open_policy(path, "others can write it"), -1);
		unlink(path);
	}
	/* Only root can give a file away, and be somebody else. */
	if (geteuid() == 0) {
		assert_int_equal(seteuid(12345), 0);
		assert_int_equal(open_policy(foreign, ""), 77);
		assert_int_equal(seteuid(0), 0);
		assert_int_equal(chown(foreign, 12345, 12345), 0);
		assert_int_equal(open_policy(foreign, "belongs to user 12345"),
				 -1);
		assert_int_equal(seteuid(12345), 0);
		assert_int_equal(open_policy(foreign, ""), 77);
		assert_int_equal(seteuid(0), 0);
	}
	assert_int_equal(mkfifo(fifo, 0600), 0);
	assert_int_equal(open_policy(fifo, "not a regular file"), -1);
	assert_int_equal(open_policy("/tmp", "not a regular file"), -1);
	unlink(fifo);
	unlink(foreign);
}

/* disk_free of the policy of the system, -1 when it is refused. */
static int64_t system_policy(const char *file)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy policy;
	int64_t found;

	if (sbx_policy_open(NULL, &policy, &problems, &err) < 0)
		return err.outcome == SBX_OUTCOME_MISCONFIGURED ? -1 : -2;
	found = policy.disk_free;
	if (!file != !policy.file || (file && strcmp(file, policy.file) != 0))
		found = -3;
	sbx_policy_clear(&policy);
	return found;
}

/* With an /etc of its own; the number of the first step that is wrong. */
static int look_at_system_policy(void)
{
	static const char file[] = "/etc/skillbox/policy.yaml";
	int flags = geteuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
	int fd;

	if (unshare(flags) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("none", "/etc", "tmpfs", 0, NULL) < 0)
		return 1;
	if (system_policy(NULL) != 256 << 20)
		return 2;
	setenv("SKILLBOX_POLICY", "", 1);
	if (system_policy(NULL) != 256 << 20)
		return 3;
	if (mkdir("/etc/skillbox", 0755) < 0 || system_policy(NULL) < 0)
		return 4;
	fd = open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || sbx_fd_write_all(fd, GOOD, strlen(GOOD)) < 0)
		return 5;
	close(fd);
	if (system_policy(file) != 77)
		return 6;
	if (chmod(file, 0666) < 0 || system_policy(file) != -1)
		return 7;
	if (unlink(file) < 0 || rmdir("/etc/skillbox") < 0 ||
	    symlink("skillbox", "/etc/skillbox") < 0)
		return 8;
	/* It may be there, for all one can see. */
	return system_policy(NULL) == -1 ? 0 : 9;
}

static void test_open_systems(void **state)
{
	int status;
	pid_t pid;

	(void)state;
	unsetenv("SKILLBOX_POLICY");
	pid = fork();
	if (pid == 0)
		_exit(look_at_system_policy());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void test_open_bad(void **state)
{
	cleanup_free char *bad = write_file("schema_version: 2\n", 0600);
	cleanup_free char *huge = write_file("x", 0600);
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_policy out;

	(void)state;
	assert_int_equal(truncate(huge, 2 * 1024 * 1024), 0);
	assert_int_equal(open_policy(huge, huge), -1);
	assert_int_equal(sbx_policy_open(bad, &out, &problems, &err), -1);
	assert_int_equal(problems.errors.n, 1);
	/* An editor finds the place. */
	assert_true(sbx_text_has_prefix(problems.errors.v[0], bad));
	assert_true(sbx_text_has_prefix(problems.errors.v[0] + strlen(bad),
					":1:17: schema_version: found 2"));
	sbx_problems_free(&problems);
	unlink(bad);
	unlink(huge);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_exceptions),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_each_mistake),
		cmocka_unit_test(test_longest_pattern),
		cmocka_unit_test(test_each_key),
		cmocka_unit_test(test_exceptions_lists_replace),
		cmocka_unit_test(test_exceptions_of_builds),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_open_untrusted),
		cmocka_unit_test(test_open_systems),
		cmocka_unit_test(test_open_bad),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
