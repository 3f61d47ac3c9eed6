/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "skill/names.h"

#define TEN    "0123456789"
#define SIXTY  TEN TEN TEN TEN TEN TEN
#define DIGEST SIXTY "abcd"

static const struct {
	bool (*is)(const char *text);
	const char *good[8];
	const char *bad[12];
} rules[] = {
	{ sbx_name_is_skill,
	  { "a", "0", "web-page", "a-", SIXTY "abc" },
	  { "", "-a", "A", "a_b", "a.b", "a/b", "..", "a\n", SIXTY "abcd" } },
	{ sbx_name_is_action,
	  { "a", "word_count", "a0" },
	  { "", "0a", "_a", "a-b", "A", "a b", "a" SIXTY "abc" } },
	{ sbx_name_is_volume,
	  { "cache", "0", "a.b_c-d", SIXTY "abcd" },
	  { "", ".a", "-a", "A", "a/b", SIXTY "abcde" } },
	{ sbx_name_is_owner,
	  { "1000", "a.b_c-d", "-", SIXTY "abcd" },
	  { "", "A", "a/b", "a b", SIXTY "abcde" } },
	{ sbx_name_is_variable,
	  { "A", "_", "a_1" },
	  { "", "1A", "A-B", "A=B", "A B", "A.B" } },
	{ sbx_name_is_identifier,
	  { "runc", "io.containerd.runc.v2", "A_b-c", "0" },
	  { "", ".a", "-a", "a/b", "a b", "a:b" } },
	{ sbx_name_is_version,
	  { "0.1.0", "10.20.30", "1.0.0-alpha.1", "1.0.0-0A-.x", "1.0.0+001.x",
	    "1.0.0-a+b" },
	  { "", "1", "1.0", "v1.0.0", "01.0.0", "1.0.0-", "1.0.0-01", "1.0.0+",
	    "1.0.0-a..b", "1.0.0\n", "1.0.0 ", "1.0.0-a_b" } },
	{ sbx_name_is_pinned_image,
	  { "debian@sha256:" DIGEST, "reg.example:5000/a/b@sha256:" DIGEST,
	    "a:tag@sha256:" DIGEST },
	  { "", "debian", "debian:12", "@sha256:" DIGEST,
	    "debian@sha256:" SIXTY "abc", "debian@sha256:" DIGEST "0",
	    "debian@sha256:" SIXTY "abcg", "debian@sha512:" DIGEST,
	    "A@sha256:" DIGEST, "a b@sha256:" DIGEST,
	    "a@sha256:" DIGEST "\n" } },
	{ sbx_name_is_title,
	  { "a", " a ", "Fetch a page", "\xc3\xa9t\xc3\xa9",
	    SIXTY SIXTY SIXTY TEN TEN },
	  { "", " ", "   ", "a\nb", "a\n", "a\tb", "\x1b[2J", "a\x7f",
	    "\xc2\x85", "\xe2\x80\xa8", "\xe2\x80\xae",
	    SIXTY SIXTY SIXTY TEN TEN "0" } },
	{ sbx_name_is_license,
	  { "MIT", "(Apache-2.0 OR MIT) AND CC-BY-4.0",
	    "Proprietary. LICENSE.txt has complete terms",
	    SIXTY SIXTY SIXTY SIXTY SIXTY },
	  { "", " ", "a\nb", "MIT\n", "\x1b[2J" } },
	{ sbx_name_is_media_type,
	  { "image/png", "a/b", "0/0", "IMAGE/PNG", "a!#$&-^_.+/b!#$&-^_.+",
	    SIXTY SIXTY "0123456/" SIXTY SIXTY "0123456" },
	  { "", "/", "image", "image/", "/png", "a/b/c", "a/*", "a/b; c=d",
	    "a/b ", "+a/b", "a/.b", SIXTY SIXTY "01234567/a" } },
	{ sbx_name_is_tool,
	  { "a", "-", "_", "A", "0", "web-page_read_one", SIXTY "abcd" },
	  { "", "a.b", "a/b", "a b", "a:b", "a\n", "\xc3\xa9",
	    SIXTY "abcde" } },
};

static void test_rules(void **state)
{
	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(rules); i++) {
		for (size_t j = 0; rules[i].good[j]; j++) {
			if (!rules[i].is(rules[i].good[j]))
				fail_msg("rule %zu refuses \"%s\"", i,
					 rules[i].good[j]);
		}
		for (size_t j = 0; j < 12 && rules[i].bad[j]; j++) {
			if (rules[i].is(rules[i].bad[j]))
				fail_msg("rule %zu takes \"%s\"", i,
					 rules[i].bad[j]);
		}
	}
}

/* The other part of a media type is no longer than the first. */
static void test_long_subtype(void **state)
{
	(void)state;
	assert_true(sbx_name_is_media_type("a/" SIXTY SIXTY "0123456"));
	assert_false(sbx_name_is_media_type("a/" SIXTY SIXTY "01234567"));
}

/* Versions are held against a regular expression: not against long ones. */
static void test_long(void **state)
{
	cleanup_free char *text = sbx_malloc(1000000);

	(void)state;
	memset(text, '1', 999999);
	text[999999] = '\0';
	for (size_t i = 0; i < SBX_ARRAY_SIZE(rules); i++)
		assert_false(rules[i].is(text));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_long_subtype),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
