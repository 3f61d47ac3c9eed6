/* SPDX-License-Identifier: MIT */
#include "sandbox/doctor.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"

/*
 * Operators rely on: FAIL means that skills will be refused on this engine,
 * a sound engine has none, and every FAIL says how to mend it.
 */

static const char sound_info[] =
	"{\"OSType\": \"linux\", \"Driver\": \"overlay2\","
	" \"DriverStatus\": [[\"Supports d_type\", \"true\"]],"
	" \"MemoryLimit\": true, \"SwapLimit\": true, \"PidsLimit\": true,"
	" \"CpuCfsQuota\": true, \"IPv4Forwarding\": true,"
	" \"CgroupDriver\": \"systemd\", \"CgroupVersion\": \"2\","
	" \"KernelVersion\": \"6.1.0\", \"Architecture\": \"x86_64\","
	" \"OperatingSystem\": \"Debian\", \"Name\": \"host\", \"NCPU\": 2,"
	" \"MemTotal\": 2147483648, \"DockerRootDir\": \"/var/lib/docker\","
	" \"Runtimes\": {\"runc\": {}, \"crun\": {}},"
	" \"DefaultRuntime\": \"runc\", \"Warnings\": null,"
	" \"SecurityOptions\": [\"name=apparmor\","
	" \"name=seccomp,profile=builtin\", \"name=cgroupns\"]}";
static const char docker[] =
	"{\"Version\": \"26.1\", \"ApiVersion\": \"1.45\","
	" \"MinAPIVersion\": \"1.24\","
	" \"Components\": [{\"Name\": \"runc\", \"Version\": \"1.1\"}]}";
static const char podman[] =
	"{\"Version\": \"4.3.1\", \"ApiVersion\": \"1.41\","
	" \"MinAPIVersion\": \"1.24\","
	" \"Components\": [{\"Name\": \"Podman Engine\"}]}";

static json_t *parse(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *value = NULL;

	assert_int_equal(sbx_json_parse(text, strlen(text), &value, &err), 0);
	return value;
}

/* The worst finding about @id, or NULL. */
static const struct sbx_doctor_finding *
worst(const struct sbx_doctor_findings *findings, const char *id)
{
	const struct sbx_doctor_finding *found = NULL;

	for (size_t i = 0; i < findings->n; i++) {
		const struct sbx_doctor_finding *finding = &findings->v[i];

		if (strcmp(finding->id, id) == 0 &&
		    (!found || finding->level > found->level))
			found = finding;
	}
	return found;
}

static void test_sound_engine(void **state)
{
	json_auto_t *info = parse(sound_info);
	json_auto_t *version = parse(docker);
	struct sbx_doctor_findings findings = { .v = NULL };

	(void)state;
	sbx_doctor_examine(&findings, info, version, -1);
	assert_true(findings.n >= 10);
	for (size_t i = 0; i < findings.n; i++)
		assert_int_equal(findings.v[i].level, SBX_DOCTOR_OK);
	sbx_doctor_findings_free(&findings);
}

/* A member of /info set to @value gives a finding @id of @level. */
static const struct {
	const char *member, *value, *id;
	enum sbx_doctor_level level;
} infos[] = {
	{ "MemoryLimit", "false", "memory", SBX_DOCTOR_FAIL },
	{ "SwapLimit", "false", "swap", SBX_DOCTOR_FAIL },
	{ "PidsLimit", "false", "pids", SBX_DOCTOR_FAIL },
	{ "CpuCfsQuota", "false", "cpu", SBX_DOCTOR_FAIL },
	{ "CpuCfsQuota", "null", "cpu", SBX_DOCTOR_WARN },
	{ "CgroupDriver", "\"none\"", "cgroup", SBX_DOCTOR_FAIL },
	{ "OSType", "\"windows\"", "system", SBX_DOCTOR_FAIL },
	{ "SecurityOptions", "[]", "seccomp", SBX_DOCTOR_FAIL },
	{ "SecurityOptions", "null", "seccomp", SBX_DOCTOR_FAIL },
	{ "SecurityOptions", "[\"name=seccomp,profile=unconfined\"]", "seccomp",
	  SBX_DOCTOR_FAIL },
	{ "SecurityOptions", "[\"name=seccompletely\"]", "seccomp",
	  SBX_DOCTOR_FAIL },
	{ "SecurityOptions", "[\"name=seccomp,profile=/etc/x.json\"]",
	  "seccomp", SBX_DOCTOR_WARN },
	{ "SecurityOptions", "[\"name=seccomp,profile=default\"]", "seccomp",
	  SBX_DOCTOR_OK },
	{ "SecurityOptions", "[\"name=seccomp,profile=default\"]", "lsm",
	  SBX_DOCTOR_WARN },
	{ "SecurityOptions", "[\"name=selinux\"]", "lsm", SBX_DOCTOR_OK },
	{ "SecurityOptions", "[\"name=rootless\"]", "users", SBX_DOCTOR_WARN },
	{ "SecurityOptions", "[\"name=userns\"]", "users", SBX_DOCTOR_WARN },
	{ "IPv4Forwarding", "false", "network", SBX_DOCTOR_WARN },
	{ "Driver", "\"vfs\"", "storage", SBX_DOCTOR_WARN },
	{ "DriverStatus", "[[\"Supports d_type\", \"false\"]]", "storage",
	  SBX_DOCTOR_WARN },
	{ "Warnings", "[\"WARNING: No swap limit support\"]", "engine",
	  SBX_DOCTOR_WARN },
};

