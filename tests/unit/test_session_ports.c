/* SPDX-License-Identifier: MIT */
/*
 * What is said of ports is so: of those that the engine publishes, and of those
 * that somebody forwards, as long as he does.
 */
#include "sandbox/session.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "codec/json.h"
#include "sandbox/direct.h"
#include "sandbox/session_parts.h"

#define LABEL                                                                  \
	"[{\"target\": 80, \"published\": 8080, \"host_ip\": \"127.0.0.1\"}, " \
	"{\"target\": 81, \"published\": 0, \"host_ip\": \"::1\"}]"

/* A session's directory, which notes are beside. */
static struct sbx_direct *direct;
static struct sbx_session session;

static int set_up(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	if (sbx_direct_new_session(&direct, &err) < 0)
		return -1;
	session = (struct sbx_session){ .channel = sbx_strdup(
						sbx_direct_name(direct)) };
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	sbx_session_clear(&session);
	sbx_direct_free(&direct);
	return 0;
}

static void check(const char *expected)
{
	json_auto_t *ports = sbx_session_ports_json(&session);
	cleanup_free char *line = sbx_json_line(ports);

	assert_string_equal(line, expected);
}

static void read_label(const char *label)
{
	session.publish.n = session.forwarded.n = 0;
	sbx_session_read_ports(label, &session);
}

static void note(const char *text)
{
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_direct_set_note(session.channel, SBX_DIRECT_PORTS,
					     text, &err),
			 0);
}

static void test_engine(void **state)
{
	(void)state;
	check("[]");
	session.ports = json_loads("[{\"PrivatePort\": 80, \"IP\": \"::1\", "
				   "\"PublicPort\": 8080}, {\"PrivatePort\": "
				   "81}]",
				   0, NULL);
	check("[{\"target\": 80, \"published\": 8080, \"host_ip\": \"::1\"}]");
}

#define NOBODY                                                                 \
	"[{\"target\": 80, \"published\": 8080, \"host_ip\": \"127.0.0.1\", "  \
	"\"forwarded\": false}, {\"target\": 81, \"published\": 0, "           \
	"\"host_ip\": \"::1\", \"forwarded\": false}]"

static void test_forwarded(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_publish_list real;

	(void)state;
	read_label(LABEL);
	check(NOBODY);
	real = session.publish;
	real.v[1].published = 4711;
	assert_int_equal(sbx_session_note_ports(&session, &real, &err), 0);
	read_label(LABEL);
	check("[{\"target\": 80, \"published\": 8080, \"host_ip\": "
	      "\"127.0.0.1\", \"forwarded\": true}, {\"target\": 81, "
	      "\"published\": 4711, \"host_ip\": \"::1\", \"forwarded\": "
	      "true}]");
	assert_int_equal(sbx_session_note_ports(&session, NULL, &err), 0);
	read_label(LABEL);
	check(NOBODY);
}

/* Of a process that is no more, or of nobody. */
static void test_stale(void **state)
{
	static const char *const notes[] = {
		"",
		"[]",
		"{}",
		"{\"ports\": " LABEL "}",
		"{\"runner\": \"x\", \"ports\": 5}",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(notes); i++) {
		note(notes[i]);
		read_label(LABEL);
		check(NOBODY);
	}
	note(NULL);
}

/* It may be anybody's who can make containers. */
static void test_label(void **state)
{
	static const char *const labels[] = {
		"", "[]", "5", "[5]", "[{\"target\": 0}]", "{"
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(labels); i++) {
		read_label(labels[i]);
		check("[]");
	}
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_engine),
		TEST(test_forwarded),
		TEST(test_stale),
		TEST(test_label),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
