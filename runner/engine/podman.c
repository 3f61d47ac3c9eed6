/* SPDX-License-Identifier: MIT */
#include "engine/podman.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/mount_options.h"
#include "base/text.h"
#include "codec/json.h"
#include "engine/handle.h"
#include "engine/http.h"

/* --- what it made, in Docker's words --------------------------------------- */

/* One program is a string, before 5.5 or so; more are joined by blanks. */
static void translate_config(json_t *config)
{
	json_t *entrypoint = json_object_get(config, "Entrypoint");

	if (json_is_string(entrypoint))
		json_object_set_new(config, "Entrypoint",
				    json_pack("[O]", entrypoint));
	/*
	 * Never said, always so: conmon closes the container's stdin when the
	 * client that is attached goes.
	 */
	json_object_set_new(
		config, "StdinOnce",
		json_boolean(sbx_json_true_at(config, "OpenStdin", NULL)));
}

/* "RLIMIT_NOFILE" */
static void translate_ulimit(json_t *ulimit)
{
	static const char prefix[] = "RLIMIT_";
	const char *name = sbx_json_text_at(ulimit, "Name", NULL);
	cleanup_free char *lower = NULL;

	if (!name || !sbx_text_has_prefix(name, prefix))
		return;
	lower = sbx_strdup(name + strlen(prefix));
	for (char *at = lower; *at; at++)
		*at = (char)tolower((unsigned char)*at);
	json_object_set_new(ulimit, "Name", json_string(lower));
}

/*
 * The options that were given, and those it adds: "rprivate", and "tmpcopyup"
 * unless "notmpcopyup" was said, which it does not repeat.
 */
static json_t *translate_tmpfs(const char *options)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(4096);
	cleanup_free char *copy = sbx_strdup(options);
	char *rest = copy;
	bool copies = false;
	char *option;

	while ((option = strsep(&rest, ","))) {
		copies = copies || strcmp(option, "tmpcopyup") == 0;
		if (strcmp(option, "rprivate") != 0)
			sbx_buf_printf(&out, "%s,", option);
	}
	if (!copies)
		sbx_buf_puts(&out, "notmpcopyup,");
	return json_stringn(sbx_buf_text(&out), out.len - 1);
}

/* A namespace of the container's own is what Docker says nothing of. */
static void translate_namespace(json_t *host, const char *key)
{
	const char *mode = sbx_json_text_at(host, key, NULL);

	if (mode && strcmp(mode, "private") == 0)
		json_object_set_new(host, key, json_string(""));
}

static void translate_host(json_t *host, int major)
{
	const char *ipc = sbx_json_text_at(host, "IpcMode", NULL);
	const char *key;
	json_t *value;
	size_t i;

	translate_namespace(host, "PidMode");
	translate_namespace(host, "UTSMode");
	value = json_object_get(host, "CgroupMode");
	if (value)
		json_object_set(host, "CgroupnsMode", value);
	/* 4.x says so of everything but a namespace it joins. */
	if (major < 5 && ipc && strcmp(ipc, "shareable") == 0)
		json_object_set_new(host, "IpcMode", json_string("none"));
	json_array_foreach (json_object_get(host, "Ulimits"), i, value)
		translate_ulimit(value);
	json_object_foreach (json_object_get(host, "Tmpfs"), key, value) {
		const char *options = json_string_value(value);

		if (options)
			json_object_set_new(json_object_get(host, "Tmpfs"), key,
					    translate_tmpfs(options));
	}
	/* Where there is none, cgroup v2. */
	if (sbx_json_int_at(0, host, "MemorySwappiness", NULL) == -1)
		json_object_set_new(host, "MemorySwappiness", json_null());
	/* Volumes and binds; "Mounts" has them as well. */
	json_object_del(host, "Binds");
}

