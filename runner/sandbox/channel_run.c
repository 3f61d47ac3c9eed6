/* SPDX-License-Identifier: MIT */
#include "sandbox/channel_run.h"

#include <limits.h>
#include <string.h>

#include "init/wire.h"
#include "secret/memory.h"
#include "skill/manifest.h"

/* Linux, MAX_ARG_STRLEN: 32 pages, with the NUL. */
#define STRING_MAX  (128 * 1024)

#define FILE_PREFIX SBX_SECRETS_DIR "/"

_Static_assert(SBX_SECRETS_MAX <= SBX_WIRE_SECRET_FILES_MAX,
	       "init remembers as many");

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

/* Whether a secret takes the place of @string, "NAME=value". */
static bool is_replaced(const struct sbx_channel_run *run, const char *string)
{
	for (size_t i = 0; i < run->n_secrets; i++) {
		const char *name = run->secrets[i].env;

		if (name && strncmp(string, name, strlen(name)) == 0 &&
		    string[strlen(name)] == '=')
			return true;
	}
	return false;
}

/* What RUN says of its secrets, and how long that is. */
struct counts {
	size_t variables;
	size_t files;
	size_t total;
};

static int check_variable(const struct sbx_channel_secret *secret,
			  struct counts *counts, struct sbx_error *err)
{
	size_t size = strlen(secret->env) + 1 + secret->size + 1;

	if (memchr(secret->value, '\0', secret->size))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the secret for the variable %s has a NUL "
				     "in it: it can only be given as a file",
				     secret->env);
	if (size > STRING_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the secret for the variable %s has %zu "
				     "bytes, which Linux does not allow",
				     secret->env, secret->size);
	counts->variables++;
	counts->total += size;
	return 0;
}

static int check_secrets(const struct sbx_channel_run *run,
			 struct counts *counts, struct sbx_error *err)
{
	for (size_t i = 0; i < run->n_secrets; i++) {
		const struct sbx_channel_secret *secret = &run->secrets[i];

		if (secret->env) {
			if (check_variable(secret, counts, err) < 0)
				return -1;
			continue;
		}
		counts->files++;
		counts->total += strlen(FILE_PREFIX) + strlen(secret->file) +
				 1 + 4 + secret->size;
	}
	return 0;
}

static int check_environment(const struct sbx_channel_run *run,
			     struct counts *counts, struct sbx_error *err)
{
	for (size_t i = 0; i < run->env->n; i++) {
		if (is_replaced(run, run->env->v[i]))
			counts->total -= strlen(run->env->v[i]) + 1;
		else
			counts->variables++;
	}
	if (counts->variables <= SBX_WIRE_STRINGS_MAX)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%zu environment variables, at most %d are "
			     "possible",
			     counts->variables, SBX_WIRE_STRINGS_MAX);
}

static const char *directory(const struct sbx_channel_run *run)
{
	return run->working_dir ? run->working_dir : "";
}

static const char *output_file(const struct sbx_channel_run *run)
{
	return run->output_file ? run->output_file : "";
}

static const char *out_directory(const struct sbx_channel_run *run)
{
	return run->out ? run->out : "";
}

static int check_out(const struct sbx_channel_run *run, struct counts *counts,
		     struct sbx_error *err)
{
	const char *out = out_directory(run);

	counts->total += strlen(out) + 1;
	if (strlen(out) < PATH_MAX)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "the path of the directory of files is too long");
}

static int check_run(const struct sbx_channel_run *run, struct counts *counts,
		     struct sbx_error *err)
{
	const char *dir = directory(run);
	const char *file = output_file(run);

