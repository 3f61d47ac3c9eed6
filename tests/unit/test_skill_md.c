/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "scratch.h"
#include "skill/skill_md.h"

#define BOTH "name: example\ndescription: Does it.\n"

/* A skill "example" whose manifest has @more besides what it must. */
static struct sbx_manifest *manifest_with(const char *more)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	cleanup_free char *text = sbx_asprintf(
		"schema_version: 1\nname: example\nversion: 0.1.0\n"
		"actions: {run: {}}\n%s",
		more);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_manifest *manifest = NULL;

	if (sbx_manifest_parse(text, strlen(text), "example", "skill.yaml",
			       &manifest, &problems, &err) < 0)
		fail_msg("%s", err.message);
	return manifest;
}

/* --- the text ------------------------------------------------------------- */

static void test_valid(void **state)
{
	static const struct {
		const char *text, *description, *license;
	} samples[] = {
		{ "---\n" BOTH "---\n", "Does it.", NULL },
		{ "---\n" BOTH "---", "Does it.", NULL },
		{ "---\n" BOTH "license: MIT\n---\n# Example\n\n---\n",
		  "Does it.", "MIT" },
		/* as editors elsewhere write it */
		{ "\xef\xbb\xbf--- \t\r\nname: example\r\ndescription: Does "
		  "it.\r\n---\r\nText\r\n",
		  "Does it.", NULL },
		{ "---\nname: example\ndescription: >\n  Does\n  it.\n\n"
		  "license: |\n  MIT\n---\n",
		  "Does it.", "MIT" },
		{ "---\nname: 'example'\ndescription: \"  A\\n B \"\n---\n",
		  "A\n B", NULL },
		/* what else there may be, now and later */
		{ "---\n" BOTH "compatibility: Linux\nallowed-tools: Read "
		  "Bash(git:*)\nmetadata: {author: me, version: '1'}\n"
		  "model: {no: [1, null]}\n---\n",
		  "Does it.", NULL },
		/* the text itself is anybody's affair */
		{ "---\n" BOTH "---\n\xff\xfe\x01 {{ : \t[\n--- x\n",
		  "Does it.", NULL },
		{ "---\n{\"name\": \"example\", \"description\": \"---\"}\n---",
		  "---", NULL },
	};
	struct sbx_manifest *manifest = manifest_with("");

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_problems struct sbx_problems problems =
			SBX_PROBLEMS_INIT;
		cleanup_skill_md struct sbx_skill_md md = SBX_SKILL_MD_INIT;
		const char *text = samples[i].text;

		if (sbx_skill_md_parse(text, strlen(text), manifest, &md,
				       &problems) < 0)
			fail_msg("%s", problems.errors.v[0]);
		assert_int_equal(problems.errors.n, 0);
		assert_int_equal(problems.warnings.n, 0);
		assert_string_equal(md.description, samples[i].description);
		if (samples[i].license)
			assert_string_equal(md.license, samples[i].license);
		else
			assert_null(md.license);
	}
	sbx_manifest_free(&manifest);
}

static void check_invalid(const char *data, size_t size, const char *start)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_skill_md md = SBX_SKILL_MD_INIT;
	struct sbx_manifest *manifest = manifest_with("");

	assert_int_equal(
		sbx_skill_md_parse(data, size, manifest, &md, &problems), -1);
	assert_int_equal(problems.errors.n, 1);
	if (!sbx_text_has_prefix(problems.errors.v[0], start))
		assert_string_equal(problems.errors.v[0], start);
	assert_null(md.description);
	assert_null(md.license);
	sbx_manifest_free(&manifest);
}

