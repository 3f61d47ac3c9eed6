/* SPDX-License-Identifier: MIT */
/* Values as JSON Schema compares them: 1 and 1.0 are the same number. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codec/schema_node.h"

#define INTEGER_END 9223372036854775808.0 /* 2^63 */

/* --- numbers --------------------------------------------------------------- */

/* Without a conversion, which above 2^53 would lose digits. */
static int compare_mixed(json_int_t integer, double real)
{
	double whole = trunc(real);

	if (real >= INTEGER_END)
		return -1;
	if (real < -INTEGER_END)
		return 1;
	if (integer != (json_int_t)whole)
		return integer < (json_int_t)whole ? -1 : 1;
	if (real == whole)
		return 0;
	return real > whole ? -1 : 1;
}

int sbx_schema_compare(const json_t *a, const json_t *b)
{
	double x = json_real_value(a);
	double y = json_real_value(b);

	if (json_is_integer(a) && json_is_integer(b)) {
		json_int_t i = json_integer_value(a);
		json_int_t j = json_integer_value(b);

		return (i > j) - (i < j);
	}
	if (json_is_integer(a))
		return compare_mixed(json_integer_value(a), y);
	if (json_is_integer(b))
		return -compare_mixed(json_integer_value(b), x);
	return (x > y) - (x < y);
}

/* |number| = digits * 10^exponent */
struct decimal {
	uint64_t digits;
	int exponent;
};

static struct decimal decimal_of(const json_t *number)
{
	struct decimal decimal = { 0 };
	char text[40], *end;
	int precision = 14;

	if (json_is_integer(number)) {
		json_int_t value = json_integer_value(number);

		decimal.digits = value < 0 ? 0 - (uint64_t)value
					   : (uint64_t)value;
		return decimal;
	}
	/* The shortest that reads back as the same: "D.DDDDe+NN". */
	do {
		snprintf(text, sizeof(text), "%.*e", precision,
			 fabs(json_real_value(number)));
	} while (strtod(text, NULL) != fabs(json_real_value(number)) &&
		 ++precision <= 16);
	for (end = text; *end && *end != 'e'; end++) {
		if (*end >= '0' && *end <= '9')
			decimal.digits =
				decimal.digits * 10 + (uint64_t)(*end - '0');
	}
	decimal.exponent = (int)strtol(end + (*end == 'e'), NULL, 10) -
			   (precision > 16 ? 16 : precision);
	return decimal;
}

bool sbx_schema_is_multiple(const json_t *a, const json_t *b)
{
	struct decimal of = decimal_of(a);
	struct decimal unit = decimal_of(b);
	unsigned __int128 rest;

	for (; of.exponent < unit.exponent; unit.exponent--) {
		if (unit.digits > UINT64_MAX / 10)
			return of.digits == 0;
		unit.digits *= 10;
	}
	/* Nothing above 0 has no digits, but that is not to be seen here. */
	if (unit.digits == 0)
		return false;
	rest = of.digits % unit.digits;
	for (; rest != 0 && of.exponent > unit.exponent; of.exponent--)
		rest = rest * 10 % unit.digits;
	return rest == 0;
}

/* --- equality -------------------------------------------------------------- */

static bool equal_arrays(const json_t *a, const json_t *b, int64_t *steps)
{
	size_t n = json_array_size(a);

	if (n != json_array_size(b))
		return false;
	for (size_t i = 0; i < n; i++) {
		if (!sbx_schema_equal(json_array_get(a, i),
				      json_array_get(b, i), steps))
			return false;
	}
	return true;
}

static bool equal_objects(const json_t *a, const json_t *b, int64_t *steps)
{
	const char *key;
	json_t *value;

	if (json_object_size(a) != json_object_size(b))
		return false;
	json_object_foreach ((json_t *)a, key, value) {
		const json_t *other = json_object_get(b, key);

		if (!other || !sbx_schema_equal(value, other, steps))
			return false;
	}
	return true;
}

bool sbx_schema_equal(const json_t *a, const json_t *b, int64_t *steps)
{
	if (--*steps <= 0)
		return false;
	if (json_is_number(a) && json_is_number(b))
		return sbx_schema_compare(a, b) == 0;
	if (json_is_array(a) && json_is_array(b))
		return equal_arrays(a, b, steps);
	if (json_is_object(a) && json_is_object(b))
		return equal_objects(a, b, steps);
	*steps -= (int64_t)(json_string_length(a) / 64);
	return json_equal(a, b);
}

/* FNV-1a, and a final mix of its own for each. */
static uint64_t hash_bytes(uint64_t hash, const void *data, size_t size)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3u;
	return hash ^ hash >> 29;
}

#define HASH_BASIS 0xcbf29ce484222325u

static uint64_t hash_number(const json_t *number)
{
	json_int_t integer = json_integer_value(number);
	double real = json_real_value(number);

	if (json_is_real(number)) {
		if (trunc(real) != real || real >= INTEGER_END ||
		    real < -INTEGER_END)
			return hash_bytes(HASH_BASIS + 1, &real, sizeof(real));
		integer = (json_int_t)real;
	}
	return hash_bytes(HASH_BASIS + 2, &integer, sizeof(integer));
}

/* The same whatever the members' order. */
static uint64_t hash_object(const json_t *object, int64_t *steps)
{
	uint64_t sum = HASH_BASIS + 3;
	const char *key;
	json_t *value;

	json_object_foreach ((json_t *)object, key, value) {
		uint64_t member = sbx_schema_hash(value, steps);

		sum += hash_bytes(member, key, strlen(key));
		*steps -= (int64_t)(strlen(key) / 16);
	}
	return sum;
}

uint64_t sbx_schema_hash(const json_t *value, int64_t *steps)
{
	uint64_t hash = HASH_BASIS + 4;

	if (--*steps <= 0)
		return 0;
	if (json_is_number(value))
		return hash_number(value);
	if (json_is_object(value))
		return hash_object(value, steps);
	if (json_is_string(value)) {
		*steps -= (int64_t)(json_string_length(value) / 16);
		return hash_bytes(HASH_BASIS, json_string_value(value),
				  json_string_length(value));
	}
	for (size_t i = 0; i < json_array_size(value); i++) {
		uint64_t element =
			sbx_schema_hash(json_array_get(value, i), steps);

		hash = hash_bytes(hash, &element, sizeof(element));
	}
	return hash + (uint64_t)json_typeof(value);
}
