/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_CONCURRENCY_H
#define SBX_SANDBOX_CONCURRENCY_H

#include <stdint.h>

#include "base/error.h"
#include "base/slots.h"

/*
 * "concurrency", the policy's of a skill (@action is NULL) or the manifest's of
 * one of its actions: how many runs this user of the host may have at once,
 * over all processes; @most is 0 for any number.  Holds one place in @slots
 * (zeroed by the caller) until sbx_concurrency_end(), or until the process
 * dies.  BUSY when all are taken; MISCONFIGURED where they cannot be counted,
 * because a bound that cannot be kept is none.
 */
int sbx_concurrency_begin(struct sbx_slots *slots, const char *skill,
			  const char *action, int64_t most,
			  struct sbx_error *err);
void sbx_concurrency_end(struct sbx_slots *slots);

#endif
