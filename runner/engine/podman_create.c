/* SPDX-License-Identifier: MIT */
/*
 * From the body of Docker's create call to Podman's own, the SpecGenerator
 * (pkg/specgen in its sources).  Podman's compatible call would drop what it
 * has no words for; this one fails instead, so that no restriction is lost.
 */
#include "engine/podman.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/strv.h"
#include "codec/json.h"

/* --- what has the same value under another name ---------------------------- */

/* @to: path of up to two names; NULL: means nothing here, or is done below */
struct word {
	const char *from;
	const char *to[2];
};

static const struct word config_words[] = {
	{ "Image", { "image" } },
	{ "Hostname", { "hostname" } },
	{ "User", { "user" } },
	{ "WorkingDir", { "work_dir" } },
	{ "OpenStdin", { "stdin" } },
	{ "Tty", { "terminal" } },
	{ "Entrypoint", { "entrypoint" } },
	{ "Cmd", { "command" } },
	{ "Labels", { "labels" } },
	{ "Healthcheck", { "healthconfig" } },
	/* conmon closes stdin when the attached client goes, always. */
	{ "StdinOnce", { NULL } },
	{ "AttachStdin", { NULL } },
	{ "AttachStdout", { NULL } },
	{ "AttachStderr", { NULL } },
	{ "StopSignal", { NULL } },
	/* As they are mapped, they are exposed. */
	{ "ExposedPorts", { NULL } },
	{ "HostConfig", { NULL } },
};

static const struct word host_words[] = {
	{ "AutoRemove", { "remove" } },
	{ "CapDrop", { "cap_drop" } },
	{ "ReadonlyRootfs", { "read_only_filesystem" } },
	{ "Privileged", { "privileged" } },
	{ "Init", { "init" } },
	{ "Runtime", { "oci_runtime" } },
	{ "Memory", { "memory", "limit" } },
	{ "MemorySwap", { "memory", "swap" } },
	{ "MemorySwappiness", { "memory", "swappiness" } },
	{ "OomKillDisable", { "memory", "disableOOMKiller" } },
	{ "PidsLimit", { "pids", "limit" } },
	{ "CpuPeriod", { "cpu", "period" } },
	{ "CpuQuota", { "cpu", "quota" } },
	{ "NetworkMode", { "netns", "nsmode" } },
	{ "IpcMode", { "ipcns", "nsmode" } },
	{ "PidMode", { "pidns", "nsmode" } },
	{ "UTSMode", { "utsns", "nsmode" } },
	{ "CgroupnsMode", { "cgroupns", "nsmode" } },
	{ "PublishAllPorts", { "publish_image_ports" } },
	{ "PortBindings", { NULL } },
	{ "LogConfig", { NULL } },
	{ "SecurityOpt", { NULL } },
	{ "Ulimits", { NULL } },
	{ "Tmpfs", { NULL } },
	{ "Mounts", { NULL } },
	{ "Devices", { NULL } },
	{ "DeviceRequests", { NULL } },
	{ "DeviceCgroupRules", { NULL } },
};

static int no_word(const char *key, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
			     "Podman has no word for \"%s\"", key);
}

static void put(json_t *spec, const struct word *word, json_t *value)
{
	json_t *into = spec;

	if (!word->to[0])
		return;
	if (!word->to[1]) {
		json_object_set(spec, word->to[0], value);
		return;
	}
	if (!json_object_get(spec, word->to[0]))
		json_object_set_new(spec, word->to[0], json_object());
	into = json_object_get(spec, word->to[0]);
	/* A namespace of its own is what Docker has no name for. */
	if (strcmp(word->to[1], "nsmode") == 0 &&
	    json_string_length(value) == 0)
		json_object_set_new(into, word->to[1], json_string("private"));
	else
		json_object_set(into, word->to[1], value);
}

static int put_all(json_t *spec, json_t *from, const struct word *words,
		   size_t count, struct sbx_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (from, key, value) {
		size_t i = 0;

		while (i < count && strcmp(words[i].from, key) != 0)
			i++;
		if (i == count)
			return no_word(key, err);
		put(spec, &words[i], value);
	}
	return 0;
}

/* --- what has another shape ------------------------------------------------ */

/*
 * The OCI specification's own part of a SpecGenerator.  crun refuses any
 * swappiness, 0 as well, on cgroup v2, where there is none: swap that equals
 * memory leaves nothing to swap to there.
 */
