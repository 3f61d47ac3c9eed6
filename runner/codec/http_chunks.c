/* SPDX-License-Identifier: MIT */
#include "codec/http_chunks.h"

/* Extensions of one chunk, or all trailers: more of them nobody sends. */
#define EXTRA_MAX 8192
/* Hexadecimal digits of a size: 2^60 is more than any body. */
#define DIGITS_MAX 15

/* What the next byte is part of; SIZE has to be zero. */
enum { SIZE, EXTENSION, DATA, DATA_END, TRAILER };

static int malformed(struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "the answer is not HTTP/1.1: malformed chunk");
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The end of a size's line: data follows, or trailers behind the last. */
static int end_size(struct sbx_http_chunks *chunks)
{
	chunks->state = chunks->left > 0 ? DATA : TRAILER;
	chunks->length = 0;
	chunks->extra = 0;
	return 0;
}

static int take_size(struct sbx_http_chunks *chunks, char c,
		     struct sbx_error *err)
{
	int value = digit(c);

	if (value >= 0 && chunks->length < DIGITS_MAX) {
		chunks->left = chunks->left * 16 + (uint64_t)value;
		chunks->length++;
		return 0;
	}
	if (chunks->length == 0 || value >= 0)
		return malformed(err);
	if (c == '\n')
		return end_size(chunks);
	if (c != '\r' && c != ';' && c != ' ' && c != '\t')
		return malformed(err);
	chunks->state = EXTENSION;
	return 0;
}

static int take_extension(struct sbx_http_chunks *chunks, char c,
			  struct sbx_error *err)
{
	if (c == '\n')
		return end_size(chunks);
	return ++chunks->extra > EXTRA_MAX ? malformed(err) : 0;
}

static int take_data_end(struct sbx_http_chunks *chunks, char c,
			 struct sbx_error *err)
{
	if (c == '\r' && chunks->length++ == 0)
		return 0;
	if (c != '\n')
		return malformed(err);
	chunks->state = SIZE;
	chunks->length = 0;
	return 0;
}

static int take_trailer(struct sbx_http_chunks *chunks, char c,
			struct sbx_error *err)
{
	if (++chunks->extra > EXTRA_MAX)
		return malformed(err);
	if (c == '\n') {
		chunks->ended = chunks->length == 0;
		chunks->length = 0;
	} else if (c != '\r') {
		chunks->length++;
	}
	return 0;
}

static int take(struct sbx_http_chunks *chunks, char c, struct sbx_error *err)
{
	switch (chunks->state) {
	case SIZE:
		return take_size(chunks, c, err);
	case EXTENSION:
		return take_extension(chunks, c, err);
	case DATA_END:
		return take_data_end(chunks, c, err);
	default:
		return take_trailer(chunks, c, err);
	}
}

int sbx_http_chunks_feed(struct sbx_http_chunks *chunks, const char *data,
			 size_t size, size_t *used,
			 int (*sink)(void *ctx, const void *data, size_t size,
				     struct sbx_error *err),
			 void *ctx, struct sbx_error *err)
{
	size_t at = 0;

	while (at < size && !chunks->ended) {
		size_t part = size - at;

		if (chunks->state != DATA) {
			if (take(chunks, data[at++], err) < 0)
				return -1;
			continue;
		}
		if (part > chunks->left)
			part = (size_t)chunks->left;
		if (sink(ctx, data + at, part, err) < 0)
			return -1;
		at += part;
		chunks->left -= part;
		if (chunks->left == 0)
			chunks->state = DATA_END;
	}
	*used = at;
	return 0;
}
