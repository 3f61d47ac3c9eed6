/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_CONTEXT_H
#define SBX_SKILL_CONTEXT_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"

/*
 * A build context: the files of a directory that its .dockerignore leaves, as
 * a tar that depends on nothing but their names, contents and executable
 * bits.  Sorted by path (bytewise, a directory before what is in it), owner 0,
 * mtime 0, modes 0644 and 0755, symlinks as symlinks.  Written by libarchive,
 * never whole in memory.
 *
 * The packer is pulled: sbx_context_read() gives the next bytes of the tar,
 * so that it can be an sbx_http_source.  Whatever is read is hashed too.
 */
struct sbx_context;

/*
 * Another file in place of, or beside, those of the directory: the Dockerfile
 * with its FROM lines made exact.  @path is relative; data is copied.
 * At most a few; they take part in the sorting.
 */
struct sbx_context_extra {
	const char *path;
	const void *data;
	size_t size;
	int fd;		/* instead of @data when not -1: a file to send */
};

/*
 * Reads .dockerignore and lists the files (names only).  @dockerfile, and
 * "<dockerfile>.dockerignore" by Docker's rule when there is one.  INVALID
 * with the path for what cannot be packed: sockets, FIFOs, devices,
 * unreadable files, names that are not UTF-8; MISSING Dockerfile: INVALID.
 */
int sbx_context_open(struct sbx_context **out, const char *directory,
		     const char *dockerfile,
		     const struct sbx_context_extra *extras, size_t n_extras,
		     struct sbx_error *err);
void sbx_context_free(struct sbx_context **context);

/*
 * The next bytes of the tar; *@got 0 at its end.  BUILD_FAILED when a file
 * changed its size or vanished since it was opened.
 */
int sbx_context_read(void *context, void *data, size_t size, size_t *got,
		     struct sbx_error *err);

/*
 * Reads the whole tar and gives its hash (SBX_HASH_HEX_SIZE bytes).  After
 * this the context can be read once more from its start, and that reading
 * ends with BUILD_FAILED instead of an end if its hash is another.
 */
int sbx_context_hash(struct sbx_context *context, char *hex,
		     struct sbx_error *err);

#endif
