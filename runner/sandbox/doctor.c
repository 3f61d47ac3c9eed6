/* SPDX-License-Identifier: MIT */
#include "sandbox/doctor.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/units.h"

/*
 * /info's members by Docker Engine API 1.41, "SystemInfo"; Podman 4.3's
 * compatible endpoint has the same ones.  An engine that leaves a member out
 * is told from one that says false: only a false is a failure.
 */

/* Oldest API that has all we ask for: cgroup namespaces, /info's fields. */
#define API_MAJOR 1
#define API_MINOR 41
/* Newest dialect we speak. */
#define API_MINOR_MAX 44

/* An image with an interpreter takes about a tenth of this. */
#define FREE_BYTES_WANTED ((int64_t)2 * 1024 * 1024 * 1024)

/* First id above those that uids of actions come from: skill/policy.h. */
#define UID_RANGE_END 265536

void sbx_doctor_findings_free(struct sbx_doctor_findings *findings)
{
	for (size_t i = 0; i < findings->n; i++)
		free(findings->v[i].what);
	free(findings->v);
	findings->v = NULL;
	findings->n = 0;
}

void sbx_doctor_add(struct sbx_doctor_findings *findings,
		    enum sbx_doctor_level level, const char *id,
		    const char *fix, const char *format, ...)
{
	struct sbx_doctor_finding *finding;
	char *what = NULL;
	va_list args;

	va_start(args, format);
	if (vasprintf(&what, format, args) < 0)
		abort();
	va_end(args);
	findings->v = sbx_realloc(findings->v,
				  (findings->n + 1) * sizeof(*findings->v));
	finding = &findings->v[findings->n++];
	finding->level = level;
	finding->id = id;
	finding->what = what;
	finding->fix = fix;
}

const char *sbx_doctor_level_name(enum sbx_doctor_level level)
{
	static const char *const names[] = { "ok", "warn", "FAIL" };

	return names[level];
}

/* --- facts ----------------------------------------------------------------- */

static const char *text_or(const char *text, const char *other)
{
	return text && *text ? text : other;
}

/* The component @name in /version, or NULL. */
static const json_t *component(const json_t *version, const char *name)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (sbx_json_at(version, "Components", NULL), i,
			    entry) {
		const char *have = sbx_json_text_at(entry, "Name", NULL);

		if (have && strcmp(have, name) == 0)
			return entry;
	}
	return NULL;
}

static bool is_podman(const json_t *version)
{
	return component(version, "Podman Engine") != NULL;
}

/* The parameter @key of the security option @name; "" for none; or NULL. */
static const char *security_option(const json_t *info, const char *name,
				   const char *key)
{
	cleanup_free char *wanted = sbx_asprintf("name=%s", name);
	const json_t *entry;
	size_t i;

	json_array_foreach (sbx_json_at(info, "SecurityOptions", NULL), i,
			    entry) {
		const char *text = json_string_value(entry);
		size_t size = strlen(wanted);
		const char *at;

		if (!text || strncmp(text, wanted, size) != 0 ||
		    (text[size] && text[size] != ','))
			continue;
		at = key ? strstr(text + size, key) : NULL;
		return at ? at + strlen(key) : "";
	}
	return NULL;
}

static void fact(json_t *facts, const char *name, char *text)
{
	json_object_set_new(facts, name, json_string(text));
	free(text);
}

static char *join_names(const json_t *object)
{
	struct sbx_buf out = SBX_BUF_INIT(1024);
	const char *name;
	const json_t *value;

	json_object_foreach ((json_t *)object, name, value)
		sbx_buf_printf(&out, "%s%s", out.len ? " " : "", name);
	return sbx_buf_take(&out);
}

static char *join_security(const json_t *info)
{
	struct sbx_buf out = SBX_BUF_INIT(1024);
	const json_t *entry;
	size_t i;

	json_array_foreach (sbx_json_at(info, "SecurityOptions", NULL), i,
			    entry) {
		const char *text = json_string_value(entry);

		if (!text)
			continue;
		if (sbx_text_has_prefix(text, "name="))
			text += strlen("name=");
		sbx_buf_printf(&out, "%s%s", out.len ? " " : "", text);
	}
	return sbx_buf_take(&out);
}

