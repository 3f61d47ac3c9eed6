/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_COPY_UNPACK_H
#define SBX_SANDBOX_COPY_UNPACK_H

#include "base/error.h"
#include "base/progress.h"
#include "sandbox/copy.h"

/*
 * Lays the archive that @fd gives out on the host, as "docker cp" would.  Where
 * @path is a directory, the entries go below it; where nothing or a file is
 * there, the archive's one file or tree takes its place and name, and a "/" at
 * the end says that it is a directory.
 *
 * Directories are merged, and those that were there stay as they are.  Anything
 * else is replaced, files when they are whole.  Links are followed on the way
 * to @path, and to a directory that it is, but nowhere below it: nothing
 * outside is touched, whatever the archive says and whatever stands there.
 * Owners are whoever runs this, modes those of the archive as far as the umask
 * lets them, times are kept.
 *
 * What is no file, directory or link that stays in the tree is left out, with
 * a line to @warn.  NOT_FOUND when there is no place for @path; INVALID as
 * sbx_copy_reader_next(), and for what cannot be where something else is;
 * INTERNAL when the host cannot write.  What was laid out until then is there.
 */
int sbx_copy_unpack(int fd, const char *path, const struct sbx_copy_limits *max,
		    const struct sbx_progress *warn, struct sbx_error *err);

#endif
