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
			json_pack("{s:s, s:b, s:s*}", "Destination",
				  sbx_json_text_at(mount, "Target", NULL), "RW",
				  !sbx_json_true_at(mount, "ReadOnly", NULL),
				  "Propagation",
				  sbx_json_text_at(mount, "BindOptions",
						   "Propagation", NULL)));
	return json_pack("{s:o, s:o, s:o}", "Config", config, "HostConfig",
			 made_host, "Mounts", mounts);
}

static int verify(const json_t *body, const json_t *made, struct sbx_error *err)
{
	return sbx_spec_verify(body, made, err);
}

static void test_verify_accepts_what_was_asked(void **state)
{
	struct spec_fixture *f = *state;
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

/* What real engines answer of their own accord is no difference. */
static void test_verify_accepts_other_ways_to_say_it(void **state)
{
	struct spec_fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *made = obedient(body);
	json_t *ulimits = json_object_get(host(made), "Ulimits");
	json_t *first = json_incref(json_array_get(ulimits, 0));

	json_array_remove(ulimits, 0);
	json_array_append_new(ulimits, first);
	json_object_del(host(made), "PidMode");
	json_object_set_new(host(made), "PortBindings", json_object());
	json_object_set_new(json_object_get(host(made), "LogConfig"), "Config",
			    json_object());
	json_object_set_new(
		json_array_get(json_object_get(host(made), "Mounts"), 0),
		"Consistency", json_string("default"));
	json_object_set_new(json_object_get(host(made), "Tmpfs"), "/declared",
			    json_string("ro,size=4096"));
	/* Podman lists tmpfs beside the rest. */
	json_array_append_new(
		json_object_get(made, "Mounts"),
		json_pack("{s:s, s:b}", "Destination", "/tmp", "RW", 1));
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

static void ask_for_devices(struct spec_fixture *f)
{
	f->grant.action.gpus = 1;
	sbx_action_add_device(&f->grant.action, "/dev/a", "/dev/b",
			      SBX_DEVICE_READ);
	sbx_action_add_device(&f->grant.action, "/dev/c", "/dev/d",
			      SBX_DEVICE_WRITE);
}

/* An engine that drops any one field is found out. */
static void test_verify_misses_nothing(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;
	const char *key;
	json_t *value;

	f->grant.publish = spec_ports;
	ask_for_devices(f);
	body = sbx_spec_body(&f->spec);
	json_object_foreach (host(body), key, value) {
		json_auto_t *made = obedient(body);

		/* What is false or "" by default cannot be dropped. */
		if (json_is_false(value) || strcmp(key, "Mounts") == 0 ||
		    strcmp(key, "MemorySwappiness") == 0 ||
		    strcmp(key, "DeviceCgroupRules") == 0 ||
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
		{ "LogConfig", "{\"Type\": \"json-file\"}" },
		{ "Tmpfs", "{}" },
		{ "Ulimits",
		  "[{\"Name\": \"nofile\", \"Soft\": 1024, \"Hard\": 1024},"
		  " {\"Name\": \"core\", \"Soft\": 1, \"Hard\": 2}]" },
		{ "Ulimits",
		  "[{\"Name\": \"nofile\", \"Soft\": 1024, \"Hard\": 1024},"
		  " {\"Name\": \"core\", \"Soft\": 1, \"Hard\": 1},"
		  " {\"Name\": \"core\", \"Soft\": 2, \"Hard\": 2}]" },
	};
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		json_auto_t *made = obedient(body);
		json_t *value =
			json_loads(cases[i].value, JSON_DECODE_ANY, NULL);

		json_object_set_new(host(made), cases[i].key, value);
		assert_refused(body, made, cases[i].key);
	}
}

#define DEVICE(host, inside, access)                                           \
	"{\"PathOnHost\": \"" host "\", \"PathInContainer\": \"" inside        \
	"\", \"CgroupPermissions\": \"" access "\"}"
#define REQUEST(count, rest)                                                   \
	"[{\"Driver\": \"\", \"Count\": " count ", \"Capabilities\": "         \
	"[[\"gpu\"]]" rest "}]"

/* Devices and GPUs: those that were asked for, for no more than that. */
static void test_verify_devices(void **state)
{
	static const struct {
		const char *key;
		const char *value;
		bool fine;
	} cases[] = {
		{ "Devices",
		  "[" DEVICE("/dev/c", "/dev/d",
			     "w") ", " DEVICE("/dev/a", "/dev/b", "r") "]",
		  true },
		/* Podman, which names any node of the same number */
		{ "Devices",
		  "[" DEVICE("/dev/A", "/dev/b",
			     "") ", " DEVICE("/dev/c", "/dev/d", "") "]",
		  true },
		{ "Devices",
		  "[" DEVICE("/dev/a", "/dev/b",
			     "rw") ", " DEVICE("/dev/c", "/dev/d", "w") "]",
		  false },
		{ "Devices",
		  "[" DEVICE("/dev/x", "/dev/b",
			     "r") ", " DEVICE("/dev/c", "/dev/d", "w") "]",
		  false },
		{ "Devices",
		  "[" DEVICE("/dev/a", "/dev/x",
			     "r") ", " DEVICE("/dev/c", "/dev/d", "w") "]",
		  false },
		{ "Devices", "[" DEVICE("/dev/a", "/dev/b", "r") "]", false },
		{ "Devices",
		  "[" DEVICE("/dev/a", "/dev/b", "r") ", " DEVICE(
			  "/dev/c", "/dev/d",
			  "w") ", " DEVICE("/dev/e", "/dev/e", "r") "]",
		  false },
		{ "Devices", "[{}, {}]", false },
		{ "Devices",
		  "[{\"PathOnHost\": \"/dev/a\", \"PathInContainer\": "
		  "\"/dev/b\"}, " DEVICE("/dev/c", "/dev/d", "w") "]",
		  false },
		{ "DeviceRequests", REQUEST("1", ""), true },
		{ "DeviceRequests",
		  REQUEST("1", ", \"DeviceIDs\": null, \"Options\": {}"),
		  true },
		{ "DeviceRequests", REQUEST("-1", ""), false },
		{ "DeviceRequests", REQUEST("1", ", \"DeviceIDs\": [\"0\"]"),
		  false },
		{ "DeviceRequests",
		  REQUEST("1", ", \"Options\": {\"a\": \"b\"}"), false },
		{ "DeviceRequests",
		  "[{\"Driver\": \"x\", \"Count\": 1, \"Capabilities\": "
		  "[[\"gpu\"]]}]",
		  false },
		{ "DeviceRequests",
		  "[{\"Driver\": \"\", \"Count\": 1, \"Capabilities\": "
		  "[[\"gpu\"], [\"x\"]]}]",
		  false },
		{ "DeviceRequests", "[]", false },
	};
	struct spec_fixture *f = *state;
	json_auto_t *body = NULL;

	ask_for_devices(f);
	body = sbx_spec_body(&f->spec);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *made = obedient(body);

		json_object_set_new(
			host(made), cases[i].key,
			json_loads(cases[i].value, JSON_DECODE_ANY, NULL));
		if (!cases[i].fine)
			assert_refused(body, made, cases[i].key);
		else if (verify(body, made, &err) < 0)
			fail_msg("%s", err.message);
	}
}

/* As they were asked for, to the letter, and none besides. */
static void test_verify_tmpfs(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *more = obedient(body);
	json_auto_t *other = obedient(body);

	json_object_set_new(json_object_get(host(more), "Tmpfs"), "/more",
			    json_string("rw"));
	assert_refused(body, more, "Tmpfs");
	json_object_set_new(json_object_get(host(other), "Tmpfs"), "/tmp",
			    json_string("rw,nosuid,nodev"));
	assert_refused(body, other, "Tmpfs");
}

static void test_verify_mounts(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *extra = obedient(body);
	json_auto_t *nowhere = obedient(body);
	json_auto_t *writable = obedient(body);
	json_t *first = json_array_get(json_object_get(writable, "Mounts"), 0);
	json_auto_t *shared = obedient(body);
	json_auto_t *silent = obedient(body);

	json_array_append_new(
		json_object_get(extra, "Mounts"),
		json_pack("{s:s, s:b}", "Destination", "/more", "RW", 0));
	assert_refused(body, extra, "Mounts");
	json_array_append_new(json_object_get(nowhere, "Mounts"),
			      json_pack("{s:b}", "RW", 0));
	assert_refused(body, nowhere, "Mounts");
	json_object_set_new(first, "RW", json_true());
	assert_refused(body, writable, "Mounts");
	/* The third is a path of the host. */
	json_object_set_new(
		json_array_get(json_object_get(shared, "Mounts"), 2),
		"Propagation", json_string("rshared"));
	assert_refused(body, shared, "Mounts");
	json_object_del(json_array_get(json_object_get(silent, "Mounts"), 2),
			"Propagation");
	assert_refused(body, silent, "Mounts");
}

static void test_verify_config(void **state)
{
	static const char *const fields[] = { "User", "Entrypoint",
					      "Healthcheck", "StdinOnce",
					      "WorkingDir" };
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(fields); i++) {
		json_auto_t *made = obedient(body);

		json_object_del(json_object_get(made, "Config"), fields[i]);
		assert_refused(body, made, fields[i]);
	}
}

