/* SPDX-License-Identifier: MIT */
/*
 * Podman is told all that Docker would be told, or nothing; and what it says
 * it made passes for what was asked only where it is that.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "engine/engine.h"
#include "engine/podman.h"
#include "fault_server.h"
#include "spec_fixture.h"

static const struct sbx_engine_traits podman = {
	.name = "Podman",
	.plain_tmpfs = true,
	.nproc = 4096,
};

static void expect_member(const json_t *object, const char *key,
			  const char *expected)
{
	cleanup_free char *have = sbx_json_line(json_object_get(object, key));

	if (strcmp(have, expected) != 0)
		fail_msg("%s is %s, expected %s", key, have, expected);
}

/* --- what it is told ------------------------------------------------------- */

static json_t *told(const struct spec_fixture *f)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_t *spec = NULL;

	if (sbx_podman_create_body(&spec, "n", body, 1, &err) < 0)
		fail_msg("%s", err.message);
	return spec;
}

static void test_restrictions(void **state)
{
	static const struct {
		const char *key;
		const char *value;
	} expected[] = {
		{ "name", "\"n\"" },
		{ "image", "\"sha256:1\"" },
		{ "user", "\"200123:200123\"" },
		{ "entrypoint", "[\"" INIT_DIR "/init\"]" },
		{ "command", "[]" },
		{ "stdin", "true" },
		{ "terminal", "false" },
		{ "systemd", "\"false\"" },
		{ "stop_signal", "15" },
		{ "manage_password", "false" },
		{ "image_volume_mode", "\"ignore\"" },
		{ "cgroups_mode", "\"enabled\"" },
		{ "base_hosts_file", "\"none\"" },
		{ "healthconfig", "{\"Test\": [\"NONE\"]}" },
		{ "remove", "true" },
		{ "cap_drop", "[\"ALL\"]" },
		{ "no_new_privileges", "true" },
		{ "read_only_filesystem", "true" },
		{ "privileged", "false" },
		{ "netns", "{\"nsmode\": \"bridge\"}" },
		{ "ipcns", "{\"nsmode\": \"none\"}" },
		{ "pidns", "{\"nsmode\": \"private\"}" },
		{ "utsns", "{\"nsmode\": \"private\"}" },
		{ "cgroupns", "{\"nsmode\": \"private\"}" },
		{ "publish_image_ports", "false" },
		{ "portmappings", "[]" },
		{ "log_configuration", "{\"driver\": \"none\"}" },
		{ "oci_runtime", "\"kata\"" },
		{ "resource_limits",
		  "{\"memory\": {\"limit\": 67108864, \"swap\": 67108864, "
		  "\"swappiness\": 0, \"disableOOMKiller\": false}, "
		  "\"pids\": {\"limit\": 32}, "
		  "\"cpu\": {\"period\": 100000, \"quota\": 50000}}" },
		{ "r_limits",
		  "[{\"type\": \"nofile\", \"soft\": 1024, \"hard\": 1024}, "
		  "{\"type\": \"core\", \"soft\": 1, \"hard\": 1}, "
		  "{\"type\": \"nproc\", \"soft\": 4096, \"hard\": 4096}]" },
	};
	struct spec_fixture *f = *state;
	json_auto_t *spec = NULL;

	f->spec.traits = &podman;
	f->grant.action.runtime = sbx_strdup("kata");
	spec = told(f);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(expected); i++)
		expect_member(spec, expected[i].key, expected[i].value);
}

