/* SPDX-License-Identifier: MIT */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "base/text.h"
#include "scratch.h"
#include "skill/catalog.h"

/*
 * A tree for each test, the working directory in it:
 *
 *	skills/text, skills/webpage	skills
 *	skills/broken			a manifest that does not fit
 *	skills/none			without a manifest
 *	skills/link			skill.yaml is a symlink
 *	skills/Upper, skills/file	no skills
 *	more/text, more/zeta		skills
 *	images/base			a Dockerfile
 */
static void make_skill(const char *dir, const char *name)
{
	cleanup_free char *path = sbx_asprintf("%s/skill.yaml", dir);
	cleanup_free char *text =
		sbx_asprintf("schema_version: 1\nname: %s\nversion: 0.1.0\n"
			     "actions: {run: {}}\n",
			     name);

	assert_int_equal(mkdir(dir, 0700), 0);
	put(path, text);
}

static int set_up(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	mkdir("skills", 0700);
	mkdir("more", 0700);
	mkdir("images", 0700);
	mkdir("images/base", 0700);
	put("images/base/Dockerfile", "FROM scratch\n");
	make_skill("skills/text", "text");
	make_skill("skills/webpage", "webpage");
	make_skill("skills/broken", "other");
	make_skill("skills/Upper", "Upper");
	make_skill("more/text", "text");
	make_skill("more/zeta", "zeta");
	mkdir("skills/none", 0700);
	mkdir("skills/link", 0700);
	put("skills/file", "");
	unsetenv("SKILLBOX_SKILLS");
	return symlink("../text/skill.yaml", "skills/link/skill.yaml");
}

static void open_catalog(struct sbx_catalog *catalog, const char *path)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_catalog_open(catalog, path, &err) < 0)
		fail_msg("%s", err.message);
}

static void check_directories(const struct sbx_catalog *catalog,
			      const char *first, const char *second)
{
	const char *const names[] = { first, second };
	size_t n = second ? 2 : first ? 1 : 0;

	assert_int_equal(catalog->directories.n, n);
	for (size_t i = 0; i < n; i++) {
		cleanup_free char *path =
			sbx_asprintf("%s/%s", scratch_path, names[i]);

		assert_string_equal(catalog->directories.v[i], path);
	}
}

/* What is given, else the environment, else ./skills if it is there. */
static void test_open(void **state)
{
	struct sbx_catalog catalog;

	(void)state;
	open_catalog(&catalog, "more:./skills/");
	check_directories(&catalog, "more", "skills");
	sbx_catalog_close(&catalog);
	open_catalog(&catalog, NULL);
	check_directories(&catalog, "skills", NULL);
	sbx_catalog_close(&catalog);
	assert_int_equal(setenv("SKILLBOX_SKILLS", "more", 1), 0);
	open_catalog(&catalog, NULL);
	check_directories(&catalog, "more", NULL);
	sbx_catalog_close(&catalog);
	assert_int_equal(unsetenv("SKILLBOX_SKILLS"), 0);
	assert_int_equal(chdir("images"), 0);
	open_catalog(&catalog, NULL);
	check_directories(&catalog, NULL, NULL);
	sbx_catalog_close(&catalog);
}

