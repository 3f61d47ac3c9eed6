/* SPDX-License-Identifier: MIT */
#include "secret/memory.h"

#include <errno.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

/*
 * A core dump would have all that the kernel did not leave out, and whoever
 * may trace us could read it without one.
 */
static int close_process(struct sbx_error *err)
{
	static const struct rlimit none;
	static atomic_bool is_closed; /* done twice is no harm */

	if (is_closed)
		return 0;
	if (sodium_init() < 0)
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "libsodium cannot be initialised");
	if (setrlimit(RLIMIT_CORE, &none) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0)
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "core dumps cannot be turned off: %s",
				     strerror(errno));
	is_closed = true;
	return 0;
}

/* sodium_malloc() takes it for granted that its memory could be locked. */
int sbx_secret_alloc(unsigned char **out, size_t size, struct sbx_error *err)
{
	unsigned char *memory;

	if (close_process(err) < 0)
		return -1;
	memory = sodium_malloc(size ? size : 1);
	if (!memory || sodium_mlock(memory, size ? size : 1) < 0) {
		sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			      "no memory that is never swapped can be had for "
			      "secrets: %s; raise the limit of locked memory "
			      "(ulimit -l)",
			      strerror(errno));
		sodium_free(memory);
		return -1;
	}
	*out = memory;
	return 0;
}

unsigned char *sbx_secret_alloc_plain(size_t size)
{
	unsigned char *memory;

	if (sodium_init() < 0)
		abort();
	memory = sodium_malloc(size ? size : 1);
	if (!memory)
		abort();
	return memory;
}

void sbx_secret_free(unsigned char **memory)
{
	sodium_free(*memory);
	*memory = NULL;
}
