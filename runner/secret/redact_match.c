/* SPDX-License-Identifier: MIT */
#include "secret/redact_match.h"

#include <string.h>

#include "secret/secrets.h"

/* --- which forms ----------------------------------------------------------- */

static size_t forms_of(const unsigned char *value, size_t size,
		       struct sbx_redact_matcher *out)
{
	int backslashes = memchr(value, '\\', size) ? 2 : 1;
	int percents = memchr(value, '%', size) ? 2 : 1;
	size_t n = 0;

	for (int i = 0; i < backslashes * percents; i++)
		out[n++] = (struct sbx_redact_matcher){
			.form = SBX_REDACT_TEXT,
			.has_raw_backslash = i % backslashes > 0,
			.has_raw_percent = i / backslashes > 0,
		};
	out[n++] = (struct sbx_redact_matcher){ .form = SBX_REDACT_HEX };
	for (uint8_t lead = 0; lead < 6; lead += 2)
		out[n++] = (struct sbx_redact_matcher){
			.form = SBX_REDACT_BASE64,
			.lead = lead,
		};
	for (size_t i = 0; i < n; i++) {
		out[i].value = value;
		out[i].size = size;
	}
	return n;
}

static bool is_blank(unsigned char byte)
{
	return byte && strchr(" \t\r\n", byte);
}

/* A key that comes in lines is printed without the last one's end as often as
 * with it: a shell's $(cat FILE) takes that off, and so does strip(). */
size_t sbx_redact_matchers(const unsigned char *value, size_t size,
			   struct sbx_redact_matcher *out)
{
	size_t n = forms_of(value, size, out);
	size_t from = 0;
	size_t to = size;

	while (to > from && is_blank(value[to - 1]))
		to--;
	while (from < to && is_blank(value[from]))
		from++;
	if (to - from < size && to - from >= SBX_SECRET_SHORT)
		n += forms_of(value + from, to - from, out + n);
	return n;
}

/* How many bytes, digits or characters make it whole. */
static size_t whole(const struct sbx_redact_matcher *matcher)
{
	switch (matcher->form) {
	case SBX_REDACT_HEX:
		return 2 * matcher->size;
	case SBX_REDACT_BASE64:
		return (matcher->lead + 8 * matcher->size + 5) / 6;
	default:
		return matcher->size;
	}
}

bool sbx_redact_is_whole(const struct sbx_redact_attempt *attempt)
{
	return attempt->done == whole(attempt->matcher);
}

size_t sbx_redact_progress(const struct sbx_redact_attempt *attempt)
{
	const struct sbx_redact_matcher *matcher = attempt->matcher;

	switch (matcher->form) {
	case SBX_REDACT_HEX:
		return attempt->done / 2;
	case SBX_REDACT_BASE64:
		return attempt->done ? (6 * attempt->done - matcher->lead) / 8
				     : 0;
	default:
		return attempt->done;
	}
}

/* --- text ------------------------------------------------------------------ */

