/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "skill/skill_image_look.h"

/* @labels is taken. */
static json_t *inspect_with(json_t *labels)
{
	return json_pack("{s:{s:o}}", "Config", "Labels", labels);
}

static json_t *ours(void)
{
	return json_pack("{s:s, s:s, s:s}", SBX_LABEL_KIND, "skill",
			 SBX_LABEL_NAME, "n", SBX_LABEL_KEY, "k");
}

/* Both are taken. */
static int check(json_t *labels, json_t *expected, struct sbx_error *err)
{
	json_auto_t *inspect = inspect_with(labels);
	int result =
		sbx_skill_image_check_labels(inspect, "ref", expected, err);

	json_decref(expected);
	return result;
}

static void test_labels_as_expected(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *more = ours();

	(void)state;
	assert_int_equal(check(ours(), ours(), &err), 0);
	/* those of others are their business */
	json_object_set_new(more, "org.example.x", json_string("y"));
	json_object_set_new(more, "io.skillboxes", json_string("y"));
	assert_int_equal(check(more, ours(), &err), 0);
	assert_int_equal(check(json_null(), NULL, &err), 0);
	assert_int_equal(check(json_object(), NULL, &err), 0);
}

/* A label of ours that we did not set goes to the containers as well. */
static void test_forged_labels(void **state)
{
	static const char *const keys[] = { "io.skillbox.runner",
					    "io.skillbox.", SBX_LABEL_KEY };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		json_t *labels = ours();

		json_object_set_new(labels, keys[i], json_string("forged"));
		assert_int_equal(check(labels, ours(), &err), -1);
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		assert_memory_equal(err.message, "image.labels: ref ", 18);
		assert_non_null(strstr(err.message, keys[i]));
	}
}

/* An image that somebody else gave our tag is not ours. */
static void test_missing_labels(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *labels = ours();

	(void)state;
	json_object_del(labels, SBX_LABEL_NAME);
	assert_int_equal(check(labels, ours(), &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
	assert_non_null(strstr(err.message, SBX_LABEL_NAME));
	assert_int_equal(check(json_null(), ours(), &err), -1);
}

/* A pinned image is nobody of ours, whatever it says. */
static void test_pinned(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(check(ours(), NULL, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
}

static void test_describe(void **state)
{
	json_auto_t *inspect = json_pack(
		"{s:s, s:{s:[s,s], s:[s], s:[s,s], s:s,"
		" s:{s:{}, s:{}, s:{}, s:{}}}}",
		"Id", "sha256:1", "Config", "Env", "A=1", "B=", "Entrypoint",
		"e", "Cmd", "c", "d", "WorkingDir", "/w", "Volumes", "//v/./w/",
		"/u", "/v/w", "/x/..");
	struct sbx_skill_image image = { .built = true };

	(void)state;
	sbx_skill_image_describe(inspect, "ref", &image);
	assert_string_equal(image.tag, "ref");
	assert_string_equal(image.id, "sha256:1");
	assert_int_equal(image.env.n, 2);
	assert_string_equal(image.env.v[1], "B=");
	assert_int_equal(image.entrypoint.n, 1);
	assert_string_equal(image.entrypoint.v[0], "e");
	assert_int_equal(image.cmd.n, 2);
	assert_string_equal(image.cmd.v[1], "d");
	assert_string_equal(image.working_dir, "/w");
	assert_int_equal(image.volumes.n, 3);
	assert_string_equal(image.volumes.v[0], "/v/w");
	assert_string_equal(image.volumes.v[1], "/u");
	assert_string_equal(image.volumes.v[2], "/x/..");
	assert_true(image.built);
	sbx_skill_image_clear(&image);
	assert_null(image.tag);
}

/* Newer engines leave out what is empty, older ones say null. */
static void test_describe_nothing(void **state)
{
	json_auto_t *inspect =
		json_pack("{s:{s:n, s:s}}", "Config", "Env", "WorkingDir", "");
	struct sbx_skill_image image = { .built = false };

	(void)state;
	sbx_skill_image_describe(inspect, "ref", &image);
	assert_string_equal(image.id, "");
	assert_int_equal(image.env.n, 0);
	assert_int_equal(image.cmd.n, 0);
	assert_null(image.working_dir);
	sbx_skill_image_clear(&image);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_labels_as_expected),
		cmocka_unit_test(test_forged_labels),
		cmocka_unit_test(test_missing_labels),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_describe),
		cmocka_unit_test(test_describe_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
