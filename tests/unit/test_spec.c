/* SPDX-License-Identifier: MIT */
#include "sandbox/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"

#define MARKER	 "s3cr3t-marker"
#define INIT_DIR SBX_SPEC_INIT_PREFIX "0d0e0f"

struct fixture {
	struct sbx_grant grant;
	struct sbx_skill_image image;
	struct sbx_spec spec;
	struct sbx_strv list;
};

static void add_tmpfs(struct sbx_action *action, const char *target, bool exec)
{
	action->tmpfs = sbx_realloc(
		action->tmpfs, (action->n_tmpfs + 1) * sizeof(*action->tmpfs));
	action->tmpfs[action->n_tmpfs++] = (struct sbx_tmpfs){
		.target = sbx_strdup(target), .size = 1 << 26, .exec = exec
	};
}

static void add_ulimit(struct sbx_action *action, const char *name, int64_t n)
{
	action->ulimits =
		sbx_realloc(action->ulimits,
			    (action->n_ulimits + 1) * sizeof(*action->ulimits));
	action->ulimits[action->n_ulimits++] = (struct sbx_ulimit){
		.name = sbx_strdup(name), .soft = n, .hard = n
	};
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct sbx_action *action = &f->grant.action;

	f->grant.owner = sbx_strdup("1000");
	f->grant.skill = sbx_strdup("webpage");
	action->name = sbx_strdup("download");
	action->nano_cpus = 500000000;
	action->mem_limit = 64 << 20;
	action->pids_limit = 32;
	action->output_limit = 1000;
	action->uid = 200123;
	action->gid = 200123;
	action->network = SBX_NETWORK_BRIDGE;
	add_tmpfs(action, "/tmp", false);
	add_ulimit(action, "nofile", 1024);
	add_ulimit(action, "core", 1);
	sbx_action_add_volume(action, "cache", "/app/cache", false);
	sbx_action_add_volume(action, "/srv/data", "/data", true);
	sbx_strv_push(&action->environment, "TOKEN=" MARKER);
	sbx_strv_push(&f->image.entrypoint, "/bin/run");
	sbx_strv_push(&f->image.cmd, "default");
	sbx_strv_push(&f->image.env, "PATH=/image/bin");
	sbx_strv_push(&f->image.env, "LANG=C");
	sbx_strv_push(&f->image.volumes, "/declared");
	f->spec = (struct sbx_spec){ .grant = &f->grant,
				     .image = &f->image,
				     .image_id = "sha256:1",
				     .run_id = "run-1",
				     .nonce = "0a0b0c",
				     .init_dir = INIT_DIR,
				     .runner = "runner-1",
				     .init_volume = "skillbox-init-x",
				     .init_hash = "x" };
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_grant_clear(&f->grant);
	sbx_skill_image_clear(&f->image);
	sbx_strv_free(&f->list);
	free(f);
	return 0;
}

static json_t *host(const json_t *body)
{
	return json_object_get(body, "HostConfig");
}

/*
 * Each restriction is said in the body: an engine's defaults are not relied
 * upon.  The end-to-end tests attack them one by one.
 */
static void test_body_locks_down(void **state)
{
	static const char expected[] =
		"{\"AutoRemove\": true, \"CapDrop\": [\"ALL\"], "
		"\"SecurityOpt\": [\"no-new-privileges\"], "
		"\"ReadonlyRootfs\": true, \"Privileged\": false, \"Init\": "
		"false, "
		"\"Memory\": 67108864, \"MemorySwap\": 67108864, "
		"\"MemorySwappiness\": 0, \"PidsLimit\": 32, "
		"\"CpuPeriod\": 100000, \"CpuQuota\": 50000, "
		"\"OomKillDisable\": false, "
		"\"NetworkMode\": \"bridge\", \"IpcMode\": \"none\", "
		"\"PidMode\": \"\", \"UTSMode\": \"\", "
		"\"CgroupnsMode\": \"private\", \"LogConfig\": {\"Type\": "
		"\"none\"}"
		", "
		"\"Ulimits\": [{\"Name\": \"nofile\", \"Soft\": 1024, "
		"\"Hard\": 1024}"
		", "
		"{\"Name\": \"core\", \"Soft\": 1, \"Hard\": 1}]}";
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	char *line;

	json_object_del(host(body), "Tmpfs");
	json_object_del(host(body), "Mounts");
	line = sbx_json_line(host(body));
	assert_string_equal(line, expected);
	free(line);
}

