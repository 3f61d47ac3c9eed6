/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_TAR_H
#define SBX_CODEC_TAR_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/error.h"

/* Small tar files in memory, of entries we choose ourselves. */

enum sbx_tar_type { SBX_TAR_DIRECTORY, SBX_TAR_FILE, SBX_TAR_HARDLINK };

/*
 * @path	as it goes into the archive
 * @mode	permission bits
 * @data, @size	of a file
 * @link	a hard link's target, an earlier entry's path
 */
struct sbx_tar_entry {
	enum sbx_tar_type type;
	const char *path;
	uint32_t uid;
	uint32_t gid;
	unsigned int mode;
	const void *data;
	size_t size;
	const char *link;
};

/* Appends a whole tar to @out; INTERNAL when it does not fit. */
int sbx_tar_write(struct sbx_buf *out, const struct sbx_tar_entry *entries,
		  size_t count, struct sbx_error *err);

#endif
