/* SPDX-License-Identifier: MIT */
/*
 * What a run is given for the secrets that its action names: all of it, or
 * nothing and the reason.
 */
#include "sandbox/plan_secrets.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "secret/memory.h"

struct fixture {
	char dir[32];
	struct sbx_action action;
	struct sbx_secrets given;
	struct sbx_secret_lookup lookup;
	struct sbx_plan_secrets secrets;
	struct sbx_error err;
};

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));

	strcpy(f->dir, "/tmp/sbx-secrets-XXXXXX");
	if (!mkdtemp(f->dir))
		return -1;
	f->action.name = sbx_strdup("act");
	f->lookup.skill = "example";
	f->lookup.skill_dir = f->dir;
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *file = sbx_asprintf("%s/secrets.yaml", f->dir);

	unlink(file);
	rmdir(f->dir);
	sbx_plan_secrets_clear(&f->secrets);
	sbx_secret_lookup_clear(&f->lookup);
	sbx_secrets_clear(&f->given);
	sbx_action_clear(&f->action);
	free(f);
	return 0;
}

static void name(struct fixture *f, const char *secret, const char *env,
		 const char *file, bool required)
{
	sbx_action_add_secret(&f->action,
			      &(struct sbx_secret_use){ .name = (char *)secret,
							.env = (char *)env,
							.file = (char *)file,
							.required = required });
}

static void give(struct fixture *f, const char *secret, const char *text)
{
	unsigned char *value = NULL;

	assert_int_equal(sbx_secret_alloc(&value, strlen(text), &f->err), 0);
	memcpy(value, text, strlen(text));
	sbx_secrets_set(&f->given, secret, &value, strlen(text));
	f->lookup.given = &f->given;
}

static int open_all(struct fixture *f)
{
	return sbx_plan_secrets_open(&f->secrets, &f->lookup, &f->action,
				     &f->err);
}

static void assert_fails(struct fixture *f, enum sbx_outcome outcome,
			 const char *part)
{
	assert_int_equal(open_all(f), -1);
	assert_int_equal(f->err.outcome, outcome);
	if (!strstr(f->err.message, part))
		fail_msg("\"%s\" has no \"%s\"", f->err.message, part);
}

static void test_each_place_gets_it(void **state)
{
	struct fixture *f = *state;

	name(f, "A", "A", NULL, true);
	name(f, "A", NULL, "a", true);
	name(f, "B", "B", NULL, false);
	give(f, "A", "value");
	assert_int_equal(open_all(f), 0);
	assert_int_equal(f->secrets.opened.n, 1);
	assert_int_equal(f->secrets.n_sent, 2);
	assert_string_equal(f->secrets.sent[0].env, "A");
	assert_null(f->secrets.sent[0].file);
	assert_string_equal(f->secrets.sent[1].file, "a");
	for (int i = 0; i < 2; i++) {
		assert_int_equal(f->secrets.sent[i].size, 5);
		assert_memory_equal(f->secrets.sent[i].value, "value", 5);
	}
}

static void test_nobody_gives_any(void **state)
{
	struct fixture *f = *state;

	assert_int_equal(open_all(f), 0);
	assert_int_equal(f->secrets.n_sent, 0);
}

static void test_required(void **state)
{
	struct fixture *f = *state;

	name(f, "A", "A", NULL, true);
	assert_fails(f, SBX_OUTCOME_MISCONFIGURED,
		     "secret A is nowhere to be found");
}

static void test_given_to_nobody(void **state)
{
	struct fixture *f = *state;

	name(f, "A", "A", NULL, true);
	give(f, "A", "value");
	give(f, "B", "value");
	assert_fails(f, SBX_OUTCOME_INVALID, "action act has no secret B");
}

/* Not even one that the action could do without is passed over then. */
static void test_file_that_cannot_be_read(void **state)
{
	struct fixture *f = *state;
	cleanup_free char *path = sbx_asprintf("%s/secrets.yaml", f->dir);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs("schema_version: 2\n", file);
	fclose(file);
	name(f, "A", "A", NULL, false);
	assert_fails(f, SBX_OUTCOME_MISCONFIGURED, "/secrets.yaml:1:1: ");
	assert_int_equal(f->secrets.n_sent, 0);
}

#define TEST(function)                                                         \
	cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_each_place_gets_it),
		TEST(test_nobody_gives_any),
		TEST(test_required),
		TEST(test_given_to_nobody),
		TEST(test_file_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
