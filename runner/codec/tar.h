/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_TAR_H
#define SBX_CODEC_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Writes a tar that depends on nothing but what it is given: no names of
 * owners, no inode numbers, no locale.  The format is ustar (POSIX.1, pax),
 * with pax headers only for what does not fit it.
 */
struct sbx_tar;

enum sbx_tar_type {
	SBX_TAR_DIRECTORY,
	SBX_TAR_FILE,
	SBX_TAR_SYMLINK,
	SBX_TAR_HARDLINK,
};

/*
 * @path	as it goes into the tar
 * @mode	permission bits
 * @mtime	seconds since 1970
 * @size	of a file, in bytes
 * @data	of a file: only for sbx_tar_write
 * @link	target of a link; a hard link's is an earlier entry's path
 */
struct sbx_tar_entry {
	enum sbx_tar_type type;
	const char *path;
	unsigned int mode;
	int64_t mtime;
	uint32_t uid;
	uint32_t gid;
	uint64_t size;
	const void *data;
	const char *link;
};

/*
 * What is written is appended to @sink, borrowed, whose maximum has to leave
 * room for one piece of data and 16 KiB for headers.  INTERNAL when
 * libarchive is not there.
 */
int sbx_tar_new(struct sbx_tar **out, struct sbx_buf *sink,
		struct sbx_error *err);
void sbx_tar_free(struct sbx_tar **tar);

/* Begins the next entry; entry->size bytes of data have to follow. */
int sbx_tar_header(struct sbx_tar *tar, const struct sbx_tar_entry *entry,
		   struct sbx_error *err);
int sbx_tar_data(struct sbx_tar *tar, const void *data, size_t size,
		 struct sbx_error *err);

/* Ends the tar. */
int sbx_tar_end(struct sbx_tar *tar, struct sbx_error *err);

/* A whole tar of @entries at once; INTERNAL when @out is too small for it. */
int sbx_tar_write(struct sbx_buf *out, const struct sbx_tar_entry *entries,
		  size_t count, struct sbx_error *err);

#endif