/* What an image could decide is decided here. */
static void test_body_overrules_image(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	assert_string_equal(sbx_json_text_at(body, "User", NULL),
			    "200123:200123");
	assert_string_equal(sbx_json_text_at(body, "StopSignal", NULL),
			    "SIGTERM");
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(body, "Entrypoint"), 0)),
			    INIT_DIR "/init");
	assert_int_equal(json_array_size(json_object_get(body, "Entrypoint")),
			 1);
	assert_true(json_is_array(json_object_get(body, "Cmd")));
	assert_string_equal(
		json_string_value(json_array_get(
			sbx_json_at(body, "Healthcheck", "Test", NULL), 0)),
		"NONE");
	assert_true(sbx_json_true_at(body, "StdinOnce", NULL));
}

/* The engine keeps the body on its disk: nothing of the request is in it. */
static void test_body_has_no_environment(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	char *line = sbx_json_line(body);

	assert_null(strstr(line, MARKER));
	assert_null(json_object_get(body, "Env"));
	free(line);
}

static json_t *mount_at(const json_t *body, const char *target)
{
	size_t i;
	json_t *mount;

	json_array_foreach (json_object_get(host(body), "Mounts"), i, mount) {
		if (strcmp(sbx_json_text_at(mount, "Target", NULL), target) ==
		    0)
			return mount;
	}
	return NULL;
}

static void test_mounts(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_t *init = mount_at(body, INIT_DIR);
	json_t *cache = mount_at(body, "/app/cache");
	json_t *data = mount_at(body, "/data");
	json_t *masked = mount_at(body, "/declared");

	assert_true(sbx_json_true_at(init, "ReadOnly", NULL));
	assert_string_equal(sbx_json_text_at(cache, "Source", NULL),
			    "skillbox-1000-webpage-cache");
	assert_true(sbx_json_true_at(cache, "VolumeOptions", "NoCopy", NULL));
	assert_false(sbx_json_true_at(cache, "ReadOnly", NULL));
	assert_string_equal(sbx_json_text_at(cache, "VolumeOptions", "Labels",
					     SBX_LABEL_OWNER, NULL),
			    "1000");
	assert_string_equal(sbx_json_text_at(data, "Type", NULL), "bind");
	assert_true(sbx_json_true_at(data, "ReadOnly", NULL));
	assert_true(
		sbx_json_true_at(data, "BindOptions", "NonRecursive", NULL));
	assert_string_equal(sbx_json_text_at(masked, "Type", NULL), "tmpfs");
	assert_true(sbx_json_true_at(masked, "ReadOnly", NULL));
}

