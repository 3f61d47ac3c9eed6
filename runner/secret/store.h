/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_STORE_H
#define SBX_SECRET_STORE_H

#include "base/error.h"
#include "base/mem.h"
#include "secret/keyring.h"
#include "secret/sealed_file.h"
#include "secret/secrets.h"

/* What a run gets by the name of a secret. */

/* The files that are looked into, in this order. */
enum { SBX_SECRET_OF_OWNER, SBX_SECRET_OF_SKILL, SBX_SECRET_FILES };

/*
 * Where a run looks for its secrets.
 *
 * @given	the run's own, which come first; or NULL
 * @owner	whose store is looked into then; or NULL
 * @skill	its name, which every box must have
 * @skill_dir	where its own file is; or NULL
 * @keys	borrowed, and loaded only when there is a box to open; or NULL
 *
 * The rest begins as zero and belongs to sbx_secret_find(): each file is read
 * once, whatever happens to it meanwhile.
 */
struct sbx_secret_lookup {
	const struct sbx_secrets *given;
	const char *owner;
	const char *skill;
	const char *skill_dir;
	struct sbx_keyring *keys;

	struct {
		bool was_read;
		char *path;
		struct sbx_sealed sealed;
	} files[SBX_SECRET_FILES];
};

/*
 * Looks for @name: 1 when it was found and is in @out, 0 when it is in none of
 * the places.  -1 with MISCONFIGURED: a place cannot be read, or it is there
 * and cannot be opened; that never falls through to the next place.  The
 * message names the secret, the file, and the reason; never a value.
 */
int sbx_secret_find(struct sbx_secret_lookup *lookup, const char *name,
		    struct sbx_secrets *out, struct sbx_error *err);

/* Frees what was read, and releases the keys. */
void sbx_secret_lookup_clear(struct sbx_secret_lookup *lookup);
#define cleanup_secret_lookup SBX_CLEANUP(sbx_secret_lookup_clear)

#endif
