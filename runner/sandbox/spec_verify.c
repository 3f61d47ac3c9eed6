/* SPDX-License-Identifier: MIT */
/*
 * The first of the two checks of a sandbox, from the outside: does the engine
 * say that it made what it was told to make?  (The second, from the inside, is
 * hello.c.)  Engines ignore fields they do not know, so each restriction is
 * compared; what must be absent is listed here.
 */
#include "sandbox/spec.h"

#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "sandbox/spec_devices.h"

static int differs(const char *field, const json_t *asked, const json_t *made,
		   struct sbx_error *err)
{
	cleanup_free char *want = asked ? sbx_json_line(asked) : NULL;
	cleanup_free char *have = made ? sbx_json_line(made) : NULL;

	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "sandbox.%s: the engine made %s, asked for was %s",
			     field, have ? have : "nothing",
			     want ? want : "nothing");
}

/*
 * null, false, 0, "", [] and {} are all "not there".  (Of a cgroup v2 kernel,
 * which has no swappiness, engines say null where 0 was asked for.)
 */
static bool is_empty(const json_t *value)
{
	switch (value ? json_typeof(value) : JSON_NULL) {
	case JSON_STRING:
		return json_string_length(value) == 0;
	case JSON_INTEGER:
		return json_integer_value(value) == 0;
	case JSON_ARRAY:
		return json_array_size(value) == 0;
	case JSON_OBJECT:
		return json_object_size(value) == 0;
	case JSON_TRUE:
	case JSON_REAL:
		return false;
	default:
		return true;
	}
}

static bool is_same(const json_t *asked, const json_t *made)
{
	return json_equal(asked, made) || (is_empty(asked) && is_empty(made));
}

/* Engines reorder ulimits and leave out nothing. */
static bool same_ulimits(const json_t *asked, const json_t *made)
{
	size_t i, j;
	json_t *want, *have;

	if (json_array_size(asked) != json_array_size(made))
		return false;
	json_array_foreach (asked, i, want) {
		bool found = false;

		json_array_foreach (made, j, have)
			found = found || json_equal(want, have);
		if (!found)
			return false;
	}
	return true;
}

static const json_t *asked_mount(const json_t *mounts, const char *target)
{
	size_t i;
	json_t *mount;

	json_array_foreach (mounts, i, mount) {
		if (strcmp(sbx_json_text_at(mount, "Target", NULL), target) ==
		    0)
			return mount;
	}
	return NULL;
}

/* Podman has there what was asked for as a mount of type tmpfs, too. */
static bool same_tmpfs(const json_t *asked, const json_t *made,
		       const json_t *mounts)
{
	size_t found = 0;
	const char *target;
	json_t *have;

	json_object_foreach ((json_t *)made, target, have) {
		const json_t *want = json_object_get(asked, target);

		if (want ? !json_equal(want, have)
			 : !asked_mount(mounts, target))
			return false;
		found += want != NULL;
	}
	return found == json_object_size(asked);
}

/* Where any free port was asked for, Podman says at once which it is. */
static bool same_binding(const json_t *asked, const json_t *made)
{
	const json_t *want = json_array_get(asked, 0);
	const json_t *have = json_array_get(made, 0);
	const json_t *port = json_object_get(want, "HostPort");

	return json_array_size(made) == 1 &&
	       json_equal(json_object_get(want, "HostIp"),
			  json_object_get(have, "HostIp")) &&
	       (is_empty(port) ||
		json_equal(port, json_object_get(have, "HostPort")));
}

/* Those and no others: a port with an empty list may be published anywhere. */
static bool same_ports(const json_t *asked, const json_t *made)
{
	const char *port;
	json_t *want;

	if (json_object_size(asked) != json_object_size(made))
		return false;
	json_object_foreach ((json_t *)asked, port, want) {
		if (!same_binding(want, json_object_get(made, port)))
			return false;
	}
	return true;
}

/* @key of @host, as it was asked for, is what was @made. */
static bool same_host_field(const char *key, const json_t *host,
			    const json_t *made)
{
	const json_t *asked = json_object_get(host, key);

	if (strcmp(key, "Ulimits") == 0)
		return same_ulimits(asked, made);
	if (strcmp(key, "Tmpfs") == 0)
		return same_tmpfs(asked, made, json_object_get(host, "Mounts"));
	if (strcmp(key, "PortBindings") == 0)
		return same_ports(asked, made);
	if (strcmp(key, "Devices") == 0)
		return sbx_spec_same_devices(asked, made);
	if (strcmp(key, "DeviceRequests") == 0)
		return sbx_spec_same_gpus(asked, made);
	/* Newer engines leave the type out of the reply when it is none. */
	if (strcmp(key, "LogConfig") == 0) {
		const char *type = sbx_json_text_at(made, "Type", NULL);

		return type && strcmp(type, "none") == 0;
	}
	/* Mounts are compared as they were made, below. */
	return strcmp(key, "Mounts") == 0 || is_same(asked, made);
}

