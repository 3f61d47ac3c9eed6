/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SESSION_KEEP_H
#define SBX_SANDBOX_SESSION_KEEP_H

#include <stddef.h>

#include "base/error.h"
#include "base/strv.h"
#include "secret/secrets.h"

/*
 * What a session's init keeps for the runners to come: the variables and the
 * secrets that it was created with.  No engine ever has them.
 */

/*
 * As bytes: *@out is secret memory, and the caller's.  MISCONFIGURED: there is
 * no memory for secrets.
 */
int sbx_session_keep_encode(const struct sbx_strv *environment,
			    const struct sbx_secrets *secrets,
			    unsigned char **out, size_t *size,
			    struct sbx_error *err);

/* And back; both begin empty.  SANDBOX_FAILED: that is not what was kept. */
int sbx_session_keep_decode(const unsigned char *data, size_t size,
			    struct sbx_strv *environment,
			    struct sbx_secrets *secrets, struct sbx_error *err);

#endif
