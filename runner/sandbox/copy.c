/* SPDX-License-Identifier: MIT */
#include "sandbox/copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/text.h"
#include "init/cpio.h"

/* So much is written at once. */
#define WRITE_SIZE 65536
/* And so much may be waiting, with a piece of data in it. */
#define OUT_MAX (4 * WRITE_SIZE)

char *sbx_copy_name(const char *path)
{
	size_t end = strlen(path);
	size_t begin;

	while (end > 1 && path[end - 1] == '/')
		end--;
	begin = end;
	while (begin > 0 && path[begin - 1] != '/')
		begin--;
	path += begin;
	end -= begin;
	if (end == 0 || (end <= 2 && memcmp(path, "..", end) == 0) ||
	    *path == '/')
		return sbx_strdup(".");
	return sbx_strndup(path, end);
}

char *sbx_copy_shown(const char *name)
{
	struct sbx_buf text = SBX_BUF_INIT(512);

	sbx_text_escape(&text, name, strlen(name), false);
	return text.data ? sbx_buf_take(&text) : sbx_strdup("");
}

int sbx_copy_too_deep(const char *name, struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(name);

	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s: is in more than %d directories, the most "
			     "that can be copied",
			     shown, SBX_CPIO_DEPTH_MAX);
}

int sbx_copy_count(struct sbx_copy_limits *used,
		   const struct sbx_copy_limits *max, uint64_t size,
		   struct sbx_error *err)
{
	if (used->entries >= max->entries)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "there are more than %llu files, "
				     "directories and links, the most that can "
				     "be copied at once",
				     (unsigned long long)max->entries);
	if (size > max->bytes - used->bytes)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the files have more than %llu bytes, the "
				     "most that can be copied at once",
				     (unsigned long long)max->bytes);
	used->entries++;
	used->bytes += size;
	return 0;
}

/* --- writing --------------------------------------------------------------- */

void sbx_copy_writer_init(struct sbx_copy_writer *writer, int fd)
{
	*writer = (struct sbx_copy_writer){
		.fd = fd,
		.out = SBX_BUF_INIT(OUT_MAX),
	};
}

void sbx_copy_writer_clear(struct sbx_copy_writer *writer)
{
	sbx_buf_free(&writer->out);
}

static int flush(struct sbx_copy_writer *writer, struct sbx_error *err)
{
	if (sbx_fd_write_all(writer->fd, sbx_buf_text(&writer->out),
			     writer->out.len) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot write the archive");
	sbx_buf_consume(&writer->out, writer->out.len);
	return 0;
}

static int put(struct sbx_copy_writer *writer, const void *data, size_t size,
	       struct sbx_error *err)
{
	const char *at = data;

	while (size > 0) {
		size_t n = size < WRITE_SIZE ? size : WRITE_SIZE;

		/* There is room: what is waiting is less than WRITE_SIZE. */
		sbx_buf_append(&writer->out, at, n);
		if (writer->out.len >= WRITE_SIZE && flush(writer, err) < 0)
			return -1;
		at += n;
		size -= n;
	}
	return 0;
}

static int put_padding(struct sbx_copy_writer *writer, uint32_t size,
		       struct sbx_error *err)
{
	return put(writer, "\0\0\0", size, err);
}

static int put_header(struct sbx_copy_writer *writer, const char *name,
		      const struct sbx_cpio *fields, struct sbx_error *err)
{
	char header[SBX_CPIO_HEADER_SIZE];

	sbx_cpio_put(header, fields);
	if (put(writer, header, sizeof(header), err) < 0 ||
	    put(writer, name, fields->name_size, err) < 0)
		return -1;
	return put_padding(writer,
			   sbx_cpio_padding(sizeof(header) + fields->name_size),
			   err);
}

static int too_large(const char *name, struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(name);

	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s: is larger than 4 GiB, the most that can be "
			     "copied",
			     shown);
}

int sbx_copy_write_header(struct sbx_copy_writer *writer,
			  const struct sbx_copy_entry *entry,
			  struct sbx_error *err)
{
	uint64_t size = S_ISREG(entry->mode)   ? entry->size
			: S_ISLNK(entry->mode) ? strlen(entry->target)
					       : 0;
	const struct sbx_cpio fields = {
		.mode = entry->mode & (S_IFMT | 0777),
		.mtime = sbx_cpio_time(entry->mtime),
		.size = (uint32_t)size,
		.name_size = (uint32_t)strlen(entry->name) + 1,
	};

	if (size > SBX_CPIO_FILE_MAX)
		return too_large(entry->name, err);
	if (put_header(writer, entry->name, &fields, err) < 0)
		return -1;
	writer->left = size;
	writer->padding = sbx_cpio_padding((uint32_t)size);
	if (!S_ISLNK(entry->mode))
		return 0;
	return sbx_copy_write_data(writer, entry->target, size, err);
}

int sbx_copy_write_data(struct sbx_copy_writer *writer, const void *data,
			size_t size, struct sbx_error *err)
{
	if (put(writer, data, size, err) < 0)
		return -1;
	writer->left -= size;
	return writer->left > 0 ? 0 : put_padding(writer, writer->padding, err);
}

int sbx_copy_write_end(struct sbx_copy_writer *writer, struct sbx_error *err)
{
	const struct sbx_cpio fields = {
		.name_size = sizeof(SBX_CPIO_TRAILER),
	};

	if (put_header(writer, SBX_CPIO_TRAILER, &fields, err) < 0)
		return -1;
	return flush(writer, err);
}
