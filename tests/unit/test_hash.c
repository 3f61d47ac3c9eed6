/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/hash.h"

static void digest_of(const char *data, char out[static SBX_HASH_HEX_SIZE])
{
	struct sbx_hash *hash = NULL;

	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, data, strlen(data));
	sbx_hash_finish(hash, out);
	sbx_hash_free(&hash);
	assert_null(hash);
}

/* Values from an independent implementation (Python's hashlib). */
static void test_known_values(void **state)
{
	char hex[SBX_HASH_HEX_SIZE];

	(void)state;
	digest_of("", hex);
	assert_string_equal(hex, "0e5751c026e543b2e8ab2eb06099daa1"
				 "d1e5df47778f7787faab45cdf12fe3a8");
	digest_of("abc", hex);
	assert_string_equal(hex, "bddd813c634239723171ef3fee98579b"
				 "94964e3bb1cb3e427262c8c068d52319");
}

/* How the bytes are cut into calls does not matter. */
static void test_in_parts(void **state)
{
	struct sbx_hash *hash = NULL;
	char whole[SBX_HASH_HEX_SIZE];
	char parts[SBX_HASH_HEX_SIZE];

	(void)state;
	digest_of("one two", whole);
	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, "one", 3);
	sbx_hash_bytes(hash, "", 0);
	sbx_hash_bytes(hash, " two", 4);
	sbx_hash_finish(hash, parts);
	sbx_hash_free(&hash);
	assert_string_equal(whole, parts);
}

static void fields_of(const char *a, const char *b,
		      char out[static SBX_HASH_HEX_SIZE])
{
	struct sbx_hash *hash = NULL;

	sbx_hash_new(&hash);
	sbx_hash_field(hash, a);
	sbx_hash_field(hash, b);
	sbx_hash_finish(hash, out);
	sbx_hash_free(&hash);
}

/* Fields are told apart, which an image's key relies on. */
static void test_fields(void **state)
{
	char one[SBX_HASH_HEX_SIZE];
	char other[SBX_HASH_HEX_SIZE];

	(void)state;
	fields_of("ab", "c", one);
	fields_of("a", "bc", other);
	assert_string_not_equal(one, other);
	fields_of("", "abc", other);
	assert_string_not_equal(one, other);
	fields_of("ab", "c", other);
	assert_string_equal(one, other);
}

/* The prefix is part of the format of keys: 8 bytes, little endian. */
static void test_field_layout(void **state)
{
	static const char raw[] = "\2\0\0\0\0\0\0\0ab\1\0\0\0\0\0\0\0c";
	struct sbx_hash *hash = NULL;
	char bytes[SBX_HASH_HEX_SIZE];
	char fields[SBX_HASH_HEX_SIZE];

	(void)state;
	sbx_hash_new(&hash);
	sbx_hash_bytes(hash, raw, sizeof(raw) - 1);
	sbx_hash_finish(hash, bytes);
	sbx_hash_free(&hash);
	fields_of("ab", "c", fields);
	assert_string_equal(bytes, fields);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_known_values),
		cmocka_unit_test(test_in_parts),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_field_layout),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
