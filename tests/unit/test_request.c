/* SPDX-License-Identifier: MIT */
#include "cli/request.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Each option either means what it says or is refused by name before
 * anything runs; env files are read as `docker run --env-file` reads them.
 */

static void test_env_lines(void **state)
{
	static const char text[] = "\xef\xbb\xbf"
				   "A=1\n"
				   "\n"
				   "# comment\n"
				   "  B= spaces and 'quotes' stay \n"
				   "C=\r\n"
				   "D=a=b\n"
				   "FROM_HERE\n"
				   "NOT_SET_ANYWHERE\n"
				   "A=2";
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_strv out = SBX_STRV_INIT;

	(void)state;
	setenv("FROM_HERE", "here", 1);
	assert_int_equal(
		sbx_request_env_lines(text, strlen(text), "f", &out, &err), 0);
	assert_int_equal(out.n, 5);
	assert_string_equal(out.v[0], "A=2");
	assert_string_equal(out.v[1], "B= spaces and 'quotes' stay ");
	assert_string_equal(out.v[2], "C=");
	assert_string_equal(out.v[3], "D=a=b");
	assert_string_equal(out.v[4], "FROM_HERE=here");
	sbx_strv_free(&out);
}

static void refuse_env(const char *text, size_t size, const char *message)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_strv out = SBX_STRV_INIT;

	assert_int_equal(sbx_request_env_lines(text, size, "f", &out, &err),
			 -1);
	assert_string_equal(err.message, message);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	sbx_strv_free(&out);
}

static void test_env_lines_refused(void **state)
{
	(void)state;
	refuse_env("A=1\n=x\n", 7, "f:2: there is no name before the '='");
	refuse_env("\nexport A=1", 11,
		   "f:2: 'export A' has white space in it, expected "
		   "NAME=value");
	refuse_env("A=\xff\n", 4, "f: not a text in UTF-8");
	refuse_env("A=\0\n", 4, "f: not a text in UTF-8");
}

static void test_env_entry(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_strv out = SBX_STRV_INIT;

	(void)state;
	setenv("FROM_HERE", "x=y", 1);
	unsetenv("NOWHERE");
	assert_int_equal(sbx_request_env_entry("A=b=c", &out, &err), 0);
	assert_int_equal(sbx_request_env_entry("E=", &out, &err), 0);
	assert_int_equal(sbx_request_env_entry("FROM_HERE", &out, &err), 0);
	assert_string_equal(sbx_strv_getenv(&out, "A"), "b=c");
	assert_string_equal(sbx_strv_getenv(&out, "E"), "");
	assert_string_equal(sbx_strv_getenv(&out, "FROM_HERE"), "x=y");
	assert_int_equal(sbx_request_env_entry("NOWHERE", &out, &err), -1);
	assert_non_null(strstr(err.message, "NOWHERE is not set here"));
	assert_int_equal(sbx_request_env_entry("=x", &out, &err), -1);
	assert_int_equal(out.n, 3);
	sbx_strv_free(&out);
}

static void test_overrides(void **state)
{
	struct sbx_request_options options = {
		.network = "bridge",
		.timeout = "1m30s",
		.memory = "64m",
		.cpus = "0.5",
		.pids_limit = "7",
	};
	struct sbx_overrides out = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_request_overrides(&options, &out, &err), 0);
	assert_true(out.has_network);
	assert_int_equal(out.network, SBX_NETWORK_BRIDGE);
	assert_int_equal(out.timeout_ms, 90000);
	assert_int_equal(out.mem_limit, 64 << 20);
	assert_int_equal(out.nano_cpus, 500000000);
	assert_int_equal(out.pids_limit, 7);
	sbx_overrides_clear(&out);
}

/* What was not given stays "not given": the manifest decides. */
static void test_no_overrides(void **state)
{
	struct sbx_request_options options = { .network = NULL };
	struct sbx_overrides out = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	assert_int_equal(sbx_request_overrides(&options, &out, &err), 0);
	assert_false(out.has_network);
	assert_int_equal(out.timeout_ms, -1);
	assert_int_equal(out.mem_limit, -1);
	assert_int_equal(out.nano_cpus, -1);
	assert_int_equal(out.pids_limit, -1);
	assert_int_equal(out.n_volumes, 0);
}

