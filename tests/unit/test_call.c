/* SPDX-License-Identifier: MIT */
#include "serve/call.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Who relies on it: serve/on_run.c and on_sessions.c, for what clients send. */

static void decode(const char *body, struct sbx_call *out)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_call_decode(body, strlen(body), out, &err) < 0)
		fail_msg("%s: %s", body, err.message);
}

static void refuses(const char *body, const char *why)
{
	struct sbx_call call = SBX_CALL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_call_decode(body, strlen(body), &call, &err) == 0)
		fail_msg("taken: %s", body);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(err.message, why))
		fail_msg("%s: %s", body, err.message);
}

static void has_input(const char *body, const char *input)
{
	struct sbx_call call = SBX_CALL_INIT;

	decode(body, &call);
	assert_int_equal(call.input_size, strlen(input));
	assert_memory_equal(call.input, input, call.input_size);
	sbx_call_clear(&call);
}

/* The action gets the caller's bytes, not what a parser made of them. */
static void test_input(void **state)
{
	(void)state;
#define HEAD "{\"skill\": \"s\", \"action\": \"a\""
	has_input(HEAD "}", "{}");
	has_input(HEAD ", \"input\": 1.50}", "1.50");
	has_input(HEAD ",\"input\":1e2,\"run_id\":\"x\"}", "1e2");
	has_input(HEAD ", \"input\" : { \"b\" : [1,\t2] , \"a\":\"}\\\"]\" } }",
		  "{ \"b\" : [1,\t2] , \"a\":\"}\\\"]\" }");
	has_input(HEAD ", \"input\": \"a\\\\\" }", "\"a\\\\\"");
	has_input(HEAD ", \"\\u0069nput\": null}", "null");
	has_input("{\"input\": [{\"input\": 1}], \"skill\": \"s\", "
		  "\"action\": \"a\"}",
		  "[{\"input\": 1}]");
	has_input(" \n" HEAD ", \"config\": {}, \"input\":\n7\n}\n", "7");
}

static void test_config(void **state)
{
	struct sbx_call call = SBX_CALL_INIT;
	const struct sbx_overrides *o = &call.overrides;

	(void)state;
	decode(HEAD
	       ", \"run_id\": \"r.1\", \"owner\": \"me\", \"config\": {"
	       "\"timeout\": \"1m30s\", \"memory\": \"64m\", \"cpus\": 0.5,"
	       "\"pids_limit\": 9, \"network\": \"none\","
	       "\"env\": {\"A\": \"1\", \"B\": \"\"},"
	       "\"volumes\": [\"data:/data:ro\"],"
	       "\"secrets\": {\"TOKEN\": \"0123456789\"}}}",
	       &call);
	assert_string_equal(call.skill, "s");
	assert_string_equal(call.action, "a");
	assert_string_equal(call.run_id, "r.1");
	assert_string_equal(call.owner, "me");
	assert_int_equal(o->timeout_ms, 90000);
	assert_int_equal(o->mem_limit, 64 << 20);
	assert_int_equal(o->nano_cpus, 500000000);
	assert_int_equal(o->pids_limit, 9);
	assert_true(o->has_network);
	assert_int_equal(o->network, SBX_NETWORK_NONE);
	assert_int_equal(o->environment.n, 2);
	assert_string_equal(o->environment.v[0], "A=1");
	assert_int_equal(o->n_volumes, 1);
	assert_string_equal(o->volumes[0].source, "data");
	assert_true(o->volumes[0].read_only);
	assert_int_equal(call.secrets.n, 1);
	assert_int_equal(call.secrets.v[0].size, 10);
	assert_memory_equal(call.secrets.v[0].value, "0123456789", 10);
	sbx_call_clear(&call);
}

