/* SPDX-License-Identifier: MIT */
#include "sandbox/channel_run.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "init/wire.h"
#include "secret/memory.h"

struct fixture {
	struct sbx_strv argv;
	struct sbx_strv env;
	struct sbx_channel_secret secrets[2];
	size_t n_secrets;
	const char *dir;
	const char *file;
	unsigned char *frame;
	size_t size;
	struct sbx_error err;
	const struct sbx_strv *tmpfs;
	const char *out;
	uint32_t out_limit;
};

static int encode(struct fixture *f)
{
	const struct sbx_channel_run run = {
		.argv = &f->argv,
		.env = &f->env,
		.secrets = f->secrets,
		.n_secrets = f->n_secrets,
		.working_dir = f->dir,
		.output_file = f->file,
		.output_file_limit = 100,
		.tmpfs = f->tmpfs,
		.out = f->out,
		.out_limit = f->out_limit,
	};

	struct sbx_error err = SBX_ERROR_INIT;
	int checked = sbx_channel_run_check(&run, &err);
	int result = sbx_channel_run_encode(&run, &f->frame, &f->size, &f->err);

	/* What is said beforehand holds. */
	assert_int_equal(checked, result);
	if (result < 0)
		assert_string_equal(err.message, f->err.message);
	return result;
}

static int setup(void **state)
{
	struct fixture *f = sbx_calloc(1, sizeof(*f));

	sbx_strv_push(&f->argv, "cat");
	sbx_strv_push(&f->argv, "-u");
	sbx_strv_push(&f->env, "A=1");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	sbx_strv_free(&f->argv);
	sbx_strv_free(&f->env);
	sbx_secret_free(&f->frame);
	free(f);
	return 0;
}

static void assert_refused(struct fixture *f, const char *part)
{
	assert_int_equal(encode(f), -1);
	assert_null(f->frame);
	assert_int_equal(f->err.outcome, SBX_OUTCOME_INVALID);
	if (!strstr(f->err.message, part))
		fail_msg("\"%s\" has no \"%s\"", f->err.message, part);
}

static void test_frame_is_as_wire_h_says(void **state)
{
	static const char expected[] = "\x01\0\0\0\x36\0\0\0"
				       "\x02\0\0\0\x01\0\0\0\x64\0\0\0\0\0\0\0"
				       "\0\0\0\0\0\0\0\0\0\0\0\0"
				       "/app\0/tmp/out\0\0cat\0-u\0A=1";
	struct fixture *f = *state;

	f->dir = "/app";
	f->file = "/tmp/out";
	assert_int_equal(encode(f), 0);
	assert_int_equal(f->size, sizeof(expected));
	assert_memory_equal(f->frame, expected, sizeof(expected));
}

static void add_secret(struct fixture *f, const char *env, const char *file,
		       const char *value, size_t size)
{
	f->secrets[f->n_secrets++] = (struct sbx_channel_secret){
		.env = env,
		.file = file,
		.value = (const unsigned char *)value,
		.size = size,
	};
}

/* A variable takes the place of what was there, a file may hold anything. */
static void test_secrets_are_as_wire_h_says(void **state)
{
	static const char expected[] =
		"\x01\0\0\0\x4e\0\0\0"
		"\x02\0\0\0\x02\0\0\0\x64\0\0\0\x01\0\0\0"
		"\0\0\0\0\0\0\0\0\0\0\0\0"
		"\0\0\0cat\0-u\0AB=2\0A=s3cret\0"
		"/run/secrets/key\0\x05\0\0\0x\0y\nz";
	struct fixture *f = *state;

	sbx_strv_push(&f->env, "AB=2");
	add_secret(f, "A", NULL, "s3cret", 6);
	add_secret(f, NULL, "key", "x\0y\nz", 5);
	assert_int_equal(encode(f), 0);
	assert_int_equal(f->size, sizeof(expected) - 1);
	assert_memory_equal(f->frame, expected, sizeof(expected) - 1);
}

static void test_out_is_as_wire_h_says(void **state)
{
	static const char expected[] = "\x01\0\0\0\x2e\0\0\0"
				       "\x02\0\0\0\x01\0\0\0\x64\0\0\0\0\0\0\0"
				       "\0\0\0\0\xe8\x03\0\0\0\0\0\0"
				       "\0\0/out\0cat\0-u\0A=1";
	struct fixture *f = *state;

	f->out = "/out";
	f->out_limit = 1000;
	assert_int_equal(encode(f), 0);
	assert_int_equal(f->size, sizeof(expected));
	assert_memory_equal(f->frame, expected, sizeof(expected));
}

/* Between environment and files: what is emptied for the next. */
static void test_tmpfs_are_as_wire_h_says(void **state)
{
	static const char expected[] =
		"\x01\0\0\0\x4c\0\0\0"
		"\x02\0\0\0\x01\0\0\0\x64\0\0\0\x01\0\0\0"
		"\x02\0\0\0\0\0\0\0\0\0\0\0"
		"\0\0\0cat\0-u\0A=1\0/tmp\0/dev/shm\0"
		"/run/secrets/k\0\x01\0\0\0z";
	cleanup_strv struct sbx_strv tmpfs = SBX_STRV_INIT;
	struct fixture *f = *state;

	sbx_strv_push(&tmpfs, "/tmp");
	sbx_strv_push(&tmpfs, "/dev/shm");
	f->tmpfs = &tmpfs;
	add_secret(f, NULL, "k", "z", 1);
	assert_int_equal(encode(f), 0);
	f->tmpfs = NULL;
	assert_int_equal(f->size, sizeof(expected) - 1);
	assert_memory_equal(f->frame, expected, sizeof(expected) - 1);
}