static void test_mounts(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *spec = NULL;

	f->spec.traits = &podman;
	spec = told(f);
	expect_member(
		spec, "mounts",
		"[{\"type\": \"tmpfs\", \"source\": \"tmpfs\", "
		"\"destination\": \"/tmp\", \"options\": [\"rw\", \"nosuid\", "
		"\"nodev\", \"noexec\", \"size=67108864\", \"mode=1777\", "
		"\"notmpcopyup\"]}, "
		"{\"type\": \"tmpfs\", \"source\": \"tmpfs\", "
		"\"destination\": \"/dev/shm\", \"options\": [\"rw\", "
		"\"nosuid\", \"nodev\", \"noexec\", \"size=67108864\", "
		"\"mode=1777\", \"notmpcopyup\"]}, "
		"{\"type\": \"bind\", \"source\": \"/srv/data\", "
		"\"destination\": \"/data\", \"options\": [\"ro\", \"bind\", "
		"\"private\"]}, "
		"{\"type\": \"tmpfs\", \"source\": \"tmpfs\", "
		"\"destination\": \"/declared\", \"options\": [\"ro\", "
		"\"nosuid\", \"nodev\", \"noexec\", \"size=4096\", "
		"\"mode=0555\", \"notmpcopyup\"]}]");
	expect_member(spec, "volumes",
		      "[{\"Name\": \"skillbox-init-x\", \"Dest\": \"" INIT_DIR
		      "\", \"Options\": [\"ro\", \"nocopy\"]}, "
		      "{\"Name\": \"skillbox-1000-webpage-cache\", \"Dest\": "
		      "\"/app/cache\", \"Options\": [\"rw\", \"nocopy\"]}]");
}

static void test_ports(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *spec = NULL;

	f->spec.traits = &podman;
	f->grant.publish = spec_ports;
	spec = told(f);
	expect_member(spec, "publish_image_ports", "false");
	expect_member(spec, "portmappings",
		      "[{\"host_ip\": \"127.0.0.1\", "
		      "\"container_port\": 8080, \"host_port\": 80, "
		      "\"protocol\": \"tcp\"}, "
		      "{\"host_ip\": \"::1\", \"container_port\": 65535, "
		      "\"host_port\": 0, \"protocol\": \"tcp\"}]");
}

static void test_devices(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *none = NULL;
	json_auto_t *spec = NULL;

	f->spec.traits = &podman;
	none = told(f);
	assert_null(json_object_get(none, "devices"));
	sbx_action_add_device(&f->grant.action, "/dev/a", "/dev/b",
			      SBX_DEVICE_READ);
	sbx_action_add_device(&f->grant.action, "/dev/c", "/dev/c",
			      SBX_DEVICE_READ | SBX_DEVICE_WRITE);
	spec = told(f);
	expect_member(spec, "devices",
		      "[{\"path\": \"/dev/a:/dev/b:r\"}, "
		      "{\"path\": \"/dev/c:/dev/c:rw\"}]");
}

/* Asks for a volume with @options; what Podman is told of it, and answers. */
static void expect_answer(const char *options, const char *told,
			  const char *reply, int result)
{
	cleanup_free char *expected =
		sbx_asprintf("{\"Name\": \"v\", \"Labels\": {\"a\": \"b\"}, "
			     "\"Driver\": \"local\", \"DriverOpts\": %s}",
			     told);
	json_auto_t *body = json_pack(
		"{s:{s:[{s:s, s:s, s:{s:{s:s}, s:{s:s, s:o}}}]}}", "HostConfig",
		"Mounts", "Type", "volume", "Source", "v", "VolumeOptions",
		"Labels", "a", "b", "DriverConfig", "Name", "local", "Options",
		json_loads(options, 0, NULL));
	json_auto_t *asked = json_deep_copy(body);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	struct fault_server server = { .reply = NULL };
	json_auto_t *seen = NULL;
	const char *sent;

	fault_start(&server);
	server.reply = reply;
	assert_int_equal(sbx_engine_new(&engine, server.url, &err), 0);
	if (sbx_podman_make_volumes(engine, body, &err) != result)
		fail_msg("%s", err.message);
	sent = strstr(server.seen, "\r\n\r\n") + 4;
	assert_int_equal(sbx_json_parse(sent, strlen(sent), &seen, &err), 0);
	{
		cleanup_free char *line = sbx_json_line(seen);

		assert_string_equal(line, expected);
	}
	assert_true(json_equal(body, asked));
	sbx_engine_free(&engine);
	fault_stop(&server);
}

static void expect_made(const char *options, const char *told)
{
	expect_answer(options, told,
		      "HTTP/1.1 201 x\r\nContent-Length: 2\r\n\r\n{}", 0);
}

