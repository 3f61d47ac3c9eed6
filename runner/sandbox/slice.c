/* SPDX-License-Identifier: MIT */
#include "sandbox/slice.h"

#include <limits.h>
#include <string.h>

bool sbx_slice_is(struct sbx_slice slice, const char *text)
{
	return slice.size == strlen(text) &&
	       memcmp(slice.at, text, slice.size) == 0;
}

bool sbx_slice_part(struct sbx_slice *rest, char delimiter,
		    struct sbx_slice *part)
{
	const char *end;

	if (rest->size == 0)
		return false;
	end = memchr(rest->at, delimiter, rest->size);
	part->at = rest->at;
	part->size = end ? (size_t)(end - rest->at) : rest->size;
	rest->at += part->size + (end ? 1 : 0);
	rest->size -= part->size + (end ? 1 : 0);
	return true;
}

bool sbx_slice_to_number(struct sbx_slice slice, unsigned int base,
			 uint64_t *number)
{
	uint64_t value = 0;

	if (slice.size == 0 || slice.size > 20)
		return false;
	for (size_t i = 0; i < slice.size; i++) {
		unsigned int digit = (unsigned char)slice.at[i] - '0';

		if (digit >= base ||
		    __builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, digit, &value))
			return false;
	}
	*number = value;
	return true;
}

bool sbx_slice_number(struct sbx_slice *rest, char delimiter, unsigned int base,
		      uint64_t *number)
{
	struct sbx_slice part;

	return sbx_slice_part(rest, delimiter, &part) &&
	       sbx_slice_to_number(part, base, number);
}

bool sbx_slice_has_word(struct sbx_slice list, const char *word)
{
	struct sbx_slice part;

	while (sbx_slice_part(&list, ',', &part)) {
		if (sbx_slice_is(part, word))
			return true;
	}
	return false;
}

static bool is_octal(const char *digits)
{
	return digits[0] >= '0' && digits[0] <= '3' && digits[1] >= '0' &&
	       digits[1] <= '7' && digits[2] >= '0' && digits[2] <= '7';
}

bool sbx_slice_to_path(struct sbx_slice slice, char out[static PATH_MAX])
{
	size_t len = 0;

	for (size_t i = 0; i < slice.size; i++) {
		char byte = slice.at[i];

		if (byte == '\\' && slice.size - i > 3 &&
		    is_octal(slice.at + i + 1)) {
			byte = (char)((slice.at[i + 1] - '0') * 64 +
				      (slice.at[i + 2] - '0') * 8 +
				      (slice.at[i + 3] - '0'));
			i += 3;
		}
		if (byte == '\0' || len + 1 >= PATH_MAX)
			return false;
		out[len++] = byte;
	}
	out[len] = '\0';
	return out[0] == '/';
}