static void test_infos(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(infos); i++) {
		json_auto_t *info = parse(sound_info);
		json_auto_t *version = parse(docker);
		struct sbx_doctor_findings findings = { .v = NULL };
		const struct sbx_doctor_finding *finding;

		json_object_set_new(info, infos[i].member,
				    parse(infos[i].value));
		sbx_doctor_examine(&findings, info, version, -1);
		finding = worst(&findings, infos[i].id);
		assert_non_null(finding);
		assert_int_equal(finding->level, infos[i].level);
		if (finding->level == SBX_DOCTOR_FAIL)
			assert_non_null(finding->fix);
		sbx_doctor_findings_free(&findings);
	}
}

static const struct {
	const char *newest, *oldest;
	enum sbx_doctor_level level;
} versions[] = {
	{ "1.41", "1.12", SBX_DOCTOR_OK },
	{ "1.40", "1.12", SBX_DOCTOR_FAIL },
	{ "1.52", "1.44", SBX_DOCTOR_OK },
	{ "1.60", "1.45", SBX_DOCTOR_FAIL },
	{ "2.0", "2.0", SBX_DOCTOR_FAIL },
	{ "garbage", "1.12", SBX_DOCTOR_FAIL },
};

static void test_versions(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(versions); i++) {
		json_auto_t *info = parse(sound_info);
		json_auto_t *version = json_pack(
			"{s:s, s:s}", "ApiVersion", versions[i].newest,
			"MinAPIVersion", versions[i].oldest);
		struct sbx_doctor_findings findings = { .v = NULL };

		sbx_doctor_examine(&findings, info, version, -1);
		assert_int_equal(worst(&findings, "api")->level,
				 versions[i].level);
		sbx_doctor_findings_free(&findings);
	}
}

/* The level of the worst finding about @id on such an engine. */
static enum sbx_doctor_level level_of(const char *version, const char *cgroup,
				      const char *runtime, const char *id)
{
	json_auto_t *info = parse(sound_info);
	json_auto_t *facts = parse(version);
	struct sbx_doctor_findings findings = { .v = NULL };
	const struct sbx_doctor_finding *found;
	enum sbx_doctor_level level;

	json_object_set_new(info, "CgroupVersion", json_string(cgroup));
	json_object_set_new(info, "DefaultRuntime", json_string(runtime));
	sbx_doctor_examine(&findings, info, facts, -1);
	found = worst(&findings, id);
	assert_non_null(found);
	assert_true(found->level == SBX_DOCTOR_OK || found->fix);
	level = found->level;
	sbx_doctor_findings_free(&findings);
	return level;
}

