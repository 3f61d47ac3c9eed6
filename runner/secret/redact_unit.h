/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_REDACT_UNIT_H
#define SBX_SECRET_REDACT_UNIT_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Escapes of escapes that are followed for one character: JSON that is a string
 * in JSON, three times, has seven backslashes in a row.
 */
#define SBX_REDACT_NESTED_MAX 8

/*
 * One character that is written as an escape, read byte by byte:
 *
 *	%XX		of URLs (RFC 3986, 2.1), a byte
 *	\uXXXX		of JSON (RFC 8259, 7), a code point; two of them make
 *			one above U+FFFF
 *	\n \r \t \b \f	of JSON, a byte
 *	\xXX		of Python, C and shells, a byte
 *	\" \\ \/ ...	a backslash and what is neither letter nor digit: that,
 *			in JSON and in a shell
 *
 * Hexadecimal digits in either case.  All zeros between two characters.
 */
struct sbx_redact_unit {
	uint8_t state;
	uint8_t left;  /* digits that are to come */
	uint16_t high; /* the first of two \uXXXX */
	uint16_t code; /* of the digits so far */
};

enum sbx_redact_unit_result {
	SBX_REDACT_UNIT_MORE,
	SBX_REDACT_UNIT_BAD,  /* no escape, or none that means a character */
	SBX_REDACT_UNIT_BYTE, /* *@out is a byte */
	SBX_REDACT_UNIT_CODE, /* *@out is a code point, no surrogate */
};

/* Whether an escape begins with @byte: '%' or '\\'. */
static inline bool sbx_redact_unit_is_lead(unsigned char byte)
{
	return byte == '%' || byte == '\\';
}

static inline bool sbx_redact_unit_is_open(const struct sbx_redact_unit *unit)
{
	return unit->state != 0;
}

/* The next byte, of which the first is a lead.  After all but MORE it is over. */
enum sbx_redact_unit_result sbx_redact_unit_step(struct sbx_redact_unit *unit,
						 unsigned char byte,
						 uint32_t *out);

/* The value of a hexadecimal digit, or -1. */
int sbx_redact_digit(unsigned char byte);

#endif