static void test_secret_with_a_nul_is_no_variable(void **state)
{
	struct fixture *f = *state;

	add_secret(f, "TOKEN", NULL, "qz\0cd", 5);
	assert_refused(f, "variable TOKEN has a NUL in it");
	assert_null(strstr(f->err.message, "qz"));
}

static char *text_of(char fill, size_t size)
{
	char *text = sbx_malloc(size + 1);

	memset(text, fill, size);
	text[size] = '\0';
	return text;
}

/* With the name, "=" and the NUL it is as long as Linux allows, and longer. */
static void test_secret_too_long_for_a_variable(void **state)
{
	cleanup_free char *value = text_of('s', 131072);
	struct fixture *f = *state;

	add_secret(f, "TOKEN", NULL, value, 131072 - sizeof("TOKEN="));
	assert_int_equal(encode(f), 0);
	sbx_secret_free(&f->frame);
	f->secrets[0].size++;
	assert_refused(f, "variable TOKEN has 131066 bytes");
}

static void test_secrets_count_as_variables(void **state)
{
	struct fixture *f = *state;

	while (f->env.n < SBX_WIRE_STRINGS_MAX)
		sbx_strv_push(&f->env, "B=");
	add_secret(f, "A", NULL, "x", 1);
	assert_int_equal(encode(f), 0);
	sbx_secret_free(&f->frame);
	add_secret(f, "C", NULL, "x", 1);
	assert_refused(f, "1025 environment variables");
}

static void test_no_command(void **state)
{
	struct fixture *f = *state;

	sbx_strv_free(&f->argv);
	assert_refused(f, "no command");
}

static void test_too_many_arguments(void **state)
{
	struct fixture *f = *state;

	while (f->argv.n < SBX_WIRE_STRINGS_MAX)
		sbx_strv_push(&f->argv, "");
	assert_int_equal(encode(f), 0);
	sbx_secret_free(&f->frame);
	sbx_strv_push(&f->argv, "");
	assert_refused(f, "1025 arguments");
}

static void test_too_many_variables(void **state)
{
	struct fixture *f = *state;

	while (f->env.n <= SBX_WIRE_STRINGS_MAX)
		sbx_strv_push(&f->env, "A=");
	assert_refused(f, "1025 environment variables");
}

/* The kernel's own limit is 131072 bytes with the NUL. */
static void test_longest_argument(void **state)
{
	struct fixture *f = *state;

	sbx_strv_push_take(&f->argv, text_of('x', 131071));
	assert_int_equal(encode(f), 0);
}

static void test_argument_too_long(void **state)
{
	struct fixture *f = *state;

	sbx_strv_push_take(&f->argv, text_of('x', 131072));
	assert_refused(f, "argument 3 has 131072 bytes");
}

/* The message names the variable and says nothing of its value. */
static void test_variable_too_long(void **state)
{
	struct fixture *f = *state;

	sbx_strv_push_take(&f->env, text_of('s', 131072));
	memcpy(f->env.v[1], "TOKEN=", 6);
	assert_refused(f, "environment variable TOKEN has 131072 bytes");
	assert_null(strstr(f->err.message, "sss"));
}

/* A name that is no name is not repeated, either. */
static void test_variable_without_a_name(void **state)
{
	struct fixture *f = *state;

	sbx_strv_push_take(&f->env, text_of('s', 131072));
	f->env.v[1][128] = '=';
	assert_refused(f, "environment variable 2 has 131072 bytes");
}

static void test_too_much_in_all(void **state)
{
	struct fixture *f = *state;
	const size_t rest = SBX_WIRE_RUN_FIXED + 3 * sizeof("") +
			    sizeof("cat") + sizeof("-u") + sizeof("A=1");

	for (int i = 0; i < 7; i++)
		sbx_strv_push_take(&f->env, text_of('e', 131071));
	sbx_strv_push_take(&f->env, text_of('e', 131071 - rest));
	assert_int_equal(encode(f), 0);
	assert_int_equal(f->size, SBX_WIRE_HEADER_SIZE + SBX_WIRE_RUN_MAX);
	sbx_secret_free(&f->frame);
	sbx_strv_push(&f->env, "");
	assert_refused(f, "1048577 bytes");
}

static void test_secrets_count_in_all(void **state)
{
	cleanup_free char *value = text_of('v', SBX_WIRE_RUN_MAX);
	struct fixture *f = *state;

	add_secret(f, NULL, "key", value, SBX_WIRE_RUN_MAX - 100);
	assert_int_equal(encode(f), 0);
	sbx_secret_free(&f->frame);
	f->secrets[0].size = SBX_WIRE_RUN_MAX;
	assert_refused(f, "arguments, environment and secrets");
}

static void test_path_too_long(void **state)
{
	cleanup_free char *path = text_of('/', 4096);
	struct fixture *f = *state;

	f->file = path;
	assert_refused(f, "output file's path");
	f->file = NULL;
	f->dir = path;
	assert_refused(f, "working directory's path");
	f->dir = NULL;
	f->out = path;
	assert_refused(f, "directory of files");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frame_is_as_wire_h_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets_are_as_wire_h_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_out_is_as_wire_h_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_tmpfs_are_as_wire_h_says,
						setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_secret_with_a_nul_is_no_variable, setup, teardown),
		cmocka_unit_test_setup_teardown(
			test_secret_too_long_for_a_variable, setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets_count_as_variables,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_secrets_count_in_all,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_no_command, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_too_many_arguments, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_too_many_variables, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_longest_argument, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_argument_too_long, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_variable_too_long, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_variable_without_a_name,
						setup, teardown),
		cmocka_unit_test_setup_teardown(test_too_much_in_all, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_path_too_long, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
