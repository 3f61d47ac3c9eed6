/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_SEAL_H
#define SBX_SECRET_SEAL_H

#include <stddef.h>

#include "base/error.h"
#include "secret/keys.h"
#include "secret/sealed.h"

/*
 * What is in a box: the bytes "skillbox-secret-1\n", the skill's name, "\n",
 * the secret's name, "\n", and then the value to the end.  The names are
 * checked when it is opened, so that a box serves nobody but whom it was made
 * for, wherever it is copied to.  Any program with libsodium's
 * crypto_box_seal() can make one.
 */
#define SBX_SEAL_MARK "skillbox-secret-1\n"

/*
 * Puts a value in the place of what was called @name: sealed for all
 * recipients, of which there has to be one, with the time of now.  INVALID
 * when the value is empty or too large, there are too many secrets, or a
 * recipient's key is none that anything can be sealed for; @sealed is only to
 * be thrown away then.
 */
int sbx_seal(struct sbx_sealed *sealed, const char *skill, const char *name,
	     const unsigned char *value, size_t size, struct sbx_error *err);

/*
 * Adds a box with the value for @to, in place of what was for it, and leaves
 * the others and the time alone.
 */
int sbx_seal_for(struct sbx_sealed_secret *secret,
		 const struct sbx_recipient *to, const char *skill,
		 const unsigned char *value, size_t size,
		 struct sbx_error *err);

/*
 * Opens a secret of @sealed with the newest of @keys that it is sealed for.
 * MISCONFIGURED: it is sealed for none of them, the box was changed, or made
 * for another skill or secret, or has nothing in it that a value can be.
 */
int sbx_seal_open(const struct sbx_sealed_secret *secret, const char *skill,
		  const struct sbx_keys *keys, unsigned char **value,
		  size_t *size, struct sbx_error *err);

#endif
