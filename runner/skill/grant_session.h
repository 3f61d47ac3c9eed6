/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_GRANT_SESSION_H
#define SBX_SKILL_GRANT_SESSION_H

#include <stdint.h>

#include "base/error.h"
#include "skill/policy.h"

/* What a policy lets sessions have, whoever asks.  Pure. */

/*
 * Whether @owner, who has @n of them, may have one more.  DENIED:
 * "sessions.most: ...".
 */
int sbx_grant_session(const struct sbx_policy *policy, const char *owner,
		      int64_t n, struct sbx_error *err);

/*
 * The time to live of one that asks for @asked, in milliseconds.  Where that
 * is less, *@line says so ("sessions.ttl: 2h was asked for, 1h is granted"),
 * and is the caller's; else it is left alone.
 */
int64_t sbx_grant_session_ttl(const struct sbx_policy *policy, int64_t asked,
			      char **line);

#endif
