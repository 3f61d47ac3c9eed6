/* SPDX-License-Identifier: MIT */
#include "serve/session_tools.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Who relies on it: serve/mcp_run.c, for what clients send. */

struct decoded {
	struct sbx_buf body;
	struct sbx_call call;
};

static int decode(const char *arguments, struct decoded *out,
		  struct sbx_error *err)
{
	*out = (struct decoded){ .body = SBX_BUF_INIT(0),
				 .call = SBX_CALL_INIT };
	return sbx_session_tools_decode_run(arguments, strlen(arguments),
					    &out->body, &out->call, err);
}

static void clear(struct decoded *decoded)
{
	sbx_call_clear(&decoded->call);
	sbx_buf_free(&decoded->body);
}

/* That it runs @action with @input. */
static void check_action(const char *arguments, const char *action,
			 const char *input)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct decoded d;

	if (decode(arguments, &d, &err) < 0)
		fail_msg("%s: %s", arguments, err.message);
	assert_string_equal(d.call.session, "n");
	if (action)
		assert_string_equal(d.call.action, action);
	else
		assert_null(d.call.action);
	assert_int_equal(d.call.input_size, strlen(input));
	assert_memory_equal(d.call.input, input, d.call.input_size);
	clear(&d);
}

static void test_actions(void **state)
{
	(void)state;
	check_action("{\"name\": \"n\"}", NULL, "{}");
	check_action("{\"name\": \"n\", \"action\": \"a\", \"input\": [1]}",
		     "a", "[1]");
	check_action("{\"name\": \"n\", \"language\": \"go\", \"code\": \"c\"}",
		     "execute_code", "{\"language\": \"go\", \"code\": \"c\"}");
	check_action("{\"name\": \"n\", \"language\": \"go\", \"code\": \"c\", "
		     "\"stdin\": \"i\"}",
		     "execute_code",
		     "{\"language\": \"go\", \"code\": \"c\", "
		     "\"stdin\": \"i\"}");
}

static void test_command(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct decoded d;

	(void)state;
	assert_int_equal(
		decode("{\"name\": \"n\", \"command\": [\"a\", \"b\"], "
		       "\"stdin\": \"in\", \"detach\": true, "
		       "\"timeout\": \"2s\"}",
		       &d, &err),
		0);
	assert_int_equal(d.call.command.n, 2);
	assert_int_equal(d.call.input_size, 2);
	assert_memory_equal(d.call.input, "in", 2);
	assert_true(d.call.detach);
	assert_int_equal(d.call.overrides.timeout_ms, 2000);
	clear(&d);
}

static void test_refused(void **state)
{
	static const char *const cases[][2] = {
		{ "", "arguments" },
		{ "{}", "name" },
		{ "{\"name\": \"n\", \"code\": \"c\"}", "language" },
		{ "{\"name\": \"n\", \"language\": \"go\"}", "language" },
		{ "{\"name\": \"n\", \"language\": \"go\", \"code\": \"c\", "
		  "\"action\": \"a\"}",
		  "one of" },
		{ "{\"name\": \"n\", \"language\": \"go\", \"code\": \"c\", "
		  "\"input\": {}}",
		  "one of" },
		{ "{\"name\": \"n\", \"command\": [\"a\"], \"action\": \"a\"}",
		  "one of" },
		{ "{\"name\": \"n\", \"stdin\": \"a\"}", "stdin" },
		{ "{\"name\": \"n\", \"action\": \"A\"}", "action" },
		{ "{\"name\": \"n\", \"timeout\": \"soon\"}", "timeout" },
		{ "{\"name\": \"n\", \"config\": {}}", "config" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(cases); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct decoded d;

		if (decode(cases[i][0], &d, &err) == 0)
			fail_msg("taken: %s", cases[i][0]);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		if (!strstr(err.message, cases[i][1]))
			fail_msg("%s: %s", cases[i][0], err.message);
		clear(&d);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_command),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
