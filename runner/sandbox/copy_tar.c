/* SPDX-License-Identifier: MIT */
#include "sandbox/copy_tar.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "codec/tar.h"
#include "sandbox/copy_reader.h"

#define PIECE_SIZE 65536
/* A piece and its headers go in while so much is waiting. */
#define WRITE_SIZE 65536
#define OUT_MAX	   (4 * WRITE_SIZE)

/* --- from a tar ------------------------------------------------------------ */

static int write_entry(struct sbx_copy_reader *reader,
		       struct sbx_copy_writer *writer,
		       const struct sbx_copy_entry *entry, char *piece,
		       struct sbx_error *err)
{
	uint64_t left = S_ISREG(entry->mode) ? entry->size : 0;
	size_t got;

	if (sbx_copy_write_header(writer, entry, err) < 0)
		return -1;
	for (; left > 0; left -= got) {
		if (sbx_copy_reader_data(reader, piece, PIECE_SIZE, &got, err) <
			    0 ||
		    sbx_copy_write_data(writer, piece, got, err) < 0)
			return -1;
	}
	return 0;
}

int sbx_copy_from_tar(int in, int out, const struct sbx_copy_limits *max,
		      const struct sbx_progress *warn, struct sbx_error *err)
{
	cleanup_free char *piece = sbx_malloc(PIECE_SIZE);
	struct sbx_copy_reader *reader = NULL;
	struct sbx_copy_writer writer;
	struct sbx_copy_entry entry;
	int result;

	if (sbx_copy_reader_new(&reader, in, SBX_COPY_TAR, max, warn, err) < 0)
		return -1;
	sbx_copy_writer_init(&writer, out);
	while ((result = sbx_copy_reader_next(reader, &entry, err)) > 0) {
		result = write_entry(reader, &writer, &entry, piece, err);
		if (result < 0)
			break;
	}
	if (result == 0)
		result = sbx_copy_write_end(&writer, err);
	sbx_copy_writer_clear(&writer);
	sbx_copy_reader_free(&reader);
	return result;
}

/* --- to a tar -------------------------------------------------------------- */

/*
 * @fd		that @out goes to when there is enough of it
 */
struct to_tar {
	struct sbx_copy_reader *reader;
	struct sbx_tar *tar;
	struct sbx_buf out;
	int fd;
	char piece[PIECE_SIZE];
};

static int flush(struct to_tar *to, size_t least, struct sbx_error *err)
{
	if (to->out.len < least)
		return 0;
	if (sbx_fd_write_all(to->fd, sbx_buf_text(&to->out), to->out.len) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot write the tar");
	sbx_buf_consume(&to->out, to->out.len);
	return 0;
}

static int tar_entry(struct to_tar *to, const struct sbx_copy_entry *entry,
		     struct sbx_error *err)
{
	const struct sbx_tar_entry header = {
		.type = S_ISDIR(entry->mode)   ? SBX_TAR_DIRECTORY
			: S_ISLNK(entry->mode) ? SBX_TAR_SYMLINK
					       : SBX_TAR_FILE,
		.path = entry->name,
		.mode = entry->mode & 0777,
		.mtime = entry->mtime,
		.size = entry->size,
		.link = entry->target,
	};
	uint64_t left = S_ISREG(entry->mode) ? entry->size : 0;
	size_t got;

	if (sbx_tar_header(to->tar, &header, err) < 0)
		return -1;
	for (; left > 0; left -= got) {
		if (sbx_copy_reader_data(to->reader, to->piece, PIECE_SIZE,
					 &got, err) < 0 ||
		    sbx_tar_data(to->tar, to->piece, got, err) < 0 ||
		    flush(to, WRITE_SIZE, err) < 0)
			return -1;
	}
	return flush(to, WRITE_SIZE, err);
}

static int write_tar(struct to_tar *to, struct sbx_error *err)
{
	struct sbx_copy_entry entry;
	int result;

	if (sbx_tar_new(&to->tar, &to->out, err) < 0)
		return -1;
	while ((result = sbx_copy_reader_next(to->reader, &entry, err)) > 0) {
		if (tar_entry(to, &entry, err) < 0)
			return -1;
	}
	if (result < 0 || sbx_tar_end(to->tar, err) < 0)
		return -1;
	return flush(to, 0, err);
}

int sbx_copy_to_tar(int in, int out, const struct sbx_copy_limits *max,
		    const struct sbx_progress *warn, struct sbx_error *err)
{
	cleanup_free struct to_tar *to = sbx_calloc(1, sizeof(*to));
	int result;

	to->out.max = OUT_MAX;
	to->fd = out;
	if (sbx_copy_reader_new(&to->reader, in, SBX_COPY_CPIO, max, warn,
				err) < 0)
		return -1;
	result = write_tar(to, err);
	sbx_tar_free(&to->tar);
	sbx_buf_free(&to->out);
	sbx_copy_reader_free(&to->reader);
	return result;
}
