/* SPDX-License-Identifier: MIT */
#include "sandbox/channel_run.h"

#include <limits.h>
#include <string.h>

#include "base/mem.h"
#include "init/wire.h"

/* Linux, MAX_ARG_STRLEN: 32 pages, with the NUL. */
#define STRING_MAX (128 * 1024)

/* By its place, or by its name when it has one; never its value. */
static int too_long(const char *what, size_t place, const char *string,
		    struct sbx_error *err)
{
	const char *equals = strchr(string, '=');

	if (equals && equals - string < 128)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s %.*s has %zu bytes, at most %d are "
				     "possible",
				     what, (int)(equals - string), string,
				     strlen(string), STRING_MAX - 1);
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s %zu has %zu bytes, at most %d are possible",
			     what, place + 1, strlen(string), STRING_MAX - 1);
}

static int check_strings(const struct sbx_strv *list, const char *what,
			 size_t *total, struct sbx_error *err)
{
	if (list->n > SBX_WIRE_STRINGS_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%zu %ss, at most %d are possible",
				     list->n, what, SBX_WIRE_STRINGS_MAX);
	for (size_t i = 0; i < list->n; i++) {
		size_t size = strlen(list->v[i]) + 1;

		if (size > STRING_MAX)
			return too_long(what, i, list->v[i], err);
		*total += size;
	}
	return 0;
}

static int check_run(const struct sbx_channel_run *run, const char *dir,
		     const char *file, size_t *total, struct sbx_error *err)
{
	*total = SBX_WIRE_RUN_FIXED + strlen(dir) + 1 + strlen(file) + 1;
	if (run->argv->n == 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "there is no command to run");
	if (strlen(dir) >= PATH_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the working directory's path is too "
				     "long");
	if (strlen(file) >= PATH_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the output file's path is too long");
	if (check_strings(run->argv, "argument", total, err) < 0 ||
	    check_strings(run->env, "environment variable", total, err) < 0)
		return -1;
	if (*total > SBX_WIRE_RUN_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "arguments and environment have %zu "
				     "bytes, at most %d are possible",
				     *total, SBX_WIRE_RUN_MAX);
	return 0;
}

static unsigned char *put_string(unsigned char *at, const char *string)
{
	size_t size = strlen(string) + 1;

	memcpy(at, string, size);
	return at + size;
}

static unsigned char *put_strings(unsigned char *at,
				  const struct sbx_strv *list)
{
	for (size_t i = 0; i < list->n; i++)
		at = put_string(at, list->v[i]);
	return at;
}

int sbx_channel_run_encode(const struct sbx_channel_run *run,
			   unsigned char **out, size_t *size,
			   struct sbx_error *err)
{
	const char *dir = run->working_dir ? run->working_dir : "";
	const char *file = run->output_file ? run->output_file : "";
	unsigned char *at;
	size_t total;

	if (check_run(run, dir, file, &total, err) < 0)
		return -1;
	*size = SBX_WIRE_HEADER_SIZE + total;
	*out = at = sbx_malloc(*size);
	sbx_wire_put_header(at, SBX_WIRE_RUN, (uint32_t)total);
	at += SBX_WIRE_HEADER_SIZE;
	sbx_wire_put32(at, (uint32_t)run->argv->n);
	sbx_wire_put32(at + 4, (uint32_t)run->env->n);
	sbx_wire_put32(at + 8, run->output_file_limit);
	sbx_wire_put32(at + 12, 0);
	at = put_string(at + SBX_WIRE_RUN_FIXED, dir);
	at = put_string(at, file);
	at = put_strings(at, run->argv);
	put_strings(at, run->env);
	return 0;
}
