/* SPDX-License-Identifier: MIT */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Makes room for @size more bytes and the NUL behind them. */
static void reserve(struct sbx_buf *buf, size_t size)
{
	size_t need = buf->len + size + 1;
	size_t cap = buf->cap ? buf->cap : 256;

	while (cap < need)
		cap *= 2;
	if (cap == buf->cap)
		return;
	buf->data = sbx_realloc(buf->data, cap);
	buf->cap = cap;
}

size_t sbx_buf_append(struct sbx_buf *buf, const void *data, size_t size)
{
	size_t room = buf->max - buf->len;

	if (size > room)
		size = room;
	if (size == 0)
		return 0;
	reserve(buf, size);
	memcpy(buf->data + buf->len, data, size);
	buf->len += size;
	buf->data[buf->len] = '\0';
	return size;
}

bool sbx_buf_puts(struct sbx_buf *buf, const char *text)
{
	size_t size = strlen(text);

	return sbx_buf_append(buf, text, size) == size;
}

bool sbx_buf_printf(struct sbx_buf *buf, const char *format, ...)
{
	cleanup_free char *text = NULL;
	va_list args;
	int size;

	va_start(args, format);
	size = vasprintf(&text, format, args);
	va_end(args);
	if (size < 0) {
		text = NULL;
		abort();
	}
	return sbx_buf_puts(buf, text);
}

void sbx_buf_consume(struct sbx_buf *buf, size_t size)
{
	if (size >= buf->len)
		size = buf->len;
	if (size == 0)
		return;
	buf->len -= size;
	memmove(buf->data, buf->data + size, buf->len + 1);
}

const char *sbx_buf_text(const struct sbx_buf *buf)
{
	return buf->data ? buf->data : "";
}

char *sbx_buf_take(struct sbx_buf *buf)
{
	char *data = buf->data ? buf->data : sbx_strdup("");

	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
	return data;
}

void sbx_buf_free(struct sbx_buf *buf)
{
	free(buf->data);
	buf->data = NULL;
	buf->len = 0;
	buf->cap = 0;
}
