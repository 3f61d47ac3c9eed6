/* SPDX-License-Identifier: MIT */
#include "secret/store.h"

#include <string.h>

#include "secret/memory.h"
#include "secret/seal.h"

static int copy_given(const struct sbx_secret *given, struct sbx_secrets *out,
		      struct sbx_error *err)
{
	cleanup_secret unsigned char *value = NULL;

	if (sbx_secret_alloc(&value, given->size, err) < 0)
		return -1;
	memcpy(value, given->value, given->size);
	sbx_secrets_set(out, given->name, &value, given->size);
	return 1;
}

/* The place number @i: 1, or 0 when there is none for this run. */
static int place_of(const struct sbx_secret_lookup *lookup, int i,
		    struct sbx_sealed_place *out, struct sbx_error *err)
{
	if (i == SBX_SECRET_OF_SKILL) {
		if (!lookup->skill_dir)
			return 0;
		sbx_sealed_place_of_skill(out, lookup->skill_dir);
		return 1;
	}
	if (!lookup->owner)
		return 0;
	return sbx_sealed_place_of_owner(out, lookup->owner, lookup->skill,
					 err) < 0
		       ? -1
		       : 1;
}

static int read_place(struct sbx_secret_lookup *lookup, int i,
		      struct sbx_error *err)
{
	cleanup_sealed_place struct sbx_sealed_place place = { .name = NULL };
	int is_place;

	if (lookup->files[i].was_read)
		return 0;
	is_place = place_of(lookup, i, &place, err);
	if (is_place < 0 ||
	    (is_place > 0 &&
	     sbx_sealed_file_read(&place, &lookup->files[i].sealed, err) < 0)) {
		err->outcome = SBX_OUTCOME_MISCONFIGURED;
		return -1;
	}
	if (is_place > 0)
		lookup->files[i].path = sbx_sealed_place_path(&place);
	lookup->files[i].was_read = true;
	return 0;
}

static int open_secret(struct sbx_secret_lookup *lookup, int i,
		       const struct sbx_sealed_secret *secret,
		       struct sbx_secrets *out, struct sbx_error *err)
{
	cleanup_secret unsigned char *value = NULL;
	const struct sbx_keys none = { .v = NULL };
	size_t size;

	if (lookup->keys && sbx_keyring_load(lookup->keys, err) < 0)
		return -1;
	if (sbx_seal_open(secret, lookup->skill,
			  lookup->keys ? &lookup->keys->keys : &none, &value,
			  &size, err) < 0)
		return sbx_error_wrap(err, "%s", lookup->files[i].path);
	sbx_secrets_set(out, secret->name, &value, size);
	return 1;
}

static int find_sealed(struct sbx_secret_lookup *lookup, const char *name,
		       struct sbx_secrets *out, struct sbx_error *err)
{
	for (int i = 0; i < SBX_SECRET_FILES; i++) {
		const struct sbx_sealed_secret *secret;

		if (read_place(lookup, i, err) < 0)
			return -1;
		secret = sbx_sealed_find(&lookup->files[i].sealed, name);
		if (secret)
			return open_secret(lookup, i, secret, out, err);
	}
	return 0;
}

int sbx_secret_find(struct sbx_secret_lookup *lookup, const char *name,
		    struct sbx_secrets *out, struct sbx_error *err)
{
	const struct sbx_secret *given =
		lookup->given ? sbx_secrets_find(lookup->given, name) : NULL;
	int result = given ? copy_given(given, out, err)
			   : find_sealed(lookup, name, out, err);

	return result < 0 ? sbx_error_wrap(err, "secret %s", name) : result;
}

void sbx_secret_lookup_clear(struct sbx_secret_lookup *lookup)
{
	for (int i = 0; i < SBX_SECRET_FILES; i++) {
		free(lookup->files[i].path);
		sbx_sealed_clear(&lookup->files[i].sealed);
		lookup->files[i].path = NULL;
		lookup->files[i].was_read = false;
	}
	if (lookup->keys)
		sbx_keyring_release(lookup->keys);
}
