/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_REAP_H
#define SBX_SANDBOX_REAP_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "engine/engine.h"

/*
 * Finding and removing what a dead runner left on the engine.  init ends
 * every sandbox whose runner is gone and the engine removes it; what remains
 * are containers that never started, or were paused.
 */

/* RFC 3339 to seconds of the epoch; -1 for anything else. */
long long sbx_reap_parse_time(const char *text);

/*
 * Removes containers whose runner is dead for certain: it was on this boot of
 * this machine and in these namespaces, and is no more.  No clock that anybody
 * can set has a say in that.
 *
 * SBX_REAP_SWEEP	after a command: leaves those that run, for init ends
 *			them and the engine removes them
 * SBX_REAP_PRUNE	also those that run, and those of runners elsewhere
 *			that do not run and are older than a day
 * SBX_REAP_DRY_RUN	as PRUNE, but only tells
 *
 * @removed gets "container NAME (why)" for each.  -1: UNAVAILABLE.
 */
enum sbx_reap_mode { SBX_REAP_SWEEP, SBX_REAP_PRUNE, SBX_REAP_DRY_RUN };

int sbx_reap_containers(struct sbx_engine *engine, enum sbx_reap_mode mode,
			struct sbx_strv *removed, struct sbx_error *err);

/*
 * SBX_REAP_SWEEP, as far as it goes: waits at most @ms until nobody else
 * sweeps, and then as long for each call.  What fails is left to the next.
 */
void sbx_reap_sweep(struct sbx_engine *engine, double ms);

/*
 * Removes volumes nobody can need again: those of init builds other than this
 * one that no container uses, and those of "skillbox test" runs that are
 * over (label io.skillbox.runner).  @removed gets "volume NAME (why)".
 */
int sbx_reap_volumes(struct sbx_engine *engine, bool dry_run,
		     struct sbx_strv *removed, struct sbx_error *err);

/* Removes every volume of @owner; 0 or -1 (UNAVAILABLE). */
int sbx_reap_owner_volumes(struct sbx_engine *engine, const char *owner,
			   struct sbx_error *err);

#endif