json_t *sbx_doctor_facts(const json_t *info, const json_t *version)
{
	const char *runc =
		sbx_json_text_at(component(version, "runc"), "Version", NULL);
	json_t *facts = json_object();

#define AT(...) text_or(sbx_json_text_at(__VA_ARGS__, NULL), "?")
	fact(facts, "engine",
	     sbx_asprintf("%s %s", is_podman(version) ? "Podman" : "Docker",
			  AT(version, "Version")));
	fact(facts, "api",
	     sbx_asprintf("%s (from %s)", AT(version, "ApiVersion"),
			  AT(version, "MinAPIVersion")));
	fact(facts, "host",
	     sbx_asprintf(
		     "%s, %s, %lld CPUs, %lld MiB", AT(info, "Name"),
		     AT(info, "OperatingSystem"),
		     (long long)sbx_json_int_at(0, info, "NCPU", NULL),
		     (long long)sbx_json_int_at(0, info, "MemTotal", NULL) >>
			     20));
	fact(facts, "kernel",
	     sbx_asprintf("%s %s", AT(info, "KernelVersion"),
			  AT(info, "Architecture")));
	fact(facts, "cgroup",
	     sbx_asprintf("v%s, %s driver", AT(info, "CgroupVersion"),
			  AT(info, "CgroupDriver")));
	fact(facts, "storage",
	     sbx_asprintf("%s in %s", AT(info, "Driver"),
			  AT(info, "DockerRootDir")));
	fact(facts, "runtimes",
	     join_names(sbx_json_at(info, "Runtimes", NULL)));
	fact(facts, "default_runtime",
	     sbx_asprintf("%s%s%s", AT(info, "DefaultRuntime"), runc ? " " : "",
			  runc ? runc : ""));
	fact(facts, "security", join_security(info));
#undef AT
	return facts;
}

/* --- findings -------------------------------------------------------------- */

static void ok(struct sbx_doctor_findings *to, const char *id, const char *what)
{
	sbx_doctor_add(to, SBX_DOCTOR_OK, id, NULL, "%s", what);
}

static void examine_api(struct sbx_doctor_findings *to, const json_t *version)
{
	const char *newest = sbx_json_text_at(version, "ApiVersion", NULL);
	const char *oldest = sbx_json_text_at(version, "MinAPIVersion", NULL);
	int major = 0, minor = 0, least_major = 0, least_minor = 0;

	if (newest)
		sscanf(newest, "%d.%d", &major, &minor);
	if (oldest)
		sscanf(oldest, "%d.%d", &least_major, &least_minor);
	if (major == 0)
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "api",
			       "check that --engine or DOCKER_HOST names a "
			       "Docker or Podman engine",
			       "the engine does not tell its API version");
	else if (major != API_MAJOR || minor < API_MINOR)
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "api",
			       "use Docker 20.10 or Podman 4.3, or later",
			       "API %s is older than %d.%d", newest, API_MAJOR,
			       API_MINOR);
	else if (least_major == API_MAJOR && least_minor > API_MINOR_MAX)
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "api",
			       "use a newer skillbox, or set "
			       "DOCKER_MIN_API_VERSION=1.44 for dockerd",
			       "the engine insists on API %s or later, "
			       "skillbox speaks up to %d.%d",
			       oldest, API_MAJOR, API_MINOR_MAX);
	else
		sbx_doctor_add(to, SBX_DOCTOR_OK, "api", NULL,
			       "API %s serves everything skillbox needs",
			       newest);
}

static void examine_os(struct sbx_doctor_findings *to, const json_t *info)
{
	const char *type = sbx_json_text_at(info, "OSType", NULL);

	if (type && strcmp(type, "linux") != 0)
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "system",
			       "use an engine that runs Linux containers",
			       "the engine runs %s containers", type);
}