/* What an image declares may hide nothing that the lock-down stands on. */
static void test_declared_volumes(void **state)
{
	static const char *const refused[] = {
		"/",	"/proc",    "/proc/x",	"/sys/fs/cgroup",
		"/dev", "/dev/pts", "relative", "/a/../proc",
	};
	static const char *const fine[] = { "/tmp", "/tmp/x",	  "/dev/shm",
					    "/app", "/app/cache", "/process" };
	struct fixture *f = *state;
	char **declared = &f->image.volumes.v[0];

	for (size_t i = 0; i < SBX_ARRAY_SIZE(refused); i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		sbx_strset(declared, refused[i]);
		assert_int_equal(sbx_spec_check(&f->spec, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		assert_non_null(strstr(err.message, refused[i]));
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(fine); i++) {
		struct sbx_error err = SBX_ERROR_INIT;

		sbx_strset(declared, fine[i]);
		assert_int_equal(sbx_spec_check(&f->spec, &err), 0);
	}
}

/* What is mounted in any case is not mounted twice. */
static void test_declared_twice(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = NULL;
	size_t n;
	struct sbx_hello_mount *list;

	sbx_strset(&f->image.volumes.v[0], "/dev/shm");
	body = sbx_spec_body(&f->spec);
	list = sbx_spec_mounts(&f->spec, &n);
	assert_null(mount_at(body, "/dev/shm"));
	assert_int_equal(n, 5);
	free(list);
	json_decref(body);

	f->grant.action.output = SBX_OUTPUT_FILE;
	sbx_strset(&f->image.volumes.v[0], SBX_SPEC_OUTPUT_DIR);
	body = sbx_spec_body(&f->spec);
	assert_null(mount_at(body, SBX_SPEC_OUTPUT_DIR));
}

static void test_tmpfs(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	const char *tmp = sbx_json_text_at(host(body), "Tmpfs", "/tmp", NULL);

	assert_string_equal(tmp, "rw,nosuid,nodev,noexec,size=67108864,"
				 "nr_inodes=4096,mode=0700,uid=200123,"
				 "gid=200123");
	assert_non_null(
		sbx_json_text_at(host(body), "Tmpfs", "/dev/shm", NULL));
	assert_null(sbx_json_text_at(host(body), "Tmpfs", SBX_SPEC_OUTPUT_DIR,
				     NULL));
}

static void test_output_file_has_its_tmpfs(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = NULL;

	f->grant.action.output = SBX_OUTPUT_FILE;
	body = sbx_spec_body(&f->spec);
	assert_non_null(strstr(sbx_json_text_at(host(body), "Tmpfs",
						SBX_SPEC_OUTPUT_DIR, NULL),
			       "size=8192"));
}

/* Volumes of a test run can be told from those that are meant to stay. */
static void test_volumes_of_tests_name_their_runner(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = NULL;

	free(f->grant.owner);
	f->grant.owner = sbx_strdup("test-0a1b");
	body = sbx_spec_body(&f->spec);
	assert_string_equal(sbx_json_text_at(mount_at(body, "/app/cache"),
					     "VolumeOptions", "Labels",
					     "io.skillbox.runner", NULL),
			    "runner-1");
}

static const struct sbx_hello_mount *
expected_at(const struct sbx_hello_mount *list, size_t n, const char *target)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(list[i].target, target) == 0)
			return &list[i];
	}
	return NULL;
}

/* What init must find is what the engine was told to mount, no more. */
static void test_expected_mounts(void **state)
{
	struct fixture *f = *state;
	size_t n;
	struct sbx_hello_mount *list = sbx_spec_mounts(&f->spec, &n);

	assert_int_equal(n, 6);
	assert_false(expected_at(list, n, INIT_DIR)->writable);
	assert_true(expected_at(list, n, "/tmp")->writable);
	assert_false(expected_at(list, n, "/tmp")->exec);
	assert_true(expected_at(list, n, "/dev/shm")->writable);
	assert_true(expected_at(list, n, "/app/cache")->writable);
	assert_false(expected_at(list, n, "/data")->writable);
	assert_false(expected_at(list, n, "/declared")->writable);
	free(list);
}

static void assert_argv(struct fixture *f, const char *expected)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(1024);

	sbx_strv_free(&f->list);
	sbx_spec_argv(&f->spec, &f->list);
	for (size_t i = 0; i < f->list.n; i++)
		sbx_buf_printf(&text, "%s%s", i ? " " : "", f->list.v[i]);
	assert_string_equal(sbx_buf_text(&text), expected);
}

static void test_argv(void **state)
{
	struct fixture *f = *state;
	struct sbx_action *action = &f->grant.action;

	assert_argv(f, "/bin/run default download");
	action->has_command = true;
	assert_argv(f, "/bin/run");
	sbx_strv_push(&action->command, "mine");
	assert_argv(f, "/bin/run mine");
	action->has_entrypoint = true;
	sbx_strv_push(&action->entrypoint, "/bin/other");
	assert_argv(f, "/bin/other mine");
	action->has_command = false;
	sbx_strv_free(&action->command);
	assert_argv(f, "/bin/other");
}

static const char *env(const struct fixture *f, const char *name)
{
	return sbx_strv_getenv(&f->list, name);
}

static void make_env(struct fixture *f, const char *input)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *json = NULL;

	sbx_strv_free(&f->list);
	if (input)
		assert_int_equal(
			sbx_json_parse(input, strlen(input), &json, &err), 0);
	assert_int_equal(
		sbx_spec_environment(&f->spec, json, input, &f->list, &err), 0);
}

