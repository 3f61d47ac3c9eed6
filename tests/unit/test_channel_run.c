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

struct fixture {
	struct sbx_strv argv;
	struct sbx_strv env;
	const char *dir;
	const char *file;
	unsigned char *frame;
	size_t size;
	struct sbx_error err;
};

static int encode(struct fixture *f)
{
	const struct sbx_channel_run run = {
		.argv = &f->argv,
		.env = &f->env,
		.working_dir = f->dir,
		.output_file = f->file,
		.output_file_limit = 100,
	};

	return sbx_channel_run_encode(&run, &f->frame, &f->size, &f->err);
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
	free(f->frame);
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
	static const char expected[] = "\x01\0\0\0\x29\0\0\0"
				       "\x02\0\0\0\x01\0\0\0\x64\0\0\0\0\0\0\0"
				       "/app\0/tmp/out\0cat\0-u\0A=1";
	struct fixture *f = *state;

	f->dir = "/app";
	f->file = "/tmp/out";
	assert_int_equal(encode(f), 0);
	assert_int_equal(f->size, sizeof(expected));
	assert_memory_equal(f->frame, expected, sizeof(expected));
}

static char *text_of(char fill, size_t size)
{
	char *text = sbx_malloc(size + 1);

	memset(text, fill, size);
	text[size] = '\0';
	return text;
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
	free(sbx_take(f->frame));
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
	const size_t rest = SBX_WIRE_RUN_FIXED + 2 * sizeof("") +
			    sizeof("cat") + sizeof("-u") + sizeof("A=1");

	for (int i = 0; i < 7; i++)
		sbx_strv_push_take(&f->env, text_of('e', 131071));
	sbx_strv_push_take(&f->env, text_of('e', 131071 - rest));
	assert_int_equal(encode(f), 0);
	assert_int_equal(f->size, SBX_WIRE_HEADER_SIZE + SBX_WIRE_RUN_MAX);
	free(sbx_take(f->frame));
	sbx_strv_push(&f->env, "");
	assert_refused(f, "1048577 bytes");
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
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_frame_is_as_wire_h_says,
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
