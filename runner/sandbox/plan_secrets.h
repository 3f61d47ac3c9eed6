/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_PLAN_SECRETS_H
#define SBX_SANDBOX_PLAN_SECRETS_H

#include <stddef.h>

#include "base/error.h"
#include "sandbox/channel.h"
#include "secret/secrets.h"
#include "secret/store.h"
#include "skill/manifest.h"

/*
 * The secrets of one run, in the clear.
 *
 * @opened	each once, for the redaction of what the action prints
 * @sent	where init has to put them; points into @opened and the action
 */
struct sbx_plan_secrets {
	struct sbx_secrets opened;
	struct sbx_channel_secret *sent;
	size_t n_sent;
};

/*
 * Finds and opens what @action names, which has to live as long.
 * MISCONFIGURED: a required one is nowhere, or one cannot be opened, required
 * or not.  INVALID: the caller gives one that the action does not name.
 */
int sbx_plan_secrets_open(struct sbx_plan_secrets *out,
			  struct sbx_secret_lookup *lookup,
			  const struct sbx_action *action,
			  struct sbx_error *err);

/* Wipes and frees them. */
void sbx_plan_secrets_clear(struct sbx_plan_secrets *secrets);

#endif