/* UTF-8 of @code, at most 4 bytes. */
static size_t put_utf8(unsigned char *out, uint32_t code)
{
	static const unsigned char marks[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	size_t size = code < 0x80      ? 1
		      : code < 0x800   ? 2
		      : code < 0x10000 ? 3
				       : 4;

	for (size_t i = size - 1; i > 0; i--) {
		out[i] = (unsigned char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	out[0] = (unsigned char)(marks[size] | code);
	return size;
}

static bool take_code(struct sbx_redact_attempt *attempt, uint32_t code)
{
	const struct sbx_redact_matcher *matcher = attempt->matcher;
	const unsigned char *at = matcher->value + attempt->done;
	unsigned char utf8[4];
	size_t size = put_utf8(utf8, code);

	if (size <= matcher->size - attempt->done &&
	    memcmp(at, utf8, size) == 0)
		attempt->done += size;
	else if (*at == code)
		attempt->done++;
	else
		return false;
	return true;
}

static bool take_byte(struct sbx_redact_attempt *attempt, uint32_t byte)
{
	const struct sbx_redact_matcher *matcher = attempt->matcher;
	const unsigned char *at = matcher->value + attempt->done;

	if (*at == byte)
		attempt->done++;
	else if (byte == '\n' && *at == '\r' &&
		 matcher->size - attempt->done >= 2 && at[1] == '\n')
		attempt->done += 2; /* Read as text. */
	else
		return false;
	return true;
}

/* --- hexadecimal and base64 ------------------------------------------------ */

static bool take_break(struct sbx_redact_attempt *attempt)
{
	return attempt->done > 0 && attempt->breaks++ < SBX_REDACT_BREAKS_MAX;
}

static bool take_digit(struct sbx_redact_attempt *attempt, uint32_t code)
{
	const unsigned char *at = attempt->matcher->value + attempt->done / 2;
	int value = code < 0x80 ? sbx_redact_digit((unsigned char)code) : -1;

	if (value < 0)
		return attempt->done % 2 == 0 && code < 0x80 && code > 0 &&
		       strchr("\r\n\t :-,", (int)code) && take_break(attempt);
	if (value != (attempt->done % 2 ? *at & 0xf : *at >> 4))
		return false;
	attempt->done++;
	attempt->breaks = 0;
	return true;
}

/* The 6 bits of a character of either alphabet (RFC 4648), or -1. */
static int sextet(uint32_t code)
{
	if (code >= 'A' && code <= 'Z')
		return (int)code - 'A';
	if (code >= 'a' && code <= 'z')
		return (int)code - 'a' + 26;
	if (code >= '0' && code <= '9')
		return (int)code - '0' + 52;
	if (code == '+' || code == '-')
		return 62;
	return code == '/' || code == '_' ? 63 : -1;
}

/*
 * Whether the next character can have these bits: those of them that are the
 * value's are.  Byte and bit positions are of the value and what is before it,
 * which is less than a byte.
 */
static bool fits(const struct sbx_redact_attempt *attempt, int bits)
{
	const struct sbx_redact_matcher *matcher = attempt->matcher;
	size_t bit = 6 * attempt->done + (8 - matcher->lead);
	uint32_t wanted = 0;
	uint32_t mask = 0;

	for (size_t i = bit / 8; i < bit / 8 + 2; i++) {
		bool is_value = i >= 1 && i <= matcher->size;

		wanted = wanted << 8 | (is_value ? matcher->value[i - 1] : 0);
		mask = mask << 8 | (is_value ? 0xff : 0);
	}
	wanted >>= 10 - bit % 8;
	mask >>= 10 - bit % 8;
	return (((uint32_t)bits ^ wanted) & mask & 0x3f) == 0;
}

/* A line may be indented. */
static bool is_break(const struct sbx_redact_attempt *attempt, uint32_t code)
{
	return code == '\n' || code == '\r' ||
	       (attempt->breaks > 0 && (code == ' ' || code == '\t'));
}

static bool take_sextet(struct sbx_redact_attempt *attempt, uint32_t code)
{
	int bits = sextet(code);

	if (bits < 0)
		return is_break(attempt, code) && take_break(attempt);
	if (!fits(attempt, bits))
		return false;
	attempt->done++;
	attempt->breaks = 0;
	return true;
}

/* --- bytes of the stream --------------------------------------------------- */

/* A byte of Latin-1, as Python writes "\xe9", is a code point. */
static bool take_meant(struct sbx_redact_attempt *attempt, uint32_t code,
		       bool is_byte)
{
	switch (attempt->matcher->form) {
	case SBX_REDACT_HEX:
		return take_digit(attempt, code);
	case SBX_REDACT_BASE64:
		return take_sextet(attempt, code);
	default:
		return (is_byte && take_byte(attempt, code)) ||
		       take_code(attempt, code);
	}
}

/* A character as it is; blanks may be written in other ways. */
static bool take_plain(struct sbx_redact_attempt *attempt, unsigned char byte)
{
	if (attempt->matcher->form != SBX_REDACT_TEXT)
		return take_meant(attempt, byte, true);
	return take_byte(attempt, byte) ||
	       (byte == '+' && take_byte(attempt, ' ')) ||
	       (byte == ' ' && take_byte(attempt, '\n'));
}

/* Whether @byte begins an escape here. */
static bool is_escape(const struct sbx_redact_attempt *attempt,
		      unsigned char byte)
{
	const struct sbx_redact_matcher *matcher = attempt->matcher;

	if (!sbx_redact_unit_is_lead(byte))
		return false;
	if (matcher->form != SBX_REDACT_TEXT ||
	    matcher->value[attempt->done] != byte)
		return true;
	return byte == '%' ? !matcher->has_raw_percent
			   : !matcher->has_raw_backslash;
}

/*
 * An escape that means what begins escapes begins another one where that is
 * not wanted itself: in JSON that is a string of other JSON, or a URL in a URL.
 */
static bool is_nested(const struct sbx_redact_attempt *attempt, uint32_t code)
{
	const struct sbx_redact_matcher *matcher = attempt->matcher;

	return sbx_redact_unit_is_lead((unsigned char)code) &&
	       (matcher->form != SBX_REDACT_TEXT ||
		matcher->value[attempt->done] != code);
}

static bool take_escaped(struct sbx_redact_attempt *attempt, unsigned char byte)
{
	enum sbx_redact_unit_result result;
	uint32_t code;

	result = sbx_redact_unit_step(&attempt->unit, byte, &code);
	if (result == SBX_REDACT_UNIT_MORE)
		return true;
	if (result == SBX_REDACT_UNIT_BYTE && is_nested(attempt, code)) {
		sbx_redact_unit_step(&attempt->unit, (unsigned char)code,
				     &code);
		return attempt->nested++ < SBX_REDACT_NESTED_MAX;
	}
	attempt->nested = 0;
	return result != SBX_REDACT_UNIT_BAD &&
	       take_meant(attempt, code, result == SBX_REDACT_UNIT_BYTE);
}

/*
 * A value that ends with a backslash and is followed by a quote: in JSON these
 * two are one character, and a quote that stayed would end the string.
 */
static bool minds_quote(const struct sbx_redact_matcher *matcher)
{
	size_t n = 0;

	if (!matcher->has_raw_backslash)
		return false;
	while (n < matcher->size &&
	       matcher->value[matcher->size - 1 - n] == '\\')
		n++;
	return n % 2 == 1;
}

enum sbx_redact_result sbx_redact_match(struct sbx_redact_attempt *attempt,
					const unsigned char *data, size_t size,
					size_t *used)
{
	size_t end = whole(attempt->matcher);
	size_t at = 0;

	for (; at < size && attempt->done < end; at++) {
		bool is_escaped = sbx_redact_unit_is_open(&attempt->unit) ||
				  is_escape(attempt, data[at]);

		if (is_escaped ? !take_escaped(attempt, data[at])
			       : !take_plain(attempt, data[at])) {
			*used = at;
			return SBX_REDACT_FAILED;
		}
	}
	*used = at;
	if (attempt->done < end)
		return SBX_REDACT_OPEN;
	if (!minds_quote(attempt->matcher))
		return SBX_REDACT_FOUND;
	if (at == size)
		return SBX_REDACT_OPEN;
	*used += data[at] == '"';
	return SBX_REDACT_FOUND;
}

/* --- what may come --------------------------------------------------------- */

#define ALPHANUMERIC                                                           \
	"0123456789"                                                           \
	"ABCDEFGHIJKLMNOPQRSTUVWXYZ"                                           \
	"abcdefghijklmnopqrstuvwxyz"

size_t sbx_redact_next(const struct sbx_redact_attempt *attempt,
		       unsigned char out[SBX_REDACT_NEXT_MAX])
{
	static const char lead[] = "%\\+";
	static const char others[] = ALPHANUMERIC "%\\+/-_\r\n\t :,";
	const struct sbx_redact_matcher *matcher = attempt->matcher;
	unsigned char next;
	size_t n;

	_Static_assert(sizeof(others) <= SBX_REDACT_NEXT_MAX, "all fit");
	if (matcher->form != SBX_REDACT_TEXT) {
		memcpy(out, others, sizeof(others) - 1);
		return sizeof(others) - 1;
	}
	memcpy(out, lead, sizeof(lead) - 1);
	n = sizeof(lead) - 1;
	next = matcher->value[attempt->done];
	if (!next || !strchr(lead, next))
		out[n++] = next;
	/* The other ways to write the end of a line. */
	if (next == '\n')
		out[n++] = ' ';
	if (next == '\r')
		out[n++] = '\n';
	return n;
}
