/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_LIBARCHIVE_H
#define SBX_CODEC_LIBARCHIVE_H

#include <archive.h>
#include <archive_entry.h>

#include "base/error.h"

/*
 * libarchive, loaded when an archive is first needed.  With libxml2 and ICU
 * behind it, it takes a quarter of the time in which an unchanged skill is
 * found to be unchanged, and that needs no tar.
 */

#define SBX_LIBARCHIVE_FUNCTIONS(F)                                            \
	F(archive_error_string)                                                \
	F(archive_read_new)                                                    \
	F(archive_read_support_format_cpio)                                    \
	F(archive_read_support_format_tar)                                     \
	F(archive_read_open_fd)                                                \
	F(archive_read_next_header)                                            \
	F(archive_read_data)                                                   \
	F(archive_read_free)                                                   \
	F(archive_write_new)                                                   \
	F(archive_write_set_format_ustar)                                      \
	F(archive_write_set_format_pax_restricted)                             \
	F(archive_write_set_bytes_per_block)                                   \
	F(archive_write_open)                                                  \
	F(archive_write_header)                                                \
	F(archive_write_data)                                                  \
	F(archive_write_finish_entry)                                          \
	F(archive_write_close)                                                 \
	F(archive_write_free)                                                  \
	F(archive_entry_new)                                                   \
	F(archive_entry_clear)                                                 \
	F(archive_entry_free)                                                  \
	F(archive_entry_pathname)                                              \
	F(archive_entry_filetype)                                              \
	F(archive_entry_perm)                                                  \
	F(archive_entry_size)                                                  \
	F(archive_entry_mtime)                                                 \
	F(archive_entry_symlink)                                               \
	F(archive_entry_hardlink)                                              \
	F(archive_entry_set_pathname)                                          \
	F(archive_entry_set_filetype)                                          \
	F(archive_entry_set_perm)                                              \
	F(archive_entry_set_uid)                                               \
	F(archive_entry_set_gid)                                               \
	F(archive_entry_set_size)                                              \
	F(archive_entry_set_mtime)                                             \
	F(archive_entry_set_symlink)                                           \
	F(archive_entry_set_hardlink)

/* The functions by their own names, of their own types. */
struct sbx_libarchive {
#define SBX_LIBARCHIVE_MEMBER(name) __typeof__(name) *name;
	SBX_LIBARCHIVE_FUNCTIONS(SBX_LIBARCHIVE_MEMBER)
#undef SBX_LIBARCHIVE_MEMBER
};

/* The library, static; NULL with INTERNAL when it cannot be loaded. */
const struct sbx_libarchive *sbx_libarchive_load(struct sbx_error *err);

#endif
