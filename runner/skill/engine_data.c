/* SPDX-License-Identifier: MIT */
#include "skill/engine_data.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/units.h"

/* From an image's directory: ROOT/overlay2/ID/diff. */
#define LEVELS_UP 3

static char *cut(const char *storage)
{
	cleanup_free char *root = sbx_strdup(storage);

	for (int i = 0; i < LEVELS_UP; i++) {
		char *slash = strrchr(root, '/');

		if (!slash || slash == root)
			return NULL;
		*slash = '\0';
	}
	return sbx_take(root);
}

int sbx_engine_data_root(struct sbx_engine *engine, const char *storage,
			 char **out, struct sbx_error *err)
{
	json_auto_t *info = NULL;
	const char *root;

	*out = storage ? cut(storage) : NULL;
	if (*out)
		return 0;
	if (sbx_engine_info(engine, &info, err) < 0)
		return sbx_error_wrap(err, "ask for the engine's directory");
	root = sbx_json_text_at(info, "DockerRootDir", NULL);
	if (!root || root[0] != '/')
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "the engine does not tell where it keeps "
				     "its data");
	*out = sbx_strdup(root);
	return 0;
}

/*
 * The engine's directory may be closed to us; the one it is in is on the same
 * file system, or on a fuller one than it ought to be.
 */
static int look(const char *root, struct statvfs *out)
{
	cleanup_free char *at = sbx_strdup(root);

	while (statvfs(at, out) < 0) {
		char *slash = strrchr(at, '/');

		if (errno != EACCES || !slash || slash == at)
			return -1;
		*slash = '\0';
	}
	return 0;
}

int sbx_engine_data_free(const char *root, int64_t floor, struct sbx_error *err)
{
	cleanup_free char *needed = NULL;
	cleanup_free char *there = NULL;
	struct statvfs disk;
	int64_t left;

	if (floor == 0)
		return 0;
	if (look(root, &disk) < 0)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "engine.disk_free: how much is free in "
				     "the engine's directory %s cannot be told "
				     "from here: %s; set disk_free: 0 in the "
				     "policy if that is as it should be",
				     root, strerror(errno));
	left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	if (left >= floor)
		return 0;
	needed = sbx_units_format_size(floor);
	there = sbx_units_format_size(left / 1024 * 1024);
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "engine.disk_free: %s are free on the engine's "
			     "disk (%s), and the policy keeps %s; 'skillbox "
			     "prune' may make room",
			     there, root, needed);
}
