/* SPDX-License-Identifier: MIT */
#include "sandbox/spec.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "spec_fixture.h"

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
		"{\"Name\": \"core\", \"Soft\": 1, \"Hard\": 1}], "
		"\"PublishAllPorts\": false, \"PortBindings\": {}, "
		"\"Devices\": [], \"DeviceRequests\": [], "
		"\"DeviceCgroupRules\": []}";
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	char *line;

	json_object_del(host(body), "Tmpfs");
	json_object_del(host(body), "Mounts");
	line = sbx_json_line(host(body));
	assert_string_equal(line, expected);
	free(line);
}

static void add_devices(struct spec_fixture *f)
{
	f->grant.action.gpus = 2;
	sbx_action_add_device(&f->grant.action, "/dev/kvm", "/dev/kvm",
			      SBX_DEVICE_READ | SBX_DEVICE_WRITE);
	sbx_action_add_device(&f->grant.action, "/dev/dri/card0", "/dev/card",
			      SBX_DEVICE_READ);
}

/* What was granted, for what it was granted. */
static void test_devices(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;
	cleanup_free char *devices = NULL;

	add_devices(f);
	body = sbx_spec_body(&f->spec);
	devices = sbx_json_line(json_object_get(host(body), "Devices"));
	assert_string_equal(devices, "[{\"PathOnHost\": \"/dev/kvm\", "
				     "\"PathInContainer\": \"/dev/kvm\", "
				     "\"CgroupPermissions\": \"rw\"}, "
				     "{\"PathOnHost\": \"/dev/dri/card0\", "
				     "\"PathInContainer\": \"/dev/card\", "
				     "\"CgroupPermissions\": \"r\"}]");
}

static void test_gpus(void **state)
{
	static const struct {
		int64_t gpus;
		const char *expected;
	} samples[] = {
		{ SBX_GPUS_ALL, "[{\"Driver\": \"\", \"Count\": -1, "
				"\"Capabilities\": [[\"gpu\"]]}]" },
		{ 2, "[{\"Driver\": \"\", \"Count\": 2, "
		     "\"Capabilities\": [[\"gpu\"]]}]" },
		{ 0, "[]" },
	};
	struct spec_fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_free char *line = NULL;
		json_auto_t *body = NULL;

		f->grant.action.gpus = samples[i].gpus;
		body = sbx_spec_body(&f->spec);
		line = sbx_json_line(
			json_object_get(host(body), "DeviceRequests"));
		assert_string_equal(line, samples[i].expected);
	}
}