static void test_overrides_refused(void **state)
{
	static const struct {
		struct sbx_request_options options;
		const char *begins;
	} samples[] = {
		{ { .network = "lan" }, "--network: 'lan' is not one of" },
		{ { .timeout = "soon" }, "--timeout: 'soon' is not a" },
		{ { .memory = "lots" }, "--memory: 'lots' is not a size" },
		{ { .cpus = "-1" }, "--cpus: '-1' is not a number" },
		{ { .pids_limit = "7x" }, "--pids-limit: '7x' is not" },
		{ { .pids_limit = " 7" }, "--pids-limit: ' 7' is not" },
		{ { .pids_limit = "99999999999999999999" }, "--pids-limit: " },
	};

	(void)state;
	for (size_t i = 0; i < SBX_ARRAY_SIZE(samples); i++) {
		struct sbx_overrides out = SBX_OVERRIDES_INIT;
		struct sbx_error err = SBX_ERROR_INIT;

		assert_int_equal(
			sbx_request_overrides(&samples[i].options, &out, &err),
			-1);
		assert_memory_equal(err.message, samples[i].begins,
				    strlen(samples[i].begins));
		sbx_overrides_clear(&out);
	}
}

static void test_volume_refused(void **state)
{
	struct sbx_request_options options = { .network = NULL };
	struct sbx_overrides out = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	sbx_strv_push(&options.volumes, "/srv:/data:ro");
	sbx_strv_push(&options.volumes, "./x:/y");
	assert_int_equal(sbx_request_overrides(&options, &out, &err), -1);
	assert_memory_equal(err.message, "--volume: './x:/y': ", 20);
	assert_int_equal(out.n_volumes, 1);
	sbx_overrides_clear(&out);
	sbx_strv_free(&options.volumes);
}

static void test_publish(void **state)
{
	static const struct {
		const char *text;
		const char *begins;
	} bad[] = {
		{ "http", "--publish: published port \"http\": " },
		{ "80", "--publish: published port 80: " },
	};
	struct sbx_request_options options = { .network = NULL };
	struct sbx_overrides out = SBX_OVERRIDES_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	sbx_strv_push(&options.publish, "80:8080");
	sbx_strv_push(&options.publish, "81");
	assert_int_equal(sbx_request_overrides(&options, &out, &err), 0);
	assert_int_equal(out.publish.n, 2);
	assert_int_equal(out.publish.v[0].target, 80);
	assert_int_equal(out.publish.v[0].published, 8080);
	assert_int_equal(out.publish.v[1].published, 0);
	assert_false(sbx_request_is_plain(&options));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(bad); i++) {
		sbx_strv_push(&options.publish, bad[i].text);
		out.publish.n = 0;
		assert_int_equal(sbx_request_overrides(&options, &out, &err),
				 -1);
		assert_memory_equal(err.message, bad[i].begins,
				    strlen(bad[i].begins));
		err = (struct sbx_error)SBX_ERROR_INIT;
		free(options.publish.v[--options.publish.n]);
		options.publish.v[options.publish.n] = NULL;
	}
	sbx_strv_free(&options.publish);
}

/* --- input ----------------------------------------------------------------- */

static void test_input_literal(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_buf out = SBX_BUF_INIT(64);

	(void)state;
	assert_int_equal(sbx_request_input(NULL, -1, &out, &err), 0);
	assert_string_equal(sbx_buf_text(&out), "{}");
	sbx_buf_consume(&out, out.len);
	assert_int_equal(sbx_request_input("[1]", -1, &out, &err), 0);
	assert_string_equal(sbx_buf_text(&out), "[1]");
	sbx_buf_free(&out);
}

