/* SPDX-License-Identifier: MIT */
#include "sandbox/spec.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"
#include "codec/json.h"
#include "sandbox/reap.h"

/*
 * tmpfs inodes cost kernel memory that the size does not count, and a tree of
 * hundreds of thousands of empty files takes long to wipe.
 */
#define INODES_MIN	4096
#define BYTES_PER_INODE (16 * 1024)

#define SHM_SIZE	(64LL * 1024 * 1024)
#define PAGE_SIZE	4096LL

#define DEFAULT_PATH                                                           \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

char *sbx_spec_name(const struct sbx_spec *spec)
{
	return sbx_asprintf("skillbox-%s-%s", spec->grant->skill, spec->nonce);
}

char *sbx_spec_volume_name(const struct sbx_grant *grant, const char *source)
{
	return sbx_asprintf("skillbox-%s-%s-%s", grant->owner, grant->skill,
			    source);
}

static char *user(const struct sbx_action *action)
{
	return sbx_asprintf("%u:%u", action->uid, action->gid);
}

static bool wants_file(const struct sbx_action *action)
{
	return action->output == SBX_OUTPUT_FILE;
}

/* A size of whole pages, for the kernel rounds up anyway. */
static int64_t whole_pages(int64_t size)
{
	return (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

/* --- mounts ---------------------------------------------------------------- */

static void add_tmpfs(json_t *all, const struct sbx_action *action,
		      const char *target, int64_t size, bool exec)
{
	int64_t inodes = size / BYTES_PER_INODE;
	cleanup_free char *options = NULL;

	if (inodes < INODES_MIN)
		inodes = INODES_MIN;
	options = sbx_asprintf(
		"rw,nosuid,nodev,%s,size=%lld,nr_inodes=%lld,mode=0700,"
		"uid=%u,gid=%u",
		exec ? "exec" : "noexec", (long long)whole_pages(size),
		(long long)inodes, action->uid, action->gid);
	json_object_set_new(all, target, json_string(options));
}

static json_t *tmpfs(const struct sbx_action *action)
{
	json_t *all = json_object();

	for (size_t i = 0; i < action->n_tmpfs; i++)
		add_tmpfs(all, action, action->tmpfs[i].target,
			  action->tmpfs[i].size, action->tmpfs[i].exec);
	/* With IpcMode none the engine makes no /dev/shm of its own. */
	if (!json_object_get(all, "/dev/shm"))
		add_tmpfs(all, action, "/dev/shm", SHM_SIZE, false);
	if (wants_file(action))
		add_tmpfs(all, action, SBX_SPEC_OUTPUT_DIR,
			  action->output_limit + PAGE_SIZE, false);
	return all;
}

static json_t *volume_labels(const struct sbx_spec *spec, const char *name)
{
	const struct sbx_grant *grant = spec->grant;
	json_t *labels = json_pack("{s:s, s:s, s:s}", SBX_LABEL_OWNER,
				   grant->owner, SBX_LABEL_SKILL, grant->skill,
				   SBX_LABEL_VOLUME, name);

	if (sbx_text_has_prefix(grant->owner, SBX_SPEC_TEST_OWNER))
		json_object_set_new(labels, SBX_LABEL_RUNNER,
				    json_string(spec->runner));
	return labels;
}

/*
 * NoCopy: what the image has at the mount point would else be copied into a
 * new volume, with the image's choice of owners and modes.
 */
static json_t *volume_mount(const char *name, const char *target,
			    bool read_only, json_t *labels)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:{s:b, s:o}}", "Type", "volume",
			 "Source", name, "Target", target, "ReadOnly",
			 read_only, "VolumeOptions", "NoCopy", 1, "Labels",
			 labels);
}

/*
 * NonRecursive: a read-only bind is read-only for its top mount alone before
 * API 1.44, so nothing that is mounted below the source comes along.
 */
static json_t *bind_mount(const struct sbx_volume_mount *mount)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:{s:s, s:b}}", "Type", "bind",
			 "Source", mount->source, "Target", mount->target,
			 "ReadOnly", mount->read_only, "BindOptions",
			 "Propagation", "rprivate", "NonRecursive", 1);
}