/* Later wins: image, manifest and request, then SKILL_*. */
static void test_environment_order(void **state)
{
	struct fixture *f = *state;

	make_env(f, NULL);
	assert_string_equal(env(f, "PATH"), "/image/bin");
	assert_string_equal(env(f, "LANG"), "C");
	assert_string_equal(env(f, "TOKEN"), MARKER);
	assert_string_equal(env(f, "SKILL_ACTION"), "download");
	assert_string_equal(env(f, "SKILL_RUN_ID"), "run-1");
	assert_null(env(f, "SKILL_OUTPUT"));
	assert_null(env(f, "SKILL_ARGS"));

	sbx_strv_push(&f->grant.action.environment, "LANG=de");
	sbx_strv_push(&f->grant.action.environment, "SKILL_ACTION=forged");
	make_env(f, NULL);
	assert_string_equal(env(f, "LANG"), "de");
	assert_string_equal(env(f, "SKILL_ACTION"), "download");
}

static void test_environment_has_a_path(void **state)
{
	struct fixture *f = *state;

	sbx_strv_free(&f->image.env);
	make_env(f, NULL);
	assert_non_null(strstr(env(f, "PATH"), "/usr/bin"));
}

/* HOME is /tmp where it is unset or not writable. */
static void test_home(void **state)
{
	struct fixture *f = *state;

	make_env(f, NULL);
	assert_string_equal(env(f, "HOME"), "/tmp");
	sbx_strv_push(&f->image.env, "HOME=/root");
	make_env(f, NULL);
	assert_string_equal(env(f, "HOME"), "/tmp");
	sbx_strv_push(&f->grant.action.environment, "HOME=/app/cache/home");
	make_env(f, NULL);
	assert_string_equal(env(f, "HOME"), "/app/cache/home");
	sbx_strv_setenv(&f->grant.action.environment, "HOME", "/app/cachet");
	make_env(f, NULL);
	assert_string_equal(env(f, "HOME"), "/tmp");
}

static void test_input_by_environment(void **state)
{
	struct fixture *f = *state;
	const char *input = "{\"my key\": \"v\", \"n\": 1, \"o\": {\"a\":[1]}}";

	make_env(f, input);
	assert_string_equal(env(f, "SKILL_ARGS"), input);
	assert_string_equal(env(f, "INPUT_MY_KEY"), "v");
	assert_string_equal(env(f, "INPUT_N"), "1");
	assert_string_equal(env(f, "INPUT_O"), "{\"a\": [1]}");
}

static void test_input_that_fits_no_environment(void **state)
{
	static const char *const inputs[] = {
		"{\"a\": 1, \"A\": 2}",
		"{\"a=b\": 1}",
		"{\"a\": \"x\\u0000y\"}",
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(inputs); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *json = NULL;

		assert_int_equal(sbx_json_parse(inputs[i], strlen(inputs[i]),
						&json, &err),
				 0);
		assert_int_equal(sbx_spec_environment(&f->spec, json, inputs[i],
						      &f->list, &err),
				 -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	}
}

/* --- what the engine made -------------------------------------------------- */

/* An inspect reply of an engine that did as it was told. */
static json_t *obedient(const json_t *body)
{
	json_t *config = json_deep_copy(body);
	json_t *made_host = json_deep_copy(host(body));
	json_t *mounts = json_array();
	size_t i;
	json_t *mount;

	json_object_del(config, "HostConfig");
	json_array_foreach (json_object_get(host(body), "Mounts"), i, mount)
		json_array_append_new(
			mounts,
			json_pack("{s:s, s:b}", "Destination",
				  sbx_json_text_at(mount, "Target", NULL), "RW",
				  !sbx_json_true_at(mount, "ReadOnly", NULL)));
	return json_pack("{s:o, s:o, s:o}", "Config", config, "HostConfig",
			 made_host, "Mounts", mounts);
}

static int verify(const json_t *body, const json_t *made, struct sbx_error *err)
{
	return sbx_spec_verify(body, made, err);
}

static void test_verify_accepts_what_was_asked(void **state)
{
	struct fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *made = obedient(body);

	assert_int_equal(verify(body, made, &err), 0);
	/* cgroup v2 has no swappiness; empty lists come back as null. */
	json_object_set_new(host(made), "MemorySwappiness", json_null());
	json_object_set_new(host(made), "CapAdd", json_null());
	json_object_set_new(json_object_get(made, "Config"), "Cmd",
			    json_null());
	assert_int_equal(verify(body, made, &err), 0);
}

static void assert_refused(const json_t *body, const json_t *made,
			   const char *field)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (verify(body, made, &err) == 0)
		fail_msg("a weakened %s was accepted", field);
	assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
	assert_non_null(strstr(err.message, field));
}

