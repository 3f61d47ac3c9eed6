/* SPDX-License-Identifier: MIT */
#include "serve/route.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Who relies on it: serve/admission.c, for each request. */

static int find(const char *method, const char *path, struct sbx_route *out)
{
	struct sbx_buf allow = SBX_BUF_INIT(256);
	int result = sbx_route_find(method, path, out, &allow);

	assert_true((result == SBX_ROUTE_METHOD) == (allow.len > 0));
	sbx_buf_free(&allow);
	return result;
}

/* Each pattern is found by its own method, with names in its variables. */
static void test_all(void **state)
{
	(void)state;
	for (int id = 0; id < SBX_ROUTE_COUNT; id++) {
		const char *pattern = sbx_route_pattern((enum sbx_route_id)id);
		struct sbx_buf path = SBX_BUF_INIT(256);
		struct sbx_route route;

		while (*pattern) {
			if (*pattern != '{') {
				sbx_buf_append(&path, pattern++, 1);
				continue;
			}
			sbx_buf_puts(&path, "x1");
			pattern += strcspn(pattern, "}") + 1;
		}
		assert_int_equal(find(sbx_route_method((enum sbx_route_id)id),
				      sbx_buf_text(&path), &route),
				 0);
		assert_int_equal(route.id, id);
		assert_int_equal(find("PATCH", sbx_buf_text(&path), &route),
				 SBX_ROUTE_METHOD);
		sbx_buf_free(&path);
	}
}

static void test_variables(void **state)
{
	struct sbx_route route;

	(void)state;
	assert_int_equal(find("POST", "/v1/skills/a-b/actions/c_d", &route), 0);
	assert_int_equal(route.id, SBX_ROUTE_RUN_ACTION);
	assert_string_equal(route.skill, "a-b");
	assert_string_equal(route.action, "c_d");
	assert_string_equal(route.run_id, "");
	assert_int_equal(find("POST", "/v1/sessions/a.b_c/runs", &route), 0);
	assert_int_equal(route.id, SBX_ROUTE_SESSION_RUN);
	assert_string_equal(route.session, "a.b_c");
	assert_int_equal(find("HEAD", "/healthz", &route), 0);
	assert_int_equal(route.id, SBX_ROUTE_HEALTHZ);
}

/* What is no name is in no route, however it is written. */
static void test_unknown(void **state)
{
	static const char *const paths[] = {
		"",
		"/",
		"healthz",
		"/healthz/",
		"//healthz",
		"/HEALTHZ",
		"/healthz\n",
		"/v1/skills//actions/a",
		"/v1/skills/../actions/a",
		"/v1/skills/..%2f/actions/a",
		"/v1/skills/%2e%2e/actions/a",
		"/v1/skills/a/b/actions/a",
		"/v1/skills/A/actions/a",
		"/v1/skills/a/actions/",
		"/v1/skills/a/actions/a/",
		"/v1/skills/a/actions/a%00",
		"/v1/skills/a/actions/A",
		"/v1/skills/-a/actions/a",
		"/v1/sessions/",
		"/v1/sessions/../runs",
		"/v1/sessions/A/runs",
		"/v1/sessions/.a/pause",
		"/v1/skills/aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/actions/a",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(paths); i++) {
		struct sbx_route route;

		if (find("POST", paths[i], &route) != SBX_ROUTE_UNKNOWN)
			fail_msg("found: %s", paths[i]);
	}
}

static void test_allow(void **state)
{
	struct sbx_buf allow = SBX_BUF_INIT(256);
	struct sbx_route route;

	(void)state;
	assert_int_equal(sbx_route_find("POST", "/healthz", &route, &allow),
			 SBX_ROUTE_METHOD);
	assert_string_equal(sbx_buf_text(&allow), "GET, HEAD");
	sbx_buf_free(&allow);
}

static void test_run_id(void **state)
{
	char long_id[66];

	(void)state;
	memset(long_id, 'a', sizeof(long_id) - 1);
	long_id[65] = '\0';
	assert_false(sbx_route_is_run_id(long_id));
	long_id[64] = '\0';
	assert_true(sbx_route_is_run_id(long_id));
	assert_true(sbx_route_is_run_id("A.b_c-9"));
	assert_false(sbx_route_is_run_id(""));
	assert_false(sbx_route_is_run_id("a/b"));
	assert_false(sbx_route_is_run_id("a\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all),
		cmocka_unit_test(test_variables),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_allow),
		cmocka_unit_test(test_run_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
