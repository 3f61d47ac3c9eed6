/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_BUF_H
#define SBX_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "base/mem.h"

/*
 * A growable byte buffer with a maximum from the start: whatever outside data
 * decides the size of lives in one of these.
 *
 * @data	the bytes, always followed by a NUL that @len does not count;
 *		NULL only while the buffer is empty
 * @len		bytes in use
 * @max		@len never exceeds this
 */
struct sbx_buf {
	char *data;
	size_t len;
	size_t cap;
	size_t max;
};

#define SBX_BUF_INIT(limit)                                                    \
	{                                                                      \
		.data = NULL, .max = (limit)                                   \
	}

/*
 * Appends as much of @data as the maximum allows and returns how many bytes
 * that was: less than @size means that the buffer is full.
 */
size_t sbx_buf_append(struct sbx_buf *buf, const void *data, size_t size);

/* The same for a NUL-terminated text; false when it did not fit whole. */
bool sbx_buf_puts(struct sbx_buf *buf, const char *text);
bool sbx_buf_printf(struct sbx_buf *buf, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Drops the first @size bytes (at most all). */
void sbx_buf_consume(struct sbx_buf *buf, size_t size);

/* The bytes as a C string, never NULL; valid until the buffer changes. */
const char *sbx_buf_text(const struct sbx_buf *buf);

/* Gives the bytes to the caller (free with free()); the buffer is empty. */
char *sbx_buf_take(struct sbx_buf *buf);

void sbx_buf_free(struct sbx_buf *buf);

#define cleanup_buf SBX_CLEANUP(sbx_buf_free)

#endif