static json_t *granted_mount(const struct sbx_spec *spec,
			     const struct sbx_volume_mount *mount)
{
	cleanup_free char *name = NULL;

	if (mount->source[0] == '/')
		return bind_mount(mount);
	name = sbx_spec_volume_name(spec->grant, mount->source);
	return volume_mount(name, mount->target, mount->read_only,
			    volume_labels(spec, mount->source));
}

static bool is_mounted(const struct sbx_action *action, const char *target)
{
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (strcmp(action->volumes[i].target, target) == 0)
			return true;
	}
	for (size_t i = 0; i < action->n_tmpfs; i++) {
		if (strcmp(action->tmpfs[i].target, target) == 0)
			return true;
	}
	return false;
}

/*
 * A path the image declared with VOLUME would become an anonymous volume,
 * writable and of no size; an empty read-only tmpfs takes its place.
 */
static void mask_image_volumes(const struct sbx_spec *spec, json_t *mounts)
{
	const struct sbx_strv *declared;

	if (!spec->image)
		return;
	declared = &spec->image->volumes;
	for (size_t i = 0; i < declared->n; i++) {
		if (is_mounted(&spec->grant->action, declared->v[i]))
			continue;
		json_array_append_new(mounts,
				      json_pack("{s:s, s:s, s:b, s:{s:i, s:i}}",
						"Type", "tmpfs", "Target",
						declared->v[i], "ReadOnly", 1,
						"TmpfsOptions", "SizeBytes",
						(int)PAGE_SIZE, "Mode", 0555));
	}
}

static json_t *mounts(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *all = json_array();

	json_array_append_new(
		all, volume_mount(spec->init_volume, SBX_SPEC_INIT_DIR, true,
				  json_pack("{s:s}", SBX_LABEL_INIT,
					    spec->init_hash)));
	for (size_t i = 0; i < action->n_volumes; i++)
		json_array_append_new(all,
				      granted_mount(spec, &action->volumes[i]));
	mask_image_volumes(spec, all);
	return all;
}

static size_t n_masked(const struct sbx_spec *spec)
{
	return spec->image ? spec->image->volumes.n : 0;
}

static void expect(struct sbx_hello_mount *list, size_t *n,
		   struct sbx_hello_mount mount)
{
	list[(*n)++] = mount;
}

struct sbx_hello_mount *sbx_spec_mounts(const struct sbx_spec *spec,
					size_t *count)
{
	const struct sbx_action *action = &spec->grant->action;
	struct sbx_hello_mount *list = sbx_calloc(
		action->n_volumes + action->n_tmpfs + n_masked(spec) + 3,
		sizeof(*list));
	bool own_shm = false;
	size_t n = 0;

	expect(list, &n,
	       (struct sbx_hello_mount){ .target = SBX_SPEC_INIT_DIR,
					 .exec = true });
	for (size_t i = 0; i < action->n_tmpfs; i++) {
		const struct sbx_tmpfs *t = &action->tmpfs[i];

		own_shm = own_shm || strcmp(t->target, "/dev/shm") == 0;
		expect(list, &n,
		       (struct sbx_hello_mount){ .target = t->target,
						 .fstype = "tmpfs",
						 .writable = true,
						 .exec = t->exec });
	}
	if (!own_shm)
		expect(list, &n,
		       (struct sbx_hello_mount){ .target = "/dev/shm",
						 .fstype = "tmpfs",
						 .writable = true });
	if (wants_file(action))
		expect(list, &n,
		       (struct sbx_hello_mount){ .target = SBX_SPEC_OUTPUT_DIR,
						 .fstype = "tmpfs",
						 .writable = true });
	for (size_t i = 0; i < action->n_volumes; i++)
		expect(list, &n,
		       (struct sbx_hello_mount){
			       .target = action->volumes[i].target,
			       .writable = !action->volumes[i].read_only,
			       .exec = true });
	for (size_t i = 0; i < n_masked(spec); i++) {
		const char *target = spec->image->volumes.v[i];

		if (!is_mounted(action, target))
			expect(list, &n,
			       (struct sbx_hello_mount){ .target = target,
							 .fstype = "tmpfs" });
	}
	*count = n;
	return list;
}

/* --- the create body ------------------------------------------------------- */