/* By somebody else just then, or not at all. */
static void test_volumes_that_are_not_made(void **state)
{
	(void)state;
	expect_answer("{}", "{\"o\": \"uid=0\"}",
		      "HTTP/1.1 500 x\r\nContent-Length: 34\r\n\r\n"
		      "name v in u: volume already exists",
		      0);
	expect_answer("{}", "{\"o\": \"uid=0\"}",
		      "HTTP/1.1 500 x\r\nContent-Length: 7\r\n\r\nno room", -1);
}

/* crun takes none there, and Podman says -1 of what is not set. */
static void test_no_swappiness_on_cgroup_v2(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;
	json_auto_t *spec = NULL;
	json_auto_t *made =
		json_pack("{s:{s:i}}", "HostConfig", "MemorySwappiness", -1);
	struct sbx_error err = SBX_ERROR_INIT;

	f->spec.traits = &podman;
	body = sbx_spec_body(&f->spec);
	assert_int_equal(sbx_podman_create_body(&spec, "n", body, 2, &err), 0);
	assert_null(sbx_json_at(spec, "resource_limits", "memory", "swappiness",
				NULL));
	assert_non_null(
		sbx_json_at(spec, "resource_limits", "memory", "swap", NULL));
	sbx_podman_translate(made, 5);
	assert_true(json_is_null(
		sbx_json_at(made, "HostConfig", "MemorySwappiness", NULL)));
}

static void expect_info(const char *own, const char *told)
{
	json_auto_t *info =
		json_loads("{\"MemoryLimit\": true, \"SwapLimit\": false, "
			   "\"CpuCfsQuota\": false, \"PidsLimit\": true, "
			   "\"SecurityOptions\": [\"name=apparmor\", "
			   "\"name=seccomp,profile=default\"]}",
			   0, NULL);
	json_auto_t *host = json_loads(own, 0, NULL);
	json_auto_t *expected = json_loads(told, 0, NULL);

	assert_non_null(host);
	assert_non_null(expected);
	sbx_podman_translate_info(info, host);
	if (!json_equal(info, expected)) {
		cleanup_free char *line = sbx_json_line(info);

		fail_msg("%s: %s", own, line);
	}
}

/* It looks for the files of cgroup v1, and calls any filter the default. */
static void test_host(void **state)
{
	(void)state;
	expect_info("{\"host\": {\"cgroupVersion\": \"v1\", \"security\": "
		    "{\"rootless\": false, \"seccompProfilePath\": "
		    "\"/usr/share/containers/seccomp.json\"}}}",
		    "{\"MemoryLimit\": true, \"SwapLimit\": false, "
		    "\"CpuCfsQuota\": false, \"PidsLimit\": true, "
		    "\"SecurityOptions\": [\"name=apparmor\", "
		    "\"name=seccomp,profile=default\"]}");
	expect_info("{\"host\": {\"cgroupVersion\": \"v2\", "
		    "\"cgroupControllers\": [\"cpu\", \"memory\"], "
		    "\"security\": {\"rootless\": true, "
		    "\"seccompProfilePath\": \"/etc/x.json\"}}}",
		    "{\"MemoryLimit\": true, \"SwapLimit\": true, "
		    "\"CpuCfsQuota\": true, \"PidsLimit\": false, "
		    "\"SecurityOptions\": "
		    "[\"name=seccomp,profile=/etc/x.json\"]}");
	expect_info("{}", "{\"MemoryLimit\": true, \"SwapLimit\": false, "
			  "\"CpuCfsQuota\": false, \"PidsLimit\": true, "
			  "\"SecurityOptions\": [\"name=apparmor\", "
			  "\"name=seccomp,profile=default\"]}");
}

/* Its create call would make a volume without labels and options. */
static void test_volumes_are_made(void **state)
{
	static const char tmpfs[] = "{\"type\": \"tmpfs\", \"o\": \"size=1m\"}";

	(void)state;
	expect_made(tmpfs, tmpfs);
	/* The engine's own is nobody's until it is given to somebody. */
	expect_made("{}", "{\"o\": \"uid=0\"}");
}

