/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_TEXT_H
#define SBX_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

bool sbx_text_has_prefix(const char *text, const char *prefix);
bool sbx_text_has_suffix(const char *text, const char *suffix);

/*
 * True when @data is valid UTF-8 by RFC 3629 (no surrogates, no overlong
 * forms, nothing above U+10FFFF).
 */
bool sbx_text_is_utf8(const char *data, size_t size);

/*
 * The character @text begins with (@size > 0): its length in bytes, and its
 * code point, which is U+FFFD for a maximal part that is invalid.
 */
size_t sbx_text_next(const char *text, size_t size, uint32_t *code);

/*
 * Appends @data to @out as valid UTF-8: each maximal invalid part becomes
 * U+FFFD (the practice of Unicode 15, section 3.9) and NUL becomes U+FFFD as
 * well, so that the result is a C string.  Stops where @out is full.
 */
void sbx_text_to_utf8(struct sbx_buf *out, const char *data, size_t size);

/*
 * True for what must not reach a terminal or a log as it is: control
 * characters (C0, DEL, C1), bidi marks and overrides, line separators.
 */
bool sbx_text_is_unsafe(uint32_t code);

/*
 * Appends @data so that it is harmless on a terminal and in a log: unsafe
 * characters (but for tab and newline when @multiline) and invalid UTF-8 come
 * out as \xNN or \u{N}.
 */
void sbx_text_escape(struct sbx_buf *out, const char *data, size_t size,
		     bool multiline);

/*
 * The member of @known (NULL-terminated) nearest to @word by edit distance
 * (letter case does not count), or NULL when none is near enough to be what
 * was meant (at most a third of the word's length, and at least 1, edits away).
 */
const char *sbx_text_nearest(const char *word, const char *const *known);

#endif
