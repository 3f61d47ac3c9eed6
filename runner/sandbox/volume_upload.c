/* SPDX-License-Identifier: MIT */
#include "sandbox/volume_upload.h"

#include <stdbool.h>
#include <string.h>

#include "base/random.h"
#include "base/strv.h"
#include "codec/json.h"
#include "engine/container.h"
#include "engine/image.h"
#include "engine/traits.h"
#include "sandbox/discard.h"
#include "sandbox/runner.h"
#include "skill/skill_image.h"
#include "skill/volume_options.h"

#define EMPTY_REPO  "skillbox/empty"
#define EMPTY_TAG   "1"
#define EMPTY_REF   EMPTY_REPO ":" EMPTY_TAG

#define TARGET	    "/volume"
#define ARCHIVE_MAX (1024 * 1024)

/* An archive of nothing: two zero blocks (POSIX.1, pax, ustar format). */
static const char empty_tar[1024];

int sbx_empty_image(struct sbx_engine *engine, const char **ref,
		    struct sbx_error *err)
{
	json_auto_t *labels = NULL;
	json_auto_t *image = NULL;
	int result = sbx_image_inspect(engine, EMPTY_REF, &image, err);

	if (result < 0)
		return -1;
	*ref = EMPTY_REF;
	if (result != SBX_IMAGE_GONE)
		return 0;
	labels = json_pack("{s:s, s:s, s:s}", SBX_LABEL_KIND, "empty",
			   SBX_LABEL_NAME, "empty", SBX_LABEL_KEY, EMPTY_TAG);
	return sbx_image_import(engine, EMPTY_REPO, EMPTY_TAG, empty_tar,
				sizeof(empty_tar), labels, err);
}

static json_t *helper_body(const char *volume, json_t *labels)
{
	json_t *mount = json_pack("{s:s, s:s, s:s, s:{s:b, s:O*}}", "Type",
				  "volume", "Source", volume, "Target", TARGET,
				  "VolumeOptions", "NoCopy", 1, "Labels",
				  labels);

	/* The engine insists on a command, although it never runs. */
	return json_pack("{s:s, s:[s], s:{s:s}, s:{s:s, s:[o]}}", "Image",
			 EMPTY_REF, "Entrypoint", TARGET "/none", "Labels",
			 SBX_LABEL_RUNNER, sbx_runner_identity(), "HostConfig",
			 "NetworkMode", "none", "Mounts", mount);
}

static char *helper_name(void)
{
	char random[16 + 1];

	sbx_random_hex(random, sizeof(random));
	return sbx_asprintf("skillbox-upload-%s", random);
}

/* @path of an entry, below the mount point; the string is @owned's. */
static const char *below_target(struct sbx_strv *owned, const char *path)
{
	bool is_root = strcmp(path, "/") == 0;

	sbx_strv_push_take(owned, sbx_asprintf("%s%s%s", &TARGET[1],
					       is_root ? "" : "/",
					       is_root ? "" : path));
	return owned->v[owned->n - 1];
}

/*
 * Docker: the archive is for /, with every path in it below the mount point,
 * because 28 leaves the owner of the directory that it unpacks into as it is.
 */
static int pack(struct sbx_buf *tar, const struct sbx_tar_entry *entries,
		size_t count, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv paths = SBX_STRV_INIT;
	cleanup_free struct sbx_tar_entry *moved =
		sbx_calloc(count, sizeof(*moved));

	for (size_t i = 0; i < count; i++) {
		moved[i] = entries[i];
		moved[i].path = below_target(&paths, entries[i].path);
		if (entries[i].type == SBX_TAR_HARDLINK)
			moved[i].link = below_target(&paths, entries[i].link);
	}
	return sbx_tar_write(tar, moved, count, err);
}

static int unpack(struct sbx_engine *engine, const char *id,
		  const struct sbx_tar_entry *entries, size_t count,
		  struct sbx_error *err)
{
	cleanup_buf struct sbx_buf tar = SBX_BUF_INIT(ARCHIVE_MAX);
	const struct sbx_engine_traits *traits = sbx_engine_traits(engine, err);
	bool shallow = traits && traits->shallow_archives;
	int result;

	if (!traits)
		return -1;
	result = shallow ? sbx_tar_write(&tar, entries, count, err)
			 : pack(&tar, entries, count, err);
	if (result < 0)
		return -1;
	return sbx_container_put_archive(engine, id, shallow ? TARGET : "/",
					 tar.data, tar.len, err);
}

int sbx_volume_upload(struct sbx_engine *engine, const char *volume,
		      json_t *labels, const struct sbx_tar_entry *entries,
		      size_t count, struct sbx_error *err)
{
	json_auto_t *body = helper_body(volume, labels);
	cleanup_free char *name = helper_name();
	char id[SBX_CONTAINER_ID_SIZE] = "";
	const char *image;
	int result;

	if (sbx_empty_image(engine, &image, err) < 0)
		return sbx_error_wrap(err, "write volume %s", volume);
	result = sbx_container_create(engine, name, body, id, err);
	if (result == 0)
		result = unpack(engine, id, entries, count, err);
	if (result < 0)
		sbx_error_wrap(err, "write volume %s", volume);
	sbx_discard(engine, id, name);
	return result;
}

/*
 * What lies on another machine, or on this host, belongs to whom it belongs:
 * only a volume that is the engine's own is given away.
 */
static bool is_engines_own(const struct sbx_spec *spec, size_t i)
{
	const struct sbx_mount *mount = &spec->grant->action.volumes[i];
	const char *type = sbx_json_text_at(
		sbx_volume_options_of(spec->grant->volumes, mount->source),
		"type", NULL);

	return mount->source[0] != '/' &&
	       (!spec->host_paths || spec->host_paths[i].ino == 0) &&
	       (!type || strcmp(type, "tmpfs") == 0);
}

int sbx_volume_give(struct sbx_engine *engine, const struct sbx_spec *spec,
		    const struct sbx_buf *hello, struct sbx_error *err)
{
	const struct sbx_action *action = &spec->grant->action;
	const struct sbx_tar_entry root = {
		.type = SBX_TAR_DIRECTORY,
		.path = "/",
		.mode = 0755,
		.uid = action->uid,
		.gid = action->gid,
	};

	for (size_t i = 0; i < action->n_volumes; i++) {
		const struct sbx_mount *mount = &action->volumes[i];
		cleanup_free char *name = NULL;
		uint32_t uid, gid;

		if (mount->read_only || !is_engines_own(spec, i))
			continue;
		if (sbx_hello_owner(hello->data, hello->len, mount->target,
				    &uid, &gid, err) < 0)
			return -1;
		if (uid != 0)
			continue;
		name = sbx_spec_volume_name(spec->grant, mount->source);
		if (sbx_volume_upload(engine, name, NULL, &root, 1, err) < 0)
			return -1;
	}
	return 0;
}
