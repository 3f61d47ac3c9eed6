/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_CHANNEL_RUN_H
#define SBX_SANDBOX_CHANNEL_RUN_H

#include "sandbox/channel.h"

/*
 * Makes the RUN frame, header and all (init/wire.h).  *@out is the caller's,
 * for sbx_secret_free().  Fails as sbx_channel_send_run() does.
 */
int sbx_channel_run_encode(const struct sbx_channel_run *run,
			   unsigned char **out, size_t *size,
			   struct sbx_error *err);

/* The same failures, before there is a sandbox that it could be sent to. */
int sbx_channel_run_check(const struct sbx_channel_run *run,
			  struct sbx_error *err);

#endif
