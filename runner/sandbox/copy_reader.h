/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_COPY_READER_H
#define SBX_SANDBOX_COPY_READER_H

#include "base/error.h"
#include "base/progress.h"
#include "sandbox/copy.h"

/*
 * An archive of somebody who is not trusted, a sandbox or a caller, entry by
 * entry: what comes out of here has a name that leads nowhere else, is a file,
 * a directory, or a link that stays in its tree, and is not too much.
 */
struct sbx_copy_reader;

enum sbx_copy_format {
	SBX_COPY_CPIO,
	SBX_COPY_TAR,
};

/*
 * Reads @fd, which blocks, and no further than the archive's end.  The names
 * of a tar get a "./" before them: its root is where it is unpacked.  @warn,
 * borrowed, gets a line for what is left out.  INTERNAL when libarchive is not
 * there.
 */
int sbx_copy_reader_new(struct sbx_copy_reader **out, int fd,
			enum sbx_copy_format format,
			const struct sbx_copy_limits *max,
			const struct sbx_progress *warn, struct sbx_error *err);
void sbx_copy_reader_free(struct sbx_copy_reader **reader);

/*
 * 1 and the next entry, valid until the next call; 0 at the end; or -1, INVALID
 * for what is no archive, ends too early, has an impossible name, or is more
 * than @max.
 */
int sbx_copy_reader_next(struct sbx_copy_reader *reader,
			 struct sbx_copy_entry *entry, struct sbx_error *err);

/*
 * The next bytes of a file, at most @size; *@got is 0 only when all of
 * entry->size have come.
 */
int sbx_copy_reader_data(struct sbx_copy_reader *reader, void *data,
			 size_t size, size_t *got, struct sbx_error *err);

/*
 * What is in an archive that is a file: how many files, and their bytes.  Reads
 * it from its beginning, and leaves it there.  As sbx_copy_reader_next(), and
 * INTERNAL for what is no file.
 */
struct sbx_copy_size {
	uint64_t files;
	uint64_t bytes;
};
int sbx_copy_measure(int fd, const struct sbx_copy_limits *max,
		     struct sbx_copy_size *out, struct sbx_error *err);

#endif
