/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_RUNTIME_DIR_H
#define SBX_BASE_RUNTIME_DIR_H

#include "base/error.h"

/*
 * This user's directory for what lives no longer than the machine is up:
 * $XDG_RUNTIME_DIR/skillbox, /run/skillbox for root, else a 0700 directory
 * under /tmp.  A descriptor, and in *@path (unless @path is NULL) its absolute
 * path, owned by the caller; -1 on failure: INTERNAL.
 */
int sbx_runtime_dir_open(char **path, struct sbx_error *err);

/*
 * Opens the directory @name (as in openat(2)), making it, mode 0700, where it
 * is not there.  -1 with errno, EPERM where it is not ours alone: somebody
 * else's, or for others to write.
 */
int sbx_runtime_dir_private(int dirfd, const char *name);

#endif
