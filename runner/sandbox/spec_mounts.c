/* SPDX-License-Identifier: MIT */
/*
 * What is mounted in a sandbox: as the engine is told it, and as init must
 * find it.  The two lists are made from the same grant, side by side.
 */
#include "sandbox/spec_mounts.h"

#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "init/wire.h"
#include "sandbox/runner.h"
#include "sandbox/spec_devices.h"
#include "skill/volume_options.h"

/*
 * tmpfs inodes cost kernel memory that the size does not count, and a tree of
 * hundreds of thousands of empty files takes long to wipe.
 */
#define INODES_MIN	4096
#define BYTES_PER_INODE (16 * 1024)

#define SHM_TARGET	"/dev/shm"
#define SHM_SIZE	(64LL * 1024 * 1024)
#define PAGE_SIZE	4096LL
/* What RUN can carry, and a page that is not full for each file. */
#define SECRETS_SIZE (SBX_WIRE_RUN_MAX + SBX_SECRETS_MAX * PAGE_SIZE)

/*
 * A dash within a part is doubled, or the skill a-b's volume c would be the
 * skill a's volume b-c.  Neither a skill's nor a volume's name begins with one.
 */
static void add_part(struct sbx_buf *name, const char *part)
{
	for (; *part; part++)
		sbx_buf_append(name, *part == '-' ? "--" : part,
			       *part == '-' ? 2 : 1);
	sbx_buf_puts(name, "-");
}

char *sbx_spec_volume_name(const struct sbx_grant *grant, const char *source)
{
	cleanup_buf struct sbx_buf name = SBX_BUF_INIT(1024);

	sbx_buf_puts(&name, "skillbox-");
	add_part(&name, grant->owner);
	add_part(&name, grant->skill);
	sbx_buf_puts(&name, source);
	return sbx_buf_take(&name);
}

static bool wants_file(const struct sbx_action *action)
{
	return action->output == SBX_OUTPUT_FILE;
}

