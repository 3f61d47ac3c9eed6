/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_RESEAL_H
#define SBX_SECRET_RESEAL_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "secret/keys.h"
#include "secret/sealed.h"

/*
 * The same secrets for others.  When a value was sealed stays: that tells how
 * old it is.  On failure @sealed is only to be thrown away.
 */

/* Whether there is a recipient among @keys other than @current. */
bool sbx_reseal_is_due(const struct sbx_sealed *sealed,
		       const struct sbx_keys *keys,
		       const struct sbx_key *current);

/*
 * Puts @current in the place of all others of @keys that are recipients.  Boxes
 * for anybody else stay as they are, and secrets that none of @keys ever could
 * open: their names go to @left.  MISCONFIGURED when one does not open that
 * should.
 */
int sbx_reseal_rotate(struct sbx_sealed *sealed, const char *skill,
		      const struct sbx_keys *keys,
		      const struct sbx_key *current, struct sbx_strv *left,
		      struct sbx_error *err);

/*
 * Makes the recipients of @to those of @sealed, with a new box of every secret
 * for each of them.  MISCONFIGURED when one does not open with @keys.
 */
int sbx_reseal_for(struct sbx_sealed *sealed, const char *skill,
		   const struct sbx_keys *keys, const struct sbx_sealed *to,
		   struct sbx_error *err);

#endif