	counts->total = SBX_WIRE_RUN_FIXED + strlen(dir) + 1 + strlen(file) + 1;
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
	if (check_out(run, counts, err) < 0 ||
	    check_strings(run->argv, "argument", &counts->total, err) < 0 ||
	    check_strings(run->env, "environment variable", &counts->total,
			  err) < 0 ||
	    (run->tmpfs &&
	     check_strings(run->tmpfs, "tmpfs", &counts->total, err) < 0) ||
	    check_secrets(run, counts, err) < 0 ||
	    check_environment(run, counts, err) < 0)
		return -1;
	if (counts->total > SBX_WIRE_RUN_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "arguments, environment and secrets have "
				     "%zu bytes, at most %d are possible",
				     counts->total, SBX_WIRE_RUN_MAX);
	return 0;
}

int sbx_channel_run_check(const struct sbx_channel_run *run,
			  struct sbx_error *err)
{
	struct counts counts = { .total = 0 };

	return check_run(run, &counts, err);
}

static unsigned char *put(unsigned char *at, const void *data, size_t size)
{
	memcpy(at, data, size);
	return at + size;
}

static unsigned char *put_string(unsigned char *at, const char *string)
{
	return put(at, string, strlen(string) + 1);
}

static unsigned char *put_environment(unsigned char *at,
				      const struct sbx_channel_run *run)
{
	for (size_t i = 0; i < run->env->n; i++) {
		if (!is_replaced(run, run->env->v[i]))
			at = put_string(at, run->env->v[i]);
	}
	for (size_t i = 0; i < run->n_secrets; i++) {
		const struct sbx_channel_secret *secret = &run->secrets[i];

		if (!secret->env)
			continue;
		at = put(at, secret->env, strlen(secret->env));
		at = put(at, "=", 1);
		at = put(at, secret->value, secret->size);
		at = put(at, "", 1);
	}
	return at;
}

static void put_files(unsigned char *at, const struct sbx_channel_run *run)
{
	for (size_t i = 0; i < run->n_secrets; i++) {
		const struct sbx_channel_secret *secret = &run->secrets[i];

		if (!secret->file)
			continue;
		at = put(at, FILE_PREFIX, strlen(FILE_PREFIX));
		at = put_string(at, secret->file);
		sbx_wire_put32(at, (uint32_t)secret->size);
		at = put(at + 4, secret->value, secret->size);
	}
}

static int allocate(const struct sbx_channel_run *run, size_t size,
		    unsigned char **out, struct sbx_error *err)
{
	if (run->n_secrets > 0)
		return sbx_secret_alloc(out, size, err);
	*out = sbx_secret_alloc_plain(size);
	return 0;
}

int sbx_channel_run_encode(const struct sbx_channel_run *run,
			   unsigned char **out, size_t *size,
			   struct sbx_error *err)
{
	struct counts counts = { .total = 0 };
	unsigned char *at;

	if (check_run(run, &counts, err) < 0)
		return -1;
	*size = SBX_WIRE_HEADER_SIZE + counts.total;
	if (allocate(run, *size, out, err) < 0)
		return -1;
	at = *out;
	sbx_wire_put_header(at, SBX_WIRE_RUN, (uint32_t)counts.total);
	at += SBX_WIRE_HEADER_SIZE;
	sbx_wire_put32(at, (uint32_t)run->argv->n);
	sbx_wire_put32(at + 4, (uint32_t)counts.variables);
	sbx_wire_put32(at + 8, run->output_file_limit);
	sbx_wire_put32(at + 12, (uint32_t)counts.files);
	sbx_wire_put32(at + 16, run->tmpfs ? (uint32_t)run->tmpfs->n : 0);
	sbx_wire_put32(at + 20, run->out_limit);
	sbx_wire_put32(at + 24, run->flags);
	at = put_string(at + SBX_WIRE_RUN_FIXED, directory(run));
	at = put_string(at, output_file(run));
	at = put_string(at, out_directory(run));
	for (size_t i = 0; i < run->argv->n; i++)
		at = put_string(at, run->argv->v[i]);
	at = put_environment(at, run);
	for (size_t i = 0; run->tmpfs && i < run->tmpfs->n; i++)
		at = put_string(at, run->tmpfs->v[i]);
	put_files(at, run);
	return 0;
}
