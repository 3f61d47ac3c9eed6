/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_COPY_IN_H
#define SBX_INIT_COPY_IN_H

/*
 * Reads an archive (init/cpio.h) from standard input and lays it out, as
 * "docker cp" would.  Where @path is a directory, through links or not, the
 * entries go below it.  Where nothing or a file is there, the archive's one
 * file or tree takes its place and name; a "/" at the end says that it is a
 * directory.
 *
 * Directories are merged, and those that were there stay as they are; anything
 * else is replaced.  Modes are 0777 at most, owners are whoever runs this,
 * times are kept.  Links are made when they stay in the tree, and none is
 * followed below @path.
 *
 * The child's exit status, enum sbx_copy_status.  What was laid out before
 * something failed is there.
 */
int sbx_copy_in(const char *path);

#endif