static void test_unset(void **state)
{
	struct sbx_call call = SBX_CALL_INIT;

	(void)state;
	decode(HEAD "}", &call);
	assert_int_equal(call.overrides.timeout_ms, -1);
	assert_int_equal(call.overrides.mem_limit, -1);
	assert_int_equal(call.overrides.nano_cpus, -1);
	assert_int_equal(call.overrides.pids_limit, -1);
	assert_false(call.overrides.has_network);
	assert_null(call.run_id);
	assert_null(call.owner);
	sbx_call_clear(&call);
	decode(HEAD ", \"config\": {\"memory\": 8388608, \"cpus\": \"2\"}}",
	       &call);
	assert_int_equal(call.overrides.mem_limit, 8388608);
	assert_int_equal(call.overrides.nano_cpus, 2000000000);
	sbx_call_clear(&call);
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "not one JSON value" },
		{ "{", "not one JSON value" },
		{ HEAD "} {}", "not one JSON value" },
		{ HEAD ", \"skill\": \"s\"}", "duplicate" },
		{ HEAD ", \"input\": 1, \"\\u0069nput\": 2}", "duplicate" },
		{ HEAD ", \"input\": \"\xff\"}", "not one JSON value" },
		{ "[]", "expected an object" },
		{ "{\"skill\": \"s\"}", "action: expected" },
		{ "{\"action\": \"a\"}", "skill: expected" },
		{ "{\"skill\": \"../s\", \"action\": \"a\"}", "skill: " },
		{ "{\"skill\": \"s\\u0000\", \"action\": \"a\"}", "skill: " },
		{ "{\"skill\": 1, \"action\": \"a\"}", "skill: " },
		{ HEAD ", \"inputs\": 1}", "did you mean \"input\"?" },
		{ HEAD ", \"a\\nb\": 1}", "\"a\\x0ab\"" },
		{ HEAD ", \"files\": []}", "files: expected an object" },
		{ HEAD ", \"files\": {\"a\": 1}}", "files: expected for" },
		{ HEAD ", \"files\": {\"a\": {}}}", "files: expected for" },
		{ HEAD ", \"files\": {\"a\": {\"text\": 1}}}",
		  "files: expected for" },
		{ HEAD ", \"files\": {\"a\": {\"base64\": \"x\"}}}",
		  "files: expected for" },
		{ HEAD ", \"files\": {\"a\": {\"text\": \"\", "
		       "\"base64\": \"\"}}}",
		  "files: expected for" },
		{ HEAD ", \"files\": {\"../a\": {\"text\": \"\"}}}",
		  "\"../a\" can be no file's name" },
		{ HEAD ", \"files\": {\"a\\n\": {\"text\": \"\"}}}",
		  "\"a\\x0a\" can be no file's name" },
		{ HEAD ", \"run_id\": \"a b\"}", "run_id: expected" },
		{ HEAD ", \"owner\": \"Me\"}", "owner: expected" },
		{ HEAD ", \"config\": []}", "config: expected" },
		{ HEAD ", \"config\": {\"timeouts\": 1}}", "\"timeout\"?" },
		{ HEAD ", \"config\": {\"timeout\": 30}}", "config: timeout" },
		{ HEAD ", \"config\": {\"timeout\": \"-1s\"}}", "timeout" },
		{ HEAD ", \"config\": {\"memory\": -1}}", "memory" },
		{ HEAD ", \"config\": {\"cpus\": -1}}", "cpus" },
		{ HEAD ", \"config\": {\"cpus\": true}}", "cpus" },
		{ HEAD ", \"config\": {\"pids_limit\": \"9\"}}", "pids_limit" },
		{ HEAD ", \"config\": {\"network\": \"all\"}}", "network" },
		{ HEAD ", \"config\": {\"env\": [\"A=1\"]}}", "env" },
		{ HEAD ", \"config\": {\"env\": {\"A=\": \"1\"}}}", "env" },
		{ HEAD ", \"config\": {\"env\": {\"A\": 1}}}", "env" },
		{ HEAD ", \"config\": {\"env\": {\"A\": \"\\u0000\"}}}",
		  "env" },
		{ HEAD ", \"config\": {\"volumes\": [\"./a:/b\"]}}",
		  "entry 1" },
		{ HEAD ", \"config\": {\"volumes\": [1]}}", "entry 1" },
		{ HEAD ", \"config\": {\"secrets\": {\"A\": \"\"}}}",
		  "secrets" },
		{ HEAD ", \"config\": {\"secrets\": {\"a-b\": \"x\"}}}",
		  "secrets" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++)
		refuses(cases[i][0], cases[i][1]);
}

