/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "secret/memory.h"
#include "secret/reseal.h"
#include "secret/seal.h"

#define SKILL "telegram"

/* Our keys, the newest first, and somebody else's. */
static struct sbx_keys own;
static struct sbx_keys other;

static int enter(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	return sbx_key_make(&own, "new", 3, &err) < 0 ||
			       sbx_key_make(&own, "old", 2, &err) < 0 ||
			       sbx_key_make(&own, "oldest", 1, &err) < 0 ||
			       sbx_key_make(&other, "other", 1, &err) < 0
		       ? -1
		       : 0;
}

static int leave(void **state)
{
	(void)state;
	sbx_keys_clear(&own);
	sbx_keys_clear(&other);
	return 0;
}

static const struct sbx_key *key_of(const char *source)
{
	for (size_t i = 0; i < own.n; i++) {
		if (strcmp(own.v[i].source, source) == 0)
			return &own.v[i];
	}
	return &other.v[0];
}

static void add(struct sbx_sealed *sealed, const char *source)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_sealed_add_recipient(
				 sealed, key_of(source)->public_key, &err),
			 0);
}

static void seal(struct sbx_sealed *sealed, const char *name)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_seal(sealed, SKILL, name,
				  (const unsigned char *)name, strlen(name),
				  &err),
			 0);
	sbx_sealed_find(sealed, name)->sealed_ms = 5000;
}

static const struct sbx_sealed_box *box_of(const struct sbx_sealed *sealed,
					   const char *name, const char *source)
{
	return sbx_sealed_box(sbx_sealed_find(sealed, name),
			      key_of(source)->id);
}

