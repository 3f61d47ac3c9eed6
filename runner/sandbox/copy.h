/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_COPY_H
#define SBX_SANDBOX_COPY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/buf.h"
#include "base/error.h"

/*
 * Files on their way into and out of a sandbox that runs: what the parts have
 * in common.  init/cpio.h has the format and its rules, copy_pack.h,
 * copy_unpack.h and copy_tar.h the ends on this side.  All descriptors are
 * borrowed, and those that are read have to block.
 */

/*
 * At most so much may be copied at once.
 *
 * @bytes	of all files together, as long as they say they are
 * @entries	files, directories and links
 */
struct sbx_copy_limits {
	uint64_t bytes;
	uint64_t entries;
};

/*
 * @name	as sbx_cpio_is_name() has it
 * @mode	type, one of S_IFREG, S_IFDIR and S_IFLNK, and 0777 at most
 * @mtime	seconds since 1970
 * @size	of a file, in bytes
 * @target	of a link
 */
struct sbx_copy_entry {
	const char *name;
	mode_t mode;
	int64_t mtime;
	uint64_t size;
	const char *target;
};

/*
 * What an archive's names begin with when @path is copied, as "docker cp" has
 * it: the last component, or "." where that is none ("DIR/.", "..", "/").
 * free().
 */
char *sbx_copy_name(const char *path);

/*
 * Counts one entry with @size bytes to @used.  INVALID when that is more than
 * @max.
 */
int sbx_copy_count(struct sbx_copy_limits *used,
		   const struct sbx_copy_limits *max, uint64_t size,
		   struct sbx_error *err);

/*
 * An archive that is written.
 *
 * @out		what is not written yet
 * @left	bytes of data that the last entry still needs
 */
struct sbx_copy_writer {
	int fd;
	struct sbx_buf out;
	uint64_t left;
	unsigned int padding;
};

void sbx_copy_writer_init(struct sbx_copy_writer *writer, int fd);
void sbx_copy_writer_clear(struct sbx_copy_writer *writer);

/*
 * Begins the next entry; a file's @size bytes of data have to follow.  INVALID
 * for a file that is too large for the format; INTERNAL with the reason when
 * the descriptor cannot be written.
 */
int sbx_copy_write_header(struct sbx_copy_writer *writer,
			  const struct sbx_copy_entry *entry,
			  struct sbx_error *err);
int sbx_copy_write_data(struct sbx_copy_writer *writer, const void *data,
			size_t size, struct sbx_error *err);

/* Ends the archive, all of which is then written. */
int sbx_copy_write_end(struct sbx_copy_writer *writer, struct sbx_error *err);

/* @name so that an error's message can have it, and cut; free(). */
char *sbx_copy_shown(const char *name);

/* "NAME: is in more than N directories", INVALID; -1. */
int sbx_copy_too_deep(const char *name, struct sbx_error *err);

#endif