static void test_files(void **state)
{
	struct sbx_call call = SBX_CALL_INIT;

	(void)state;
	decode(HEAD ", \"files\": {\"a/b\": {\"text\": \"x\\u00e4\"}, "
		    "\"c\": {\"base64\": \"AP8=\"}, "
		    "\"d\": {\"text\": \"\"}, \"e\": {\"base64\": \"\"}}}",
	       &call);
	assert_int_equal(call.files.n, 4);
	assert_string_equal(call.files.v[0].name, "a/b");
	assert_int_equal(call.files.v[0].size, 3);
	assert_memory_equal(call.files.v[0].data, "x\xc3\xa4", 3);
	assert_string_equal(call.files.v[1].name, "c");
	assert_int_equal(call.files.v[1].size, 2);
	assert_memory_equal(call.files.v[1].data, "\0\xff", 2);
	assert_int_equal(call.files.v[2].size, 0);
	assert_int_equal(call.files.v[3].size, 0);
	sbx_call_clear(&call);
}

/* --- sessions --------------------------------------------------------------- */

static void refuses_all(int (*decode_one)(const char *body, size_t size,
					  struct sbx_call *out,
					  struct sbx_error *err),
			const char *const (*cases)[2], size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct sbx_call call = SBX_CALL_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		const char *body = cases[i][0];

		if (decode_one(body, strlen(body), &call, &err) == 0)
			fail_msg("taken: %s", body);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		if (!strstr(err.message, cases[i][1]))
			fail_msg("%s: %s", body, err.message);
	}
}

static void test_session(void **state)
{
	static const char body[] =
		"{\"name\": \"a.b\", \"skill\": \"s\", \"action\": \"a\","
		"\"ttl\": \"1h\", \"image\": \"i\", \"owner\": \"o\","
		"\"publish\": [{\"target\": 80}],"
		"\"config\": {\"memory\": \"8m\"}}";
	static const char least[] = "{\"name\": \"n\", \"skill\": \"s\"}";
	struct sbx_call call = SBX_CALL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(
		sbx_call_decode_session(body, strlen(body), &call, &err), 0);
	assert_string_equal(call.session, "a.b");
	assert_string_equal(call.skill, "s");
	assert_string_equal(call.action, "a");
	assert_int_equal(call.ttl_ms, 3600000);
	assert_string_equal(call.image, "i");
	assert_string_equal(call.owner, "o");
	assert_int_equal(call.overrides.publish.n, 1);
	assert_int_equal(call.overrides.publish.v[0].target, 80);
	assert_int_equal(call.overrides.mem_limit, 8 << 20);
	sbx_call_clear(&call);
	assert_int_equal(
		sbx_call_decode_session(least, strlen(least), &call, &err), 0);
	assert_int_equal(call.ttl_ms, SBX_CALL_TTL_UNSAID);
	assert_null(call.action);
	assert_null(call.image);
	sbx_call_clear(&call);
}

static void test_session_refused(void **state)
{
#define SESSION "{\"name\": \"n\", \"skill\": \"s\""
	static const char *const cases[][2] = {
		{ "{\"skill\": \"s\"}", "name: expected" },
		{ "{\"name\": \"n\"}", "skill: expected" },
		{ "{\"name\": \"../n\", \"skill\": \"s\"}", "name: " },
		{ "{\"name\": \"\", \"skill\": \"s\"}", "name: " },
		{ "{\"name\": 1, \"skill\": \"s\"}", "name: " },
		{ SESSION ", \"ttl\": 60}", "ttl: expected" },
		{ SESSION ", \"image\": \"\"}", "image: expected" },
		{ SESSION ", \"publish\": 80}", "" },
		{ SESSION ", \"publish\": [{\"target\": 0}]}", "entry 1" },
		{ SESSION ", \"on_start\": \"true\"}", "unknown member" },
		{ SESSION ", \"input\": {}}", "unknown member" },
	};

	(void)state;
	refuses_all(sbx_call_decode_session, cases, SBX_ARRAY_SIZE(cases));
}

