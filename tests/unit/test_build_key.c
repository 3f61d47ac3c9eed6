/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "skill/build_key.h"

static const struct sbx_build_sources plain = {
	.kind = "skill",
	.name = "n",
	.context = "c",
	.dockerfile = "Dockerfile",
	.platform = "linux/amd64",
};

static void check_differ(const struct sbx_build_sources *a,
			 const struct sbx_build_sources *b)
{
	char one[SBX_BUILD_KEY_SIZE];
	char other[SBX_BUILD_KEY_SIZE];

	sbx_build_key(a, one);
	sbx_build_key(b, other);
	assert_string_not_equal(one, other);
}

/* A tag's name is made of it. */
static void test_form(void **state)
{
	char key[SBX_BUILD_KEY_SIZE];

	(void)state;
	sbx_build_key(&plain, key);
	assert_int_equal(strlen(key), 32);
	assert_int_equal(strspn(key, "0123456789abcdef"), 32);
}

/* The same key on every machine and in every release, or all is rebuilt. */
static void test_value(void **state)
{
	char key[SBX_BUILD_KEY_SIZE];

	(void)state;
	sbx_build_key(&plain, key);
	assert_string_equal(key, "7c976eaca9019ba186c333a5d0361798");
}

static void test_every_source_counts(void **state)
{
	struct sbx_build_sources other = plain;

	(void)state;
	other.kind = "base";
	check_differ(&plain, &other);
	other = plain;
	other.name = "m";
	check_differ(&plain, &other);
	other = plain;
	other.context = "d";
	check_differ(&plain, &other);
	other = plain;
	other.rootfs = "";
	check_differ(&plain, &other);
	other = plain;
	other.dockerfile = "other";
	check_differ(&plain, &other);
	other = plain;
	other.target = "";
	check_differ(&plain, &other);
	other = plain;
	other.platform = "linux/arm64";
	check_differ(&plain, &other);
	other = plain;
	sbx_strv_push(&other.images, "debian:12");
	check_differ(&plain, &other);
	sbx_strv_free(&other.images);
}

static void test_objects(void **state)
{
	struct sbx_build_sources a = plain;
	struct sbx_build_sources b = plain;
	char one[SBX_BUILD_KEY_SIZE];
	char other[SBX_BUILD_KEY_SIZE];
	json_t *xy = json_pack("{s:s, s:s}", "X", "1", "Y", "2");
	json_t *yx = json_pack("{s:s, s:s}", "Y", "2", "X", "1");
	json_t *other_value = json_pack("{s:s, s:s}", "X", "1", "Y", "3");

	(void)state;
	/* their order is nobody's choice */
	a.args = xy;
	b.args = yx;
	sbx_build_key(&a, one);
	sbx_build_key(&b, other);
	assert_string_equal(one, other);
	b.args = other_value;
	check_differ(&a, &b);
	b.args = NULL;
	b.bases = xy;
	check_differ(&a, &b);
	check_differ(&plain, &b);
	a.args = NULL;
	a.bases = other_value;
	check_differ(&a, &b);
	json_decref(xy);
	json_decref(yx);
	json_decref(other_value);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_every_source_counts),
		cmocka_unit_test(test_objects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
