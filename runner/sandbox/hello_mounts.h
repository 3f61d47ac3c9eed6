/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_HELLO_MOUNTS_H
#define SBX_SANDBOX_HELLO_MOUNTS_H

#include "sandbox/hello.h"
#include "sandbox/slice.h"

/*
 * The part of sandbox/hello.h that is about mounts.  @mounts and @targets are
 * HELLO's sections of those names; results are those of sbx_hello_check and
 * sbx_hello_owner.
 */
int sbx_hello_mounts_check(struct sbx_slice mounts, struct sbx_slice targets,
			   const struct sbx_hello_expected *expected,
			   struct sbx_error *err);
int sbx_hello_mounts_owner(struct sbx_slice mounts, struct sbx_slice targets,
			   const char *target, uint32_t *uid, uint32_t *gid,
			   struct sbx_error *err);

/* SANDBOX_FAILED: @what is not what init or the kernel would write. */
static inline int sbx_hello_senseless(const char *what, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
			     "init's report makes no sense: %s", what);
}

#endif
