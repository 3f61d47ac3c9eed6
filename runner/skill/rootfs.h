/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_ROOTFS_H
#define SBX_SKILL_ROOTFS_H

#include "base/error.h"
#include "base/progress.h"

/* The script in a base's directory that makes rootfs.tar. */
#define SBX_ROOTFS_SCRIPT "rootfs"

/*
 * Variables by which programs find their proxy, NULL-terminated.  Docker
 * takes them as build arguments without an ARG and keeps them out of history.
 */
extern const char *const sbx_rootfs_proxies[];

/*
 * Runs a base image's script "rootfs" in the directory @dirfd.  It writes a
 * root file system as a tar to its standard output; what it says on standard
 * error goes to @progress, line by line.  It runs on the host, with the
 * caller's rights: only a script and a directory that belong to root, the
 * caller or the user behind sudo, and that nobody else may change, are run.
 *
 * @name	of the base, for messages
 * @cancel_fd	readable when the caller wants out, or -1
 *
 * A descriptor of a file that has no name, or -1: DENIED (somebody else could
 * have written the script), BUILD_FAILED (with its last lines), CANCELLED,
 * INTERNAL.
 */
int sbx_rootfs_make(int dirfd, const char *name, int cancel_fd,
		    const struct sbx_progress *progress, struct sbx_error *err);

#endif
