/* SPDX-License-Identifier: MIT */
#include "sandbox/plan.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "scratch.h"
#include "secret/keyring.h"
#include "secret/seal.h"
#include "secret/sealed_file.h"

#define SKILL	"example"
#define THREADS 4
#define TIMES	200

/* As a daemon has it: one for all that it plans at once. */
static struct sbx_keyring ring = SBX_KEYRING_INIT(NULL);

/* A key, and what is sealed for it as A of the skill. */
static void seal(void)
{
	cleanup_sealed_place struct sbx_sealed_place place = { .name = NULL };
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_key *key;

	assert_int_equal(mkdir("skill", 0700), 0);
	if (sbx_keyring_generate(&ring, &key, &err) < 0)
		fail_msg("%s", err.message);
	sbx_sealed_place_of_skill(&place, "skill");
	if (sbx_sealed_file_edit(&file, &place, &err) < 0 ||
	    sbx_sealed_add_recipient(&file.sealed, key->public_key, &err) < 0 ||
	    sbx_seal(&file.sealed, SKILL, "A",
		     (const unsigned char *)"the value", 9, &err) < 0 ||
	    sbx_sealed_file_save(&file, &err) < 0)
		fail_msg("%s", err.message);
	sbx_keyring_clear(&ring);
}

/* NULL, or a message to free. */
static char *open_once(void)
{
	struct sbx_plan plan = { .refs = 1 };
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_plan_request request = {
		.skill = SKILL,
		.owner = "me",
		.keys = &ring,
		.is_open = true,
	};
	char *why = NULL;

	plan.skill.dir = sbx_strdup("skill");
	sbx_action_add_secret(&plan.grant.action,
			      &(struct sbx_secret_use){ .name = (char *)"A",
							.env = (char *)"A",
							.required = true });
	if (sbx_plan_open(&plan, &request, NULL, &err) < 0)
		why = sbx_strdup(err.message);
	else if (plan.secrets.n_sent != 1 ||
		 memcmp(plan.secrets.sent[0].value, "the value", 9) != 0)
		why = sbx_strdup("another value");
	sbx_plan_secrets_clear(&plan.secrets);
	sbx_action_clear(&plan.grant.action);
	free(plan.skill.dir);
	return why;
}

static void *open_often(void *ctx)
{
	char *why = NULL;

	(void)ctx;
	for (int i = 0; i < TIMES && !why; i++)
		why = open_once();
	return why;
}

/* Each wipes the keys when it is done, and not under the others. */
static void test_at_once(void **state)
{
	pthread_t threads[THREADS];

	(void)state;
	setenv("XDG_CONFIG_HOME", scratch_path, 1);
	seal();
	for (int i = 0; i < THREADS; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, open_often, NULL), 0);
	for (int i = 0; i < THREADS; i++) {
		void *why = NULL;

		pthread_join(threads[i], &why);
		if (why)
			fail_msg("%s", (char *)why);
	}
	assert_false(ring.is_loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_at_once, scratch_enter,
						scratch_leave),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