static void examine_seccomp(struct sbx_doctor_findings *to, const json_t *info)
{
	static const char *const built_in[] = { "", "default", "builtin" };
	const char *profile = security_option(info, "seccomp", "profile=");

	if (!profile) {
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "seccomp",
			       "use a kernel with CONFIG_SECCOMP_FILTER and "
			       "an engine built with seccomp",
			       "the engine filters no system calls");
		return;
	}
	if (strcmp(profile, "unconfined") == 0) {
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "seccomp",
			       "remove --seccomp-profile=unconfined from "
			       "dockerd's options (or \"seccomp-profile\" "
			       "from /etc/docker/daemon.json)",
			       "the engine's default profile is off");
		return;
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(built_in); i++) {
		if (strcmp(profile, built_in[i]) == 0) {
			ok(to, "seccomp",
			   "the engine's default profile is in force");
			return;
		}
	}
	sbx_doctor_add(to, SBX_DOCTOR_WARN, "seccomp",
		       "check that it is at least as strict as the built-in "
		       "profile",
		       "a profile of this site is in force: %s", profile);
}

/* The limits, by the member of /info that says whether they work. */
static const struct {
	const char *id;
	const char *member;
	const char *good;
	const char *bad;
	const char *fix;
} limits[] = {
	{ "memory", "MemoryLimit", "memory can be limited",
	  "memory cannot be limited",
	  "enable the memory cgroup: boot with cgroup_enable=memory (rootless: "
	  "delegate the memory controller)" },
	{ "swap", "SwapLimit", "swap can be limited",
	  "swap cannot be limited, so a memory limit would not hold",
	  "boot with swapaccount=1, or use cgroup v2" },
	{ "pids", "PidsLimit", "the number of processes can be limited",
	  "the number of processes cannot be limited",
	  "enable the pids cgroup (rootless: delegate the pids controller)" },
	{ "cpu", "CpuCfsQuota", "CPU time can be limited",
	  "CPU time cannot be limited",
	  "use a kernel with CONFIG_CFS_BANDWIDTH (rootless: delegate the cpu "
	  "controller)" },
};

static void examine_limits(struct sbx_doctor_findings *to, const json_t *info)
{
	const char *driver = sbx_json_text_at(info, "CgroupDriver", NULL);

	if (driver && strcmp(driver, "none") == 0)
		sbx_doctor_add(to, SBX_DOCTOR_FAIL, "cgroup",
			       "use cgroup v2 with systemd and delegate its "
			       "controllers to the engine's user",
			       "the engine has no cgroups: no limit holds");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(limits); i++) {
		const json_t *value = json_object_get(info, limits[i].member);

		if (json_is_true(value))
			ok(to, limits[i].id, limits[i].good);
		else if (json_is_false(value))
			sbx_doctor_add(to, SBX_DOCTOR_FAIL, limits[i].id,
				       limits[i].fix, "%s", limits[i].bad);
		else
			sbx_doctor_add(to, SBX_DOCTOR_WARN, limits[i].id, NULL,
				       "the engine does not say "
				       "whether %s",
				       limits[i].good);
	}
}

static void examine_users(struct sbx_doctor_findings *to, const json_t *info)
{
	bool rootless = security_option(info, "rootless", NULL) != NULL;
	bool remapped = security_option(info, "userns", NULL) != NULL;

	if (!rootless && !remapped) {
		ok(to, "users", "actions get user ids of their own");
		return;
	}
	/* A user namespace has the ids its owner was given, 65536 as a rule. */
	sbx_doctor_add(to, SBX_DOCTOR_WARN, "users",
		       "give the engine's user at least 265536 ids in "
		       "/etc/subuid and /etc/subgid; without them no action "
		       "can start",
		       "the engine %s: user ids of actions go up to %d",
		       rootless ? "is rootless" : "remaps user ids",
		       UID_RANGE_END - 1);
}