static void gather_limits(json_t *spec, int cgroup)
{
	static const char *const parts[] = { "memory", "pids", "cpu" };
	json_t *limits = json_object();

	if (cgroup == 2)
		json_object_del(json_object_get(spec, "memory"), "swappiness");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(parts); i++) {
		json_t *part = json_object_get(spec, parts[i]);

		if (part)
			json_object_set(limits, parts[i], part);
		json_object_del(spec, parts[i]);
	}
	json_object_set_new(spec, "resource_limits", limits);
}

static json_t *rlimits(const json_t *ulimits)
{
	json_t *all = json_array();
	const json_t *ulimit;
	size_t i;

	json_array_foreach (ulimits, i, ulimit) {
		const char *name = sbx_json_text_at(ulimit, "Name", NULL);

		json_array_append_new(
			all, json_pack("{s:s, s:O, s:O}", "type", name, "soft",
				       json_object_get(ulimit, "Soft"), "hard",
				       json_object_get(ulimit, "Hard")));
	}
	return all;
}

static int put_security(json_t *spec, const json_t *options,
			struct sbx_error *err)
{
	const json_t *option;
	size_t i;

	json_array_foreach (options, i, option) {
		const char *text = json_string_value(option);

		if (!text || strcmp(text, "no-new-privileges") != 0)
			return no_word(text ? text : "SecurityOpt", err);
		json_object_set_new(spec, "no_new_privileges", json_true());
	}
	return 0;
}

static json_t *mount(const char *type, const char *source, const char *target,
		     json_t *options)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "type", type, "source", source,
			 "destination", target, "options", options);
}

static json_t *split(const char *options)
{
	cleanup_free char *copy = sbx_strdup(options);
	json_t *all = json_array();
	char *rest = copy;
	char *option;

	while ((option = strsep(&rest, ",")))
		json_array_append_new(all, json_string(option));
	return all;
}

static void put_tmpfs(json_t *mounts, json_t *tmpfs)
{
	const char *target;
	json_t *options;

	json_object_foreach (tmpfs, target, options)
		json_array_append_new(mounts,
				      mount("tmpfs", "tmpfs", target,
					    split(json_string_value(options))));
}

static json_t *masking_tmpfs(const json_t *from, const char *target,
			     const char *mode)
{
	cleanup_free char *options = sbx_asprintf(
		"%s,nosuid,nodev,noexec,size=%lld,mode=%04llo,notmpcopyup",
		mode,
		(long long)sbx_json_int_at(0, from, "TmpfsOptions", "SizeBytes",
					   NULL),
		(long long)sbx_json_int_at(0, from, "TmpfsOptions", "Mode",
					   NULL));

	return mount("tmpfs", "tmpfs", target, split(options));
}

static json_t *bind(const json_t *from, const char *source, const char *target,
		    const char *mode)
{
	bool alone =
		sbx_json_true_at(from, "BindOptions", "NonRecursive", NULL);
	const char *propagation =
		sbx_json_text_at(from, "BindOptions", "Propagation", NULL);

	return mount("bind", source, target,
		     json_pack("[s, s, s]", mode, alone ? "bind" : "rbind",
			       propagation ? propagation : "private"));
}

static json_t *volume(const json_t *from, const char *source,
		      const char *target, const char *mode)
{
	bool no_copy = sbx_json_true_at(from, "VolumeOptions", "NoCopy", NULL);

	return json_pack("{s:s, s:s, s:[s, s]}", "Name", source, "Dest", target,
			 "Options", mode, no_copy ? "nocopy" : "copy");
}

static int put_mount(json_t *mounts, json_t *volumes, const json_t *from,
		     struct sbx_error *err)
{
	const char *type = sbx_json_text_at(from, "Type", NULL);
	const char *source = sbx_json_text_at(from, "Source", NULL);
	const char *target = sbx_json_text_at(from, "Target", NULL);
	const char *mode = sbx_json_true_at(from, "ReadOnly", NULL) ? "ro"
								    : "rw";

	if (!type || !target)
		return no_word("Mounts", err);
	if (strcmp(type, "tmpfs") == 0)
		return json_array_append_new(mounts,
					     masking_tmpfs(from, target, mode));
	if (strcmp(type, "bind") == 0 && source)
		return json_array_append_new(mounts,
					     bind(from, source, target, mode));
	if (strcmp(type, "volume") == 0 && source)
		return json_array_append_new(
			volumes, volume(from, source, target, mode));
	return no_word(type, err);
}

