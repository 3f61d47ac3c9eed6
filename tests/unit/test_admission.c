/* SPDX-License-Identifier: MIT */
#include "serve/admission.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <strings.h>
#include <sys/socket.h>

#include <cmocka.h>

#include "scratch.h"
#include "skill/fingerprint.h"

/*
 * Whose request is looked at.  Who relies on it: serve/server.c, and with it
 * all that is behind it.
 */

#define TOKEN  "correct-horse-battery"
#define BEARER "Bearer " TOKEN
#define HOST   "127.0.0.1:80"
#define NOBODY 65534

/* --- what is asked, and whom ------------------------------------------------ */

static struct sbx_service service;
static struct sbx_token token;
static char *names[] = { (char *)HOST };
static const struct sbx_strv hosts = { .v = names, .n = 1 };
static struct sbx_admission admission;
static struct sbx_caller caller;

/* Of the request; NULL where it has none. */
static const char *host;
static const char *origin;
static const char *authorization;
static const char *length;
static const char *expect;

static const char *header(void *ctx, const char *name)
{
	const struct {
		const char *name;
		const char *value;
	} all[] = {
		{ "Host", host },
		{ "Origin", origin },
		{ "Authorization", authorization },
		{ "Content-Length", length },
		{ SBX_EXPECT_HEADER, expect },
	};

	(void)ctx;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(all); i++) {
		if (strcasecmp(all[i].name, name) == 0)
			return all[i].value;
	}
	return NULL;
}

static int set_up(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (scratch_enter(state) < 0)
		return -1;
	put_mode("token", TOKEN, 0600);
	put("policy.yaml", "schema_version: 1\n");
	if (sbx_token_read("token", &token, &err) < 0 ||
	    sbx_catalog_open(&service.catalog, ".", &err) < 0)
		return -1;
	service.is_draining = false;
	sbx_policy_watch_new(&service.policies, "policy.yaml");
	sbx_engines_new(&service.engines, "unix:///nowhere");
	admission = (struct sbx_admission){ .service = &service,
					    .token = &token,
					    .hosts = &hosts,
					    .body_max = 10 };
	caller = (struct sbx_caller){ .fd = -1, .is_local = true };
	host = NULL;
	origin = NULL;
	authorization = NULL;
	length = NULL;
	expect = NULL;
	return 0;
}

static int tear_down(void **state)
{
	sbx_policy_watch_free(&service.policies);
	sbx_engines_free(&service.engines);
	sbx_catalog_close(&service.catalog);
	return scratch_leave(state);
}

/* From now on over TCP, with all that takes. */
static void come_over_tcp(void)
{
	sbx_caller_identify(&caller, -1, false);
	host = HOST;
	authorization = BEARER;
}

/* 0, or the status of what it is refused with. */
static unsigned int ask(const char *method, const char *path)
{
	struct sbx_exchange exchange = { .header = header };
	struct sbx_answer answer = { .status = 0 };
	bool may = sbx_admission_decide(&admission, &caller, &exchange, method,
					path, &answer);
	unsigned int status = answer.status;

	sbx_answer_clear(&answer);
	assert_int_equal(may, status == 0);
	return status;
}

static unsigned int look(void)
{
	return ask("GET", "/healthz");
}

/* --- who ---------------------------------------------------------------------
 */

static void test_callers(void **state)
{
	char own[SBX_OWNER_SIZE];
	int fds[2];

	(void)state;
	snprintf(own, sizeof(own), "%u", geteuid());
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	sbx_caller_identify(&caller, fds[0], true);
	assert_int_equal(caller.fd, fds[0]);
	assert_true(caller.is_local);
	assert_false(caller.is_stranger);
	assert_string_equal(caller.owner, own);
	/* Whoever is there by TCP is no user. */
	sbx_caller_identify(&caller, fds[0], false);
	assert_false(caller.is_local);
	assert_string_equal(caller.owner, "tcp");
	close(fds[0]);
	close(fds[1]);
}

static void test_callers_who_are_nobody(void **state)
{
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sbx_caller_identify(&caller, fds[0], true);
	assert_true(caller.is_stranger);
	close(fds[0]);
	close(fds[1]);
	if (geteuid() != 0)
		return;
	assert_int_equal(seteuid(NOBODY), 0);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(seteuid(0), 0);
	sbx_caller_identify(&caller, fds[0], true);
	assert_true(caller.is_stranger);
	assert_string_equal(caller.owner, "65534");
	close(fds[0]);
	close(fds[1]);
}