static void must_open(const struct sbx_sealed *sealed, const char *name,
		      const char *source)
{
	struct sbx_keys one = { .v = (struct sbx_key *)key_of(source), .n = 1 };
	cleanup_secret unsigned char *value = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	size_t size = 0;

	if (sbx_seal_open(sbx_sealed_find(sealed, name), SKILL, &one, &value,
			  &size, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(size, strlen(name));
	assert_memory_equal(value, name, size);
	assert_int_equal(sbx_sealed_find(sealed, name)->sealed_ms, 5000);
}

/* The newest takes the place of all others of ours, and of nobody else's. */
static void test_rotate(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_strv struct sbx_strv left = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_sealed_box *theirs;
	const unsigned char *data;

	(void)state;
	add(&sealed, "old");
	seal(&sealed, "OLD");
	add(&sealed, "oldest");
	add(&sealed, "other");
	seal(&sealed, "ALL");
	assert_int_equal(sealed.n_recipients, 3);
	assert_true(sbx_reseal_is_due(&sealed, &own, key_of("new")));
	data = box_of(&sealed, "ALL", "other")->data;
	if (sbx_reseal_rotate(&sealed, SKILL, &own, key_of("new"), &left,
			      &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(left.n, 0);
	assert_int_equal(sealed.n_recipients, 2);
	assert_false(sbx_reseal_is_due(&sealed, &own, key_of("new")));
	must_open(&sealed, "OLD", "new");
	must_open(&sealed, "ALL", "new");
	must_open(&sealed, "ALL", "other");
	theirs = box_of(&sealed, "ALL", "other");
	assert_ptr_equal(theirs->data, data);
	assert_int_equal(sbx_sealed_find(&sealed, "OLD")->n_boxes, 1);
	assert_int_equal(sbx_sealed_find(&sealed, "ALL")->n_boxes, 2);
}

/* What was never ours to open stays, and is said. */
static void test_rotate_foreign(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_strv struct sbx_strv left = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	add(&sealed, "other");
	seal(&sealed, "THEIRS");
	assert_false(sbx_reseal_is_due(&sealed, &own, key_of("new")));
	add(&sealed, "old");
	seal(&sealed, "BOTH");
	assert_int_equal(sbx_reseal_rotate(&sealed, SKILL, &own, key_of("new"),
					   &left, &err),
			 0);
	assert_int_equal(left.n, 1);
	assert_string_equal(left.v[0], "THEIRS");
	must_open(&sealed, "THEIRS", "other");
	must_open(&sealed, "BOTH", "new");
}

/* Not a secret is thrown away because it does not open. */
static void test_broken(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_sealed struct sbx_sealed to = { .n_secrets = 0 };
	cleanup_strv struct sbx_strv left = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	add(&sealed, "old");
	seal(&sealed, "TOKEN");
	sealed.secrets[0].boxes[0].data[40] ^= 1;
	assert_int_equal(sbx_reseal_rotate(&sealed, SKILL, &own, key_of("new"),
					   &left, &err),
			 -1);
	assert_non_null(strstr(err.message, "secret TOKEN: "));
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	add(&to, "new");
	assert_int_equal(sbx_reseal_for(&sealed, SKILL, &own, &to, &err), -1);
	assert_int_equal(left.n, 0);
}

static void fill(struct sbx_sealed *sealed, size_t n)
{
	struct sbx_error err = SBX_ERROR_INIT;

	for (size_t i = 0; sealed->n_recipients < n; i++) {
		unsigned char key[SBX_KEY_SIZE] = { 9, [1] = (unsigned char)i };

		assert_int_equal(sbx_sealed_add_recipient(sealed, key, &err),
				 0);
	}
}

/* Where there is no place for one more, nothing is done. */
static void test_full(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_strv struct sbx_strv left = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	add(&sealed, "old");
	fill(&sealed, SBX_SEALED_RECIPIENTS_MAX);
	assert_int_equal(sbx_reseal_rotate(&sealed, SKILL, &own, key_of("new"),
					   &left, &err),
			 -1);
	assert_non_null(strstr(err.message, "more than 64 recipients"));
}

/* The recipients are these, all of them, and no others. */
static void test_for(void **state)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_sealed struct sbx_sealed to = { .n_secrets = 0 };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	add(&sealed, "old");
	add(&sealed, "oldest");
	seal(&sealed, "A");
	seal(&sealed, "B");
	/* As many as there may be, none of whom was one before but this. */
	add(&to, "old");
	add(&to, "other");
	fill(&to, SBX_SEALED_RECIPIENTS_MAX);
	if (sbx_reseal_for(&sealed, SKILL, &own, &to, &err) < 0)
		fail_msg("%s", err.message);
	assert_int_equal(sealed.n_recipients, SBX_SEALED_RECIPIENTS_MAX);
	assert_null(sbx_sealed_recipient(&sealed, key_of("oldest")->id));
	for (size_t i = 0; i < sealed.n_secrets; i++) {
		assert_int_equal(sealed.secrets[i].n_boxes,
				 SBX_SEALED_RECIPIENTS_MAX);
		must_open(&sealed, sealed.secrets[i].name, "old");
		must_open(&sealed, sealed.secrets[i].name, "other");
	}
}

/* Nothing can be sealed for a point of low order. */
static void test_for_nobody(void **state)
{
	static const unsigned char weak[SBX_KEY_SIZE];
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_sealed struct sbx_sealed to = { .n_secrets = 0 };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	add(&sealed, "old");
	seal(&sealed, "TOKEN");
	assert_int_equal(sbx_sealed_add_recipient(&to, weak, &err), 0);
	assert_int_equal(sbx_reseal_for(&sealed, SKILL, &own, &to, &err), -1);
	assert_non_null(strstr(err.message, "secret TOKEN: nothing can be"));
}

#define WITH_KEYS(test) cmocka_unit_test_setup_teardown(test, enter, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_KEYS(test_rotate), WITH_KEYS(test_rotate_foreign),
		WITH_KEYS(test_broken), WITH_KEYS(test_full),
		WITH_KEYS(test_for),	WITH_KEYS(test_for_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
