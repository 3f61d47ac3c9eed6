/* SPDX-License-Identifier: MIT */
#include "codec/yaml_scalar.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"

static bool is_one_of(const char *text, const char *const *words)
{
	for (; *words; words++) {
		if (strcmp(text, *words) == 0)
			return true;
	}
	return false;
}

static bool is_null(const char *text)
{
	static const char *const words[] = { "",     "~",    "null",
					     "Null", "NULL", NULL };

	return is_one_of(text, words);
}

static bool is_true(const char *text)
{
	static const char *const words[] = { "true", "True", "TRUE", NULL };

	return is_one_of(text, words);
}

static bool is_false(const char *text)
{
	static const char *const words[] = { "false", "False", "FALSE", NULL };

	return is_one_of(text, words);
}

static const char *skip_sign(const char *text)
{
	return *text == '-' || *text == '+' ? text + 1 : text;
}

/* The base of an integer, 0 when it is none. */
static int integer_base(const char *text)
{
	const char *digits = skip_sign(text);

	if (*digits != '\0' && digits[strspn(digits, "0123456789")] == '\0')
		return 10;
	if (sbx_text_has_prefix(text, "0o") && text[2] != '\0' &&
	    text[2 + strspn(text + 2, "01234567")] == '\0')
		return 8;
	if (sbx_text_has_prefix(text, "0x") && text[2] != '\0' &&
	    text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0')
		return 16;
	return 0;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool is_real(const char *text)
{
	static const char digits[] = "0123456789";
	size_t whole;
	size_t decimals = 0;

	text = skip_sign(text);
	whole = strspn(text, digits);
	text += whole;
	if (*text == '.') {
		decimals = strspn(++text, digits);
		text += decimals;
	}
	if (whole == 0 && decimals == 0)
		return false;
	if (*text == 'e' || *text == 'E') {
		text = skip_sign(text + 1);
		if (*text == '\0')
			return false;
		text += strspn(text, digits);
	}
	return *text == '\0';
}

static bool is_not_finite(const char *text)
{
	static const char *const infinities[] = { ".inf", ".Inf", ".INF",
						  NULL };
	static const char *const nans[] = { ".nan", ".NaN", ".NAN", NULL };

	return is_one_of(skip_sign(text), infinities) || is_one_of(text, nans);
}

static json_t *make_integer(const char *text, int base, const char **why)
{
	long long value;

	errno = 0;
	value = strtoll(base == 10 ? text : text + 2, NULL, base);
	if (errno == 0)
		return json_integer(value);
	*why = "this number does not fit 64 bits; quote it if it is a text";
	return NULL;
}

static json_t *make_real(const char *text, const char **why)
{
	double value = strtod(text, NULL);

	if (isfinite(value))
		return json_real(value);
	*why = "this number is too large; quote it if it is a text";
	return NULL;
}

static json_t *resolve(const char *text, size_t size, const char **why)
{
	int base = integer_base(text);

	if (is_null(text))
		return json_null();
	if (is_true(text))
		return json_true();
	if (is_false(text))
		return json_false();
	if (base != 0)
		return make_integer(text, base, why);
	if (is_real(text))
		return make_real(text, why);
	if (!is_not_finite(text))
		return json_stringn(text, size);
	*why = "infinity and NaN are not supported; quote it if it is a text";
	return NULL;
}

static json_t *make_tagged(const char *text, size_t size, const char *type,
			   const char **why)
{
	int base = integer_base(text);

	if (strcmp(type, "str") == 0)
		return json_stringn(text, size);
	if (strcmp(type, "null") == 0 && is_null(text))
		return json_null();
	if (strcmp(type, "bool") == 0 && (is_true(text) || is_false(text)))
		return json_boolean(is_true(text));
	if (strcmp(type, "int") == 0 && base != 0)
		return make_integer(text, base, why);
	if (strcmp(type, "float") == 0 && is_real(text))
		return make_real(text, why);
	*why = "this is not what its tag says";
	return NULL;
}

json_t *sbx_yaml_scalar(const char *text, size_t size, const char *tag,
			bool plain, const char **why)
{
	static const char *const types[] = { "str", "null",  "bool",
					     "int", "float", NULL };
	const char *type = tag;

	if (!tag)
		return plain ? resolve(text, size, why)
			     : json_stringn(text, size);
	if (sbx_text_has_prefix(tag, SBX_YAML_TAG_PREFIX))
		type = tag + strlen(SBX_YAML_TAG_PREFIX);
	if (type != tag && is_one_of(type, types))
		return make_tagged(text, size, type, why);
	*why = "this tag is not supported here: only !!str, !!int, !!float, "
	       "!!bool and !!null are";
	return NULL;
}