static void test_input_file(void **state)
{
	char path[] = "/tmp/sbx_request.XXXXXX";
	char argument[64];
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_buf out = SBX_BUF_INIT(4);
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "1234", 4), 4);
	snprintf(argument, sizeof(argument), "@%s", path);
	assert_int_equal(sbx_request_input(argument, -1, &out, &err), 0);
	assert_string_equal(sbx_buf_text(&out), "1234");
	sbx_buf_consume(&out, out.len);

	assert_int_equal(write(fd, "5", 1), 1);
	assert_int_equal(sbx_request_input(argument, -1, &out, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_non_null(strstr(err.message, "is larger than"));

	close(fd);
	unlink(path);
	assert_int_equal(sbx_request_input(argument, -1, &out, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_non_null(strstr(err.message, "No such file"));
	sbx_buf_free(&out);
}

/* An env file may be a pipe: --env-file <(command). */
static void test_env_file(void **state)
{
	struct sbx_request_options options = { .network = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_strv out = SBX_STRV_INIT;
	char path[64];
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	assert_int_equal(write(fds[1], "A=1\nB=2\n", 8), 8);
	close(fds[1]);
	snprintf(path, sizeof(path), "/dev/fd/%d", fds[0]);
	sbx_strv_push(&options.env_files, path);
	sbx_strv_push(&options.env, "B=3");
	assert_int_equal(sbx_request_environment(&options, &out, &err), 0);
	assert_int_equal(out.n, 2);
	assert_string_equal(out.v[0], "A=1");
	assert_string_equal(out.v[1], "B=3");
	close(fds[0]);

	sbx_strv_free(&options.env_files);
	sbx_strv_push(&options.env_files, "/nowhere/at/all");
	assert_int_equal(sbx_request_environment(&options, &out, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	assert_string_equal(err.message,
			    "--env-file: cannot open /nowhere/at/all: "
			    "No such file or directory");
	sbx_strv_free(&out);
	sbx_strv_free(&options.env_files);
	sbx_strv_free(&options.env);
}

/* Someone who wants out need not wait for the end of the input. */
static void test_input_cancelled(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_buf out = SBX_BUF_INIT(64);
	int input[2], cancel[2];
	char argument[64];

	(void)state;
	assert_int_equal(pipe(input), 0);
	assert_int_equal(pipe(cancel), 0);
	assert_int_equal(write(cancel[1], "", 1), 1);
	snprintf(argument, sizeof(argument), "@/dev/fd/%d", input[0]);
	assert_int_equal(sbx_request_input(argument, cancel[0], &out, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	for (int i = 0; i < 2; i++) {
		close(input[i]);
		close(cancel[i]);
	}
	sbx_buf_free(&out);
}

static void assert_no_file(const char *option, const char *why)
{
	struct sbx_strv options = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_files files = { .v = NULL };

	sbx_strv_push(&options, option);
	assert_int_equal(sbx_request_files(&options, -1, &files, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(err.message, why))
		fail_msg("%s: %s", option, err.message);
	assert_int_equal(files.n, 0);
	sbx_strv_free(&options);
}

static void test_files(void **state)
{
	struct sbx_strv options = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_files files = { .v = NULL };

	(void)state;
	sbx_strv_push(&options, "none=/dev/null");
	sbx_strv_push(&options, "a/b=/proc/self/cmdline");
	assert_int_equal(sbx_request_files(&options, -1, &files, &err), 0);
	assert_int_equal(files.n, 2);
	assert_string_equal(files.v[0].name, "none");
	assert_int_equal(files.v[0].size, 0);
	assert_string_equal(files.v[1].name, "a/b");
	assert_true(files.v[1].size > 0);
	sbx_files_clear(&files);
	sbx_strv_free(&options);
	assert_no_file("a", "is not NAME=PATH");
	assert_no_file("a=", "is not NAME=PATH");
	assert_no_file("=/dev/null", "is not NAME=PATH");
	assert_no_file("a=/nowhere/at/all", "cannot open /nowhere/at/all");
	assert_no_file("../a=/dev/null", "can be no file's name");
}

/*
 * A run with any wish of its own is the operator's, not for a daemon to do:
 * an option that is forgotten here would silently not count.
 */
static void test_is_plain(void **state)
{
	static const size_t lists[] = {
		offsetof(struct sbx_request_options, env),
		offsetof(struct sbx_request_options, env_files),
		offsetof(struct sbx_request_options, volumes),
		offsetof(struct sbx_request_options, secrets),
		offsetof(struct sbx_request_options, files),
		offsetof(struct sbx_request_options, publish),
	};
	const size_t size = sizeof(struct sbx_request_options);
	struct sbx_request_options options = { .network = NULL };

	(void)state;
	assert_true(sbx_request_is_plain(&options));
	for (size_t i = 0; i < SBX_ARRAY_SIZE(lists); i++) {
		struct sbx_strv *list =
			(struct sbx_strv *)((char *)&options + lists[i]);

		sbx_strv_push(list, "A=b");
		assert_false(sbx_request_is_plain(&options));
		sbx_strv_free(list);
	}
	/* All others are texts, from the first of them to the end. */
	for (size_t at = offsetof(struct sbx_request_options, network);
	     at < size; at += sizeof(char *)) {
		const char **text = (const char **)((char *)&options + at);

		*text = "";
		assert_false(sbx_request_is_plain(&options));
		*text = NULL;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_env_lines),
		cmocka_unit_test(test_env_lines_refused),
		cmocka_unit_test(test_env_entry),
		cmocka_unit_test(test_overrides),
		cmocka_unit_test(test_no_overrides),
		cmocka_unit_test(test_overrides_refused),
		cmocka_unit_test(test_volume_refused),
		cmocka_unit_test(test_env_file),
		cmocka_unit_test(test_input_literal),
		cmocka_unit_test(test_input_file),
		cmocka_unit_test(test_publish),
		cmocka_unit_test(test_input_cancelled),
		cmocka_unit_test(test_files),
		cmocka_unit_test(test_is_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