static void test_invalid(void **state)
{
	static const char *const samples[][2] = {
		{ "", "1:1: expected a line \"---\", and name and" },
		{ "# Example\n", "1:1: expected a line \"---\"" },
		{ "\n---\n" BOTH "---\n", "1:1: expected a line \"---\"" },
		{ " ---\n" BOTH "---\n", "1:1: expected a line \"---\"" },
		{ "----\n" BOTH "----\n", "1:1: expected a line \"---\"" },
		{ "--", "1:1: expected a line \"---\"" },
		{ "---", "1:1: what begins here has no end: expected" },
		{ "---\n" BOTH, "1:1: what begins here has no end" },
		{ "---\n" BOTH " ---\n--\n----\n---x\n",
		  "1:1: what begins here has no end" },
		{ "---\n---\n", "2:1: found nothing, expected a mapping" },
		{ "---\n- name\n---\n", "2:1: found a list, expected a map" },
		{ "---\nname\n---\n", "2:1: found \"name\", expected a map" },
		{ "---\n" BOTH "...\na: b\n---\n",
		  "5:1: did not find expected <document start>" },
		{ "---\n" BOTH "--- # more\n---\n", "4:1: found a second doc" },
		{ "---\nname: example\ndescription: Use it: now\n---\n",
		  "3:20: mapping values are not allowed" },
		{ "---\nname: example\ndescription: \xc3\x28\n---\n",
		  "3:14: found the byte 0xc3, which is not UTF-8" },
		{ "---\nname: example\n\tdescription: a\n---\n",
		  "3:1: found a tab" },
		{ "---\n" BOTH "name: example\n---\n",
		  "4:1: duplicate key \"name\": it is at 2:1 already" },
		{ "---\ndescription: a\n---\n",
		  "2:1: \"name\" is missing: add the name of the skill" },
		{ "---\nname: example\n---\n",
		  "2:1: \"description\" is missing: add what the skill is" },
		{ "---\nname: Example\ndescription: a\n---\n",
		  "2:7: name: found \"Example\", expected \"example\", the "
		  "name of the skill" },
		{ "---\nname: 5\ndescription: a\n---\n",
		  "2:7: name: found 5, expected \"example\"" },
		{ "---\nname: \"example\\0\"\ndescription: a\n---\n",
		  "2:7: name: found \"example" },
		{ "---\nname: example\ndescription:\n---\n",
		  "3:13: description: found nothing, expected what the skill "
		  "is for" },
		{ "---\nname: example\ndescription: ' '\n---\n",
		  "3:14: description: found \" \", expected what the skill" },
		{ "---\nname: example\ndescription: [a]\n---\n",
		  "3:14: description: found a list, expected what the skill" },
		{ "---\nname: example\ndescription: \"a\\0\"\n---\n",
		  "3:14: description: found a NUL character" },
		{ "---\n" BOTH "license: {a: b}\n---\n",
		  "4:10: license: found a mapping, expected one line such as" },
		{ "---\n" BOTH "license: |\n  MIT\n  or not\n---\n",
		  "4:10: license: found \"MIT" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++)
		check_invalid(samples[i][0], strlen(samples[i][0]),
			      samples[i][1]);
	check_invalid("---\nname: \0\n---\n", 15,
		      "2:7: found the byte 0x00, and NUL bytes: this is a "
		      "binary file");
}

/* What is too long, or without an end, is refused soon. */
static void test_hostile(void **state)
{
	struct sbx_buf text = SBX_BUF_INIT(4 * 1024 * 1024);

	(void)state;
	sbx_buf_puts(&text, "---\n");
	while (text.len < 2 * 1024 * 1024)
		sbx_buf_puts(&text, "- - -\n");
	check_invalid(text.data, text.len, "1:1: what begins here has no end");
	sbx_buf_puts(&text, "---\n");
	check_invalid(text.data, text.len,
		      "1:1: the front matter is larger than 1 MiB");
	sbx_buf_free(&text);
}

/* All that is wrong, at once. */
static void test_every_error(void **state)
{
	static const char text[] = "---\n"
				   "license: ''\n"
				   "name: other\n"
				   "other: .nan\n"
				   "---\n";
	static const char *const starts[] = {
		"2:1: \"description\" is missing",
		"2:10: license: found \"\"",
		"3:7: name: found \"other\"",
		"4:8: infinity and NaN",
	};
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_skill_md md = SBX_SKILL_MD_INIT;
	struct sbx_manifest *manifest = manifest_with("");

	(void)state;
	assert_int_equal(sbx_skill_md_parse(text, strlen(text), manifest, &md,
					    &problems),
			 -1);
	assert_int_equal(problems.errors.n, SBX_ARRAY_SIZE(starts));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(starts); i++) {
		if (!sbx_text_has_prefix(problems.errors.v[i], starts[i]))
			assert_string_equal(problems.errors.v[i], starts[i]);
	}
	sbx_manifest_free(&manifest);
}