void sbx_podman_translate(json_t *inspected, int major)
{
	json_t *host = json_object_get(inspected, "HostConfig");
	json_t *runtime = json_object_get(inspected, "OCIRuntime");
	json_t *bounding = json_object_get(inspected, "BoundingCaps");
	json_t *effective = json_object_get(inspected, "EffectiveCaps");

	translate_config(json_object_get(inspected, "Config"));
	translate_host(host, major);
	/* "oci" is what it calls all of them there. */
	if (runtime)
		json_object_set(host, "Runtime", runtime);
	/* It lists what was dropped of its own default. */
	if (bounding && effective && json_array_size(bounding) == 0 &&
	    json_array_size(effective) == 0)
		json_object_set_new(host, "CapDrop", json_pack("[s]", "ALL"));
}

/* Docker's names of containers begin with a slash. */
void sbx_podman_translate_list(json_t *containers)
{
	json_t *container;
	const json_t *name;
	size_t i, j;

	json_array_foreach (containers, i, container) {
		json_t *names = json_object_get(container, "Names");

		json_array_foreach (names, j, name)
			json_array_set_new(
				names, j,
				json_sprintf("/%s", json_string_value(name)));
	}
}

/* --- the host --------------------------------------------------------------- */

static int cgroup_of(const json_t *own)
{
	const char *version =
		sbx_json_text_at(own, "host", "cgroupVersion", NULL);

	return version && strcmp(version, "v2") == 0 ? 2 : 1;
}

int sbx_podman_info(struct sbx_engine *engine, json_t **out,
		    struct sbx_error *err)
{
	if (sbx_http_get(engine, "/libpod/info", JSON_OBJECT, out, err))
		return sbx_error_wrap(err, "ask Podman about its host");
	engine->cgroup = cgroup_of(*out);
	return 0;
}

static bool has_controller(const json_t *own, const char *name)
{
	const json_t *list =
		sbx_json_at(own, "host", "cgroupControllers", NULL);
	const json_t *controller;
	size_t i;

	json_array_foreach (list, i, controller) {
		const char *text = json_string_value(controller);

		if (text && strcmp(text, name) == 0)
			return true;
	}
	return false;
}

/* It looks for the files of cgroup v1. */
static void translate_limits(json_t *info, const json_t *own)
{
	static const struct {
		const char *member;
		const char *controller;
	} limits[] = {
		{ "MemoryLimit", "memory" },
		{ "SwapLimit", "memory" },
		{ "CpuCfsQuota", "cpu" },
		{ "PidsLimit", "pids" },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(limits); i++) {
		bool has = has_controller(own, limits[i].controller);

		json_object_set_new(info, limits[i].member, json_boolean(has));
	}
}

/* The filter it uses is called "default" whatever it is. */
static json_t *seccomp_option(const json_t *own)
{
	static const char packaged[] = "/usr/share/containers/seccomp.json";
	const char *path = sbx_json_text_at(own, "host", "security",
					    "seccompProfilePath", NULL);

	if (!path || !*path || strcmp(path, packaged) == 0)
		return json_string("name=seccomp,profile=default");
	return json_sprintf("name=seccomp,profile=%s", path);
}

static void translate_security(json_t *info, const json_t *own)
{
	json_t *options = json_object_get(info, "SecurityOptions");
	bool rootless =
		sbx_json_true_at(own, "host", "security", "rootless", NULL);

	for (size_t i = json_array_size(options); i-- > 0;) {
		const char *text =
			json_string_value(json_array_get(options, i));

		if (text && sbx_text_has_prefix(text, "name=seccomp"))
			json_array_set_new(options, i, seccomp_option(own));
		/* The kernel's; nobody but root can load a profile. */
		else if (text && rootless && strcmp(text, "name=apparmor") == 0)
			json_array_remove(options, i);
	}
}

void sbx_podman_translate_info(json_t *info, const json_t *own)
{
	if (cgroup_of(own) == 2)
		translate_limits(info, own);
	translate_security(info, own);
}

