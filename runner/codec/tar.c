/* SPDX-License-Identifier: MIT */
#include "codec/tar.h"

#include <archive.h>
#include <archive_entry.h>
#include <sys/stat.h>

static la_ssize_t collect(struct archive *archive, void *ctx, const void *data,
			  size_t size)
{
	if (sbx_buf_append(ctx, data, size) == size)
		return (la_ssize_t)size;
	archive_set_error(archive, ARCHIVE_FATAL, "archive too large");
	return -1;
}

static void describe(struct archive_entry *to, const struct sbx_tar_entry *from)
{
	archive_entry_clear(to);
	archive_entry_set_pathname(to, from->path);
	archive_entry_set_uid(to, from->uid);
	archive_entry_set_gid(to, from->gid);
	archive_entry_set_perm(to, (mode_t)from->mode);
	archive_entry_set_mtime(to, 0, 0);
	switch (from->type) {
	case SBX_TAR_DIRECTORY:
		archive_entry_set_filetype(to, AE_IFDIR);
		break;
	case SBX_TAR_FILE:
		archive_entry_set_filetype(to, AE_IFREG);
		archive_entry_set_size(to, (la_int64_t)from->size);
		break;
	case SBX_TAR_HARDLINK:
		archive_entry_set_filetype(to, AE_IFREG);
		archive_entry_set_hardlink(to, from->link);
		break;
	}
}

static int put(struct archive *archive, struct archive_entry *scratch,
	       const struct sbx_tar_entry *entry)
{
	describe(scratch, entry);
	if (archive_write_header(archive, scratch) != ARCHIVE_OK)
		return -1;
	if (entry->type != SBX_TAR_FILE || entry->size == 0)
		return 0;
	return archive_write_data(archive, entry->data, entry->size) ==
			       (la_ssize_t)entry->size
		       ? 0
		       : -1;
}

int sbx_tar_write(struct sbx_buf *out, const struct sbx_tar_entry *entries,
		  size_t count, struct sbx_error *err)
{
	struct archive *archive = archive_write_new();
	struct archive_entry *scratch = archive_entry_new();
	int result;

	archive_write_set_format_ustar(archive);
	archive_write_set_bytes_per_block(archive, 0);
	result = archive_write_open(archive, out, NULL, collect, NULL);
	for (size_t i = 0; result == 0 && i < count; i++)
		result = put(archive, scratch, &entries[i]);
	if (result == 0)
		result = archive_write_close(archive);
	if (result != 0)
		sbx_error_set(err, SBX_OUTCOME_INTERNAL, "write tar: %s",
			      archive_error_string(archive));
	archive_entry_free(scratch);
	archive_write_free(archive);
	return result == 0 ? 0 : -1;
}