/* Where the two do not agree the manifest counts; blanks make no difference. */
static void test_disagreement(void **state)
{
	static const struct {
		const char *manifest, *text;
		size_t warnings;
	} samples[] = {
		{ "description: Does it.\n", "---\n" BOTH "---\n", 0 },
		{ "description: |\n  Does it.\n", "---\n" BOTH "---\n", 0 },
		{ "description: Does it!\n", "---\n" BOTH "---\n", 1 },
		{ "description: ''\n", "---\n" BOTH "---\n", 1 },
		{ "license: MIT\n", "---\n" BOTH "---\n", 0 },
		{ "license: MIT\n", "---\n" BOTH "license: MIT\n---\n", 0 },
		{ "license: ISC\n", "---\n" BOTH "license: MIT\n---\n", 1 },
		{ "license: ISC\ndescription: Other\n",
		  "---\n" BOTH "license: MIT\n---\n", 2 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		cleanup_problems struct sbx_problems problems =
			SBX_PROBLEMS_INIT;
		cleanup_skill_md struct sbx_skill_md md = SBX_SKILL_MD_INIT;
		struct sbx_manifest *manifest =
			manifest_with(samples[i].manifest);

		assert_int_equal(sbx_skill_md_parse(samples[i].text,
						    strlen(samples[i].text),
						    manifest, &md, &problems),
				 0);
		assert_int_equal(problems.warnings.n, samples[i].warnings);
		sbx_manifest_free(&manifest);
	}
}

static void test_warnings(void **state)
{
	static const char text[] = "---\n" BOTH "license: MIT\n---\n";
	static const char *const expected[] = {
		"3:14: description: skill.yaml has another, which counts: "
		"make them the same, or remove it there",
		"4:10: license: skill.yaml has another, which counts: make "
		"them the same, or remove it there",
	};
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	cleanup_skill_md struct sbx_skill_md md = SBX_SKILL_MD_INIT;
	struct sbx_manifest *manifest =
		manifest_with("description: Other\nlicense: ISC\n");

	(void)state;
	assert_int_equal(sbx_skill_md_parse(text, strlen(text), manifest, &md,
					    &problems),
			 0);
	assert_int_equal(problems.warnings.n, SBX_ARRAY_SIZE(expected));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(expected); i++)
		assert_string_equal(problems.warnings.v[i], expected[i]);
	sbx_manifest_free(&manifest);
}

/* --- the file ------------------------------------------------------------- */

/*
 * Reads what is in the working directory, for a manifest with @more.  Its
 * description is then @description, and the first error @error, or NULL.
 */
static void check_file(const char *more, const char *description,
		       const char *error)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_manifest *manifest = manifest_with(more);

	sbx_skill_md_complete(AT_FDCWD, manifest, &problems);
	assert_int_equal(problems.errors.n, error ? 1 : 0);
	if (error)
		assert_string_equal(problems.errors.v[0], error);
	if (description)
		assert_string_equal(manifest->description, description);
	else
		assert_null(manifest->description);
	sbx_manifest_free(&manifest);
}

static void test_file(void **state)
{
	struct sbx_manifest *manifest = manifest_with("license: ISC\n");
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;

	(void)state;
	check_file("", NULL, NULL);
	put("SKILL.md", "---\n" BOTH "license: MIT\n---\n");
	check_file("", "Does it.", NULL);
	check_file("description: Mine\n", "Mine", NULL);
	sbx_skill_md_complete(AT_FDCWD, manifest, &problems);
	assert_string_equal(manifest->description, "Does it.");
	assert_string_equal(manifest->license, "ISC");
	assert_int_equal(problems.warnings.n, 1);
	sbx_manifest_free(&manifest);
}

/* Nothing is taken from what is wrong. */
static void test_bad_file(void **state)
{
	(void)state;
	put("SKILL.md",
	    "---\nname: example\ndescription: a\nlicense: 1\n---\n");
	check_file("", NULL,
		   "4:10: license: found 1, expected one line such as MIT, at "
		   "most 1000 bytes");
	put("SKILL.md", "");
	check_file("description: Mine\n", "Mine",
		   "1:1: expected a line \"---\", and name and description "
		   "after it");
	assert_int_equal(truncate("SKILL.md", 1024 * 1024 + 1), 0);
	check_file("", NULL,
		   "1:1: SKILL.md is larger than 1048576 bytes, the most it "
		   "may be");
}

/* It is the skill's own, and nobody waits for it. */
static void test_no_file(void **state)
{
	(void)state;
	put("other", "---\n" BOTH "---\n");
	assert_int_equal(symlink("other", "SKILL.md"), 0);
	check_file("", NULL, "1:1: SKILL.md is a symbolic link");
	assert_int_equal(unlink("SKILL.md"), 0);
	assert_int_equal(mkfifo("SKILL.md", 0600), 0);
	check_file("", NULL, "1:1: SKILL.md is no regular file");
	assert_int_equal(unlink("SKILL.md"), 0);
	assert_int_equal(mkdir("SKILL.md", 0700), 0);
	check_file("", NULL, "1:1: SKILL.md is no regular file");
}

int main(void)
{
#define FILE_TEST(function)                                                    \
	cmocka_unit_test_setup_teardown(function, scratch_enter, scratch_leave)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_invalid),
		cmocka_unit_test(test_hostile),
		cmocka_unit_test(test_every_error),
		cmocka_unit_test(test_disagreement),
		cmocka_unit_test(test_warnings),
		FILE_TEST(test_file),
		FILE_TEST(test_bad_file),
		FILE_TEST(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