static void test_open_fails(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_catalog catalog;

	(void)state;
	assert_int_equal(sbx_catalog_open(&catalog, "skills:nowhere", &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_string_equal(err.message,
			    "there is no skills directory nowhere");
	assert_int_equal(sbx_catalog_open(&catalog, "skills/file", &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
}

/* Who stays may see directories come, and links change. */
static void test_open_lasting(void **state)
{
	cleanup_strv struct sbx_strv missing = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_catalog catalog;

	(void)state;
	assert_int_equal(symlink("skills", "link"), 0);
	assert_int_equal(sbx_catalog_open_lasting(&catalog, "later:./link/",
						  &missing, &err),
			 0);
	check_directories(&catalog, "later", "link");
	assert_int_equal(missing.n, 1);
	assert_string_equal(missing.v[0], "later");
	assert_int_equal(sbx_catalog_load(&catalog, "zeta", &skill, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_int_equal(sbx_catalog_names(&catalog, &names, NULL, &err), 0);
	assert_int_equal(rename("more", "later"), 0);
	assert_int_equal(sbx_catalog_load(&catalog, "zeta", &skill, &err), 0);
	sbx_skill_clear(&skill);
	assert_int_equal(rename("later", "more") | unlink("link") |
				 symlink("more", "link"),
			 0);
	assert_int_equal(sbx_catalog_load(&catalog, "zeta", &skill, &err), 0);
	sbx_catalog_close(&catalog);
	/* What is something else is wrong now as then. */
	assert_int_equal(sbx_catalog_open_lasting(&catalog, "skills/file",
						  &missing, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	/* The default one is as good as any other. */
	assert_int_equal(chdir("images"), 0);
	assert_int_equal(
		sbx_catalog_open_lasting(&catalog, NULL, &missing, &err), 0);
	check_directories(&catalog, "images/skills", NULL);
	assert_int_equal(missing.n, 2);
	sbx_catalog_close(&catalog);
}

/* The first directory that has the skill wins. */
static void test_load(void **state)
{
	cleanup_free char *path = sbx_asprintf("%s/skills/text", scratch_path);
	cleanup_skill struct sbx_skill text = SBX_SKILL_INIT;
	cleanup_skill struct sbx_skill zeta = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_catalog catalog;

	(void)state;
	open_catalog(&catalog, "skills:more");
	assert_int_equal(sbx_catalog_load(&catalog, "text", &text, &err), 0);
	assert_string_equal(text.dir, path);
	assert_string_equal(text.manifest->name, "text");
	assert_int_equal(sbx_catalog_load(&catalog, "zeta", &zeta, &err), 0);
	assert_string_equal(zeta.manifest->name, "zeta");
	sbx_catalog_close(&catalog);
}

static void test_load_fails(void **state)
{
	static const struct {
		const char *name;
		enum sbx_outcome outcome;
		const char *part;
	} samples[] = {
		{ "webpag", SBX_OUTCOME_NOT_FOUND,
		  "/skills, did you mean \"webpage\"?" },
		{ "zzz", SBX_OUTCOME_NOT_FOUND, "no skill \"zzz\" in /" },
		{ "none", SBX_OUTCOME_NOT_FOUND,
		  "there is no skill.yaml in /" },
		{ "file", SBX_OUTCOME_NOT_FOUND, "no skill \"file\"" },
		{ "broken", SBX_OUTCOME_INVALID,
		  "skill.yaml:2:7: name: found \"other\", expected "
		  "\"broken\"" },
		{ "link", SBX_OUTCOME_INVALID, "is a symbolic link" },
		{ "..", SBX_OUTCOME_INVALID, "cannot be a skill's name" },
		{ ".", SBX_OUTCOME_INVALID, "cannot be a skill's name" },
		{ "", SBX_OUTCOME_INVALID, "cannot be a skill's name" },
		{ "../skills/text", SBX_OUTCOME_INVALID,
		  "cannot be a skill's name" },
		{ "text/", SBX_OUTCOME_INVALID, "cannot be a skill's name" },
		{ "Upper", SBX_OUTCOME_INVALID, "cannot be a skill's name" },
		{ "\x1b[2J", SBX_OUTCOME_INVALID, "\"\\x1b[2J\" cannot be" },
	};
	struct sbx_catalog catalog;

	(void)state;
	open_catalog(&catalog, "skills");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_skill skill = SBX_SKILL_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(sbx_catalog_load(&catalog, samples[i].name,
						  &skill, &err),
				 -1);
		assert_int_equal(err.outcome, samples[i].outcome);
		if (!strstr(err.message, samples[i].part))
			assert_string_equal(err.message, samples[i].part);
		assert_null(skill.dir);
	}
	sbx_catalog_close(&catalog);
}

static void test_load_without_directories(void **state)
{
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_catalog_load(&catalog, "text", &skill, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_non_null(strstr(err.message, "--skills DIR"));
}

/* A directory by path, however it is written. */
static void test_load_directory(void **state)
{
	static const char *const paths[] = { "skills/text", "skills/text/",
					     "./skills/../skills/text",
					     "skills/text/." };

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(paths); i++) {
		cleanup_problems struct sbx_problems problems =
			SBX_PROBLEMS_INIT;
		cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		if (sbx_skill_load(paths[i], &skill, &problems, &err) < 0)
			fail_msg("%s", err.message);
		assert_true(sbx_text_has_suffix(skill.dir, "/skills/text"));
	}
}

static void test_load_directory_fails(void **state)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(
		sbx_skill_load("skills/broken/", &skill, &problems, &err), -1);
	assert_int_equal(problems.errors.n, 1);
	assert_true(sbx_text_has_prefix(problems.errors.v[0],
					"skills/broken/skill.yaml:2:7: "));
	assert_int_equal(sbx_skill_load("nowhere", &skill, &problems, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_string_equal(err.message, "there is no directory nowhere");
	assert_int_equal(sbx_skill_load("skills/none", &skill, &problems, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_string_equal(err.message,
			    "skills/none: there is no file skill.yaml");
	assert_int_equal(problems.errors.n, 1);
}

/* What the manifest does not say is in SKILL.md; whoever checks is told more. */
static void test_skill_md(void **state)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	cleanup_skill struct sbx_skill again = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	put("skills/text/SKILL.md", "---\nname: text\ndescription: "
				    "Count.\nlicense: MIT\n---\n# Text\n");
	put("more/text/SKILL.md",
	    "---\nname: txet\ndescription: Count.\n---\n");
	if (sbx_skill_load("skills/text", &skill, &problems, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(skill.manifest->description, "Count.");
	assert_string_equal(skill.manifest->license, "MIT");
	assert_int_equal(problems.errors.n, 0);
	/* It runs all the same, without what is not its own. */
	if (sbx_skill_load("more/text/", &again, &problems, &err) < 0)
		fail_msg("%s", err.message);
	assert_null(again.manifest->description);
	assert_int_equal(problems.errors.n, 1);
	assert_string_equal(problems.errors.v[0],
			    "more/text/SKILL.md:2:7: name: found \"txet\", "
			    "expected \"text\", the name of the skill");
}

/* A manifest that does not fit is all that is told of. */
static void test_skill_md_of_no_skill(void **state)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	put("skills/broken/SKILL.md", "no front matter");
	assert_int_equal(
		sbx_skill_load("skills/broken", &skill, &problems, &err), -1);
	assert_int_equal(problems.errors.n, 1);
	assert_true(sbx_text_has_prefix(problems.errors.v[0],
					"skills/broken/skill.yaml:2:7: "));
	put("skills/none/SKILL.md", "---\nname: none\n---\n");
	assert_int_equal(sbx_skill_load("skills/none", &skill, &problems, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
}

/* 50 MB are refused by their size, without being read. */
static void test_huge(void **state)
{
	cleanup_problems struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(truncate("skills/text/skill.yaml", 50000000), 0);
	assert_int_equal(sbx_skill_load("skills/text", &skill, &problems, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_non_null(strstr(err.message, "skill.yaml is larger than "
					    "1048576 bytes"));
}

/* A skill may be a symlink in the skills directory, under the link's name. */
static void test_linked_skill(void **state)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_catalog catalog;

	(void)state;
	make_skill("elsewhere", "linked");
	assert_int_equal(symlink("../elsewhere", "skills/linked"), 0);
	open_catalog(&catalog, "skills");
	if (sbx_catalog_load(&catalog, "linked", &skill, &err) < 0)
		fail_msg("%s", err.message);
	assert_true(sbx_text_has_suffix(skill.dir, "/elsewhere"));
	sbx_catalog_close(&catalog);
}

/*
 * What cannot be looked into is no skill that is missing: it is listed, and
 * loading it says why.  (A loop, because nothing is closed to root.)
 */
static void test_unreadable_skill(void **state)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_catalog catalog;

	(void)state;
	assert_int_equal(mkdir("odd", 0700), 0);
	assert_int_equal(symlink("loop", "odd/loop"), 0);
	assert_int_equal(symlink("nowhere", "odd/dangling"), 0);
	open_catalog(&catalog, "odd");
	assert_int_equal(sbx_catalog_names(&catalog, &names, NULL, &err), 0);
	assert_int_equal(names.n, 1);
	assert_string_equal(names.v[0], "loop");
	assert_int_equal(sbx_catalog_load(&catalog, "loop", &skill, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_non_null(strstr(err.message, "cannot open"));
	sbx_catalog_close(&catalog);
}

static void test_names(void **state)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	cleanup_strv struct sbx_strv shadowed = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_free char *hidden = sbx_asprintf(
		"text: %s/skills hides %s/more", scratch_path, scratch_path);
	struct sbx_catalog catalog;

	(void)state;
	open_catalog(&catalog, "skills:more");
	assert_int_equal(sbx_catalog_names(&catalog, &names, &shadowed, &err),
			 0);
	assert_int_equal(names.n, 5);
	assert_string_equal(names.v[0], "broken");
	assert_string_equal(names.v[1], "link");
	assert_string_equal(names.v[2], "text");
	assert_string_equal(names.v[3], "webpage");
	assert_string_equal(names.v[4], "zeta");
	assert_int_equal(shadowed.n, 1);
	assert_string_equal(shadowed.v[0], hidden);
	sbx_catalog_close(&catalog);
}

static void test_base_dir(void **state)
{
	static const char *const bad[] = { "..", "../images/base", "", "/" };
	cleanup_free char *expected =
		sbx_asprintf("%s/images/base", scratch_path);
	cleanup_free char *dir = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_catalog catalog;

	(void)state;
	open_catalog(&catalog, "more:skills");
	assert_int_equal(sbx_catalog_base_dir(&catalog, "base", &dir, &err), 0);
	assert_string_equal(dir, expected);
	assert_int_equal(sbx_catalog_base_dir(&catalog, "bas", &dir, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	assert_true(sbx_text_has_prefix(err.message, "no base image \"bas\""));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		assert_int_equal(
			sbx_catalog_base_dir(&catalog, bad[i], &dir, &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	}
	sbx_catalog_close(&catalog);
}

int main(void)
{
#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, set_up, scratch_leave)
	const struct CMUnitTest tests[] = {
		TEST(test_open),
		TEST(test_open_fails),
		TEST(test_open_lasting),
		TEST(test_load),
		TEST(test_load_fails),
		TEST(test_load_without_directories),
		TEST(test_load_directory),
		TEST(test_load_directory_fails),
		TEST(test_skill_md),
		TEST(test_skill_md_of_no_skill),
		TEST(test_huge),
		TEST(test_linked_skill),
		TEST(test_unreadable_skill),
		TEST(test_names),
		TEST(test_base_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