static void test_local(void **state)
{
	(void)state;
	assert_int_equal(look(), 0);
	/* Neither a name nor a token is asked for. */
	host = "evil:80";
	origin = "http://evil:80";
	authorization = "Bearer wrong";
	assert_int_equal(look(), 0);
	caller.is_stranger = true;
	assert_int_equal(look(), 403);
	assert_int_equal(ask("GET", "/nowhere"), 403);
	/* Not what he would need elsewhere lets him in. */
	host = HOST;
	origin = NULL;
	authorization = BEARER;
	assert_int_equal(look(), 403);
}

static void test_tcp(void **state)
{
	(void)state;
	come_over_tcp();
	assert_int_equal(look(), 0);
	origin = "http://" HOST;
	assert_int_equal(look(), 0);
	origin = "http://evil:80";
	assert_int_equal(look(), 403);
	origin = NULL;
	host = "evil:80";
	assert_int_equal(look(), 403);
	host = NULL;
	assert_int_equal(look(), 403);
	host = HOST;
	authorization = BEARER "y";
	assert_int_equal(look(), 401);
	assert_int_equal(ask("GET", "/nowhere"), 401);
	authorization = NULL;
	assert_int_equal(look(), 401);
	/* There is none that would be right. */
	authorization = BEARER;
	admission.token = NULL;
	assert_int_equal(look(), 401);
}

/* --- what --------------------------------------------------------------------
 */

static void test_paths(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/nowhere"), 404);
	assert_int_equal(ask("GET", "/v1/skills/.."), 404);
	assert_int_equal(ask("DELETE", "/healthz"), 405);
	assert_int_equal(ask("POST", "/v1/skills"), 405);
}

static void test_sizes(void **state)
{
	static const char *const wrong[] = {
		"11", "-1", "1x", "x", "10 ", "18446744073709551616",
	};

	(void)state;
	length = "0";
	assert_int_equal(ask("POST", "/v1/runs"), 0);
	length = "10";
	assert_int_equal(ask("POST", "/v1/runs"), 0);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(wrong); i++) {
		length = wrong[i];
		assert_int_equal(ask("POST", "/v1/runs"), 413);
	}
	/* What fits no number is too large for any bound. */
	admission.body_max = SIZE_MAX;
	assert_int_equal(ask("POST", "/v1/runs"), 413);
}

static void test_draining(void **state)
{
	static const struct {
		const char *method;
		const char *path;
		unsigned int status;
	} all[] = {
		{ "POST", "/v1/runs", 503 },
		{ "POST", "/v1/skills/a/actions/b", 503 },
		{ "POST", "/v1/skills/a/build", 503 },
		{ "POST", "/v1/sessions", 503 },
		{ "POST", "/v1/sessions/a/runs", 503 },
		{ "GET", "/v1/sessions", 0 },
		{ "DELETE", "/v1/sessions/a", 0 },
		{ "POST", "/mcp", 503 },
		{ "GET", "/mcp", 503 },
		{ "DELETE", "/mcp", 0 },
		{ "GET", "/v1/runs", 0 },
		{ "DELETE", "/v1/runs/a", 0 },
		{ "GET", "/healthz", 0 },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(all); i++)
		assert_int_equal(ask(all[i].method, all[i].path), 0);
	service.is_draining = true;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(all); i++)
		assert_int_equal(ask(all[i].method, all[i].path),
				 all[i].status);
}

static void test_expected(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_pool_policy *policy = NULL;
	char own[SBX_HASH_HEX_SIZE];

	(void)state;
	assert_int_equal(sbx_policy_watch_get(service.policies, &policy, &err),
			 0);
	sbx_fingerprint(
		&(struct sbx_fingerprint){
			.catalog = &service.catalog,
			.policy_hash = policy->policy.hash,
			.engine_url = sbx_engines_url(service.engines),
			.keys = &service.keys,
		},
		own);
	sbx_pool_policy_unref(&policy);
	expect = own;
	assert_int_equal(look(), 0);
	own[0] = own[0] == '0' ? '1' : '0';
	assert_int_equal(look(), 412);
	expect = "";
	assert_int_equal(look(), 412);
	/* Where there is no policy nobody can tell. */
	put("policy.yaml", "no: policy\n");
	assert_int_equal(look(), 500);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_callers),  TEST(test_callers_who_are_nobody),
		TEST(test_local),    TEST(test_tcp),
		TEST(test_paths),    TEST(test_sizes),
		TEST(test_draining), TEST(test_expected),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
