/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_POOL_STAMP_H
#define SBX_SANDBOX_POOL_STAMP_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "skill/catalog.h"

/*
 * What stat(2) says of a file: while that is the same, so is the file, for all
 * that a request can know in a microsecond.  Whoever wants to know for certain
 * reads it.
 *
 * @place	which of several places it was found in; past the last: in none
 */
struct sbx_stamp {
	size_t place;
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime;
	struct timespec ctime;
};

void sbx_stamp_file(const char *path, struct sbx_stamp *out);

/* The manifest of the skill @name, in the first directory that has it. */
void sbx_stamp_manifest(const struct sbx_catalog *catalog, const char *name,
			struct sbx_stamp *out);

bool sbx_stamp_equal(const struct sbx_stamp *a, const struct sbx_stamp *b);

#endif
