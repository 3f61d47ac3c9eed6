/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_STORE_H
#define SBX_SECRET_STORE_H

#include "secret/secrets.h"

/*
 * Where a run looks for its secrets.
 *
 * @given	what the caller gives for this run, or NULL
 * @owner	whose store
 * @skill, @skill_dir	whose secrets.yaml
 * @keys	where private keys are: --keys, or NULL for the default
 */
struct sbx_secret_lookup {
	const struct sbx_secrets *given;
	const char *owner;
	const char *skill;
	const char *skill_dir;
	const char *keys;
};

/*
 * Looks for the secret @name and adds it to @out.  1, 0 when it is nowhere, or
 * -1 with MISCONFIGURED: it is there and cannot be opened.
 */
int sbx_secret_find(const struct sbx_secret_lookup *lookup, const char *name,
		    struct sbx_secrets *out, struct sbx_error *err);

#endif