/* A runtime may take orders from any but those that are known. */
static void test_verify_annotations(void **state)
{
	static const struct {
		const char *in;
		const char *key;
		bool refused;
	} samples[] = {
		{ "Config", "io.container.manager", false },
		{ "Config", "io.kubernetes.cri-o.Created", false },
		{ "Config", "io.podman.annotations.init", false },
		{ "Config", "org.systemd.property.KillSignal", false },
		{ "Config", "org.systemd.property.TimeoutStopUSec", false },
		{ "Config", "org.systemd.property.MemoryMax", true },
		{ "Config", "org.opencontainers.image.stopSignal", false },
		{ "Config", "com.docker.official-images.bashbrew.arch", false },
		{ "Config", "run.oci.seccomp_bpf_data", true },
		{ "HostConfig", "run.oci.handler", true },
		{ "HostConfig", "io.container.manager", false },
		{ "Config", "", true },
	};
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		json_auto_t *made = obedient(body);

		json_object_set_new(json_object_get(made, samples[i].in),
				    "Annotations",
				    json_pack("{s:s}", samples[i].key, "x"));
		if (samples[i].refused)
			assert_refused(body, made, "Annotations");
		else if (verify(body, made, &err) < 0)
			fail_msg("%s", err.message);
	}
}

/* Podman's word for it; without a cgroup there is no limit. */
static void test_verify_cgroups(void **state)
{
	struct spec_fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *made = obedient(body);

	json_object_set_new(host(made), "Cgroups", json_string("default"));
	assert_int_equal(verify(body, made, &err), 0);
	json_object_set_new(host(made), "Cgroups", json_string("disabled"));
	assert_refused(body, made, "Cgroups");
	json_object_set_new(host(made), "Cgroups", json_true());
	assert_refused(body, made, "Cgroups");
}

