/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_FILE_H
#define SBX_BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Appends the whole of a regular file to @out.  @dirfd as in openat(2).
 * Fails with NOT_FOUND when there is no such file, and with INVALID when it
 * is no regular file, cannot be read, or is larger than what @out may hold.
 */
int sbx_file_read(int dirfd, const char *path, struct sbx_buf *out,
		  struct sbx_error *err);

/* The same, and INVALID where the last component of @path is a symlink. */
int sbx_file_read_nofollow(int dirfd, const char *path, struct sbx_buf *out,
			   struct sbx_error *err);

/* Appends what @fd gives up to its end; INVALID when that is too much. */
int sbx_fd_read_all(int fd, struct sbx_buf *out, struct sbx_error *err);

/* Writes all of @data, restarting; 0, or -1 with errno. */
int sbx_fd_write_all(int fd, const void *data, size_t size);

/*
 * A new file without a name, to write and to read, in $TMPDIR or /var/tmp (/tmp
 * may be memory): gone with its descriptor, which is the caller's.  INTERNAL.
 */
int sbx_file_unnamed(struct sbx_error *err);

#endif
