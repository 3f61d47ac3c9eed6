/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_COPY_TAR_H
#define SBX_SANDBOX_COPY_TAR_H

#include "base/error.h"
#include "base/progress.h"
#include "sandbox/copy.h"

/*
 * The same files as a tar, for those who have or want one.  What is checked and
 * left out, and how it fails, is as in sbx_copy_reader_next(); INTERNAL when
 * @out cannot be written, and what was written until then is no whole archive.
 */

/*
 * A caller's tar, not compressed, as an archive for a sandbox.  All its names
 * begin with "./", so it goes to a directory that is there.  Hard links are
 * left out, as their contents have gone by.
 */
int sbx_copy_from_tar(int in, int out, const struct sbx_copy_limits *max,
		      const struct sbx_progress *warn, struct sbx_error *err);

/* A sandbox's archive as a tar; its files belong to root. */
int sbx_copy_to_tar(int in, int out, const struct sbx_copy_limits *max,
		    const struct sbx_progress *warn, struct sbx_error *err);

#endif
