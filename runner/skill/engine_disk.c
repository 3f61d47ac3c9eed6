/* SPDX-License-Identifier: MIT */
#include "skill/engine_disk.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/units.h"

/*
 * The engine's own directories may be closed to us; the one they are in is on
 * the same file system.
 */
static int look(const char *path, struct statvfs *out)
{
	cleanup_free char *at = sbx_strdup(path);

	while (statvfs(at, out) < 0) {
		char *slash = strrchr(at, '/');

		if (errno != EACCES || !slash || slash == at)
			return -1;
		*slash = '\0';
	}
	return 0;
}

static int ask(struct sbx_engine *engine, char **out, struct sbx_error *err)
{
	json_auto_t *info = NULL;

	if (sbx_engine_info(engine, &info, err) < 0)
		return sbx_error_wrap(err, "ask for the engine's directory");
	sbx_strset(out, sbx_json_text_at(info, "DockerRootDir", NULL));
	return 0;
}

int sbx_engine_disk_check(struct sbx_engine *engine, const char *storage,
			  int64_t floor, struct sbx_error *err)
{
	cleanup_free char *asked = NULL;
	cleanup_free char *needed = NULL;
	cleanup_free char *there = NULL;
	struct statvfs disk;
	int64_t left;

	if (floor == 0)
		return 0;
	if (!storage && ask(engine, &asked, err) < 0)
		return -1;
	if (asked)
		storage = asked;
	if (!storage || look(storage, &disk) < 0)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "engine.disk_free: how much is free in "
				     "the engine's directory %s cannot be told "
				     "from here; set disk_free: 0 in the "
				     "policy if that is as it should be",
				     storage ? storage : "(unknown)");
	left = (int64_t)disk.f_bavail * (int64_t)disk.f_frsize;
	if (left >= floor)
		return 0;
	needed = sbx_units_format_size(floor);
	there = sbx_units_format_size(left / 1024 * 1024);
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "engine.disk_free: %s are free on the engine's "
			     "disk (%s), and the policy keeps %s; 'skillbox "
			     "prune' may make room",
			     there, storage, needed);
}
