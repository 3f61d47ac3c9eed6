/* SPDX-License-Identifier: MIT */
/*
 * A daemon does a run for `skillbox run` only when the two would come to the
 * same record: whatever decides about that is in the fingerprint.
 */
#include "skill/fingerprint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "scratch.h"
#include "skill/policy_file.h"

static void write_policy(const char *text)
{
	FILE *file = fopen("policy.yaml", "w");

	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(chmod("policy.yaml", 0644), 0);
}

static void hash_of(const char *path, char out[static SBX_HASH_HEX_SIZE])
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_policy_hash(path, out, &err), 0);
}

/* Of what is in force, as it was read, and of nothing else. */
static void assert_same_hash(const char *path)
{
	struct sbx_problems problems = SBX_PROBLEMS_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_policy struct sbx_policy policy = { .file = NULL };
	char hash[SBX_HASH_HEX_SIZE];

	assert_int_equal(sbx_policy_open(path, &policy, &problems, &err), 0);
	hash_of(path, hash);
	assert_string_equal(policy.hash, hash);
	assert_int_equal(strlen(hash), SBX_HASH_HEX_SIZE - 1);
}

static void test_policy(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	char one[SBX_HASH_HEX_SIZE];
	char other[SBX_HASH_HEX_SIZE];

	(void)state;
	unsetenv("SKILLBOX_POLICY");
	assert_same_hash("");
	hash_of("", one);
	write_policy("schema_version: 1\n");
	assert_same_hash("policy.yaml");
	hash_of("policy.yaml", other);
	assert_string_not_equal(one, other);
	write_policy("schema_version: 1\n# and a word\n");
	assert_same_hash("policy.yaml");
	hash_of("policy.yaml", one);
	assert_string_not_equal(one, other);
	setenv("SKILLBOX_POLICY", "policy.yaml", 1);
	hash_of(NULL, other);
	assert_string_equal(one, other);
	unsetenv("SKILLBOX_POLICY");
	assert_int_equal(sbx_policy_hash("not-there.yaml", one, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
}

/* What @directories (a list as --skills has it) and the rest come to. */
static void make(const char *directories, const char *policy,
		 const char *engine, const char *keys,
		 char out[static SBX_HASH_HEX_SIZE])
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_keyring ring = SBX_KEYRING_INIT(keys);
	struct sbx_catalog catalog;
	struct sbx_fingerprint of = { &catalog, policy, engine, &ring };

	assert_int_equal(sbx_catalog_open(&catalog, directories, &err), 0);
	sbx_fingerprint(&of, out);
	sbx_catalog_close(&catalog);
}

static void test_everything_counts(void **state)
{
	static const char *const others[][4] = {
		{ "a", "p", "unix:///e", "/k" },
		{ "b:a", "p", "unix:///e", "/k" },
		{ "a:b:b", "p", "unix:///e", "/k" },
		{ "a:b", "q", "unix:///e", "/k" },
		{ "a:b", "p", "unix:///f", "/k" },
		{ "a:b", "p", "unix:///e", "/l" },
		{ "a:b", "p", "unix:///e", NULL },
	};
	char one[SBX_HASH_HEX_SIZE];
	char other[SBX_HASH_HEX_SIZE];

	(void)state;
	assert_int_equal(mkdir("a", 0755), 0);
	assert_int_equal(mkdir("b", 0755), 0);
	make("a:b", "p", "unix:///e", "/k", one);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(others); i++) {
		make(others[i][0], others[i][1], others[i][2], others[i][3],
		     other);
		assert_string_not_equal(one, other);
	}
	/* Where an owner's secrets are. */
	setenv("XDG_CONFIG_HOME", "/elsewhere", 1);
	make("a:b", "p", "unix:///e", "/k", other);
	assert_string_not_equal(one, other);
	unsetenv("XDG_CONFIG_HOME");
}

/* The same directories by another name are the same. */
static void test_same_directories(void **state)
{
	char one[SBX_HASH_HEX_SIZE];
	char other[SBX_HASH_HEX_SIZE];

	(void)state;
	assert_int_equal(mkdir("a", 0755), 0);
	assert_int_equal(symlink("a", "link"), 0);
	make("a", "p", "unix:///e", "/k", one);
	make("./link/", "p", "unix:///e", "/k", other);
	assert_string_equal(one, other);
	assert_int_equal(strlen(one), SBX_HASH_HEX_SIZE - 1);
	assert_int_equal(strspn(one, "0123456789abcdef"), strlen(one));
}

/* The daemon's, which does not look where they are before it has to. */
static void make_lasting(const char *directories,
			 char out[static SBX_HASH_HEX_SIZE])
{
	cleanup_strv struct sbx_strv missing = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_keyring ring = SBX_KEYRING_INIT("/k");
	struct sbx_catalog catalog;
	struct sbx_fingerprint of = { &catalog, "p", "unix:///e", &ring };

	assert_int_equal(
		sbx_catalog_open_lasting(&catalog, directories, &missing, &err),
		0);
	sbx_fingerprint(&of, out);
	sbx_catalog_close(&catalog);
}

static void test_lasting_directories(void **state)
{
	char one[SBX_HASH_HEX_SIZE];
	char other[SBX_HASH_HEX_SIZE];

	(void)state;
	assert_int_equal(mkdir("a", 0755), 0);
	assert_int_equal(symlink("a", "link"), 0);
	make("a", "p", "unix:///e", "/k", one);
	make_lasting("nowhere:link", other);
	assert_string_equal(one, other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_policy, scratch_enter,
						scratch_leave),
		cmocka_unit_test_setup_teardown(test_everything_counts,
						scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(test_same_directories,
						scratch_enter, scratch_leave),
		cmocka_unit_test_setup_teardown(test_lasting_directories,
						scratch_enter, scratch_leave),
	};

	unsetenv("XDG_CONFIG_HOME");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