static int put_mounts(json_t *spec, const json_t *host, struct sbx_error *err)
{
	json_t *mounts = json_array();
	json_t *volumes = json_array();
	const json_t *from;
	size_t i;

	json_object_set_new(spec, "mounts", mounts);
	json_object_set_new(spec, "volumes", volumes);
	put_tmpfs(mounts, json_object_get(host, "Tmpfs"));
	json_array_foreach (json_object_get(host, "Mounts"), i, from) {
		if (put_mount(mounts, volumes, from, err) < 0)
			return -1;
	}
	return 0;
}

/* "8080/tcp": [{"HostIp", "HostPort"}]; 0 is any free port of the host. */
static int put_port(json_t *ports, const char *port, const json_t *bindings,
		    struct sbx_error *err)
{
	const json_t *binding;
	char *protocol;
	long target = strtol(port, &protocol, 10);
	size_t i;

	if (strcmp(protocol, "/tcp") != 0)
		return no_word(port, err);
	json_array_foreach (bindings, i, binding) {
		const char *address = sbx_json_text_at(binding, "HostIp", NULL);
		const char *published =
			sbx_json_text_at(binding, "HostPort", NULL);

		if (!address || !published)
			return no_word(port, err);
		json_array_append_new(
			ports,
			json_pack("{s:s, s:i, s:i, s:s}", "host_ip", address,
				  "container_port", (int)target, "host_port",
				  (int)strtol(published, NULL, 10), "protocol",
				  "tcp"));
	}
	return 0;
}

static int put_ports(json_t *spec, json_t *bindings, struct sbx_error *err)
{
	json_t *ports = json_array();
	const char *port;
	json_t *list;

	json_object_set_new(spec, "portmappings", ports);
	json_object_foreach (bindings, port, list) {
		if (put_port(ports, port, list, err) < 0)
			return -1;
	}
	return 0;
}

/* As `podman run --device` has them: all in what is called the path. */
static json_t *devices(const json_t *list)
{
	json_t *all = json_array();
	const json_t *device;
	size_t i;

	json_array_foreach (list, i, device) {
		json_t *path = json_sprintf(
			"%s:%s:%s",
			sbx_json_text_at(device, "PathOnHost", NULL),
			sbx_json_text_at(device, "PathInContainer", NULL),
			sbx_json_text_at(device, "CgroupPermissions", NULL));

		json_array_append_new(all, json_pack("{s:o}", "path", path));
	}
	return all;
}

static int put_devices(json_t *spec, const json_t *host, struct sbx_error *err)
{
	static const char *const none[] = { "DeviceRequests",
					    "DeviceCgroupRules" };
	const json_t *list = json_object_get(host, "Devices");

	for (size_t i = 0; i < SBX_ARRAY_SIZE(none); i++) {
		if (json_array_size(json_object_get(host, none[i])) > 0)
			return no_word(none[i], err);
	}
	if (json_array_size(list) > 0)
		json_object_set_new(spec, "devices", devices(list));
	return 0;
}

int sbx_podman_create_body(json_t **out, const char *name, const json_t *body,
			   int cgroup, struct sbx_error *err)
{
	json_t *host = json_object_get(body, "HostConfig");
	const json_t *log = sbx_json_at(host, "LogConfig", "Type", NULL);
	const json_t *ulimits = json_object_get(host, "Ulimits");
	/* SIGTERM: what the image says must not count. */
	json_auto_t *spec = json_pack(
		"{s:s, s:i, s:s, s:s, s:s, s:s, s:b}", "name", name,
		"stop_signal", 15, "systemd", "false", "image_volume_mode",
		"ignore",
		/* Without one there would be no limits (containers.conf). */
		"cgroups_mode", "enabled",
		/* It would be the host's, names and addresses (5.0). */
		"base_hosts_file", "none",
		/* It would add the user to the image's passwd. */
		"manage_password", 0);

	if (put_all(spec, (json_t *)body, config_words,
		    SBX_ARRAY_SIZE(config_words), err) < 0 ||
	    put_all(spec, host, host_words, SBX_ARRAY_SIZE(host_words), err) <
		    0 ||
	    put_security(spec, json_object_get(host, "SecurityOpt"), err) < 0 ||
	    put_mounts(spec, host, err) < 0 ||
	    put_ports(spec, json_object_get(host, "PortBindings"), err) < 0 ||
	    put_devices(spec, host, err) < 0)
		return -1;
	gather_limits(spec, cgroup);
	if (log)
		json_object_set_new(spec, "log_configuration",
				    json_pack("{s:O}", "driver", log));
	if (ulimits)
		json_object_set_new(spec, "r_limits", rlimits(ulimits));
	*out = sbx_take(spec);
	return 0;
}