/* A size in whole pages, as the kernel rounds up anyway. */
static int64_t whole_pages(int64_t size)
{
	return (size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
}

/*
 * Where a tmpfs cannot be given to the action's user it is everybody's; there
 * is nobody else.  There too the memory limit bounds its number of files, for
 * inodes count as memory of who makes them.
 */
static char *tmpfs_options(const struct sbx_spec *spec, int64_t size, bool exec)
{
	const struct sbx_action *action = &spec->grant->action;
	const char *run = exec ? "exec" : "noexec";
	long long bytes = whole_pages(size);
	int64_t inodes = size / BYTES_PER_INODE;

	if (spec->traits->plain_tmpfs)
		return sbx_asprintf("rw,nosuid,nodev,%s,size=%lld,mode=1777,"
				    "notmpcopyup",
				    run, bytes);
	if (inodes < INODES_MIN)
		inodes = INODES_MIN;
	return sbx_asprintf("rw,nosuid,nodev,%s,size=%lld,nr_inodes=%lld,"
			    "mode=0700,uid=%u,gid=%u",
			    run, bytes, (long long)inodes, action->uid,
			    action->gid);
}

static void add_tmpfs(json_t *all, const struct sbx_spec *spec,
		      const char *target, int64_t size, bool exec)
{
	cleanup_free char *options = tmpfs_options(spec, size, exec);

	json_object_set_new(all, target, json_string(options));
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
 * API 1.44, so nothing that is mounted below the source comes along.  With
 * @rslave what is mounted there after the start does.  To a mount alone "r"
 * would add nothing; with it crun binds all that is mounted below as well.
 */
static json_t *bind_mount(const char *source, const char *target,
			  bool read_only, bool rslave)
{
	return json_pack("{s:s, s:s, s:s, s:b, s:{s:s, s:b}}", "Type", "bind",
			 "Source", source, "Target", target, "ReadOnly",
			 read_only, "BindOptions", "Propagation",
			 rslave ? "slave" : "private", "NonRecursive", 1);
}

/*
 * How the engine makes the volume, if it is not there.  The values may be
 * addresses, not secrets: what has a password is no manifest's.
 */
static json_t *volume_driver(const json_t *options)
{
	return json_pack("{s:s, s:O}", "Name", "local", "Options", options);
}

static json_t *granted_mount(const struct sbx_spec *spec,
			     const struct sbx_mount *mount)
{
	const json_t *options =
		sbx_volume_options_of(spec->grant->volumes, mount->source);
	cleanup_free char *name = NULL;
	json_t *volume;

	if (mount->source[0] == '/')
		return bind_mount(mount->source, mount->target,
				  mount->read_only, mount->rslave);
	name = sbx_spec_volume_name(spec->grant, mount->source);
	volume = volume_mount(name, mount->target, mount->read_only,
			      volume_labels(spec, mount->source));
	if (options)
		json_object_set_new(json_object_get(volume, "VolumeOptions"),
				    "DriverConfig", volume_driver(options));
	return volume;
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
	if ((action->files_in && strcmp(action->files_in, target) == 0) ||
	    (action->files_out && strcmp(action->files_out, target) == 0))
		return true;
	/* With IpcMode none the engine makes no /dev/shm of its own. */
	if (strcmp(target, SHM_TARGET) == 0)
		return true;
	if (strcmp(target, SBX_SECRETS_DIR) == 0)
		return sbx_action_wants_secret_files(action);
	return wants_file(action) && strcmp(target, SBX_SPEC_OUTPUT_DIR) == 0;
}

/* Over the kernel's file systems nothing may be, not even something empty. */
static bool may_mask(const char *path)
{
	static const char *const never[] = { "/proc", "/sys", "/dev" };
	cleanup_free char *clean = sbx_path_normalize(path);

	if (!clean)
		return false;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(never); i++) {
		if (sbx_path_overlaps(clean, never[i]))
			return false;
	}
	return true;
}

int sbx_spec_check(const struct sbx_spec *spec, struct sbx_error *err)
{
	const struct sbx_strv *declared = &spec->image->volumes;

	if (sbx_spec_gpus_check(spec, err) < 0)
		return -1;
	for (size_t i = 0; i < declared->n; i++) {
		cleanup_buf struct sbx_buf path = SBX_BUF_INIT(256);

		if (is_mounted(&spec->grant->action, declared->v[i]) ||
		    may_mask(declared->v[i]))
			continue;
		sbx_text_escape(&path, declared->v[i], strlen(declared->v[i]),
				false);
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "image.volumes: the image declares a "
				     "VOLUME at \"%s\", where none may be",
				     sbx_buf_text(&path));
	}
	return 0;
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

json_t *sbx_spec_tmpfs_json(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *all = json_object();

	for (size_t i = 0; i < action->n_tmpfs; i++)
		add_tmpfs(all, spec, action->tmpfs[i].target,
			  action->tmpfs[i].size, action->tmpfs[i].exec);
	if (action->files_in)
		add_tmpfs(all, spec, action->files_in, action->files_limit,
			  false);
	if (action->files_out)
		add_tmpfs(all, spec, action->files_out, action->files_limit,
			  false);
	if (!json_object_get(all, SHM_TARGET))
		add_tmpfs(all, spec, SHM_TARGET, SHM_SIZE, false);
	if (wants_file(action))
		add_tmpfs(all, spec, SBX_SPEC_OUTPUT_DIR,
			  action->output_limit + PAGE_SIZE, false);
	if (sbx_action_wants_secret_files(action))
		add_tmpfs(all, spec, SBX_SECRETS_DIR, SECRETS_SIZE, false);
	return all;
}

json_t *sbx_spec_mounts_json(const struct sbx_spec *spec)
{
	const struct sbx_action *action = &spec->grant->action;
	json_t *all = json_array();

	json_array_append_new(
		all, volume_mount(spec->init_volume, spec->init_dir, true,
				  json_pack("{s:s}", SBX_LABEL_INIT,
					    spec->init_hash)));
	if (spec->channel_source)
		json_array_append_new(all, bind_mount(spec->channel_source,
						      spec->channel_target,
						      true, false));
	for (size_t i = 0; i < action->n_volumes; i++)
		json_array_append_new(all,
				      granted_mount(spec, &action->volumes[i]));
	mask_image_volumes(spec, all);
	return all;
}

/* --- what init must find --------------------------------------------------- */

struct list {
	struct sbx_hello_mount *mounts;
	size_t n;
};

static void expect(struct list *list, struct sbx_hello_mount mount)
{
	list->mounts[list->n++] = mount;
}

static void expect_tmpfs(struct list *list, const char *target, bool writable,
			 bool exec)
{
	expect(list, (struct sbx_hello_mount){ .target = target,
					       .fstype = "tmpfs",
					       .writable = writable,
					       .exec = exec });
}

static void expect_all_tmpfs(struct list *list, const struct sbx_action *action)
{
	bool own_shm = false;

	for (size_t i = 0; i < action->n_tmpfs; i++) {
		const struct sbx_tmpfs *tmpfs = &action->tmpfs[i];

		own_shm = own_shm || strcmp(tmpfs->target, SHM_TARGET) == 0;
		expect_tmpfs(list, tmpfs->target, true, tmpfs->exec);
	}
	if (action->files_in)
		expect_tmpfs(list, action->files_in, true, false);
	if (action->files_out)
		expect_tmpfs(list, action->files_out, true, false);
	if (!own_shm)
		expect_tmpfs(list, SHM_TARGET, true, false);
	if (wants_file(action))
		expect_tmpfs(list, SBX_SPEC_OUTPUT_DIR, true, false);
	if (sbx_action_wants_secret_files(action))
		expect_tmpfs(list, SBX_SECRETS_DIR, true, false);
}

static void expect_volumes(struct list *list, const struct sbx_spec *spec)
{
	static const struct sbx_host_path none;
	const struct sbx_action *action = &spec->grant->action;

	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];
		const struct sbx_host_path *path =
			spec->host_paths ? &spec->host_paths[i] : &none;

		expect(list,
		       (struct sbx_hello_mount){ .target = mount->target,
						 .writable = !mount->read_only,
						 .exec = true,
						 .dev = path->dev,
						 .ino = path->ino });
	}
}

struct sbx_hello_mount *sbx_spec_mounts(const struct sbx_spec *spec,
					size_t *count)
{
	const struct sbx_action *action = &spec->grant->action;
	size_t n_declared = spec->image ? spec->image->volumes.n : 0;
	struct list list = {
		.mounts = sbx_calloc(action->n_volumes + action->n_tmpfs +
					     n_declared + 7,
				     sizeof(*list.mounts)),
	};

	expect(&list, (struct sbx_hello_mount){ .target = spec->init_dir,
						.exec = true });
	if (spec->channel_source)
		expect(&list, (struct sbx_hello_mount){
				      .target = spec->channel_target,
				      .exec = true,
				      .dev = spec->channel_path.dev,
				      .ino = spec->channel_path.ino,
			      });
	expect_all_tmpfs(&list, action);
	expect_volumes(&list, spec);
	for (size_t i = 0; i < n_declared; i++) {
		const char *target = spec->image->volumes.v[i];

		if (!is_mounted(action, target))
			expect_tmpfs(&list, target, false, false);
	}
	*count = list.n;
	return list.mounts;
}
