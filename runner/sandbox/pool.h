/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_POOL_H
#define SBX_SANDBOX_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "sandbox/plan.h"
#include "sandbox/pool_stamp.h"
#include "secret/keyring.h"
#include "skill/catalog.h"

/*
 * Sandboxes that wait for their request.
 *
 * For each skill, action and owner that somebody asks for there is a stock: the
 * plan (plan.h), which is worked out once and looked at again in the
 * background, and the sandboxes that were started by it.  Everything here may
 * be called from any thread.  See pool.c for who does what.
 */
struct sbx_pool;

/*
 * @engine_url	as for sbx_engine_new(); the pool has engines of its own
 * @catalog	borrowed
 * @policy	as for sbx_policy_open(): read again when it changes
 * @keys	borrowed, see its lock; or NULL
 * @waiting_max	sandboxes that may wait, if the policy lets as many; 0: what it
 *		lets
 * @owner	for whom warm_pool.min is kept without being asked; or NULL
 * @warn	gets a line for whoever looks after the daemon, from any thread;
 *		must not call the pool
 */
struct sbx_pool_config {
	const char *engine_url;
	const struct sbx_catalog *catalog;
	const char *policy;
	struct sbx_keyring *keys;
	int64_t waiting_max;
	const char *owner;
	void (*warn)(void *ctx, const char *line);
	void *ctx;
};

/*
 * Starts its threads.  The policy and the engine are asked once, so that what
 * is wrong with them is known now: MISCONFIGURED, INVALID, UNAVAILABLE.
 */
int sbx_pool_new(struct sbx_pool **out, const struct sbx_pool_config *config,
		 struct sbx_error *err);

/* Drains, and waits for its threads; nobody may be inside any more. */
void sbx_pool_free(struct sbx_pool **pool);

/* --- a request's way through it (run.c) ------------------------------------ */

/* One request's; all zero before sbx_pool_enter(). */
struct sbx_pool_visit {
	struct sbx_pool *pool;
	struct sbx_pool_policy *policy;
	struct sbx_stock *stock;
	struct sbx_stamp stamp;
	struct sbx_stocked *taken;
	bool is_plain;
	bool is_busy;
	bool comes_back;
	bool is_lent;
	bool has_cold_place;
	unsigned int n_taken;
	double began;
};

/*
 * Begins a request: sets its @policy and @keys, and *@plan to a finished plan
 * when there is a good one, else to NULL: then the caller reads one and gives
 * it to sbx_pool_finish().  Costs a stat of the manifest and of the policy's
 * file.  MISCONFIGURED: the policy.
 */
int sbx_pool_enter(struct sbx_pool *pool, struct sbx_pool_visit *visit,
		   struct sbx_plan_request *request, struct sbx_plan **plan,
		   struct sbx_error *err);

/*
 * Opens and finishes *@plan, which has been read, or replaces it by one that
 * somebody else has finished meanwhile: of many requests that come at once
 * one does it.  Fails as sbx_plan_open() and sbx_plan_finish() do.
 */
int sbx_pool_finish(struct sbx_pool_visit *visit, struct sbx_plan **plan,
		    const struct sbx_plan_request *request,
		    struct sbx_engine *engine, int cancel_fd,
		    struct sbx_error *err);

/*
 * What a request has got to run in.
 *
 * @sandbox	NULL: it has to start one itself, and may do so now
 * @start	"warm", "reused", "cold"; static
 * @runs	the program has been started
 */
struct sbx_pool_taken {
	struct sbx_sandbox *sandbox;
	const char *start;
	bool runs;
};

/*
 * Takes a sandbox that was alive a moment ago; waits where there is one to be
 * had sooner than it could be started, and for its turn to start one.  May be
 * called again after sbx_pool_died().  CANCELLED; BUSY when it was nobody's
 * turn for minutes.
 */
int sbx_pool_take(struct sbx_pool_visit *visit, const struct sbx_plan *plan,
		  struct sbx_engine *engine, int cancel_fd,
		  struct sbx_pool_taken *out, struct sbx_error *err);

/* The one that was to be started has been, or could not be. */
void sbx_pool_cold_end(struct sbx_pool_visit *visit);

/* What was taken is dead, and the request has had no effect in it. */
void sbx_pool_died(struct sbx_pool_visit *visit);

/*
 * Ends a request, whatever became of it.  *@sandbox, the one that was taken or
 * started or NULL, is the pool's from now on: where @is_clean it may be used
 * again, if it says that it has been reset, else it is ended in the
 * background.
 */
void sbx_pool_leave(struct sbx_pool_visit *visit, struct sbx_plan *plan,
		    struct sbx_sandbox **sandbox, bool is_clean);

/* --- whoever looks after it ------------------------------------------------ */

/*
 * What there is, new reference:
 *
 *	{"waiting": 3, "starting": 1, "busy": 2, "memory_bytes": 24000000,
 *	 "draining": false, "pressure": null | "why nothing is started",
 *	 "limits": {"waiting": 256, "memory_bytes": 4294967296,
 *		    "memory_free_bytes": 536870912},
 *	 "takes": {"warm": 9, "reused": 0, "cold": 1, "dead": 0},
 *	 "pools": [{"skill": "text", "action": "hash", "owner": "1000",
 *		    "start": "program" | "sandbox", "late": null | "why the
 *		    program is not started early", "reuse": "never" | "reset",
 *		    "waiting": 2, "starting": 0, "busy": 0,
 *		    "min": 0, "max": 2, "target": 2, "arrivals_per_s": 1.5,
 *		    "takes": {"warm": 9, "reused": 0, "cold": 1, "dead": 0},
 *		    "started": 11, "failures": 0, "last_error": null | "...",
 *		    "retry_in_s": null | 3.5, "oldest_s": null | 12.5,
 *		    "idle_s": 3.25}]}
 *
 * "busy" counts requests that have a sandbox, also one that they started
 * themselves; "takes" how each came by it, and how often one was found dead.
 */
json_t *sbx_pool_status(struct sbx_pool *pool);

/*
 * Keeps @n sandboxes waiting (as far as the policy lets it; more than the
 * manifest's max if need be), until sbx_pool_shrink().  Returns when they have
 * been asked for, not when they are there.  As sbx_plan_read() and
 * sbx_plan_finish() fail.
 */
int sbx_pool_warm(struct sbx_pool *pool, const char *skill, const char *action,
		  const char *owner, int64_t n, struct sbx_error *err);

/*
 * Ends what waits beyond @n, forgets what sbx_pool_warm() asked for and what
 * has been learnt about arrivals.  NOT_FOUND: there is no such stock.
 */
int sbx_pool_shrink(struct sbx_pool *pool, const char *skill,
		    const char *action, const char *owner, int64_t n,
		    struct sbx_error *err);

/* Looks at manifests, policy, images and secrets again, now. */
void sbx_pool_reload(struct sbx_pool *pool);

/*
 * Starts no more, ends what waits, and returns when no start is under way.
 * Requests still get plans, and start sandboxes themselves.
 */
void sbx_pool_drain(struct sbx_pool *pool);

#endif
