/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_REDACT_MATCH_H
#define SBX_SECRET_REDACT_MATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "secret/redact_unit.h"

/*
 * The forms in which a value is looked for, and an attempt to find one of them
 * at one place of a stream.
 *
 * TEXT		byte by byte, each of them as it is or as an escape
 *		(secret/redact_unit.h), a blank as '+' too, the end of a line
 *		as a blank (echo $KEY) and CR LF as LF; characters outside of
 *		ASCII as \uXXXX by UTF-8 or by Latin-1.  What begins an escape
 *		may itself be one (JSON in JSON, a URL in a URL), and where it
 *		is the value's, it is written as one throughout, or never: a
 *		form each, so that a byte of the stream has one reading.
 * HEX		two digits a byte, separators between bytes
 * BASE64	both alphabets, line breaks between characters.  The first and
 *		the last character may have bits of neighbours in them; these
 *		count for nothing, the characters belong to the value.
 */
enum sbx_redact_form {
	SBX_REDACT_TEXT,
	SBX_REDACT_HEX,
	SBX_REDACT_BASE64,
};

/* Separators or line breaks between two bytes or characters at most. */
#define SBX_REDACT_BREAKS_MAX 16

/*
 * @value		borrowed, at least 1 byte
 * @has_raw_backslash	TEXT: '\\' of the value is written as it is
 * @has_raw_percent	TEXT: so is '%'
 * @lead		BASE64: bits before the value in its first character:
 *			0, 2, 4
 */
struct sbx_redact_matcher {
	enum sbx_redact_form form;
	const unsigned char *value;
	size_t size;
	bool has_raw_backslash;
	bool has_raw_percent;
	uint8_t lead;
};

/* The most matchers that one value has. */
#define SBX_REDACT_MATCHERS_MAX 16

/*
 * All for one value, and for what it is without blanks at its ends; returns how
 * many were written to @out.
 */
size_t sbx_redact_matchers(const unsigned char *value, size_t size,
			   struct sbx_redact_matcher *out);

/*
 * @start	where in the stream what it found is to begin
 * @done	bytes, digits or characters that were found
 * @breaks	since the last of them
 * @nested	escapes of the next of them that were in each other so far
 */
struct sbx_redact_attempt {
	const struct sbx_redact_matcher *matcher;
	uint64_t start;
	size_t done;
	struct sbx_redact_unit unit;
	uint8_t breaks;
	uint8_t nested;
};

enum sbx_redact_result {
	SBX_REDACT_FAILED,
	SBX_REDACT_FOUND,
	SBX_REDACT_OPEN, /* all bytes were used, and more may complete it */
};

/* Goes on with the next bytes; *@used of them belong to it, or were looked at
 * before it failed. */
enum sbx_redact_result sbx_redact_match(struct sbx_redact_attempt *attempt,
					const unsigned char *data, size_t size,
					size_t *used);

/*
 * Bytes that an attempt which is neither whole nor in the middle of an escape
 * may go on with: all of them, and some others, each once.  Returns how many.
 */
#define SBX_REDACT_NEXT_MAX 80
size_t sbx_redact_next(const struct sbx_redact_attempt *attempt,
		       unsigned char out[SBX_REDACT_NEXT_MAX]);

/* Whole bytes of the value that an open attempt has found. */
size_t sbx_redact_progress(const struct sbx_redact_attempt *attempt);

/* Whether it has found all, and is open only to see what follows. */
bool sbx_redact_is_whole(const struct sbx_redact_attempt *attempt);

#endif