static json_t *ulimits(const struct sbx_action *action)
{
	json_t *all = json_array();

	for (size_t i = 0; i < action->n_ulimits; i++) {
		const struct sbx_ulimit *u = &action->ulimits[i];

		json_array_append_new(
			all, json_pack("{s:s, s:I, s:I}", "Name", u->name,
				       "Soft", (json_int_t)u->soft, "Hard",
				       (json_int_t)u->hard));
	}
	return all;
}

/*
 * Every restriction there is, each said although some engines would default
 * to it: 20.10 leaves no-new-privileges off, pids unlimited, the cgroup
 * namespace the host's, and swap at twice the memory.
 */
static json_t *host_config(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *config =
		json_pack("{s:b, s:[s], s:[s], s:b, s:b, s:b}",
			  /* Nothing has to be alive to clean up. */
			  "AutoRemove", 1, "CapDrop", "ALL",
			  /* The engine's default seccomp profile stays. */
			  "SecurityOpt", "no-new-privileges", "ReadonlyRootfs",
			  1, "Privileged", 0,
			  /* A docker-init in front of ours would be PID 1. */
			  "Init", 0);
	json_t *limits = json_pack(
		"{s:I, s:I, s:i, s:I, s:I, s:b}", "Memory",
		(json_int_t)action->mem_limit,
		/* Memory plus swap: equal means that swap is never added. */
		"MemorySwap", (json_int_t)action->mem_limit, "MemorySwappiness",
		0, "PidsLimit", (json_int_t)action->pids_limit, "NanoCpus",
		(json_int_t)action->nano_cpus, "OomKillDisable", 0);
	json_t *rest = json_pack(
		"{s:s, s:s, s:s, s:s, s:s, s:{s:s}, s:o, s:o, s:o}",
		"NetworkMode", sbx_network_name(action->network), "IpcMode",
		"none", "PidMode", "", "UTSMode", "", "CgroupnsMode", "private",
		/* The engine would keep the output on its disk. */
		"LogConfig", "Type", "none", "Ulimits", ulimits(action),
		"Tmpfs", tmpfs(action), "Mounts", mounts(spec));

	json_object_update_new(config, limits);
	json_object_update_new(config, rest);
	if (action->runtime)
		json_object_set_new(config, "Runtime",
				    json_string(action->runtime));
	return config;
}

static json_t *labels(const struct sbx_spec *spec)
{
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", SBX_LABEL_RUNNER,
			 spec->runner, SBX_LABEL_SKILL, spec->grant->skill,
			 SBX_LABEL_ACTION, spec->grant->action.name,
			 SBX_LABEL_RUN_ID, spec->run_id, SBX_LABEL_OWNER,
			 spec->grant->owner);
}

static const char *working_dir(const struct sbx_spec *spec)
{
	if (spec->grant->action.working_dir)
		return spec->grant->action.working_dir;
	if (spec->image && spec->image->working_dir &&
	    spec->image->working_dir[0] != '\0')
		return spec->image->working_dir;
	return "/";
}

json_t *sbx_spec_body(const struct sbx_spec *spec)
{
	cleanup_free char *uid_gid = user(&spec->grant->action);

	/*
	 * StdinOnce: closing the channel ends init's stdin, the dead man's
	 * switch.  All that an image could decide is said here.
	 */
	return json_pack("{s:s, s:s, s:s, s:s, s:b, s:b, s:b, s:b, s:b, s:b,"
			 " s:[s], s:[], s:s, s:{s:[s]}, s:o, s:o}",
			 "Image", spec->image_id, "Hostname", "skillbox",
			 "User", uid_gid, "WorkingDir", working_dir(spec),
			 "OpenStdin", 1, "StdinOnce", 1, "AttachStdin", 1,
			 "AttachStdout", 1, "AttachStderr", 1, "Tty", 0,
			 "Entrypoint", SBX_SPEC_INIT_PATH, "Cmd", "StopSignal",
			 "SIGTERM", "Healthcheck", "Test", "NONE", "Labels",
			 labels(spec), "HostConfig", host_config(spec));
}

/* --- the program's command and environment --------------------------------- */

static void extend(struct sbx_strv *to, const struct sbx_strv *from)
{
	for (size_t i = 0; i < from->n; i++)
		sbx_strv_push(to, from->v[i]);
}