/* An engine that drops any one field is found out. */
static void test_verify_misses_nothing(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	const char *key;
	json_t *value;

	json_object_foreach (host(body), key, value) {
		json_auto_t *made = obedient(body);

		/* What is false or "" by default cannot be dropped. */
		if (json_is_false(value) || strcmp(key, "Mounts") == 0 ||
		    strcmp(key, "MemorySwappiness") == 0 ||
		    (json_is_string(value) && json_string_length(value) == 0))
			continue;
		json_object_del(host(made), key);
		assert_refused(body, made, key);
	}
}

static void test_verify_finds_what_was_added(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} cases[] = {
		{ "Privileged", "true" },
		{ "Init", "true" },
		{ "OomKillDisable", "true" },
		{ "PidMode", "\"host\"" },
		{ "UTSMode", "\"host\"" },
		{ "UsernsMode", "\"host\"" },
		{ "NetworkMode", "\"host\"" },
		{ "MemorySwappiness", "60" },
		{ "CapAdd", "[\"SYS_ADMIN\"]" },
		{ "Devices", "[{\"PathOnHost\": \"/dev/sda\"}]" },
		{ "DeviceRequests", "[{}]" },
		{ "DeviceCgroupRules", "[\"a *:* rwm\"]" },
		{ "Binds", "[\"/:/host\"]" },
		{ "VolumesFrom", "[\"x\"]" },
		{ "PortBindings", "{\"80/tcp\": []}" },
		{ "PublishAllPorts", "true" },
		{ "GroupAdd", "[\"disk\"]" },
		{ "ExtraHosts", "[\"a:1.2.3.4\"]" },
		{ "Links", "[\"x\"]" },
		{ "SecurityOpt", "[\"no-new-privileges\","
				 "\"seccomp=unconfined\"]" },
	};
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		json_auto_t *made = obedient(body);
		json_t *value =
			json_loads(cases[i].value, JSON_DECODE_ANY, NULL);

		json_object_set_new(host(made), cases[i].key, value);
		assert_refused(body, made, cases[i].key);
	}
}

static void test_verify_mounts(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *extra = obedient(body);
	json_auto_t *writable = obedient(body);
	json_t *first = json_array_get(json_object_get(writable, "Mounts"), 0);

	json_array_append_new(
		json_object_get(extra, "Mounts"),
		json_pack("{s:s, s:b}", "Destination", "/more", "RW", 0));
	assert_refused(body, extra, "Mounts");
	json_object_set_new(first, "RW", json_true());
	assert_refused(body, writable, "Mounts");
}

static void test_verify_config(void **state)
{
	static const char *const fields[] = { "User", "Entrypoint",
					      "Healthcheck", "StdinOnce",
					      "WorkingDir" };
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(fields); i++) {
		json_auto_t *made = obedient(body);

		json_object_del(json_object_get(made, "Config"), fields[i]);
		assert_refused(body, made, fields[i]);
	}
}

/* An image's HEALTHCHECK --interval is merged into the NONE that was asked. */
static void test_verify_healthcheck(void **state)
{
	struct fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *made = obedient(body);
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *check =
		json_object_get(json_object_get(made, "Config"), "Healthcheck");

	json_object_set_new(check, "Interval", json_integer(1000000000));
	assert_int_equal(sbx_spec_verify(body, made, &err), 0);
	json_object_set_new(check, "Test", json_pack("[s, s]", "CMD", "evil"));
	assert_refused(body, made, "Healthcheck");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_body_locks_down),
		TEST(test_body_overrules_image),
		TEST(test_body_has_no_environment),
		TEST(test_mounts),
		TEST(test_declared_volumes),
		TEST(test_declared_twice),
		TEST(test_tmpfs),
		TEST(test_output_file_has_its_tmpfs),
		TEST(test_volumes_of_tests_name_their_runner),
		TEST(test_expected_mounts),
		TEST(test_argv),
		TEST(test_environment_order),
		TEST(test_environment_has_a_path),
		TEST(test_home),
		TEST(test_input_by_environment),
		TEST(test_input_that_fits_no_environment),
		TEST(test_verify_accepts_what_was_asked),
		TEST(test_verify_misses_nothing),
		TEST(test_verify_finds_what_was_added),
		TEST(test_verify_mounts),
		TEST(test_verify_config),
		TEST(test_verify_healthcheck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