/* The registry that Docker means when it says none. */
void sbx_podman_translate_image(json_t *image)
{
	static const char registry[] = "docker.io/";
	static const char official[] = "library/";
	json_t *tags = json_object_get(image, "RepoTags");
	const json_t *tag;
	size_t i;

	json_array_foreach (tags, i, tag) {
		const char *text = json_string_value(tag);

		if (!text || !sbx_text_has_prefix(text, registry))
			continue;
		text += strlen(registry);
		if (sbx_text_has_prefix(text, official))
			text += strlen(official);
		json_array_set_new(tags, i, json_string(text));
	}
}

/* --- volumes --------------------------------------------------------------- */

/*
 * Podman gives a volume, as long as it is empty, to the user of the container
 * that has it, and then to whoever has the image's directory in that place,
 * with its mode; a directory of the host that it is as well.  It leaves the
 * owner alone where the options say one; mount(2) takes no notice of it for a
 * bind mount.
 */
static const char keeps_owner[] = ",uid=0";

/*
 * From nothing to "uid=0", and from "bind" to "bind,uid=0".  What is mounted
 * there otherwise would take it for its own option.
 */
static json_t *volume_options(const json_t *asked)
{
	const char *o = sbx_json_text_at(asked, "o", NULL);
	json_t *made;

	if (json_object_size(asked) == 0)
		return json_pack("{s:s}", "o", keeps_owner + 1);
	made = json_copy((json_t *)asked);
	if (o &&
	    (sbx_mount_option_in(o, "bind") || sbx_mount_option_in(o, "rbind")))
		json_object_set_new(made, "o",
				    json_sprintf("%s%s", o, keeps_owner));
	return made;
}

void sbx_podman_translate_volume(json_t *volume)
{
	/* What it understood of "o" itself, once more. */
	static const char *const added[] = { "UID", "GID", "SIZE", "INODES" };
	json_t *options = json_object_get(volume, "Options");
	const char *o = sbx_json_text_at(options, "o", NULL);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(added); i++)
		json_object_del(options, added[i]);
	if (o && strcmp(o, keeps_owner + 1) == 0)
		json_object_del(options, "o");
	else if (o && sbx_text_has_suffix(o, keeps_owner))
		json_object_set_new(
			options, "o",
			json_stringn(o, strlen(o) - strlen(keeps_owner)));
}

/*
 * 201 also for a volume that is there, but for one that somebody else makes
 * just then.
 */
static bool is_made(const struct sbx_http_response *response)
{
	return response->status == 201 ||
	       (response->status == 500 &&
		sbx_text_has_suffix(response->message,
				    ": volume already exists"));
}

static int make_volume(struct sbx_engine *engine, const json_t *mount,
		       struct sbx_error *err)
{
	const json_t *options = json_object_get(mount, "VolumeOptions");
	json_auto_t *body =
		json_pack("{s:O, s:O*, s:O*, s:o}", "Name",
			  json_object_get(mount, "Source"), "Labels",
			  json_object_get(options, "Labels"), "Driver",
			  sbx_json_at(options, "DriverConfig", "Name", NULL),
			  "DriverOpts",
			  volume_options(sbx_json_at(options, "DriverConfig",
						     "Options", NULL)));
	struct sbx_http_request request = {
		.method = "POST",
		.path = "/volumes/create",
		.json = body,
	};
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	if (sbx_http_perform(engine, &request, &response, err) < 0)
		return -1;
	return is_made(&response) ? 0 : sbx_http_refused(&response, err);
}

int sbx_podman_make_volumes(struct sbx_engine *engine, const json_t *body,
			    struct sbx_error *err)
{
	const json_t *mount;
	size_t i;

	json_array_foreach (sbx_json_at(body, "HostConfig", "Mounts", NULL), i,
			    mount) {
		const char *type = sbx_json_text_at(mount, "Type", NULL);

		if (type && strcmp(type, "volume") == 0 &&
		    make_volume(engine, mount, err) < 0)
			return sbx_error_wrap(err, "create volume");
	}
	return 0;
}
