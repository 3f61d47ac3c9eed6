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
#include "base/text.h"
#include "fault_server.h"
#include "skill/engine_data.h"

#define FLOOR_MAX (INT64_C(1) << 60)

static int check(const char *root, int64_t floor)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int result = sbx_engine_data_free(root, floor, &err);

	if (result < 0) {
		assert_int_equal(err.outcome, SBX_OUTCOME_DENIED);
		assert_true(
			sbx_text_has_prefix(err.message, "engine.disk_free: "));
	}
	return result;
}

/* No disk has an exbibyte. */
static void test_floor(void **state)
{
	(void)state;
	assert_int_equal(check("/", 1), 0);
	assert_int_equal(check("/", FLOOR_MAX), -1);
	assert_int_equal(check("/tmp", FLOOR_MAX), -1);
}

/* What cannot be told is not taken for enough, unless nothing is asked. */
static void test_unknown(void **state)
{
	(void)state;
	assert_int_equal(check("/nonexistent/docker", 1), -1);
	assert_int_equal(check("/tmp/nonexistent/docker", 1), -1);
	assert_int_equal(check("/nonexistent/docker", 0), 0);
}

/* What is closed to us is on the disk of what it is in. */
static void test_closed(void **state)
{
	char closed[] = "/tmp/skillbox-unit.XXXXXX";
	cleanup_free char *root = NULL;
	uid_t euid = geteuid();

	(void)state;
	assert_non_null(mkdtemp(closed));
	root = sbx_asprintf("%s/docker/data", closed);
	assert_int_equal(chmod(closed, 0), 0);
	if (euid == 0)
		assert_int_equal(seteuid(12345), 0);
	assert_int_equal(check(root, 1), 0);
	assert_int_equal(check(root, FLOOR_MAX), -1);
	assert_int_equal(seteuid(euid), 0);
	assert_int_equal(rmdir(closed), 0);
}

#define INFO "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"

/* An image of another layout, or none: the engine is asked. */
static void test_root_from_engine(void **state)
{
	static const struct {
		const char *storage;
		const char *reply;
		const char *root;
		enum sbx_outcome outcome;
		const char *message;
	} samples[] = {
		{ NULL,
		  INFO "Content-Length: 23\r\n\r\n"
		       "{\"DockerRootDir\": \"/d\"}",
		  "/d", SBX_OUTCOME_OK, "" },
		{ "a/b",
		  INFO "Content-Length: 23\r\n\r\n"
		       "{\"DockerRootDir\": \"/d\"}",
		  "/d", SBX_OUTCOME_OK, "" },
		{ "/overlay2/0123/diff",
		  INFO "Content-Length: 23\r\n\r\n"
		       "{\"DockerRootDir\": \"/d\"}",
		  "/d", SBX_OUTCOME_OK, "" },
		{ NULL,
		  INFO "Content-Length: 22\r\n\r\n"
		       "{\"DockerRootDir\": \"d\"}",
		  NULL, SBX_OUTCOME_UNAVAILABLE, "the engine does not tell" },
		{ NULL, INFO "Content-Length: 2\r\n\r\n{}", NULL,
		  SBX_OUTCOME_UNAVAILABLE, "the engine does not tell" },
		{ NULL, "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", NULL,
		  SBX_OUTCOME_UNAVAILABLE, "ask for the engine's directory: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		struct sbx_engine *engine = NULL;
		struct fault_server server;
		cleanup_free char *root = NULL;

		fault_start(&server);
		server.reply = samples[i].reply;
		assert_int_equal(sbx_engine_new(&engine, server.url, &err), 0);
		assert_int_equal(sbx_engine_data_root(engine,
						      samples[i].storage, &root,
						      &err),
				 samples[i].root ? 0 : -1);
		assert_int_equal(err.outcome, samples[i].outcome);
		if (!samples[i].root)
			assert_ptr_equal(
				strstr(err.message, samples[i].message),
				err.message);
		if (samples[i].root)
			assert_string_equal(root, samples[i].root);
		else
			assert_null(root);
		sbx_engine_free(&engine);
		fault_stop(&server);
	}
}

/* Docker's and Podman's own layout; no engine is asked. */
static void test_root(void **state)
{
	static const struct {
		const char *storage, *root;
	} samples[] = {
		{ "/var/lib/docker/overlay2/0123/diff", "/var/lib/docker" },
		{ "/var/lib/containers/storage/overlay/0123/diff",
		  "/var/lib/containers/storage" },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_error err = SBX_ERROR_INIT;
		cleanup_free char *root = NULL;

		assert_int_equal(sbx_engine_data_root(NULL, samples[i].storage,
						      &root, &err),
				 0);
		assert_string_equal(root, samples[i].root);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_closed),
		cmocka_unit_test(test_root),
		cmocka_unit_test(test_root_from_engine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
