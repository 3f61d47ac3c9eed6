/* SPDX-License-Identifier: MIT */
#include "base/text.h"

#include <stdint.h>
#include <string.h>

#define WORD_MAX 64

bool sbx_text_has_prefix(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool sbx_text_has_suffix(const char *text, const char *suffix)
{
	size_t text_size = strlen(text);
	size_t size = strlen(suffix);

	return text_size >= size &&
	       memcmp(text + text_size - size, suffix, size) == 0;
}

/*
 * Well-formed UTF-8 by lead byte (Unicode 15, table 3-7): how long the
 * sequence is and what its second byte may be; further bytes are 80..BF.
 */
static const struct lead {
	unsigned char first, last;
	unsigned char size;
	unsigned char second_min, second_max;
} leads[] = {
	{ 0x00, 0x7f, 1, 0x00, 0x00 }, { 0xc2, 0xdf, 2, 0x80, 0xbf },
	{ 0xe0, 0xe0, 3, 0xa0, 0xbf }, { 0xe1, 0xec, 3, 0x80, 0xbf },
	{ 0xed, 0xed, 3, 0x80, 0x9f }, { 0xee, 0xef, 3, 0x80, 0xbf },
	{ 0xf0, 0xf0, 4, 0x90, 0xbf }, { 0xf1, 0xf3, 4, 0x80, 0xbf },
	{ 0xf4, 0xf4, 4, 0x80, 0x8f },
};

static const struct lead *find_lead(unsigned char byte)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(leads); i++) {
		if (byte >= leads[i].first && byte <= leads[i].last)
			return &leads[i];
	}
	return NULL;
}

/*
 * Looks at the sequence @text begins with (@size > 0).  *@valid tells whether
 * it is a character; the result is its length, or that of the maximal part
 * that is invalid.
 */
static size_t next_char(const unsigned char *text, size_t size, bool *valid)
{
	const struct lead *lead = find_lead(text[0]);
	size_t i;

	*valid = false;
	if (!lead)
		return 1;
	for (i = 1; i < lead->size; i++) {
		unsigned char min = i == 1 ? lead->second_min : 0x80;
		unsigned char max = i == 1 ? lead->second_max : 0xbf;

		if (i == size || text[i] < min || text[i] > max)
			return i;
	}
	*valid = true;
	return i;
}

/* The code point of a valid sequence of @size bytes. */
static uint32_t decode(const unsigned char *text, size_t size)
{
	uint32_t code = text[0];

	if (size > 1)
		code &= 0x7fu >> size;
	for (size_t i = 1; i < size; i++)
		code = code << 6 | (text[i] & 0x3f);
	return code;
}

size_t sbx_text_next(const char *text, size_t size, uint32_t *code)
{
	const unsigned char *bytes = (const unsigned char *)text;
	bool valid;
	size_t step = next_char(bytes, size, &valid);

	*code = valid ? decode(bytes, step) : 0xfffd;
	return step;
}

bool sbx_text_is_utf8(const char *data, size_t size)
{
	const unsigned char *text = (const unsigned char *)data;
	bool valid = true;

	for (size_t i = 0; i < size && valid;)
		i += next_char(text + i, size - i, &valid);
	return valid;
}

/* All of @data or, where it does not fit, nothing: no half characters. */
static bool append_whole(struct sbx_buf *out, const void *data, size_t size)
{
	if (out->max - out->len < size)
		return false;
	sbx_buf_append(out, data, size);
	return true;
}

void sbx_text_to_utf8(struct sbx_buf *out, const char *data, size_t size)
{
	const unsigned char *text = (const unsigned char *)data;
	size_t step;
	bool fits;
	bool valid;

	for (size_t i = 0; i < size; i += step) {
		step = next_char(text + i, size - i, &valid);
		if (valid && text[i] != 0)
			fits = append_whole(out, text + i, step);
		else
			fits = append_whole(out, "\xef\xbf\xbd", 3);
		if (!fits)
			return;
	}
}

bool sbx_text_is_unsafe(uint32_t code)
{
	static const struct {
		uint32_t first, last;
	} unsafe[] = {
		{ 0x00, 0x1f },	    /* C0 */
		{ 0x7f, 0x9f },	    /* DEL, C1 */
		{ 0x061c, 0x061c }, /* bidi mark */
		{ 0x200e, 0x200f }, /* bidi marks */
		{ 0x2028, 0x202e }, /* line ends, bidi overrides */
		{ 0x2066, 0x2069 }, /* bidi isolates */
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(unsafe); i++) {
		if (code >= unsafe[i].first && code <= unsafe[i].last)
			return true;
	}
	return false;
}

/* One character, or one invalid part, as it is to be shown. */
static bool escape_one(struct sbx_buf *out, const unsigned char *text,
		       size_t size, bool valid, bool multiline)
{
	struct sbx_buf escaped = SBX_BUF_INIT(64);
	uint32_t code = valid ? decode(text, size) : 0;
	bool fits;

	if (valid && multiline && (code == '\t' || code == '\n'))
		return append_whole(out, text, size);
	if (valid && !sbx_text_is_unsafe(code))
		return append_whole(out, text, size);
	if (valid && size > 1)
		sbx_buf_printf(&escaped, "\\u{%x}", code);
	else
		for (size_t i = 0; i < size; i++)
			sbx_buf_printf(&escaped, "\\x%02x", text[i]);
	fits = append_whole(out, escaped.data, escaped.len);
	sbx_buf_free(&escaped);
	return fits;
}

void sbx_text_escape(struct sbx_buf *out, const char *data, size_t size,
		     bool multiline)
{
	const unsigned char *text = (const unsigned char *)data;
	size_t step;
	bool valid;

	for (size_t i = 0; i < size; i += step) {
		step = next_char(text + i, size - i, &valid);
		if (!escape_one(out, text + i, step, valid, multiline))
			return;
	}
}

static char fold(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * Edit distance with transpositions (optimal string alignment), whatever the
 * case.  Both words are at most WORD_MAX long.
 */
static size_t distance(const char *a, size_t a_size, const char *b,
		       size_t b_size)
{
	size_t d[WORD_MAX + 1][WORD_MAX + 1];

	for (size_t i = 0; i <= a_size; i++)
		d[i][0] = i;
	for (size_t j = 0; j <= b_size; j++)
		d[0][j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		for (size_t j = 1; j <= b_size; j++) {
			char x = fold(a[i - 1]);
			char y = fold(b[j - 1]);

			d[i][j] = least(d[i - 1][j] + 1, d[i][j - 1] + 1);
			d[i][j] = least(d[i][j], d[i - 1][j - 1] + (x != y));
			if (i > 1 && j > 1 && x == fold(b[j - 2]) &&
			    fold(a[i - 2]) == y)
				d[i][j] = least(d[i][j], d[i - 2][j - 2] + 1);
		}
	}
	return d[a_size][b_size];
}

const char *sbx_text_nearest(const char *word, const char *const *known)
{
	size_t size = strlen(word);
	size_t best = size / 3 > 1 ? size / 3 : 1;
	const char *nearest = NULL;

	if (size > WORD_MAX)
		return NULL;
	for (; *known; known++) {
		size_t other = strlen(*known);
		size_t edits;

		if (other > WORD_MAX)
			continue;
		edits = distance(word, size, *known, other);
		if (edits < best || (edits == best && !nearest)) {
			best = edits;
			nearest = *known;
		}
	}
	return nearest;
}
