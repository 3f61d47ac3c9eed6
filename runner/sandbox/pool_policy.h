/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_POOL_POLICY_H
#define SBX_SANDBOX_POOL_POLICY_H

#include "base/error.h"
#include "sandbox/pool_stamp.h"
#include "skill/policy.h"

/*
 * The policy of a process that lives long: it is read again when its file
 * changes, and whoever has begun with the old one may end with it.
 */

/* One reading of it; does not change. */
struct sbx_pool_policy {
	unsigned int refs;
	struct sbx_stamp stamp;
	struct sbx_policy policy;
};

/* @path as for sbx_policy_open(); what it means now is meant from then on. */
struct sbx_policy_watch;
void sbx_policy_watch_new(struct sbx_policy_watch **out, const char *path);
void sbx_policy_watch_free(struct sbx_policy_watch **watch);

/*
 * The policy as it is now, from any thread; costs a stat(2) when its file is
 * as it was.  MISCONFIGURED when there is one that cannot be used: then there
 * is none, rather than the old one.
 */
int sbx_policy_watch_get(struct sbx_policy_watch *watch,
			 struct sbx_pool_policy **out, struct sbx_error *err);

struct sbx_pool_policy *sbx_pool_policy_ref(struct sbx_pool_policy *policy);
void sbx_pool_policy_unref(struct sbx_pool_policy **policy);

#endif
