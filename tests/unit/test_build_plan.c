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

#include "scratch.h"
#include "skill/build_plan.h"

/* Every test starts in a directory with a skill and two bases. */
static int set_up(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	mkdir("skills", 0755);
	mkdir("skills/s", 0755);
	mkdir("images", 0755);
	mkdir("images/one", 0755);
	mkdir("images/two", 0755);
	put("skills/s/Dockerfile", "FROM skillbox/two\nCOPY --from="
				   "skillbox/one /a /a\nCOPY --from=other b c");
	put("images/two/Dockerfile", "FROM skillbox/one:latest");
	put("images/one/Dockerfile", "FROM scratch");
	put_mode("images/one/rootfs", "#!/bin/sh", 0755);
	return 0;
}

/* The plan of skill "s", with all that it needs. */
struct fixture {
	struct sbx_catalog catalog;
	struct sbx_build_plans plans;
	struct sbx_manifest manifest;
	struct sbx_build build;
	struct sbx_skill skill;
	struct sbx_build_plan *plan;
	struct sbx_error err;
};

static const char *use_template;

static int make_plan(struct fixture *f)
{
	*f = (struct fixture){ .plans.platform = "linux/amd64" };
	if (sbx_catalog_open(&f->catalog, "skills", &f->err) < 0)
		fail_msg("%s", f->err.message);
	f->plans.catalog = &f->catalog;
	f->manifest.name = (char *)"s";
	f->build.dockerfile = (char *)"Dockerfile";
	f->build.template = (char *)use_template;
	f->skill.dir = (char *)"skills/s";
	f->skill.manifest = &f->manifest;
	return sbx_build_plan_skill(&f->plans, &f->skill, &f->build, &f->plan,
				    &f->err);
}

static void clear(struct fixture *f)
{
	sbx_build_plans_clear(&f->plans);
	sbx_catalog_close(&f->catalog);
}

static void tag_of(char out[128])
{
	struct fixture f;

	if (make_plan(&f) < 0)
		fail_msg("%s", f.err.message);
	snprintf(out, 128, "%s", f.plan->tag);
	clear(&f);
}

static void check_error(enum sbx_outcome outcome, const char *part)
{
	struct fixture f;

	assert_int_equal(make_plan(&f), -1);
	assert_int_equal(f.err.outcome, outcome);
	if (!strstr(f.err.message, part))
		fail_msg("\"%s\" has no \"%s\" in it", f.err.message, part);
	clear(&f);
}

static void test_plan(void **state)
{
	struct fixture f;
	cleanup_free char *tag = NULL;

	(void)state;
	assert_int_equal(make_plan(&f), 0);
	tag = sbx_asprintf("skillbox/s:%s", f.plan->key);
	assert_string_equal(f.plan->tag, tag);
	assert_string_equal(f.plan->kind, "skill");
	assert_int_equal(f.plan->n_bases, 2);
	assert_string_equal(f.plan->bases[0]->name, "two");
	assert_string_equal(f.plan->bases[0]->kind, "base");
	assert_string_equal(f.plan->bases[1]->name, "one");
	assert_string_equal(f.plan->bases[1]->rootfs, "#!/bin/sh");
	/* each base is planned once, whoever builds on it */
	assert_ptr_equal(f.plan->bases[0]->bases[0], f.plan->bases[1]);
	assert_int_equal(f.plans.n, 3);
	clear(&f);
}

/* Every source below changes every tag above. */
static void test_sources(void **state)
{
	char seen[8][128];
	int n = 0;

	(void)state;
	tag_of(seen[n++]);
	put("skills/s/file", "1");
	tag_of(seen[n++]);
	put("images/two/file", "1");
	tag_of(seen[n++]);
	put("images/one/file", "1");
	tag_of(seen[n++]);
	put_mode("images/one/rootfs", "#!/bin/bash", 0755);
	tag_of(seen[n++]);
	/* a rule hides the script from the builder, not from the key */
	put("images/one/.dockerignore", "rootfs");
	tag_of(seen[n++]);
	put_mode("images/one/rootfs", "#!/bin/dash", 0755);
	tag_of(seen[n++]);
	for (int i = 0; i < n; i++) {
		for (int k = 0; k < i; k++)
			assert_string_not_equal(seen[i], seen[k]);
	}
}

