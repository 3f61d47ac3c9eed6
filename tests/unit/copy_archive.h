/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_COPY_ARCHIVE_H
#define SBX_TESTS_COPY_ARCHIVE_H

/* Archives for the tests of copying, entry by entry, well made or not. */

#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "init/cpio.h"

#define ARCHIVE_MAX (64 * 1024 * 1024)

/* A time that no file has by itself. */
#define LONG_AGO 1000000000

static struct sbx_buf archive = SBX_BUF_INIT(ARCHIVE_MAX);

static inline void pad(void)
{
	sbx_buf_append(&archive, "\0\0\0",
		       sbx_cpio_padding((uint32_t)archive.len));
}

static inline void add_bytes(const char *name, size_t name_size, uint32_t mode,
			     const void *data, size_t size)
{
	char header[SBX_CPIO_HEADER_SIZE];
	const struct sbx_cpio entry = {
		.mode = mode,
		.mtime = LONG_AGO,
		.size = (uint32_t)size,
		.name_size = (uint32_t)name_size,
	};

	sbx_cpio_put(header, &entry);
	sbx_buf_append(&archive, header, sizeof(header));
	sbx_buf_append(&archive, name, name_size);
	pad();
	if (size > 0)
		sbx_buf_append(&archive, data, size);
	pad();
}

static inline void add(const char *name, uint32_t mode, const char *text)
{
	add_bytes(name, strlen(name) + 1, mode, text, strlen(text));
}

static inline void add_file(const char *name, const char *text)
{
	add(name, S_IFREG | 0644, text);
}

static inline void add_dir(const char *name)
{
	add(name, S_IFDIR | 0755, "");
}

static inline void add_link(const char *name, const char *target)
{
	add(name, S_IFLNK | 0777, target);
}

static inline void add_end(void)
{
	add(SBX_CPIO_TRAILER, 0, "");
}

/* The next one starts from nothing. */
static inline void archive_clear(void)
{
	sbx_buf_consume(&archive, archive.len);
}

#endif
