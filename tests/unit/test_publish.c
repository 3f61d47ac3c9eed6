/* SPDX-License-Identifier: MIT */
#include "skill/publish.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		struct sbx_publish port;
	} samples[] = {
		{ "8080", { 8080, 0, "127.0.0.1" } },
		{ "1", { 1, 0, "127.0.0.1" } },
		{ "65535:65535", { 65535, 65535, "127.0.0.1" } },
		{ "8080:80", { 8080, 80, "127.0.0.1" } },
		{ "8080:0", { 8080, 0, "127.0.0.1" } },
		{ "8080:", { 8080, 0, "127.0.0.1" } },
		{ "8080/tcp", { 8080, 0, "127.0.0.1" } },
		{ "8080:80/tcp", { 8080, 80, "127.0.0.1" } },
		{ "8080:0.0.0.0:80", { 8080, 80, "0.0.0.0" } },
		{ "8080:192.0.2.1:", { 8080, 0, "192.0.2.1" } },
		{ "8080:[::1]:80", { 8080, 80, "::1" } },
		{ "8080:[::1]:", { 8080, 0, "::1" } },
		{ "8080:[2001:DB8:0::1]:80/tcp", { 8080, 80, "2001:db8::1" } },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const struct sbx_publish *want = &samples[i].port;
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_publish port;

		if (sbx_publish_parse(samples[i].text, &port, &err) < 0)
			fail_msg("%s", err.message);
		assert_int_equal(port.target, want->target);
		assert_int_equal(port.published, want->published);
		assert_string_equal(port.host_ip, want->host_ip);
	}
}

static void test_parse_refuses(void **state)
{
	static const char target[] = "TARGET is a number from 1 to 65535";
	static const char published[] = "PUBLISHED is a number up to 65535";
	static const char address[] = "there is no address in front of";
	static const char protocol[] = "only TCP ports can be published";
	static const struct {
		const char *text;
		const char *why;
	} samples[] = {
		{ "", target },
		{ "0", target },
		{ "65536", target },
		{ "065535", target },
		{ "99999999999999999999", target },
		{ "+80", target },
		{ "-1", target },
		{ " 80", target },
		{ "0x50", target },
		{ "http", target },
		{ ":80", target },
		{ "127.0.0.1:80:80", target },
		{ "8080:65536", published },
		{ "8080:http", published },
		{ "8080:80 ", published },
		{ "8080:-1", published },
		{ "8080:127.0.0.1", published },
		{ "8080:127.0.0.1:x", published },
		{ "8080::80", address },
		{ "8080:localhost:80", address },
		{ "8080:127.1:80", address },
		{ "8080:256.0.0.1:80", address },
		{ "8080:127.0.0.1:80:80", address },
		{ "8080:::1:80", address },
		{ "8080:[::1]80", address },
		{ "8080:[]:80", address },
		{ "8080:[127.0.0.1]:80", address },
		{ "8080:[::1%lo]:80", address },
		{ "8080:[::ffff:127.0.0.1]:80", address },
		{ "8080:[::1:80", address },
		{ "8080:*:80", address },
		{ "8080/udp", protocol },
		{ "8080:53/udp", protocol },
		{ "8080:127.0.0.1:53/sctp", protocol },
		{ "8080/TCP", protocol },
		{ "8080/", protocol },
		{ "8080/tcp:80", protocol },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		const struct sbx_publish before = { .target = 7 };
		struct sbx_publish port = before;
		struct sbx_error err = SBX_ERROR_INIT;
		cleanup_free char *start =
			sbx_asprintf("published port \"%s\": %s",
				     samples[i].text, samples[i].why);

		if (sbx_publish_parse(samples[i].text, &port, &err) == 0)
			fail_msg("\"%s\" is taken", samples[i].text);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		if (strncmp(err.message, start, strlen(start)) != 0)
			assert_string_equal(err.message, start);
		assert_memory_equal(&port, &before, sizeof(port));
	}
}

