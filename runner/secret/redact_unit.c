/* SPDX-License-Identifier: MIT */
#include "secret/redact_unit.h"

#include <ctype.h>
#include <string.h>

enum state {
	NONE,
	BYTE_DIGITS, /* of %XX and \xXX */
	BACKSLASH,
	CODE_DIGITS, /* of \uXXXX */
	LOW,	     /* a high surrogate was read: the next is to follow */
	LOW_BACKSLASH,
	LOW_DIGITS,
};

int sbx_redact_digit(unsigned char byte)
{
	unsigned int decimal = byte - '0';
	unsigned int letter = (byte | 0x20) - 'a';

	if (decimal < 10)
		return (int)decimal;
	return letter < 6 ? (int)letter + 10 : -1;
}

static enum sbx_redact_unit_result expect(struct sbx_redact_unit *unit,
					  enum state state, uint8_t digits)
{
	unit->state = (uint8_t)state;
	unit->left = digits;
	unit->code = 0;
	return SBX_REDACT_UNIT_MORE;
}

static enum sbx_redact_unit_result backslash(struct sbx_redact_unit *unit,
					     unsigned char byte, uint32_t *out)
{
	static const char letters[] = "bfnrt";
	static const char meant[] = "\b\f\n\r\t";
	const char *letter;

	if (byte == 'u')
		return expect(unit, CODE_DIGITS, 4);
	if (byte == 'x')
		return expect(unit, BYTE_DIGITS, 2);
	letter = byte ? strchr(letters, byte) : NULL;
	if (!letter && (isalnum(byte) || byte < ' ' || byte >= 0x7f))
		return SBX_REDACT_UNIT_BAD;
	*out = letter ? (unsigned char)meant[letter - letters] : byte;
	return SBX_REDACT_UNIT_BYTE;
}

static enum sbx_redact_unit_result code_point(struct sbx_redact_unit *unit,
					      uint32_t *out)
{
	bool is_high = unit->code >= 0xd800 && unit->code <= 0xdbff;
	bool is_low = unit->code >= 0xdc00 && unit->code <= 0xdfff;

	*out = unit->code;
	if (unit->state == CODE_DIGITS && is_high) {
		unit->high = unit->code;
		return expect(unit, LOW, 0);
	}
	if (unit->state == LOW_DIGITS && is_low) {
		*out = 0x10000 + ((uint32_t)(unit->high - 0xd800) << 10) +
		       (unit->code - 0xdc00);
		return SBX_REDACT_UNIT_CODE;
	}
	return unit->state == LOW_DIGITS || is_low ? SBX_REDACT_UNIT_BAD
						   : SBX_REDACT_UNIT_CODE;
}

static enum sbx_redact_unit_result digit(struct sbx_redact_unit *unit,
					 unsigned char byte, uint32_t *out)
{
	int value = sbx_redact_digit(byte);

	if (value < 0)
		return SBX_REDACT_UNIT_BAD;
	unit->code = (uint16_t)(unit->code << 4 | value);
	if (--unit->left > 0)
		return SBX_REDACT_UNIT_MORE;
	*out = unit->code;
	return unit->state == BYTE_DIGITS ? SBX_REDACT_UNIT_BYTE
					  : code_point(unit, out);
}

static enum sbx_redact_unit_result step(struct sbx_redact_unit *unit,
					unsigned char byte, uint32_t *out)
{
	switch (unit->state) {
	case NONE:
		return byte == '%' ? expect(unit, BYTE_DIGITS, 2)
				   : expect(unit, BACKSLASH, 0);
	case BACKSLASH:
		return backslash(unit, byte, out);
	case LOW:
		return byte == '\\' ? expect(unit, LOW_BACKSLASH,
					     SBX_REDACT_NESTED_MAX)
				    : SBX_REDACT_UNIT_BAD;
	case LOW_BACKSLASH:
		/* Each of them is escaped where the first was. */
		if (byte == '\\' && unit->left-- > 0)
			return SBX_REDACT_UNIT_MORE;
		return byte == 'u' ? expect(unit, LOW_DIGITS, 4)
				   : SBX_REDACT_UNIT_BAD;
	default:
		return digit(unit, byte, out);
	}
}

enum sbx_redact_unit_result sbx_redact_unit_step(struct sbx_redact_unit *unit,
						 unsigned char byte,
						 uint32_t *out)
{
	enum sbx_redact_unit_result result = step(unit, byte, out);

	if (result != SBX_REDACT_UNIT_MORE)
		*unit = (struct sbx_redact_unit){ .state = NONE };
	return result;
}
