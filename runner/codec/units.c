/* SPDX-License-Identifier: MIT */
#include "codec/units.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#define DIGITS_MAX 9

/* "12.5" taken apart; each part has at most DIGITS_MAX digits. */
struct decimal {
	int64_t whole;
	int64_t fraction; /* of @scale */
	int64_t scale;	  /* 10 to the number of decimals */
};

/* The digits at *@text, at least one; false when there are too many. */
static bool take_digits(const char **text, int64_t *value, int64_t *scale)
{
	const char *start = *text;

	*value = 0;
	*scale = 1;
	for (; isdigit((unsigned char)**text); (*text)++) {
		if (*text - start == DIGITS_MAX)
			return false;
		*value = *value * 10 + (**text - '0');
		*scale *= 10;
	}
	return *text > start;
}

static bool take_decimal(const char **text, struct decimal *out)
{
	out->fraction = 0;
	if (!take_digits(text, &out->whole, &out->scale))
		return false;
	out->scale = 1;
	if (**text != '.')
		return true;
	(*text)++;
	return take_digits(text, &out->fraction, &out->scale);
}

/* In microseconds, from the longest: they may be used in this order only. */
static const struct {
	const char *name;
	int64_t us;
} time_units[] = {
	{ "h", 3600000000 }, { "m", 60000000 }, { "s", 1000000 },
	{ "ms", 1000 },	     { "us", 1 },
};

/* The unit at *@text, at or after @first; -1 when there is none. */
static int take_time_unit(const char **text, size_t first)
{
	size_t size = strspn(*text, "hmsu");

	for (size_t i = first; i < SBX_ARRAY_SIZE(time_units); i++) {
		if (strlen(time_units[i].name) == size &&
		    strncmp(*text, time_units[i].name, size) == 0) {
			*text += size;
			return (int)i;
		}
	}
	return -1;
}

bool sbx_units_duration(const char *text, int64_t *ms)
{
	int64_t us = 0;
	size_t first = 0;

	if (*text == '\0')
		return false;
	while (*text != '\0') {
		struct decimal value;
		int64_t part;
		int unit;

		if (!take_decimal(&text, &value))
			return false;
		unit = take_time_unit(&text, first);
		if (unit < 0)
			return false;
		/* At most 1e9 * 3.6e9 each: no overflow in either product. */
		part = value.whole * time_units[unit].us +
		       value.fraction * time_units[unit].us / value.scale;
		if (__builtin_add_overflow(us, part, &us))
			return false;
		first = (size_t)unit + 1;
	}
	/* Rounded up: a little time is not the same as none. */
	*ms = us / 1000 + (us % 1000 != 0);
	return true;
}

/* The power of two behind a suffix such as "k" or "MB"; -1 for others. */
static int size_shift(const char *suffix)
{
	static const struct {
		const char *name;
		int shift;
	} suffixes[] = {
		{ "", 0 },   { "b", 0 },   { "k", 10 }, { "kb", 10 },
		{ "m", 20 }, { "mb", 20 }, { "g", 30 }, { "gb", 30 },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(suffixes); i++) {
		if (strcasecmp(suffix, suffixes[i].name) == 0)
			return suffixes[i].shift;
	}
	return -1;
}

bool sbx_units_size(const char *text, int64_t *bytes)
{
	int64_t value = 0;
	const char *start = text;
	int shift;

	for (; isdigit((unsigned char)*text); text++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *text - '0', &value))
			return false;
	}
	shift = size_shift(text);
	if (text == start || shift < 0 || value > INT64_MAX >> shift)
		return false;
	*bytes = value << shift;
	return true;
}

bool sbx_units_cpus(const char *text, int64_t *nano_cpus)
{
	struct decimal value;

	if (!take_decimal(&text, &value) || *text != '\0')
		return false;
	*nano_cpus = value.whole * 1000000000 +
		     value.fraction * (1000000000 / value.scale);
	return true;
}

/* "30s", "1.5s", "250ms", "" for what is left below a minute. */
static char *format_below_minute(int64_t ms, bool alone)
{
	int decimals = 3;
	int64_t fraction = ms % 1000;

	if (ms == 0)
		return sbx_strdup(alone ? "0s" : "");
	if (ms < 1000)
		return sbx_asprintf("%lldms", (long long)ms);
	if (fraction == 0)
		return sbx_asprintf("%llds", (long long)(ms / 1000));
	for (; fraction % 10 == 0; fraction /= 10)
		decimals--;
	return sbx_asprintf("%lld.%0*llds", (long long)(ms / 1000), decimals,
			    (long long)fraction);
}

char *sbx_units_format_duration(int64_t ms)
{
	long long hours = ms / 3600000;
	long long minutes = ms / 60000 % 60;
	cleanup_free char *rest = NULL;

	rest = format_below_minute(ms % 60000, ms < 60000);
	if (hours && minutes)
		return sbx_asprintf("%lldh%lldm%s", hours, minutes, rest);
	if (hours)
		return sbx_asprintf("%lldh%s", hours, rest);
	if (minutes)
		return sbx_asprintf("%lldm%s", minutes, rest);
	return sbx_take(rest);
}

char *sbx_units_format_size(int64_t bytes)
{
	static const char letters[] = "bkmg";
	size_t unit = 0;

	while (bytes != 0 && bytes % 1024 == 0 && unit < 3) {
		bytes /= 1024;
		unit++;
	}
	return sbx_asprintf("%lld%c", (long long)bytes, letters[unit]);
}