/* A directory of the host is not given to the first container that has it. */
static void test_owner_of_a_bind(void **state)
{
	(void)state;
	expect_made("{\"o\": \"bind\", \"device\": \"/x\"}",
		    "{\"o\": \"bind,uid=0\", \"device\": \"/x\"}");
	expect_made("{\"o\": \"ro,rbind\"}", "{\"o\": \"ro,rbind,uid=0\"}");
}

/* They are the ones that were asked for. */
static void test_options_of_a_volume(void **state)
{
	static const char *const samples[][2] = {
		{ "{\"type\": \"tmpfs\", \"o\": "
		  "\"size=1m,uid=5,gid=6,inodes=7\","
		  " \"SIZE\": \"1m\", \"UID\": \"5\", \"GID\": \"6\","
		  " \"INODES\": \"7\"}",
		  "{\"type\": \"tmpfs\", \"o\": "
		  "\"size=1m,uid=5,gid=6,inodes=7\"}" },
		{ "{\"device\": \"/x\", \"o\": \"bind,uid=0\", \"UID\": \"0\"}",
		  "{\"device\": \"/x\", \"o\": \"bind\"}" },
		{ "{\"o\": \"uid=0\", \"UID\": \"0\"}", "{}" },
		{ "{}", "{}" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		json_auto_t *volume = json_pack(
			"{s:o}", "Options", json_loads(samples[i][0], 0, NULL));
		json_auto_t *asked = json_loads(samples[i][1], 0, NULL);

		sbx_podman_translate_volume(volume);
		assert_true(
			json_equal(json_object_get(volume, "Options"), asked));
	}
}

static void expect_no_word(json_t *body, const char *word)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *spec = NULL;

	assert_int_equal(sbx_podman_create_body(&spec, "n", body, 1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INTERNAL);
	if (!strstr(err.message, word))
		fail_msg("%s", err.message);
	assert_null(spec);
}

/* A restriction that is new to the spec is not lost on the way. */
static void test_what_it_has_no_word_for(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	f->spec.traits = &podman;
	body = sbx_spec_body(&f->spec);
	json_object_set_new(body, "Domainname", json_string("x"));
	expect_no_word(body, "\"Domainname\"");
	json_object_del(body, "Domainname");

	json_object_set_new(host(body), "ReadonlyPaths", json_array());
	expect_no_word(body, "\"ReadonlyPaths\"");
	json_object_del(host(body), "ReadonlyPaths");

	json_array_append_new(json_object_get(host(body), "SecurityOpt"),
			      json_string("seccomp=x"));
	expect_no_word(body, "\"seccomp=x\"");
	json_array_remove(json_object_get(host(body), "SecurityOpt"), 1);

	json_object_set_new(host(body), "DeviceRequests", json_pack("[{}]"));
	expect_no_word(body, "\"DeviceRequests\"");
	json_object_set_new(host(body), "DeviceRequests", json_array());

	json_object_set_new(host(body), "DeviceCgroupRules",
			    json_pack("[s]", "a *:* rwm"));
	expect_no_word(body, "\"DeviceCgroupRules\"");
	json_object_set_new(host(body), "DeviceCgroupRules", json_null());

	json_array_append_new(
		json_object_get(host(body), "Mounts"),
		json_pack("{s:s, s:s}", "Type", "npipe", "Target", "/x"));
	expect_no_word(body, "\"npipe\"");
	json_array_remove(
		json_object_get(host(body), "Mounts"),
		json_array_size(json_object_get(host(body), "Mounts")) - 1);

	json_object_set_new(host(body), "PortBindings",
			    json_pack("{s:[{s:s, s:s}]}", "53/udp", "HostIp",
				      "127.0.0.1", "HostPort", "53"));
	expect_no_word(body, "\"53/udp\"");
	/* Without an address it would be every one. */
	json_object_set_new(
		host(body), "PortBindings",
		json_pack("{s:[{s:s}]}", "80/tcp", "HostPort", "80"));
	expect_no_word(body, "\"80/tcp\"");
}

/* --- what it says it made -------------------------------------------------- */

#define BIND                                                                   \
	"[{\"Type\": \"bind\", \"Destination\": \"/data\", \"RW\": false,"     \
	" \"Propagation\": "

/* As Podman says it of the fixture's container, where it has other words. */
static json_t *inspected(const json_t *body)
{
	static const char tmpfs[] = "rw,nosuid,nodev,noexec,size=67108864,"
				    "mode=1777,rprivate";
	json_t *made = json_pack("{s:O, s:n, s:n, s:s, s:o}", "HostConfig",
				 host(body), "EffectiveCaps", "BoundingCaps",
				 "OCIRuntime", "crun", "Mounts",
				 json_loads(BIND "\"private\"}]", 0, NULL));
	json_t *config = json_deep_copy(body);
	json_t *to = json_deep_copy(host(body));

	json_object_set_new(made, "Config", config);
	json_object_set_new(made, "HostConfig", to);
	json_object_set_new(config, "Entrypoint",
			    json_string(INIT_DIR "/init"));
	json_object_set_new(config, "StdinOnce", json_false());
	json_object_set_new(to, "CapDrop",
			    json_pack("[s, s]", "CAP_CHOWN", "CAP_KILL"));
	json_object_set_new(to, "CgroupMode", json_string("private"));
	json_object_del(to, "CgroupnsMode");
	json_object_set_new(to, "PidMode", json_string("private"));
	json_object_set_new(to, "UTSMode", json_string("private"));
	json_object_set_new(to, "Runtime", json_string("oci"));
	json_object_set_new(to, "Binds", json_pack("[s]", "v:/v"));
	json_object_set_new(
		to, "Ulimits",
		json_pack("[{s:s, s:i, s:i}, {s:s, s:i, s:i}, {s:s, s:i, s:i}]",
			  "Name", "RLIMIT_NPROC", "Soft", 4096, "Hard", 4096,
			  "Name", "RLIMIT_NOFILE", "Soft", 1024, "Hard", 1024,
			  "Name", "RLIMIT_CORE", "Soft", 1, "Hard", 1));
	json_object_set_new(to, "Tmpfs",
			    json_pack("{s:s, s:s, s:s}", "/tmp", tmpfs,
				      "/dev/shm", tmpfs, "/declared",
				      "ro,size=4096,rprivate"));
	return made;
}

static json_t *asked(struct spec_fixture *f)
{
	f->spec.traits = &podman;
	f->grant.action.runtime = sbx_strdup("crun");
	return sbx_spec_body(&f->spec);
}

static void test_as_asked(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = asked(*state);
	json_auto_t *made = inspected(body);

	sbx_podman_translate(made, 5);
	if (sbx_spec_verify(body, made, &err) < 0)
		fail_msg("%s", err.message);
}

/* Of each restriction that has another name there, the lack is seen. */
static void test_less_than_asked(void **state)
{
	static const struct {
		const char *in;
		const char *key;
		const char *value;
		const char *rule;
	} lacks[] = {
		{ NULL, "BoundingCaps", "[\"CAP_KILL\"]", "CapDrop" },
		{ NULL, "EffectiveCaps", "[\"CAP_KILL\"]", "CapDrop" },
		{ NULL, "OCIRuntime", "\"runc\"", "Runtime" },
		{ "Config", "OpenStdin", "false", "StdinOnce" },
		{ "Config", "Entrypoint", "\"/bin/sh\"", "Entrypoint" },
		{ "HostConfig", "CgroupMode", "\"host\"", "CgroupnsMode" },
		{ "HostConfig", "PidMode", "\"host\"", "PidMode" },
		{ "HostConfig", "UTSMode", "\"host\"", "UTSMode" },
		{ "HostConfig", "IpcMode", "\"shareable\"", "IpcMode" },
		{ "HostConfig", "Ulimits", "[]", "Ulimits" },
		{ "HostConfig", "Tmpfs", "{}", "Tmpfs" },
		{ "HostConfig", "PortBindings", "{\"80/tcp\": []}",
		  "PortBindings" },
		{ "HostConfig", "PublishAllPorts", "true", "PublishAllPorts" },
		{ "HostConfig", "Cgroups", "\"disabled\"", "Cgroups" },
		{ "Config", "Annotations", "{\"run.oci.x\": \"\"}",
		  "Annotations" },
		{ NULL, "Mounts", BIND "\"shared\"}]", "Mounts" },
		{ NULL, "Mounts", BIND "\"slave\"}]", "Mounts" },
	};
	json_auto_t *body = asked(*state);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(lacks); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *made = inspected(body);
		json_t *in = lacks[i].in ? json_object_get(made, lacks[i].in)
					 : made;

		json_object_set_new(
			in, lacks[i].key,
			json_loads(lacks[i].value, JSON_DECODE_ANY, NULL));
		sbx_podman_translate(made, 5);
		assert_int_equal(sbx_spec_verify(body, made, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		if (!strstr(err.message, lacks[i].rule))
			fail_msg("%s: %s", lacks[i].rule, err.message);
	}
}

/* A tmpfs that copies what the image has there is not what was asked for. */
static void test_tmpfs_that_copies(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = asked(*state);
	json_auto_t *made = inspected(body);
	json_t *tmpfs = sbx_json_at(made, "HostConfig", "Tmpfs", NULL);

	json_object_set_new(tmpfs, "/tmp",
			    json_string("rw,nosuid,nodev,noexec,size=67108864,"
					"mode=1777,rprivate,tmpcopyup"));
	sbx_podman_translate(made, 5);
	assert_int_equal(sbx_spec_verify(body, made, &err), -1);
	assert_non_null(strstr(err.message, "sandbox.Tmpfs"));
}

/* Before 5.0 all but another's is "shareable". */
static void test_old_ipc(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = asked(*state);
	json_auto_t *made = inspected(body);
	json_t *to = json_object_get(made, "HostConfig");

	json_object_set_new(to, "IpcMode", json_string("shareable"));
	sbx_podman_translate(made, 4);
	assert_int_equal(sbx_spec_verify(body, made, &err), 0);
	json_object_set_new(to, "IpcMode", json_string("container:1"));
	sbx_podman_translate(made, 4);
	assert_int_equal(sbx_spec_verify(body, made, &err), -1);
}

static void test_names_of_images(void **state)
{
	json_auto_t *image =
		json_pack("{s:[s, s, s]}", "RepoTags", "docker.io/skillbox/a:1",
			  "docker.io/library/b:2", "localhost/c:3");

	(void)state;
	sbx_podman_translate_image(image);
	expect_member(image, "RepoTags",
		      "[\"skillbox/a:1\", \"b:2\", \"localhost/c:3\"]");
}

/* Its own list is what is left where one container has lost its storage. */
static void test_names_in_its_own_list(void **state)
{
	json_auto_t *list =
		json_pack("[{s:[s, s]}, {s:s}]", "Names", "a", "b", "Id", "c");
	cleanup_free char *line = NULL;

	(void)state;
	sbx_podman_translate_list(list);
	line = sbx_json_line(list);
	assert_string_equal(line, "[{\"Names\": [\"/a\", \"/b\"]}, "
				  "{\"Id\": \"c\"}]");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_names_in_its_own_list),
		SPEC_TEST(test_restrictions),
		SPEC_TEST(test_mounts),
		SPEC_TEST(test_ports),
		SPEC_TEST(test_devices),
		SPEC_TEST(test_no_swappiness_on_cgroup_v2),
		cmocka_unit_test(test_host),
		cmocka_unit_test(test_volumes_are_made),
		cmocka_unit_test(test_volumes_that_are_not_made),
		cmocka_unit_test(test_owner_of_a_bind),
		cmocka_unit_test(test_options_of_a_volume),
		SPEC_TEST(test_what_it_has_no_word_for),
		SPEC_TEST(test_as_asked),
		SPEC_TEST(test_less_than_asked),
		SPEC_TEST(test_tmpfs_that_copies),
		SPEC_TEST(test_old_ipc),
		SPEC_TEST(test_names_of_images),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