static void examine_lsm(struct sbx_doctor_findings *to, const json_t *info)
{
	if (security_option(info, "apparmor", NULL))
		ok(to, "lsm", "AppArmor confines containers as well");
	else if (security_option(info, "selinux", NULL))
		ok(to, "lsm", "SELinux confines containers as well");
	else
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "lsm",
			       "install apparmor, or run dockerd with "
			       "--selinux-enabled where the system has "
			       "SELinux",
			       "neither AppArmor nor SELinux confines "
			       "containers; everything else still does");
}

static void examine_network(struct sbx_doctor_findings *to, const json_t *info)
{
	const json_t *forwarding = json_object_get(info, "IPv4Forwarding");

	if (json_is_false(forwarding))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "network",
			       "sysctl -w net.ipv4.ip_forward=1",
			       "the host forwards no IPv4: actions with "
			       "network: bridge reach nothing outside");
	else
		ok(to, "network", "actions with network: bridge get out");
}

/* The value of ["@name", "..."] in DriverStatus. */
static const char *driver_status(const json_t *info, const char *name)
{
	const json_t *pair;
	size_t i;

	json_array_foreach (sbx_json_at(info, "DriverStatus", NULL), i, pair) {
		const char *have = json_string_value(json_array_get(pair, 0));

		if (have && strcmp(have, name) == 0)
			return json_string_value(json_array_get(pair, 1));
	}
	return NULL;
}

static void examine_storage(struct sbx_doctor_findings *to, const json_t *info,
			    int64_t free_bytes)
{
	const char *driver =
		text_or(sbx_json_text_at(info, "Driver", NULL), "?");
	const char *d_type = driver_status(info, "Supports d_type");

	if (d_type && strcmp(d_type, "false") == 0)
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "storage",
			       "put the engine's data on ext4, or on XFS "
			       "made with ftype=1",
			       "the file system under %s cannot be trusted "
			       "with images (no d_type)",
			       driver);
	else if (strcmp(driver, "vfs") == 0)
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "storage",
			       "use the overlay2 storage driver",
			       "storage driver vfs copies the whole image "
			       "for each sandbox");
	else
		sbx_doctor_add(to, SBX_DOCTOR_OK, "storage", NULL,
			       "storage driver %s shares images between "
			       "sandboxes",
			       driver);
	if (free_bytes >= 0 && free_bytes < FREE_BYTES_WANTED)
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "disk",
			       "'skillbox prune' and 'docker system prune' "
			       "free some",
			       "only %lld MiB are free where the engine "
			       "keeps its data",
			       (long long)(free_bytes >> 20));
}