static void test_list(void **state)
{
	struct sbx_publish_list list = { .n = 0 };
	struct sbx_publish port = { .host_ip = "127.0.0.1" };
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	for (uint16_t i = 1; i <= SBX_PUBLISH_MAX; i++) {
		port.target = i;
		assert_int_equal(sbx_publish_add(&list, &port, &err), 0);
	}
	port.target = 1;
	assert_int_equal(sbx_publish_add(&list, &port, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_string_equal(err.message, "published port 1: it is to be "
					 "published twice");
	port.target = 17;
	assert_int_equal(sbx_publish_add(&list, &port, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_string_equal(err.message,
			    "published port 17: there may be 16 published "
			    "ports, and this is one more");
	assert_int_equal(list.n, SBX_PUBLISH_MAX);
}

static int from_json(const char *text, struct sbx_publish_list *out,
		     struct sbx_error *err)
{
	json_auto_t *ports = json_loads(text, JSON_DECODE_ANY, NULL);

	assert_non_null(ports);
	return sbx_publish_from_json(ports, out, err);
}

/* What was written is read again as it was. */
static void test_json(void **state)
{
	static const char written[] =
		"[{\"target\": 8080, \"published\": 0, "
		"\"host_ip\": \"127.0.0.1\"}, "
		"{\"target\": 1, \"published\": 65535, \"host_ip\": \"::1\"}]";
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_publish_list list;
	json_auto_t *ports = NULL;
	cleanup_free char *line = NULL;

	(void)state;
	assert_int_equal(from_json("[{\"target\": 8080}, "
				   "{\"target\": 1, \"published\": \"65535\", "
				   "\"host_ip\": \"0::1\", "
				   "\"protocol\": \"tcp\"}]",
				   &list, &err),
			 0);
	ports = sbx_publish_to_json(&list);
	line = sbx_json_line(ports);
	assert_string_equal(line, written);
	assert_int_equal(from_json(written, &list, &err), 0);
	assert_int_equal(list.n, 2);
	assert_int_equal(list.v[1].published, 65535);
	assert_int_equal(from_json("[]", &list, &err), 0);
	assert_int_equal(list.n, 0);
}

static void test_json_refuses(void **state)
{
	static const struct {
		const char *text;
		const char *why;
	} samples[] = {
		{ "{}", "published ports: expected a list" },
		{ "\"8080\"", "published ports: expected a list" },
		{ "[8080]", "published ports: entry 1: expected a mapping" },
		{ "[\"8080:80\"]", "published ports: entry 1: expected a map" },
		{ "[{}]", "published ports: entry 1: expected a mapping" },
		{ "[{\"target\": 1}, {\"target\": 0}]",
		  "published ports: entry 2: target: expected a number" },
		{ "[{\"target\": 65536}]",
		  "published ports: entry 1: target: expected a number" },
		{ "[{\"target\": \"80\"}]",
		  "published ports: entry 1: target: expected a number" },
		{ "[{\"target\": 1.5}]",
		  "published ports: entry 1: target: expected a number" },
		{ "[{\"target\": 1, \"published\": -1}]",
		  "published ports: entry 1: published: expected" },
		{ "[{\"target\": 1, \"published\": 65536}]",
		  "published ports: entry 1: published: expected" },
		{ "[{\"target\": 1, \"published\": \"80-90\"}]",
		  "published ports: entry 1: published: expected" },
		{ "[{\"target\": 1, \"published\": \"\"}]",
		  "published ports: entry 1: published: expected" },
		{ "[{\"target\": 1, \"host_ip\": \"\"}]",
		  "published ports: entry 1: host_ip: expected" },
		{ "[{\"target\": 1, \"host_ip\": null}]",
		  "published ports: entry 1: host_ip: expected" },
		{ "[{\"target\": 1, \"host_ip\": \"::ffff:0.0.0.0\"}]",
		  "published ports: entry 1: host_ip: expected" },
		{ "[{\"target\": 1, \"protocol\": \"udp\"}]",
		  "published ports: entry 1: protocol: expected \"tcp\", the" },
		{ "[{\"target\": 1, \"mode\": \"ingress\"}]",
		  "published ports: entry 1: \"mode\" is unknown; there are" },
		{ "[{\"target\": 1}, {\"target\": 1}]",
		  "published port 1: it is to be published twice" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_publish_list list = { .n = 9 };
		struct sbx_error err = SBX_ERROR_INIT;

		if (from_json(samples[i].text, &list, &err) == 0)
			fail_msg("%s is taken", samples[i].text);
		assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
		if (strncmp(err.message, samples[i].why,
			    strlen(samples[i].why)) != 0)
			assert_string_equal(err.message, samples[i].why);
		assert_int_equal(list.n, 9);
	}
}

static void test_rule(void **state)
{
	static const char *const rules[] = { "*", "127.0.0.1", "::1", "0::0" };
	static const char *const others[] = {
		"",	 "**",	      "127.0.0.*",	  "127.0.0.0/8",
		"[::1]", "localhost", "::ffff:127.0.0.1",
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(rules); i++)
		assert_true(sbx_publish_is_rule(rules[i]));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(others); i++)
		assert_false(sbx_publish_is_rule(others[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_parse_refuses),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_json_refuses),
		cmocka_unit_test(test_rule),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
