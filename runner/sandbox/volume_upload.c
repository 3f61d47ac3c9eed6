/* SPDX-License-Identifier: MIT */
#include "sandbox/volume_upload.h"

#include <string.h>

#include "base/random.h"
#include "engine/container.h"
#include "engine/image.h"
#include "sandbox/runner.h"
#include "skill/skill_image.h"

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

int sbx_volume_upload(struct sbx_engine *engine, const char *volume,
		      json_t *labels, const struct sbx_tar_entry *entries,
		      size_t count, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf tar = SBX_BUF_INIT(ARCHIVE_MAX);
	json_auto_t *body = helper_body(volume, labels);
	cleanup_free char *name = helper_name();
	struct sbx_error ignored = SBX_ERROR_INIT;
	char id[SBX_CONTAINER_ID_SIZE];
	const char *image;
	int result;

	if (sbx_tar_write(&tar, entries, count, err) < 0 ||
	    sbx_empty_image(engine, &image, err) < 0 ||
	    sbx_container_create(engine, name, body, id, err) < 0)
		return sbx_error_wrap(err, "write volume %s", volume);
	result = sbx_container_put_archive(engine, id, TARGET, tar.data,
					   tar.len, err);
	if (result < 0)
		sbx_error_wrap(err, "write volume %s", volume);
	/* If this fails the next sweep takes it. */
	sbx_container_remove(engine, id, &ignored);
	return result;
}
