/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_COPY_PACK_H
#define SBX_SANDBOX_COPY_PACK_H

#include "base/error.h"
#include "base/progress.h"
#include "sandbox/copy.h"

/*
 * Writes the host's file or tree at @path to @fd, as an archive whose names
 * begin with @name (sbx_copy_name()).  No link is followed, but those on the
 * way to @path: what it names itself is a file or a directory, "LINK/" the one
 * that the link leads to.
 *
 * Left out, with a line to @warn: links that lead out of the tree, FIFOs,
 * sockets and devices, of which docker cp makes some, and a sandbox makes none.
 * A file that changes while it is read has the size it had at first, with
 * zeros for what is missing, and a line as well.
 *
 * NOT_FOUND when nothing is there; INVALID for what cannot be read or sent, or
 * is more than @max; INTERNAL when @fd cannot be written.  What was written
 * until then is no whole archive.
 */
int sbx_copy_pack(int fd, const char *path, const char *name,
		  const struct sbx_copy_limits *max,
		  const struct sbx_progress *warn, struct sbx_error *err);

#endif
