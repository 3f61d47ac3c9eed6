/* SPDX-License-Identifier: MIT */
#include "secret/store.h"

#include <string.h>

#include "secret/memory.h"

int sbx_secret_find(const struct sbx_secret_lookup *lookup, const char *name,
		    struct sbx_secrets *out, struct sbx_error *err)
{
	const struct sbx_secret *secret =
		lookup->given ? sbx_secrets_find(lookup->given, name) : NULL;
	unsigned char *copy = NULL;

	if (!secret)
		return 0;
	if (sbx_secret_alloc(&copy, secret->size, err) < 0)
		return -1;
	memcpy(copy, secret->value, secret->size);
	sbx_secrets_set(out, name, &copy, secret->size);
	return 1;
}