static void test_same_sources(void **state)
{
	char one[128];
	char other[128];

	(void)state;
	tag_of(one);
	assert_int_equal(mkdir("elsewhere", 0700), 0);
	assert_int_equal(rename("skills", "elsewhere/skills"), 0);
	assert_int_equal(rename("images", "elsewhere/images"), 0);
	assert_int_equal(chdir("elsewhere"), 0);
	tag_of(other);
	assert_string_equal(one, other);
}

static void test_cycle(void **state)
{
	(void)state;
	put("images/one/Dockerfile", "FROM skillbox/two");
	check_error(SBX_OUTCOME_INVALID, "the base image two builds on itself");
}

static void test_errors(void **state)
{
	(void)state;
	put("skills/s/Dockerfile", "FROM skillbox/none");
	check_error(SBX_OUTCOME_NOT_FOUND, "none");
	put("skills/s/Dockerfile", "\nFROM");
	check_error(SBX_OUTCOME_INVALID, "skills/s: Dockerfile:2: ");
	put("skills/s/Dockerfile", "FROM skillbox/one");
	assert_int_equal(chmod("images/one/rootfs", 0644), 0);
	check_error(SBX_OUTCOME_INVALID, "rootfs: not an executable script");
	unlink("images/one/rootfs");
	assert_int_equal(symlink("/bin/true", "images/one/rootfs"), 0);
	check_error(SBX_OUTCOME_INVALID, "rootfs: cannot be read");
	unlink("skills/s/Dockerfile");
	check_error(SBX_OUTCOME_INVALID, "there is no Dockerfile");
}

/* The text of a template is in the key; a Dockerfile beside it is an error. */
static void test_template(void **state)
{
	char seen[3][128];
	struct fixture f;

	(void)state;
	mkdir("images/python", 0755);
	mkdir("images/python-build", 0755);
	put("images/python/Dockerfile", "FROM scratch");
	put("images/python-build/Dockerfile", "FROM skillbox/python");
	use_template = "python";
	check_error(SBX_OUTCOME_INVALID,
		    "Dockerfile: it stands beside `template: python`");
	unlink("skills/s/Dockerfile");
	tag_of(seen[0]);
	put("skills/s/requirements.txt", "a");
	tag_of(seen[1]);
	assert_int_equal(make_plan(&f), 0);
	assert_int_equal(f.plan->n_bases, 2);
	assert_string_equal(f.plan->dockerfile, "Dockerfile");
	clear(&f);
	use_template = "busybox";
	mkdir("images/busybox", 0755);
	put("images/busybox/Dockerfile", "FROM scratch");
	tag_of(seen[2]);
	use_template = NULL;
	assert_string_not_equal(seen[0], seen[1]);
	assert_string_not_equal(seen[1], seen[2]);
	check_error(SBX_OUTCOME_INVALID, "there is no Dockerfile");
}

/* Only a base's directory has a say on the host. */
static void test_skill_rootfs(void **state)
{
	struct fixture f;

	(void)state;
	put_mode("skills/s/rootfs", "#!/bin/sh", 0755);
	assert_int_equal(make_plan(&f), 0);
	assert_null(f.plan->rootfs);
	clear(&f);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, scratch_leave)
	const struct CMUnitTest tests[] = {
		TEST(test_plan),	 TEST(test_sources),
		TEST(test_same_sources), TEST(test_cycle),
		TEST(test_errors),	 TEST(test_skill_rootfs),
		TEST(test_template),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
