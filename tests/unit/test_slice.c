/* SPDX-License-Identifier: MIT */
#include "sandbox/slice.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"

static struct sbx_slice slice(const char *text)
{
	return (struct sbx_slice){ .at = text, .size = strlen(text) };
}

static void test_equal_only_to_the_whole_text(void **state)
{
	(void)state;
	assert_true(sbx_slice_is(slice("ro"), "ro"));
	assert_true(sbx_slice_is(slice(""), ""));
	assert_false(sbx_slice_is(slice("ro"), "r"));
	assert_false(sbx_slice_is(slice("r"), "ro"));
	assert_false(sbx_slice_is(slice("rx"), "ro"));
}

static void test_parts(void **state)
{
	struct sbx_slice rest = slice("a  b");
	struct sbx_slice part;

	(void)state;
	assert_true(sbx_slice_part(&rest, ' ', &part));
	assert_true(sbx_slice_is(part, "a"));
	assert_true(sbx_slice_part(&rest, ' ', &part));
	assert_true(sbx_slice_is(part, ""));
	assert_true(sbx_slice_part(&rest, ' ', &part));
	assert_true(sbx_slice_is(part, "b"));
	assert_false(sbx_slice_part(&rest, ' ', &part));
}

static void test_last_part_may_have_its_delimiter(void **state)
{
	struct sbx_slice rest = slice("a\n");
	struct sbx_slice part;

	(void)state;
	assert_true(sbx_slice_part(&rest, '\n', &part));
	assert_true(sbx_slice_is(part, "a"));
	assert_false(sbx_slice_part(&rest, '\n', &part));
}

static void test_numbers(void **state)
{
	uint64_t number = 0;

	(void)state;
	assert_true(sbx_slice_to_number(slice("0"), 10, &number));
	assert_true(number == 0);
	assert_true(sbx_slice_to_number(slice("18446744073709551615"), 10,
					&number));
	assert_true(number == UINT64_MAX);
	assert_true(sbx_slice_to_number(slice("40755"), 8, &number));
	assert_true(number == 040755);
}

static void test_what_is_no_number(void **state)
{
	static const char *const texts[] = { "",
					     "-1",
					     "+1",
					     " 1",
					     "1 ",
					     "1x",
					     "/",
					     ":",
					     "18446744073709551616",
					     "99999999999999999999",
					     "000000000000000000001" };
	uint64_t number = 7;

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(texts); i++)
		assert_false(sbx_slice_to_number(slice(texts[i]), 10, &number));
	assert_false(sbx_slice_to_number(slice("8"), 8, &number));
	assert_true(number == 7);
}

static void test_next_number(void **state)
{
	struct sbx_slice rest = slice("12:34");
	uint64_t number = 0;

	(void)state;
	assert_true(sbx_slice_number(&rest, ':', 10, &number));
	assert_true(number == 12);
	assert_true(sbx_slice_number(&rest, ':', 10, &number));
	assert_true(number == 34);
	assert_false(sbx_slice_number(&rest, ':', 10, &number));
}

static void test_words(void **state)
{
	(void)state;
	assert_true(sbx_slice_has_word(slice("ro"), "ro"));
	assert_true(sbx_slice_has_word(slice("ro,nodev"), "ro"));
	assert_true(sbx_slice_has_word(slice("nodev,ro"), "ro"));
	assert_false(sbx_slice_has_word(slice("rw,errors=ro"), "ro"));
	assert_false(sbx_slice_has_word(slice("rox,xro"), "ro"));
	assert_false(sbx_slice_has_word(slice(""), "ro"));
}

static void test_paths(void **state)
{
	static const struct {
		const char *escaped;
		const char *path;
	} paths[] = {
		{ "/", "/" },
		{ "/a\\040b", "/a b" },
		{ "/\\011\\012\\134", "/\t\n\\" },
		{ "/\\377", "/\377" },
		{ "\\057a", "/a" },
		/* no escapes of mountinfo's */
		{ "/\\400", "/\\400" },
		{ "/\\080", "/\\080" },
		{ "/\\008", "/\\008" },
		{ "/\\/00", "/\\/00" },
		{ "/\\0/0", "/\\0/0" },
		{ "/\\00/", "/\\00/" },
		{ "/\\04", "/\\04" },
		{ "/x101", "/x101" },
	};
	char path[PATH_MAX];

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(paths); i++) {
		assert_true(sbx_slice_to_path(slice(paths[i].escaped), path));
		assert_string_equal(path, paths[i].path);
	}
}

static void test_what_is_no_path(void **state)
{
	char path[PATH_MAX];

	(void)state;
	assert_false(sbx_slice_to_path(slice(""), path));
	assert_false(sbx_slice_to_path(slice("relative"), path));
	assert_false(sbx_slice_to_path(slice("/a\\000b"), path));
}

static void test_escape_must_be_there_whole(void **state)
{
	struct sbx_slice cut = { .at = "/\\0401", .size = 4 };
	char path[PATH_MAX];

	(void)state;
	assert_true(sbx_slice_to_path(cut, path));
	assert_string_equal(path, "/\\04");
}

static void test_longest_path(void **state)
{
	char text[PATH_MAX + 1], path[PATH_MAX];

	(void)state;
	memset(text, '/', sizeof(text));
	text[PATH_MAX - 1] = '\0';
	assert_true(sbx_slice_to_path(slice(text), path));
	assert_string_equal(path, text);
	text[PATH_MAX - 1] = '/';
	text[PATH_MAX] = '\0';
	assert_false(sbx_slice_to_path(slice(text), path));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_equal_only_to_the_whole_text),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_last_part_may_have_its_delimiter),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_what_is_no_number),
		cmocka_unit_test(test_next_number),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_what_is_no_path),
		cmocka_unit_test(test_escape_must_be_there_whole),
		cmocka_unit_test(test_longest_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
