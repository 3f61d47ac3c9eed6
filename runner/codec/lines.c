/* SPDX-License-Identifier: MIT */
#include "codec/lines.h"

#include <string.h>

#include "base/text.h"

#define ESC 0x1b
#define BEL 0x07

/* Behind "ESC [": parameters and intermediates, then one final byte. */
static size_t csi_size(const char *data, size_t size)
{
	size_t i = 0;

	while (i < size && data[i] >= 0x20 && data[i] <= 0x3f)
		i++;
	return i < size ? i + 1 : i;
}

/* Behind "ESC ]": up to BEL or "ESC \". */
static size_t osc_size(const char *data, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (data[i] == BEL)
			return i + 1;
		if (data[i] == ESC && i + 1 < size && data[i + 1] == '\\')
			return i + 2;
	}
	return size;
}

/* The size of the escape sequence that begins at @data, an ESC. */
static size_t escape_size(const char *data, size_t size)
{
	if (size < 2)
		return size;
	if (data[1] == '[')
		return 2 + csi_size(data + 2, size - 2);
	if (data[1] == ']')
		return 2 + osc_size(data + 2, size - 2);
	return 2;
}

static void emit(const char *data, size_t size, sbx_lines_sink sink, void *ctx)
{
	cleanup_buf struct sbx_buf plain = SBX_BUF_INIT(SBX_LINES_MAX);
	/* U+FFFD takes three bytes for one that it replaces. */
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(3 * SBX_LINES_MAX);
	const char *restart;
	size_t i = 0;

	while (size > 0 && data[size - 1] == '\r')
		size--;
	restart = size > 0 ? memrchr(data, '\r', size) : NULL;
	if (restart) {
		size -= (size_t)(restart + 1 - data);
		data = restart + 1;
	}
	while (i < size) {
		if (data[i] == ESC) {
			i += escape_size(data + i, size - i);
			continue;
		}
		sbx_buf_append(&plain, data + i, 1);
		i++;
	}
	sbx_text_to_utf8(&text, sbx_buf_text(&plain), plain.len);
	sink(ctx, sbx_buf_text(&text));
}

void sbx_lines_flush(struct sbx_lines *lines, sbx_lines_sink sink, void *ctx)
{
	struct sbx_buf *partial = &lines->partial;

	if (partial->len == 0)
		return;
	emit(partial->data, partial->len, sink, ctx);
	sbx_buf_consume(partial, partial->len);
}

void sbx_lines_feed(struct sbx_lines *lines, const char *data, size_t size,
		    sbx_lines_sink sink, void *ctx)
{
	while (size > 0) {
		const char *newline = memchr(data, '\n', size);
		size_t part = newline ? (size_t)(newline - data) : size;
		size_t used = sbx_buf_append(&lines->partial, data, part);

		data += used;
		size -= used;
		if (used < part) {
			sbx_lines_flush(lines, sink, ctx);
			continue;
		}
		if (!newline)
			return;
		/* An empty line is one, too. */
		if (lines->partial.len == 0)
			sink(ctx, "");
		sbx_lines_flush(lines, sink, ctx);
		data++;
		size--;
	}
}

void sbx_lines_free(struct sbx_lines *lines)
{
	sbx_buf_free(&lines->partial);
}