static void examine_builder(struct sbx_doctor_findings *to,
			    const json_t *version)
{
	if (is_podman(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "builder",
			       "build on a Docker engine where a Dockerfile "
			       "needs BuildKit",
			       "Podman builds without BuildKit: no cache "
			       "mounts");
	else
		ok(to, "builder", "images are built by BuildKit");
}

/* What a sandbox has beside its limits, and who cannot give all of it. */
static void examine_tmpfs(struct sbx_doctor_findings *to, const json_t *version)
{
	if (is_podman(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "tmpfs",
			       "use a Docker engine where skills fill "
			       "directories on purpose",
			       "Podman gives a tmpfs a size, but no number of "
			       "files: the memory limit bounds that");
	else
		ok(to, "tmpfs",
		   "a tmpfs has a size, a number of files and an owner");
}

/* A directory of the host is kept from that, see engine/podman.c. */
static void examine_volumes(struct sbx_doctor_findings *to,
			    const json_t *version)
{
	if (is_podman(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "volumes",
			       "use a Docker engine for volumes of that type",
			       "Podman gives what a new volume of type nfs or "
			       "cifs has at its root to the action's user");
	else
		ok(to, "volumes", "what a volume is made of keeps its owner");
}

/* The limit that its traits have to say, see engine/traits.c. */
static void examine_processes(struct sbx_doctor_findings *to,
			      const json_t *version)
{
	if (is_podman(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "processes",
			       "use a Docker engine where actions of one owner "
			       "need more at once",
			       "on Podman all sandboxes of one user have 4096 "
			       "processes together, whatever their pids_limit");
	else
		ok(to, "processes", "each sandbox has its own pids_limit");
}

/* Its inspection of an image leaves Config.OnBuild out. */
static void examine_triggers(struct sbx_doctor_findings *to,
			     const json_t *version)
{
	if (is_podman(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "triggers",
			       "grant foreign base images (build.from) that "
			       "you would build on by hand, or use a Docker "
			       "engine",
			       "Podman does not say what a base image has for "
			       "ONBUILD, and builds it in");
	else
		ok(to, "triggers", "base images with ONBUILD are refused");
}

static bool is_podman_4(const json_t *version)
{
	const char *text = sbx_json_text_at(version, "Version", NULL);

	return is_podman(version) && text && strtol(text, NULL, 10) < 5;
}

static void examine_hosts(struct sbx_doctor_findings *to, const json_t *version)
{
	if (is_podman_4(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "hosts",
			       "use Podman 5, or put base_hosts_file = "
			       "\"none\" into containers.conf",
			       "Podman 4 shows /etc/hosts of the host to "
			       "actions");
	else
		ok(to, "hosts", "/etc/hosts of the host is not shown");
}

static void examine_ipc(struct sbx_doctor_findings *to, const json_t *version)
{
	const char *text = sbx_json_text_at(version, "Version", NULL);

	if (is_podman_4(version))
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "ipc", "use Podman 5",
			       "Podman %s does not say whether a container's "
			       "IPC is its own: it is asked for, not checked",
			       text);
	else
		ok(to, "ipc", "IPC of one's own is asked for, and checked");
}

static void examine_cgroup_folder(struct sbx_doctor_findings *to,
				  const json_t *info)
{
	const char *version = sbx_json_text_at(info, "CgroupVersion", NULL);
	const char *runtime = sbx_json_text_at(info, "DefaultRuntime", NULL);

	if (version && runtime && strcmp(version, "1") == 0 &&
	    strcmp(runtime, "crun") == 0)
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "root",
			       "use cgroup v2, or runc",
			       "crun on cgroup v1 leaves 1 MiB in "
			       "/sys/fs/cgroup that an action can write to; "
			       "all else is read-only");
	else
		ok(to, "root",
		   "nothing is writable but what an action asks for");
}

/* What the engine itself complains of: {"Warnings": ["WARNING: ..."]} */
static void pass_on_warnings(struct sbx_doctor_findings *to, const json_t *info)
{
	const json_t *entry;
	size_t i;

	json_array_foreach (sbx_json_at(info, "Warnings", NULL), i, entry) {
		const char *text = json_string_value(entry);
		bool open_api;

		if (!text)
			continue;
		open_api = strstr(text, "without encryption") != NULL;
		if (sbx_text_has_prefix(text, "WARNING: "))
			text += strlen("WARNING: ");
		sbx_doctor_add(to, SBX_DOCTOR_WARN, "engine",
			       open_api ? "let dockerd listen on its Unix "
					  "socket only, or with TLS: who "
					  "reaches this port is root"
					: NULL,
			       "the engine warns: %.*s",
			       (int)strcspn(text, "\n"), text);
	}
}

void sbx_doctor_examine(struct sbx_doctor_findings *findings,
			const json_t *info, const json_t *version,
			int64_t free_bytes)
{
	examine_api(findings, version);
	examine_os(findings, info);
	examine_seccomp(findings, info);
	examine_lsm(findings, info);
	examine_limits(findings, info);
	examine_users(findings, info);
	examine_network(findings, info);
	examine_storage(findings, info, free_bytes);
	examine_tmpfs(findings, version);
	examine_processes(findings, version);
	examine_volumes(findings, version);
	examine_triggers(findings, version);
	examine_hosts(findings, version);
	examine_ipc(findings, version);
	examine_cgroup_folder(findings, info);
	examine_builder(findings, version);
	pass_on_warnings(findings, info);
}