void sbx_spec_argv(const struct sbx_spec *spec, struct sbx_strv *argv)
{
	const struct sbx_action *action = &spec->grant->action;

	if (action->has_entrypoint) {
		/* As in Compose, this also forgets the image's CMD. */
		extend(argv, &action->entrypoint);
		extend(argv, &action->command);
	} else {
		extend(argv, &spec->image->entrypoint);
		extend(argv, action->has_command ? &action->command
						 : &spec->image->cmd);
	}
	if (!action->has_entrypoint && !action->has_command)
		sbx_strv_push(argv, action->name);
}

static void setenv_entry(struct sbx_strv *env, const char *entry)
{
	const char *equals = strchr(entry, '=');
	cleanup_free char *name = NULL;

	if (!equals)
		return;
	name = sbx_strndup(entry, (size_t)(equals - entry));
	sbx_strv_setenv(env, name, equals + 1);
}

static bool is_beneath(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	return strncmp(path, directory, size) == 0 &&
	       (path[size] == '\0' || path[size] == '/');
}

static bool is_writable(const struct sbx_action *action, const char *path)
{
	for (size_t i = 0; i < action->n_tmpfs; i++) {
		if (is_beneath(path, action->tmpfs[i].target))
			return true;
	}
	for (size_t i = 0; i < action->n_volumes; i++) {
		if (!action->volumes[i].read_only &&
		    is_beneath(path, action->volumes[i].target))
			return true;
	}
	return false;
}

static void set_home(const struct sbx_action *action, struct sbx_strv *env)
{
	const char *home = sbx_strv_getenv(env, "HOME");

	if (!home || !is_writable(action, home))
		sbx_strv_setenv(env, "HOME", "/tmp");
}

/* A string as it is, anything else as JSON; NULL when it has a NUL in it. */
static char *input_value(const json_t *value)
{
	const char *text = json_string_value(value);

	if (!text)
		return sbx_json_line(value);
	return strlen(text) == json_string_length(value) ? sbx_strdup(text)
							 : NULL;
}

/* INPUT_<NAME>: actions/toolkit, core.getInput(). */
static int add_input(struct sbx_strv *inputs, const char *key,
		     const json_t *value, struct sbx_error *err)
{
	cleanup_free char *name = sbx_asprintf("INPUT_%s", key);
	cleanup_free char *text = input_value(value);

	for (char *c = name; *c; c++)
		*c = *c == ' ' ? '_' : (char)toupper((unsigned char)*c);
	if (strchr(name, '=') || !text)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "input: member \"%s\" cannot be an "
				     "environment variable: \"=\" in its name "
				     "or U+0000 in its value",
				     key);
	if (sbx_strv_getenv(inputs, name))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "input: member \"%s\" would be a second "
				     "%s in the environment",
				     key, name);
	sbx_strv_setenv(inputs, name, text);
	return 0;
}

static int set_inputs(struct sbx_strv *env, const json_t *input,
		      const char *input_text, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv inputs = SBX_STRV_INIT;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)input, key, value) {
		if (add_input(&inputs, key, value, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < inputs.n; i++)
		setenv_entry(env, inputs.v[i]);
	sbx_strv_setenv(env, "SKILL_ARGS", input_text);
	return 0;
}

int sbx_spec_environment(const struct sbx_spec *spec, const json_t *input,
			 const char *input_text, struct sbx_strv *env,
			 struct sbx_error *err)
{
	const struct sbx_action *action = &spec->grant->action;

	sbx_strv_setenv(env, "PATH", DEFAULT_PATH);
	for (size_t i = 0; i < spec->image->env.n; i++)
		setenv_entry(env, spec->image->env.v[i]);
	for (size_t i = 0; i < action->environment.n; i++)
		setenv_entry(env, action->environment.v[i]);
	set_home(action, env);
	if (input && set_inputs(env, input, input_text, err) < 0)
		return -1;
	if (wants_file(action))
		sbx_strv_setenv(env, "SKILL_OUTPUT", SBX_SPEC_OUTPUT_PATH);
	sbx_strv_setenv(env, "SKILL_ACTION", action->name);
	sbx_strv_setenv(env, "SKILL_RUN_ID", spec->run_id);
	return 0;
}