/* An engine that has no words for them is not asked at all. */
static void test_gpus_of_other_engines(void **state)
{
	static const struct sbx_engine_traits traits = { .name = "Podman",
							 .no_gpus = true };
	struct spec_fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;

	f->spec.traits = &traits;
	assert_int_equal(sbx_spec_check(&f->spec, &err), 0);
	f->grant.action.gpus = SBX_GPUS_ALL;
	assert_int_equal(sbx_spec_check(&f->spec, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
	assert_string_equal(err.message,
			    "sandbox.DeviceRequests: Podman gives no GPUs by "
			    "their number; name them under \"devices:\"");
	f->spec.traits = &spec_docker;
	assert_int_equal(sbx_spec_check(&f->spec, &err), 0);
}

/* By the numbers that the runner found, at the target. */
static void test_expected_devices(void **state)
{
	static const struct sbx_host_device found[] = { { 10, 232 },
							{ 226, 1 } };
	struct spec_fixture *f = *state;
	struct sbx_hello_device *list;
	size_t n;

	list = sbx_spec_devices(&f->spec, &n);
	assert_int_equal(n, 0);
	free(list);
	add_devices(f);
	f->spec.host_devices = found;
	list = sbx_spec_devices(&f->spec, &n);
	assert_int_equal(n, 2);
	assert_string_equal(list[0].path, "/dev/kvm");
	assert_int_equal(list[0].major, 10);
	assert_int_equal(list[0].minor, 232);
	assert_string_equal(list[1].path, "/dev/card");
	assert_int_equal(list[1].major, 226);
	assert_int_equal(list[1].minor, 1);
	free(list);
	/* Where nobody looked there is none of that number. */
	f->spec.host_devices = NULL;
	list = sbx_spec_devices(&f->spec, &n);
	assert_int_equal(list[1].major, 0);
	free(list);
}

/* The runtime is said where one was chosen, and only there. */
static void test_runtime(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	f->grant.action.runtime = sbx_strdup("runsc");
	body = sbx_spec_body(&f->spec);
	assert_string_equal(sbx_json_text_at(host(body), "Runtime", NULL),
			    "runsc");
}

/* All the rest of the body, so that no member can go unseen. */
static void test_body_outside_of_host_config(void **state)
{
	static const char expected[] =
		"{\"Image\": \"sha256:1\", \"Hostname\": \"skillbox\", "
		"\"User\": \"200123:200123\", \"WorkingDir\": \"/\", "
		"\"OpenStdin\": true, \"StdinOnce\": true, "
		"\"AttachStdin\": true, \"AttachStdout\": true, "
		"\"AttachStderr\": true, \"Tty\": false, "
		"\"Entrypoint\": [\"" INIT_DIR "/init\"], \"Cmd\": [], "
		"\"StopSignal\": \"SIGTERM\", "
		"\"Healthcheck\": {\"Test\": [\"NONE\"]}, "
		"\"ExposedPorts\": {}, \"Labels\": "
		"{\"io.skillbox.runner\": \"runner-1\", "
		"\"io.skillbox.skill\": \"webpage\", "
		"\"io.skillbox.action\": \"download\", "
		"\"io.skillbox.run_id\": \"run-1\", "
		"\"io.skillbox.owner\": \"1000\"}}";
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	char *line;

	json_object_del(body, "HostConfig");
	line = sbx_json_line(body);
	assert_string_equal(line, expected);
	free(line);
}

static void assert_ports(const struct spec_fixture *f, const char *exposed,
			 const char *bindings)
{
	json_auto_t *body = sbx_spec_body(&f->spec);
	cleanup_free char *have =
		sbx_json_line(json_object_get(body, "ExposedPorts"));
	cleanup_free char *bound =
		sbx_json_line(json_object_get(host(body), "PortBindings"));

	assert_string_equal(have, exposed);
	assert_string_equal(bound, bindings);
	assert_true(
		json_is_false(json_object_get(host(body), "PublishAllPorts")));
}

/* Each with its address; without a network of its own none is the engine's. */
static void test_ports(void **state)
{
	struct spec_fixture *f = *state;

	assert_ports(f, "{}", "{}");
	f->grant.publish = spec_ports;
	assert_ports(f, "{\"8080/tcp\": {}, \"65535/tcp\": {}}",
		     "{\"8080/tcp\": [{\"HostIp\": \"127.0.0.1\", "
		     "\"HostPort\": \"80\"}], "
		     "\"65535/tcp\": [{\"HostIp\": \"::1\", "
		     "\"HostPort\": \"\"}]}");
	f->grant.action.network = SBX_NETWORK_NONE;
	assert_ports(f, "{}", "{}");
}

/* The engine is never told: init goes there. */
static void assert_working_dir(struct spec_fixture *f, const char *expected)
{
	json_auto_t *body = sbx_spec_body(&f->spec);

	assert_string_equal(sbx_json_text_at(body, "WorkingDir", NULL), "/");
	assert_string_equal(sbx_spec_working_dir(&f->spec), expected);
}

/* Where an engine can start nothing without one; never two of one name. */
static void test_nproc_of_the_engine(void **state)
{
	static const struct sbx_engine_traits traits = { .nproc = 77 };
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;
	json_t *last;
	char *line;

	f->spec.traits = &traits;
	body = sbx_spec_body(&f->spec);
	last = json_array_get(json_object_get(host(body), "Ulimits"), 2);
	line = sbx_json_line(last);
	assert_string_equal(
		line, "{\"Name\": \"nproc\", \"Soft\": 77, \"Hard\": 77}");
	free(line);
	json_decref(body);

	sbx_action_set_ulimit(&f->grant.action, "nproc", 5, 6);
	sbx_action_set_ulimit(&f->grant.action, "stack", 7, 7);
	body = sbx_spec_body(&f->spec);
	assert_int_equal(
		json_array_size(json_object_get(host(body), "Ulimits")), 4);
}

/* What init is held to; -1 is no limit, and so is none. */
static void test_nofile(void **state)
{
	struct spec_fixture *f = *state;

	sbx_action_set_ulimit(&f->grant.action, "nofile", 10, 2000);
	assert_int_equal(sbx_spec_nofile(&f->spec), 2000);
	sbx_action_set_ulimit(&f->grant.action, "nofile", -1, -1);
	assert_int_equal(sbx_spec_nofile(&f->spec), 0);
	sbx_ulimits_clear(&f->grant.action.ulimits, &f->grant.action.n_ulimits);
	assert_int_equal(sbx_spec_nofile(&f->spec), 0);
}

/* A session's is where what it has stays, unless somebody says another. */
static void test_working_dir_of_session(void **state)
{
	static const struct sbx_spec_session session = { .name = "s" };
	struct spec_fixture *f = *state;

	f->spec.session = &session;
	sbx_strset(&f->image.working_dir, "");
	assert_string_equal(sbx_spec_working_dir(&f->spec), "/workspace");
	sbx_strset(&f->image.working_dir, "/");
	assert_string_equal(sbx_spec_working_dir(&f->spec), "/workspace");
	sbx_strset(&f->image.working_dir, "/srv");
	assert_string_equal(sbx_spec_working_dir(&f->spec), "/srv");
	sbx_strset(&f->grant.action.working_dir, "/");
	assert_string_equal(sbx_spec_working_dir(&f->spec), "/");
}

/* The manifest's, else the image's, else the root. */
static void test_working_dir(void **state)
{
	struct spec_fixture *f = *state;

	f->spec.image = NULL;
	assert_working_dir(f, "/");
	f->spec.image = &f->image;
	assert_working_dir(f, "/");
	sbx_strset(&f->image.working_dir, "");
	assert_working_dir(f, "/");
	sbx_strset(&f->image.working_dir, "/srv");
	assert_working_dir(f, "/srv");
	sbx_strset(&f->grant.action.working_dir, "/app");
	assert_working_dir(f, "/app");
}

/* What an image could decide is decided here. */
static void test_body_overrules_image(void **state)
{
	struct spec_fixture *f = *state;
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
	struct spec_fixture *f = *state;
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

/* OWNER-SKILL-NAME, whatever dashes are in them. */
static void test_volume_names_are_no_two_the_same(void **state)
{
	static const char *const parts[][4] = {
		{ "0", "a", "b-c", "skillbox-0-a-b-c" },
		{ "0", "a-b", "c", "skillbox-0-a--b-c" },
		{ "0-a", "b", "c", "skillbox-0--a-b-c" },
		{ "0", "a-", "b", "skillbox-0-a---b" },
		{ "0", "a--b", "c", "skillbox-0-a----b-c" },
		{ "-", "a", "b", "skillbox----a-b" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(parts); i++) {
		const struct sbx_grant grant = { .owner = (char *)parts[i][0],
						 .skill = (char *)parts[i][1] };
		cleanup_free char *name =
			sbx_spec_volume_name(&grant, parts[i][2]);

		assert_string_equal(name, parts[i][3]);
	}
}

static void assert_mount(const json_t *body, const char *target,
			 const char *expected)
{
	char *line = sbx_json_line(mount_at(body, target));

	assert_string_equal(line, expected);
	free(line);
}

/* Each kind of mount to the byte: volumes without copies, binds private. */
static void test_mounts(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	assert_mount(body, INIT_DIR,
		     "{\"Type\": \"volume\", \"Source\": \"skillbox-init-x\", "
		     "\"Target\": \"" INIT_DIR "\", \"ReadOnly\": true, "
		     "\"VolumeOptions\": {\"NoCopy\": true, \"Labels\": "
		     "{\"io.skillbox.init\": \"x\"}}}");
	assert_mount(body, "/app/cache",
		     "{\"Type\": \"volume\", "
		     "\"Source\": \"skillbox-1000-webpage-cache\", "
		     "\"Target\": \"/app/cache\", \"ReadOnly\": false, "
		     "\"VolumeOptions\": {\"NoCopy\": true, \"Labels\": "
		     "{\"io.skillbox.owner\": \"1000\", "
		     "\"io.skillbox.skill\": \"webpage\", "
		     "\"io.skillbox.volume\": \"cache\"}}}");
	assert_mount(body, "/data",
		     "{\"Type\": \"bind\", \"Source\": \"/srv/data\", "
		     "\"Target\": \"/data\", \"ReadOnly\": true, "
		     "\"BindOptions\": {\"Propagation\": \"private\", "
		     "\"NonRecursive\": true}}");
	assert_mount(body, "/declared",
		     "{\"Type\": \"tmpfs\", \"Target\": \"/declared\", "
		     "\"ReadOnly\": true, \"TmpfsOptions\": "
		     "{\"SizeBytes\": 4096, \"Mode\": 365}}");
}

/* What the host mounts later is seen only where that was granted. */
static void test_propagation(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	f->grant.action.volumes[1].rslave = true;
	f->spec.channel_source = "/run/channel";
	f->spec.channel_target = "/.skillbox-channel";
	body = sbx_spec_body(&f->spec);
	assert_mount(body, "/data",
		     "{\"Type\": \"bind\", \"Source\": \"/srv/data\", "
		     "\"Target\": \"/data\", \"ReadOnly\": true, "
		     "\"BindOptions\": {\"Propagation\": \"slave\", "
		     "\"NonRecursive\": true}}");
	assert_mount(body, "/.skillbox-channel",
		     "{\"Type\": \"bind\", \"Source\": \"/run/channel\", "
		     "\"Target\": \"/.skillbox-channel\", "
		     "\"ReadOnly\": true, "
		     "\"BindOptions\": {\"Propagation\": \"private\", "
		     "\"NonRecursive\": true}}");
}

static void assert_json(const json_t *value, const char *expected)
{
	cleanup_free char *line = sbx_json_line(value);

	assert_string_equal(line, expected);
}

/* init is told where to look for runners, and how long; the engine, of what. */
static void test_session(void **state)
{
	const struct sbx_spec_session session = { .name = "demo",
						  .ttl_ms = 600000 };
	struct spec_fixture *f = *state;
	json_auto_t *plain = NULL;
	json_auto_t *body = NULL;
	json_auto_t *unmet = NULL;

	f->spec.channel_source = "/run/channel";
	f->spec.channel_target = "/.skillbox-channel";
	f->spec.channel_name = "0123";
	plain = sbx_spec_body(&f->spec);
	assert_json(json_object_get(plain, "Cmd"),
		    "[\"/.skillbox-channel/s\"]");
	assert_null(sbx_json_at(plain, "Labels", SBX_LABEL_SESSION, NULL));
	f->spec.session = &session;
	body = sbx_spec_body(&f->spec);
	assert_json(json_object_get(body, "Cmd"),
		    "[\"/.skillbox-channel/s\", \"600000\"]");
	assert_string_equal(
		sbx_json_text_at(body, "Labels", "io.skillbox.session", NULL),
		"demo");
	assert_string_equal(
		sbx_json_text_at(body, "Labels", "io.skillbox.ttl", NULL),
		"600000");
	assert_string_equal(
		sbx_json_text_at(body, "Labels", "io.skillbox.channel", NULL),
		"0123");
	f->spec.channel_source = NULL;
	unmet = sbx_spec_body(&f->spec);
	assert_json(json_object_get(unmet, "Cmd"), "[\"\", \"600000\"]");
	assert_json(json_object_get(plain, "StdinOnce"), "true");
	assert_json(json_object_get(body, "StdinOnce"), "true");
	assert_json(json_object_get(unmet, "StdinOnce"), "false");
}

/*
 * Who has no network has them forwarded, by whoever reads that; of all others
 * the label is there too, for an image could have one.
 */
static void test_forwarded_ports(void **state)
{
	static const struct {
		enum sbx_network network;
		const char *label;
	} cases[] = {
		{ SBX_NETWORK_BRIDGE, "[]" },
		{ SBX_NETWORK_NONE,
		  "[{\"target\": 8080, \"published\": 80, \"host_ip\": "
		  "\"127.0.0.1\"}, {\"target\": 65535, \"published\": 0, "
		  "\"host_ip\": \"::1\"}]" },
	};
	const struct sbx_spec_session session = { .name = "demo" };
	struct spec_fixture *f = *state;

	f->grant.publish = spec_ports;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		json_auto_t *body = NULL;

		f->grant.action.network = cases[i].network;
		f->spec.session = &session;
		body = sbx_spec_body(&f->spec);
		assert_string_equal(sbx_json_text_at(body, "Labels",
						     "io.skillbox.publish",
						     NULL),
				    cases[i].label);
		json_decref(sbx_take(body));
		f->spec.session = NULL;
		body = sbx_spec_body(&f->spec);
		assert_null(
			sbx_json_at(body, "Labels", SBX_LABEL_PUBLISH, NULL));
	}
}

/* What is installed goes where it stays; the manifest has the last word. */
static void test_environment_of_a_session(void **state)
{
	const struct sbx_spec_session session = { .name = "demo" };
	cleanup_strv struct sbx_strv env = SBX_STRV_INIT;
	struct spec_fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;

	f->spec.session = &session;
	sbx_action_add_tmpfs(&f->grant.action, SBX_WORKSPACE, 1 << 20, true);
	sbx_strv_push(&f->grant.action.environment, "GOPATH=/mine");
	assert_int_equal(sbx_spec_environment(&f->spec, NULL, NULL, &env, &err),
			 0);
	assert_string_equal(sbx_strv_getenv(&env, "HOME"), "/workspace");
	assert_string_equal(sbx_strv_getenv(&env, "PYTHONUSERBASE"),
			    "/workspace/.local");
	assert_string_equal(sbx_strv_getenv(&env, "PATH"),
			    "/workspace/.local/bin:/workspace/go/bin:"
			    "/image/bin");
	assert_string_equal(sbx_strv_getenv(&env, "GOPATH"), "/mine");
	assert_string_equal(sbx_strv_getenv(&env, "SKILL_SESSION"), "demo");
	assert_string_equal(sbx_spec_working_dir(&f->spec), "/workspace");
}

/* A volume that is made of something: the engine is told of what. */
static void test_volumes_with_options(void **state)
{
	static const char *const samples[] = {
		"{\"type\": \"nfs\", \"o\": \"addr=192.0.2.1,ro\", "
		"\"device\": \":/export\"}",
		"{\"type\": \"cifs\", \"o\": \"username=me,uid=1000\", "
		"\"device\": \"//192.0.2.1/share\"}",
		"{\"type\": \"tmpfs\", \"device\": \"tmpfs\"}",
	};
	struct spec_fixture *f = *state;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *options = NULL;
		json_auto_t *body = NULL;
		cleanup_free char *expected = sbx_asprintf(
			"{\"Type\": \"volume\", "
			"\"Source\": \"skillbox-1000-webpage-cache\", "
			"\"Target\": \"/app/cache\", \"ReadOnly\": false, "
			"\"VolumeOptions\": {\"NoCopy\": true, \"Labels\": "
			"{\"io.skillbox.owner\": \"1000\", "
			"\"io.skillbox.skill\": \"webpage\", "
			"\"io.skillbox.volume\": \"cache\"}, "
			"\"DriverConfig\": {\"Name\": \"local\", "
			"\"Options\": %s}}}",
			samples[i]);

		assert_int_equal(sbx_json_parse(samples[i], strlen(samples[i]),
						&options, &err),
				 0);
		json_decref(f->grant.volumes);
		f->grant.volumes = json_pack("{s:{s:s, s:O}}", "cache",
					     "driver", "local", "driver_opts",
					     options);
		body = sbx_spec_body(&f->spec);
		assert_mount(body, "/app/cache", expected);
	}
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
	struct spec_fixture *f = *state;
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
	struct spec_fixture *f = *state;
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

/* Files cost memory that the size does not count: one for each 16 KiB. */
static void test_tmpfs_has_as_many_files_as_its_size_allows(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	sbx_action_add_tmpfs(&f->grant.action, "/small", 1 << 20, false);
	sbx_action_add_tmpfs(&f->grant.action, "/big", 1 << 30, true);
	body = sbx_spec_body(&f->spec);
	assert_string_equal(
		sbx_json_text_at(host(body), "Tmpfs", "/small", NULL),
		"rw,nosuid,nodev,noexec,size=1048576,nr_inodes=4096,"
		"mode=0700,uid=200123,gid=200123");
	assert_string_equal(
		sbx_json_text_at(host(body), "Tmpfs", "/big", NULL),
		"rw,nosuid,nodev,exec,size=1073741824,nr_inodes=65536,"
		"mode=0700,uid=200123,gid=200123");
}

/* Where an engine gives no tmpfs away it is everybody's in the sandbox. */
static void test_plain_tmpfs(void **state)
{
	static const struct sbx_engine_traits traits = { .plain_tmpfs = true };
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	f->spec.traits = &traits;
	body = sbx_spec_body(&f->spec);
	assert_string_equal(sbx_json_text_at(host(body), "Tmpfs", "/tmp", NULL),
			    "rw,nosuid,nodev,noexec,size=67108864,mode=1777,"
			    "notmpcopyup");
}

static void test_tmpfs(void **state)
{
	struct spec_fixture *f = *state;
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

static void test_files_have_a_tmpfs_each(void **state)
{
	static const char *const paths[] = { "/in", "/out" };
	struct spec_fixture *f = *state;
	struct sbx_action *action = &f->grant.action;
	cleanup_free struct sbx_hello_mount *mounts = NULL;
	json_auto_t *body = NULL;
	const json_t *mount;
	size_t n, found = 0;
	bool is_masked = false;

	/* What the image declares there is not masked: it is covered. */
	sbx_strv_push(&f->image.volumes, "/in");
	sbx_strv_push(&f->image.volumes, "/out");
	sbx_strset(&action->files_in, "/in");
	sbx_strset(&action->files_out, "/out");
	action->files_limit = 1 << 20;
	body = sbx_spec_body(&f->spec);
	for (int i = 0; i < 2; i++)
		assert_string_equal(
			sbx_json_text_at(host(body), "Tmpfs", paths[i], NULL),
			"rw,nosuid,nodev,noexec,size=1048576,nr_inodes=4096,"
			"mode=0700,uid=200123,gid=200123");
	json_array_foreach (json_object_get(host(body), "Mounts"), n, mount) {
		const char *target = sbx_json_text_at(mount, "Target", NULL);

		assert_string_not_equal(target, "/in");
		assert_string_not_equal(target, "/out");
		is_masked = is_masked || strcmp(target, "/declared") == 0;
	}
	assert_true(is_masked);
	mounts = sbx_spec_mounts(&f->spec, &n);
	for (size_t i = 0; i < n; i++) {
		if (strcmp(mounts[i].target, "/in") != 0 &&
		    strcmp(mounts[i].target, "/out") != 0)
			continue;
		assert_true(mounts[i].writable && !mounts[i].exec);
		found++;
	}
	assert_int_equal(found, 2);
}

/* Either may be missing, and hides nothing then. */
static void test_one_directory_of_files(void **state)
{
	struct spec_fixture *f = *state;
	struct sbx_action *action = &f->grant.action;

	for (int i = 0; i < 2; i++) {
		json_auto_t *body = NULL;
		const json_t *mount;
		bool is_masked = false;
		size_t n;

		sbx_strset(&action->files_in, i == 0 ? "/in" : NULL);
		sbx_strset(&action->files_out, i == 1 ? "/out" : NULL);
		action->files_limit = 1 << 20;
		body = sbx_spec_body(&f->spec);
		json_array_foreach (json_object_get(host(body), "Mounts"), n,
				    mount)
			is_masked =
				is_masked ||
				strcmp(sbx_json_text_at(mount, "Target", NULL),
				       "/declared") == 0;
		assert_true(is_masked);
	}
}

static void test_output_file_has_its_tmpfs(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	f->grant.action.output = SBX_OUTPUT_FILE;
	body = sbx_spec_body(&f->spec);
	assert_non_null(strstr(sbx_json_text_at(host(body), "Tmpfs",
						SBX_SPEC_OUTPUT_DIR, NULL),
			       "size=8192"));
}

static void add_secret_file(struct spec_fixture *f)
{
	char name[] = "TOKEN", file[] = "token";

	sbx_action_add_secret(
		&f->grant.action,
		&(struct sbx_secret_use){ .name = name, .file = file });
}

static void test_files_of_secrets_have_their_tmpfs(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *with = NULL;

	assert_null(
		sbx_json_text_at(host(body), "Tmpfs", "/run/secrets", NULL));
	add_secret_file(f);
	with = sbx_spec_body(&f->spec);
	assert_string_equal(
		sbx_json_text_at(host(with), "Tmpfs", "/run/secrets", NULL),
		"rw,nosuid,nodev,noexec,size=1310720,"
		"nr_inodes=4096,mode=0700,uid=200123,gid=200123");
}

/* Volumes of a test run can be told from those that are meant to stay. */
static void test_volumes_of_tests_name_their_runner(void **state)
{
	struct spec_fixture *f = *state;
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

static void assert_expected(const struct sbx_hello_mount *list, size_t n,
			    const char *target, const char *expected)
{
	const struct sbx_hello_mount *mount = expected_at(list, n, target);
	cleanup_free char *text = sbx_asprintf(
		"%s %s %s %llu:%llu", mount->fstype ? mount->fstype : "any",
		mount->writable ? "rw" : "ro", mount->exec ? "exec" : "noexec",
		(unsigned long long)mount->dev, (unsigned long long)mount->ino);

	assert_string_equal(text, expected);
}

/* What init must find is what the engine was told to mount, no more. */
static void test_expected_mounts(void **state)
{
	struct spec_fixture *f = *state;
	size_t n;
	static const struct sbx_host_path paths[] = { { .ino = 0 },
						      { .dev = 3, .ino = 4 } };
	struct sbx_hello_mount *list;

	sbx_action_add_tmpfs(&f->grant.action, "/scratch", 1 << 20, true);
	f->spec.host_paths = paths;
	list = sbx_spec_mounts(&f->spec, &n);
	assert_int_equal(n, 7);
	assert_expected(list, n, INIT_DIR, "any ro exec 0:0");
	assert_expected(list, n, "/tmp", "tmpfs rw noexec 0:0");
	assert_expected(list, n, "/scratch", "tmpfs rw exec 0:0");
	assert_expected(list, n, "/dev/shm", "tmpfs rw noexec 0:0");
	assert_expected(list, n, "/app/cache", "any rw exec 0:0");
	assert_expected(list, n, "/data", "any ro exec 3:4");
	assert_expected(list, n, "/declared", "tmpfs ro noexec 0:0");
	free(list);
}

#define CHANNEL_TARGET SBX_SPEC_INIT_PREFIX "c0c1c2"

static void offer_channel(struct spec_fixture *f)
{
	f->spec.channel_source = "/run/channels/1";
	f->spec.channel_target = CHANNEL_TARGET;
	f->spec.channel_path = (struct sbx_host_path){ .dev = 5, .ino = 6 };
}

/* init is told of a socket only where there is one, in a read-only mount. */
static void test_direct_channel(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *without = sbx_spec_body(&f->spec);
	json_auto_t *body = NULL;
	struct sbx_hello_mount *list;
	const json_t *mount;
	size_t n;

	assert_int_equal(json_array_size(json_object_get(without, "Cmd")), 0);
	assert_null(mount_at(without, CHANNEL_TARGET));
	offer_channel(f);
	body = sbx_spec_body(&f->spec);
	assert_int_equal(json_array_size(json_object_get(body, "Cmd")), 1);
	assert_string_equal(json_string_value(json_array_get(
				    json_object_get(body, "Cmd"), 0)),
			    CHANNEL_TARGET "/s");
	mount = mount_at(body, CHANNEL_TARGET);
	assert_string_equal(sbx_json_text_at(mount, "Type", NULL), "bind");
	assert_string_equal(sbx_json_text_at(mount, "Source", NULL),
			    "/run/channels/1");
	assert_true(sbx_json_true_at(mount, "ReadOnly", NULL));
	list = sbx_spec_mounts(&f->spec, &n);
	assert_expected(list, n, CHANNEL_TARGET, "any ro exec 5:6");
	free(list);
}

/* What the engine is told to mount and what init must find are the same. */
static void assert_lists_agree(struct spec_fixture *f)
{
	json_auto_t *body = sbx_spec_body(&f->spec);
	const json_t *tmpfs = json_object_get(host(body), "Tmpfs");
	size_t n;
	struct sbx_hello_mount *list = sbx_spec_mounts(&f->spec, &n);

	for (size_t i = 0; i < n; i++) {
		bool is_tmpfs = json_object_get(tmpfs, list[i].target);

		assert_ptr_equal(expected_at(list, n, list[i].target),
				 &list[i]);
		assert_int_not_equal(is_tmpfs,
				     mount_at(body, list[i].target) != NULL);
	}
	/* Else it would be an anonymous volume, writable and of no size. */
	for (size_t i = 0; f->spec.image && i < f->image.volumes.n; i++)
		assert_non_null(expected_at(list, n, f->image.volumes.v[i]));
	assert_int_equal(n, json_object_size(tmpfs) +
				    json_array_size(json_object_get(host(body),
								    "Mounts")));
	free(list);
}

/* Whatever an image declares, and whether or not something is there. */
static void test_both_lists_of_mounts_agree(void **state)
{
	static const char *const declared[] = {
		"/declared",	     "/app/cache", "/data",	   "/tmp",
		SBX_SPEC_OUTPUT_DIR, "/dev/shm",   "/run/secrets",
	};
	struct spec_fixture *f = *state;

	for (size_t i = 0; i < 2 * SBX_ARRAY_SIZE(declared); i++) {
		f->grant.action.output = i % 2 ? SBX_OUTPUT_FILE
					       : SBX_OUTPUT_AUTO;
		sbx_strset(&f->image.volumes.v[0], declared[i / 2]);
		assert_lists_agree(f);
		offer_channel(f);
		assert_lists_agree(f);
	}
	add_secret_file(f);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(declared); i++) {
		sbx_strset(&f->image.volumes.v[0], declared[i]);
		assert_lists_agree(f);
	}
	sbx_action_add_tmpfs(&f->grant.action, "/dev/shm", 1 << 20, false);
	sbx_action_add_tmpfs(&f->grant.action, "/scratch", 1 << 20, false);
	assert_lists_agree(f);
	f->spec.image = NULL;
	assert_lists_agree(f);
}

static void assert_argv(struct spec_fixture *f, const char *expected)
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
	struct spec_fixture *f = *state;
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

static const char *env(const struct spec_fixture *f, const char *name)
{
	return sbx_strv_getenv(&f->list, name);
}

static void make_env(struct spec_fixture *f, const char *input)
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
	struct spec_fixture *f = *state;

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
	struct spec_fixture *f = *state;

	sbx_strv_free(&f->image.env);
	make_env(f, NULL);
	assert_non_null(strstr(env(f, "PATH"), "/usr/bin"));
}

/* HOME is /tmp where it is unset or not writable. */
static void test_home(void **state)
{
	struct spec_fixture *f = *state;

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
	struct spec_fixture *f = *state;
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
	struct spec_fixture *f = *state;

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC_TEST(test_body_locks_down),
		SPEC_TEST(test_devices),
		SPEC_TEST(test_gpus),
		SPEC_TEST(test_gpus_of_other_engines),
		SPEC_TEST(test_expected_devices),
		SPEC_TEST(test_runtime),
		SPEC_TEST(test_ports),
		SPEC_TEST(test_body_outside_of_host_config),
		SPEC_TEST(test_nproc_of_the_engine),
		SPEC_TEST(test_nofile),
		SPEC_TEST(test_working_dir),
		SPEC_TEST(test_working_dir_of_session),
		SPEC_TEST(test_body_overrules_image),
		SPEC_TEST(test_body_has_no_environment),
		cmocka_unit_test(test_volume_names_are_no_two_the_same),
		SPEC_TEST(test_mounts),
		SPEC_TEST(test_volumes_with_options),
		SPEC_TEST(test_propagation),
		SPEC_TEST(test_session),
		SPEC_TEST(test_forwarded_ports),
		SPEC_TEST(test_environment_of_a_session),
		SPEC_TEST(test_declared_volumes),
		SPEC_TEST(test_declared_twice),
		SPEC_TEST(test_tmpfs),
		SPEC_TEST(test_plain_tmpfs),
		SPEC_TEST(test_tmpfs_has_as_many_files_as_its_size_allows),
		SPEC_TEST(test_files_have_a_tmpfs_each),
		SPEC_TEST(test_one_directory_of_files),
		SPEC_TEST(test_output_file_has_its_tmpfs),
		SPEC_TEST(test_files_of_secrets_have_their_tmpfs),
		SPEC_TEST(test_volumes_of_tests_name_their_runner),
		SPEC_TEST(test_expected_mounts),
		SPEC_TEST(test_direct_channel),
		SPEC_TEST(test_both_lists_of_mounts_agree),
		SPEC_TEST(test_argv),
		SPEC_TEST(test_environment_order),
		SPEC_TEST(test_environment_has_a_path),
		SPEC_TEST(test_home),
		SPEC_TEST(test_input_by_environment),
		SPEC_TEST(test_input_that_fits_no_environment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
