/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_EMPTY_H
#define SBX_INIT_EMPTY_H

#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>

#define SBX_EMPTY_XATTRS 256

/*
 * A tmpfs that is emptied between two actions, as it was before the first.
 *
 * @path	is kept
 * @root, @space	what stat(2) and statfs(2) say
 * @flags	of its root (FS_IOC_GETFLAGS); -1 where the kernel has none
 * @xattrs	names of its root's extended attributes, @xattrs_size bytes
 */
struct sbx_empty {
	const char *path;
	struct stat root;
	struct statfs space;
	int flags;
	char xattrs[SBX_EMPTY_XATTRS];
	ssize_t xattrs_size;
};

/* Notes what the one at @path is like.  NULL, or why that cannot be. */
const char *sbx_empty_note(struct sbx_empty *empty, const char *path);

/*
 * Removes all that is in it, at most *@budget files, which are counted off,
 * not beyond @until on the clock, and makes it what it was.  NULL, or what is
 * not as it was.
 */
const char *sbx_empty(const struct sbx_empty *empty, uint32_t *budget,
		      int64_t until);

/* The same of a directory @fd that is no tmpfs's, removing only: 0 or -1. */
int sbx_empty_remove(int fd, uint32_t *budget, int64_t until);

#endif