static void decode_in_session(const char *body, struct sbx_call *out)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_call_decode_in_session(body, strlen(body), out, &err) < 0)
		fail_msg("%s: %s", body, err.message);
}

static void test_in_session(void **state)
{
	struct sbx_call call = SBX_CALL_INIT;

	(void)state;
	decode_in_session("{\"command\": [\"a\", \"b c\"], \"stdin\": "
			  "{\"base64\": \"AP8=\"}, \"working_dir\": \"/w\", "
			  "\"detach\": true, \"config\": {\"timeout\": "
			  "\"1s\", \"env\": {\"A\": \"b\"}}}",
			  &call);
	assert_int_equal(call.command.n, 2);
	assert_string_equal(call.command.v[1], "b c");
	assert_int_equal(call.input_size, 2);
	assert_memory_equal(call.input, "\0\xff", 2);
	assert_string_equal(call.working_dir, "/w");
	assert_true(call.detach);
	assert_int_equal(call.overrides.timeout_ms, 1000);
	sbx_call_clear(&call);
	decode_in_session("{\"command\": [\"a\"]}", &call);
	assert_int_equal(call.input_size, 0);
	assert_false(call.detach);
	sbx_call_clear(&call);
	decode_in_session("{\"action\": \"a\", \"input\": 1.50}", &call);
	assert_string_equal(call.action, "a");
	assert_memory_equal(call.input, "1.50", call.input_size);
	sbx_call_clear(&call);
	decode_in_session("{}", &call);
	assert_null(call.action);
	assert_memory_equal(call.input, "{}", call.input_size);
	sbx_call_clear(&call);
}

static void test_in_session_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "{\"skill\": \"s\"}", "unknown member" },
		{ "{\"command\": []}", "command: expected a list" },
		{ "{\"command\": \"ls\"}", "command: expected a list" },
		{ "{\"command\": [\"ls\", 1]}", "command: expected a list" },
		{ "{\"command\": [\"a\\u0000\"]}", "command: expected a list" },
		{ "{\"command\": [\"a\"], \"action\": \"a\"}", "command: " },
		{ "{\"command\": [\"a\"], \"input\": {}}", "command: " },
		{ "{\"stdin\": {\"text\": \"\"}}", "stdin: expected" },
		{ "{\"command\": [\"a\"], \"stdin\": \"a\"}", "stdin: " },
		{ "{\"working_dir\": \"a\"}", "working_dir: expected" },
		{ "{\"detach\": 1}", "detach: expected" },
		{ "{\"config\": {\"memory\": 1}}", "config: expected" },
		{ "{\"config\": {\"cpus\": 1}}", "config: expected" },
		{ "{\"config\": {\"pids_limit\": 9}}", "config: expected" },
		{ "{\"config\": {\"network\": \"none\"}}", "config: expected" },
		{ "{\"config\": {\"volumes\": [\"a:/b\"]}}",
		  "config: expected" },
		{ "{\"config\": {\"secrets\": {\"A\": \"0123456789\"}}}",
		  "config: expected" },
	};

	(void)state;
	refuses_all(sbx_call_decode_in_session, cases, SBX_ARRAY_SIZE(cases));
}

/* Not even where the value is what is wrong. */
static void test_no_secret_in_message(void **state)
{
	static const char body[] = HEAD ", \"config\": {\"secrets\": {"
					"\"A\": \"hunter2hunter2\", "
					"\"b c\": \"hunter2hunter2\"}}}";
	struct sbx_call call = SBX_CALL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_call_decode(body, strlen(body), &call, &err), -1);
	assert_null(strstr(err.message, "hunter2"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_input),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_unset),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_session),
		cmocka_unit_test(test_session_refused),
		cmocka_unit_test(test_in_session),
		cmocka_unit_test(test_in_session_refused),
		cmocka_unit_test(test_no_secret_in_message),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