/* What one engine gives and another does not, the operator is told. */
static void test_restrictions_by_engine(void **state)
{
	static const char podman5[] =
		"{\"Version\": \"5.4.2\", \"ApiVersion\": \"1.41\","
		" \"Components\": [{\"Name\": \"Podman Engine\"}]}";

	(void)state;
	assert_int_equal(level_of(docker, "1", "runc", "tmpfs"), SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman5, "2", "crun", "tmpfs"),
			 SBX_DOCTOR_WARN);
	assert_int_equal(level_of(docker, "1", "runc", "processes"),
			 SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman5, "2", "crun", "processes"),
			 SBX_DOCTOR_WARN);
	assert_int_equal(level_of(docker, "1", "runc", "volumes"),
			 SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman5, "2", "crun", "volumes"),
			 SBX_DOCTOR_WARN);
	assert_int_equal(level_of(docker, "1", "runc", "triggers"),
			 SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman5, "2", "crun", "triggers"),
			 SBX_DOCTOR_WARN);
	assert_int_equal(level_of(docker, "1", "runc", "hosts"), SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman, "2", "crun", "hosts"),
			 SBX_DOCTOR_WARN);
	assert_int_equal(level_of(podman5, "2", "crun", "hosts"),
			 SBX_DOCTOR_OK);
	assert_int_equal(level_of(docker, "1", "runc", "ipc"), SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman5, "2", "crun", "ipc"), SBX_DOCTOR_OK);
	assert_int_equal(level_of(podman, "2", "crun", "ipc"), SBX_DOCTOR_WARN);
	assert_int_equal(level_of(docker, "2", "crun", "root"), SBX_DOCTOR_OK);
	assert_int_equal(level_of(docker, "1", "runc", "root"), SBX_DOCTOR_OK);
	assert_int_equal(level_of(docker, "1", "crun", "root"),
			 SBX_DOCTOR_WARN);
}

static void test_podman_has_no_buildkit(void **state)
{
	json_auto_t *info = parse(sound_info);
	json_auto_t *version = parse(podman);
	struct sbx_doctor_findings findings = { .v = NULL };

	(void)state;
	sbx_doctor_examine(&findings, info, version, -1);
	assert_int_equal(worst(&findings, "builder")->level, SBX_DOCTOR_WARN);
	sbx_doctor_findings_free(&findings);
}

static void test_disk(void **state)
{
	json_auto_t *info = parse(sound_info);
	json_auto_t *version = parse(docker);
	struct sbx_doctor_findings findings = { .v = NULL };

	(void)state;
	sbx_doctor_examine(&findings, info, version, (int64_t)100 << 30);
	assert_null(worst(&findings, "disk"));
	sbx_doctor_examine(&findings, info, version, 5 << 20);
	assert_int_equal(worst(&findings, "disk")->level, SBX_DOCTOR_WARN);
	assert_non_null(strstr(worst(&findings, "disk")->what, "5 MiB"));
	sbx_doctor_findings_free(&findings);
}

/* An engine that answers something else entirely is no reason to crash. */
static void test_garbage(void **state)
{
	static const char *const samples[] = {
		"{}",
		"[]",
		"null",
		"3",
		"{\"SecurityOptions\": [1, null]}",
		"{\"DriverStatus\": [1, [], [2, 3]], \"Warnings\": [{}]}",
		"{\"Components\": [1, {\"Name\": 2}], \"ApiVersion\": 7}",
		"{\"Runtimes\": [], \"SecurityOptions\": \"x\"}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		json_auto_t *value = parse(samples[i]);
		json_auto_t *facts = sbx_doctor_facts(value, value);
		struct sbx_doctor_findings findings = { .v = NULL };

		sbx_doctor_examine(&findings, value, value, -1);
		assert_int_equal(worst(&findings, "api")->level,
				 SBX_DOCTOR_FAIL);
		assert_true(json_is_object(facts));
		sbx_doctor_findings_free(&findings);
	}
}

static void test_facts(void **state)
{
	json_auto_t *info = parse(sound_info);
	json_auto_t *version = parse(docker);
	json_auto_t *facts = sbx_doctor_facts(info, version);
	json_auto_t *expected = parse(
		"{\"engine\": \"Docker 26.1\","
		" \"api\": \"1.45 (from 1.24)\","
		" \"host\": \"host, Debian, 2 CPUs, 2048 MiB\","
		" \"kernel\": \"6.1.0 x86_64\","
		" \"cgroup\": \"v2, systemd driver\","
		" \"storage\": \"overlay2 in /var/lib/docker\","
		" \"runtimes\": \"runc crun\","
		" \"default_runtime\": \"runc 1.1\","
		" \"security\": \"apparmor seccomp,profile=builtin cgroupns\""
		"}");

	(void)state;
	assert_true(json_equal(facts, expected));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sound_engine),
		cmocka_unit_test(test_infos),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_podman_has_no_buildkit),
		cmocka_unit_test(test_restrictions_by_engine),
		cmocka_unit_test(test_disk),
		cmocka_unit_test(test_garbage),
		cmocka_unit_test(test_facts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
