/* SPDX-License-Identifier: MIT */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "engine/engine.h"
#include "scratch.h"

/* A directory for $DOCKER_CONFIG; nothing of the caller's environment. */
static int setup(void **state)
{
	if (scratch_enter(state) < 0)
		return -1;
	unsetenv("DOCKER_HOST");
	unsetenv("DOCKER_CONTEXT");
	setenv("DOCKER_CONFIG", scratch_path, 1);
	return 0;
}

/* SHA-256 of "remote", as sha256sum has it. */
#define REMOTE_SHA256                                                          \
	"b71199ebd070b36beab7317920c2c2f1"                                     \
	"d777df8d05e5527d8458fda57cb17a7a"

/* The context called "remote", whose metadata is @meta. */
static void make_context(const char *meta)
{
	assert_int_equal(mkdir("contexts", 0700), 0);
	assert_int_equal(mkdir("contexts/meta", 0700), 0);
	assert_int_equal(mkdir("contexts/meta/" REMOTE_SHA256, 0700), 0);
	put("contexts/meta/" REMOTE_SHA256 "/meta.json", meta);
}

static void expect_url(const char *expected)
{
	cleanup_free char *url = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_engine_default_url(&url, &err) < 0)
		fail_msg("%s", err.message);
	assert_string_equal(url, expected);
}

static void expect_misconfigured(const char *part)
{
	char *url = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_engine_default_url(&url, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_MISCONFIGURED);
	assert_non_null(strstr(err.message, part));
	assert_null(url);
}

#define META                                                                   \
	"{\"Name\":\"remote\",\"Endpoints\":{\"docker\":"                      \
	"{\"Host\":\"unix:///srv/other.sock\"}}}"

static void test_default(void **state)
{
	(void)state;
	expect_url("unix:///var/run/docker.sock");
	put("config.json", "{\"auths\":{}}");
	expect_url("unix:///var/run/docker.sock");
	put("config.json", "{\"currentContext\":\"default\"}");
	expect_url("unix:///var/run/docker.sock");
	/* Set but empty is not set. */
	setenv("DOCKER_HOST", "", 1);
	expect_url("unix:///var/run/docker.sock");
}

/* Who says something explicitly is believed before who said it once. */
static void test_order(void **state)
{
	(void)state;
	make_context(META);
	put("config.json", "{\"currentContext\":\"remote\"}");
	expect_url("unix:///srv/other.sock");
	setenv("DOCKER_CONTEXT", "default", 1);
	expect_url("unix:///var/run/docker.sock");
	setenv("DOCKER_HOST", "tcp://example.org:2375", 1);
	expect_url("tcp://example.org:2375");
	unsetenv("DOCKER_HOST");
	put("config.json", "not JSON");
	setenv("DOCKER_CONTEXT", "remote", 1);
	expect_url("unix:///srv/other.sock");
}

/* A context that was asked for and cannot be read is not ignored. */
static void test_broken_context(void **state)
{
	(void)state;
	put("config.json", "{\"currentContext\":\"gone\"}");
	expect_misconfigured("docker context \"gone\"");
	put("config.json", "{");
	expect_misconfigured("config.json: ");
	make_context("{\"Endpoints\":{}}");
	put("config.json", "{\"currentContext\":\"remote\"}");
	expect_misconfigured("names no docker endpoint");
}

static void expect_invalid(const char *url, const char *part)
{
	struct sbx_engine *engine = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	assert_int_equal(sbx_engine_new(&engine, url, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(err.message, part))
		fail_msg("%s", err.message);
	assert_null(engine);
}

static void test_urls(void **state)
{
	struct sbx_engine *engine = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	char longest[200] = "unix://";

	(void)state;
	expect_invalid("tcp://127.0.0.1:2375",
		       "tcp:// is not supported yet; use a Unix socket");
	expect_invalid("ssh://me@host", "ssh:// is not supported yet");
	expect_invalid("npipe:////./pipe/docker", "not supported yet");
	expect_invalid("/var/run/docker.sock", "write unix:///path/to.sock");
	expect_invalid("", "write unix:///path/to.sock");
	expect_invalid("unix:/var/run/docker.sock", "write unix:///");
	expect_invalid("unix://", "names no socket");
	memset(longest + 7, '/', 108);
	expect_invalid(longest, "longer than the 107 bytes");
	longest[7 + 107] = '\0';
	assert_int_equal(sbx_engine_new(&engine, longest, &err), 0);
	assert_string_equal(sbx_engine_url(engine), longest);
	sbx_engine_free(&engine);
	assert_null(engine);
}

/* Part of an image's key: the same words on every machine of a kind. */
static void test_platform(void **state)
{
	struct sbx_engine *engine = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	const char *platform;

	(void)state;
	assert_int_equal(sbx_engine_new(&engine, "unix:///x", &err), 0);
	platform = sbx_engine_platform(engine);
	assert_int_equal(strncmp(platform, "linux/", 6), 0);
	assert_string_not_equal(platform, "linux/unknown");
#if defined(__x86_64__)
	assert_string_equal(platform, "linux/amd64");
#elif defined(__aarch64__)
	assert_string_equal(platform, "linux/arm64");
#endif
	sbx_engine_free(&engine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, scratch_leave)
		TEST(test_default),
		TEST(test_order),
		TEST(test_broken_context),
		cmocka_unit_test(test_urls),
		cmocka_unit_test(test_platform),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
