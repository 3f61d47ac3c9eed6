/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_CONTEXT_TAR_H
#define SBX_SKILL_CONTEXT_TAR_H

#include <stddef.h>

#include "base/buf.h"
#include "base/error.h"
#include "skill/context_walk.h"

/*
 * Writes a tar that depends on nothing but what it is given: no times, no
 * owners, no inode numbers, no locale.
 */
struct sbx_tar;

/*
 * What is written is appended to @out, borrowed, whose maximum has to leave
 * room for one piece of data and 16 KiB for headers.
 */
void sbx_tar_new(struct sbx_tar **out, struct sbx_buf *sink);
void sbx_tar_free(struct sbx_tar **tar);

/* Begins the next entry; entry->size bytes of data have to follow. */
int sbx_tar_header(struct sbx_tar *tar, const struct sbx_walk_entry *entry,
		   struct sbx_error *err);
int sbx_tar_data(struct sbx_tar *tar, const void *data, size_t size,
		 struct sbx_error *err);

/* Ends the tar. */
int sbx_tar_end(struct sbx_tar *tar, struct sbx_error *err);

#endif