/* Where nothing was asked for, as little must be there. */
static void test_verify_config_that_was_added(void **state)
{
	struct spec_fixture *f = *state;
	json_auto_t *body = sbx_spec_body(&f->spec);
	json_auto_t *command = obedient(body);
	json_auto_t *terminal = obedient(body);

	json_object_set_new(json_object_get(command, "Config"), "Cmd",
			    json_pack("[s]", "-c"));
	assert_refused(body, command, "Cmd");
	json_object_set_new(json_object_get(terminal, "Config"), "Tty",
			    json_true());
	assert_refused(body, terminal, "Tty");
}

/* An image's HEALTHCHECK --interval is merged into the NONE that was asked. */
static void test_verify_healthcheck(void **state)
{
	struct spec_fixture *f = *state;
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

/* An engine may not publish more, at another address or at another port. */
static void test_verify_ports(void **state)
{
	static const char *const others[] = {
		"null",
		"{}",
		"{\"8080/tcp\": [{\"HostIp\": \"127.0.0.1\", "
		"\"HostPort\": \"80\"}]}",
#define FREE ", \"65535/tcp\": [{\"HostIp\": \"::1\", \"HostPort\": \"\"}]"
		"{\"8080/tcp\": [{\"HostIp\": \"0.0.0.0\", "
		"\"HostPort\": \"80\"}]" FREE "}",
		"{\"8080/tcp\": [{\"HostIp\": \"\", "
		"\"HostPort\": \"80\"}]" FREE "}",
		"{\"8080/tcp\": [{\"HostPort\": \"80\"}]" FREE "}",
		"{\"8080/tcp\": [{\"HostIp\": \"127.0.0.1\", "
		"\"HostPort\": \"81\"}]" FREE "}",
		"{\"8080/tcp\": [{\"HostIp\": \"127.0.0.1\", "
		"\"HostPort\": \"\"}]" FREE "}",
		"{\"8080/udp\": [{\"HostIp\": \"127.0.0.1\", "
		"\"HostPort\": \"80\"}]" FREE "}",
		"{\"8080/tcp\": []" FREE "}",
		"{\"8080/tcp\": null" FREE "}",
		"{\"8080/tcp\": [{\"HostIp\": \"127.0.0.1\", "
		"\"HostPort\": \"80\"}, {\"HostIp\": \"0.0.0.0\", "
		"\"HostPort\": \"80\"}]" FREE "}",
#define FIXED                                                                  \
	"{\"8080/tcp\": [{\"HostIp\": \"127.0.0.1\", "                         \
	"\"HostPort\": \"80\"}]"
		FIXED FREE ", \"22/tcp\": []}",
		FIXED ", \"65535/tcp\": [{\"HostIp\": \"::\", "
		      "\"HostPort\": \"\"}]}",
	};
	struct spec_fixture *f = *state;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *body = NULL;
	json_auto_t *chosen = NULL;

	f->grant.publish = spec_ports;
	body = sbx_spec_body(&f->spec);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(others); i++) {
		json_auto_t *made = obedient(body);
		json_t *other = json_loads(others[i], JSON_DECODE_ANY, NULL);

		assert_non_null(other);
		json_object_set_new(host(made), "PortBindings", other);
		assert_refused(body, made, "PortBindings");
	}
	/* Which port was free is for the engine to say. */
	chosen = obedient(body);
	assert_int_equal(verify(body, chosen, &err), 0);
	json_object_set_new(
		host(chosen), "PortBindings",
		json_loads(FIXED ", \"65535/tcp\": [{\"HostIp\": \"::1\", "
				 "\"HostPort\": \"40000\"}]}",
			   0, NULL));
	assert_int_equal(verify(body, chosen, &err), 0);
	json_object_set_new(host(chosen), "PublishAllPorts", json_true());
	assert_refused(body, chosen, "PublishAllPorts");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPEC_TEST(test_verify_accepts_what_was_asked),
		SPEC_TEST(test_verify_accepts_other_ways_to_say_it),
		SPEC_TEST(test_verify_misses_nothing),
		SPEC_TEST(test_verify_finds_what_was_added),
		SPEC_TEST(test_verify_devices),
		SPEC_TEST(test_verify_tmpfs),
		SPEC_TEST(test_verify_mounts),
		SPEC_TEST(test_verify_ports),
		SPEC_TEST(test_verify_config),
		SPEC_TEST(test_verify_annotations),
		SPEC_TEST(test_verify_cgroups),
		SPEC_TEST(test_verify_config_that_was_added),
		SPEC_TEST(test_verify_healthcheck),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
