/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_CONTEXT_WALK_H
#define SBX_SKILL_CONTEXT_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "skill/dockerignore.h"

/*
 * The files of a build context, one after the other, opened without ever
 * following a symlink.  A directory comes before what is in it, names in one
 * directory are in bytewise order and each directory's contents follow it at
 * once (so '/' sorts before every other byte: a, a/b, a-b).  Directories are
 * read when they are reached; nothing is kept of those that are done.
 */
struct sbx_walk;

enum sbx_walk_type {
	SBX_WALK_DIRECTORY,
	SBX_WALK_FILE,
	SBX_WALK_LINK,
};

/*
 * Valid until the walk goes on or ends.
 *
 * @path	relative to the context, UTF-8
 * @executable, @size	of a file
 * @fd		of a file, at its start; belongs to the walk
 * @target	of a symlink, UTF-8
 */
struct sbx_walk_entry {
	const char *path;
	enum sbx_walk_type type;
	bool executable;
	uint64_t size;
	int fd;
	const char *target;
};

/*
 * Walks the directory @dirfd, which is borrowed as @ignore and @keep are.
 * @keep is a path that no rule leaves out.  Sealed secrets (secrets.yaml) at
 * the top are never part of a context.
 */
void sbx_walk_new(struct sbx_walk **out, int dirfd,
		  const struct sbx_dockerignore *ignore, const char *keep);
void sbx_walk_free(struct sbx_walk **walk);

/*
 * 1 and the next entry, 0 at the end, or -1: INVALID for what cannot be sent
 * (sockets, FIFOs, devices, unreadable files, names that are not UTF-8, paths
 * that are too deep), BUILD_FAILED for what vanished or became something else
 * since its directory was read.
 */
int sbx_walk_next(struct sbx_walk *walk, struct sbx_walk_entry *entry,
		  struct sbx_error *err);

/*
 * Opens @path below @dirfd, no part of it through a symlink.  A descriptor,
 * or -1 with errno (ELOOP or ENOTDIR for a symlink).
 */
int sbx_walk_open(int dirfd, const char *path, int flags);

#endif