static int verify_host_config(const json_t *asked, const json_t *made,
			      struct sbx_error *err)
{
	static const char *const absent[] = {
		"CapAdd",     "Binds",	    "VolumesFrom", "GroupAdd",
		"ExtraHosts", "UsernsMode", "Links",
	};
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)asked, key, value) {
		const json_t *have = json_object_get(made, key);

		if (!same_host_field(key, asked, have))
			return differs(key, value, have, err);
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(absent); i++) {
		const json_t *have = json_object_get(made, absent[i]);

		if (!is_empty(have))
			return differs(absent[i], NULL, have, err);
	}
	return 0;
}

/*
 * Runtimes take orders from annotations, crun a seccomp filter in place of the
 * engine's.  Nobody asks for any; Podman adds some of its own, and before 4.6
 * those of the image.
 */
static bool is_harmless_annotation(const char *key)
{
	static const char *const prefixes[] = {
		"io.podman.annotations.",
		"org.opencontainers.image.",
		"com.docker.",
	};
	static const char *const keys[] = {
		"io.container.manager",
		"io.kubernetes.cri-o.Created",
		"org.systemd.property.KillSignal",
		"org.systemd.property.TimeoutStopUSec",
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(prefixes); i++) {
		if (sbx_text_has_prefix(key, prefixes[i]))
			return true;
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(keys); i++) {
		if (strcmp(key, keys[i]) == 0)
			return true;
	}
	return false;
}

static int verify_annotations(const json_t *made, struct sbx_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (json_object_get(made, "Annotations"), key, value) {
		if (!is_harmless_annotation(key))
			return sbx_error_set(err, SBX_OUTCOME_DENIED,
					     "sandbox.Annotations: the engine "
					     "made %.200s, from the image or "
					     "its own configuration: a runtime "
					     "may take orders from it",
					     key);
	}
	return 0;
}

/* Podman's word for whether there is a cgroup at all, and so its limits. */
static int verify_cgroups(const json_t *made, struct sbx_error *err)
{
	const json_t *cgroups = json_object_get(made, "Cgroups");
	const char *text = json_string_value(cgroups);

	if (is_empty(cgroups) || (text && strcmp(text, "default") == 0))
		return 0;
	return differs("Cgroups", NULL, cgroups, err);
}

static int verify_config(const json_t *asked, const json_t *made,
			 struct sbx_error *err)
{
	static const char *const same[] = {
		"User", "Entrypoint", "Cmd", "StdinOnce", "Tty", "WorkingDir",
	};
	const json_t *test = sbx_json_at(made, "Healthcheck", "Test", NULL);

	/* The image's interval may stay beside it and means nothing. */
	if (!is_same(sbx_json_at(asked, "Healthcheck", "Test", NULL), test))
		return differs("Healthcheck", NULL, test, err);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(same); i++) {
		const json_t *want = json_object_get(asked, same[i]);
		const json_t *have = json_object_get(made, same[i]);

		if (!is_same(want, have))
			return differs(same[i], want, have, err);
	}
	return 0;
}

/* Of a volume, for which nothing is asked, engines say this and that. */
static bool same_propagation(const json_t *want, const json_t *made)
{
	const char *asked =
		sbx_json_text_at(want, "BindOptions", "Propagation", NULL);
	const char *have = sbx_json_text_at(made, "Propagation", NULL);

	return !asked || (have && strcmp(asked, have) == 0);
}

/* Each mount that was made is one that was asked for, and no more writable. */
static int verify_mounts(const json_t *asked, const json_t *made,
			 struct sbx_error *err)
{
	const json_t *tmpfs = sbx_json_at(asked, "HostConfig", "Tmpfs", NULL);
	const json_t *mounts = sbx_json_at(asked, "HostConfig", "Mounts", NULL);
	size_t i;
	json_t *mount;

	json_array_foreach (json_object_get(made, "Mounts"), i, mount) {
		const char *at = sbx_json_text_at(mount, "Destination", NULL);
		const json_t *want = at ? asked_mount(mounts, at) : NULL;

		if (at && json_object_get(tmpfs, at))
			continue;
		if (!want ||
		    (sbx_json_true_at(want, "ReadOnly", NULL) &&
		     sbx_json_true_at(mount, "RW", NULL)) ||
		    !same_propagation(want, mount))
			return differs("Mounts", want, mount, err);
	}
	return 0;
}

int sbx_spec_verify(const json_t *body, const json_t *inspected,
		    struct sbx_error *err)
{
	const json_t *config = json_object_get(inspected, "Config");
	const json_t *host = json_object_get(inspected, "HostConfig");

	if (verify_config(body, config, err) < 0 ||
	    verify_host_config(json_object_get(body, "HostConfig"), host, err) <
		    0 ||
	    verify_annotations(config, err) < 0 ||
	    verify_annotations(host, err) < 0 || verify_cgroups(host, err) < 0)
		return -1;
	return verify_mounts(body, inspected, err);
}
