/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_POOL_STOCK_H
#define SBX_SANDBOX_POOL_STOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "sandbox/pool.h"
#include "sandbox/pool_policy.h"
#include "sandbox/pool_size.h"
#include "sandbox/pool_stamp.h"

/*
 * What the modules of the pool (pool*.c) share.  All of it is protected by the
 * pool's one lock, which nobody holds while something takes long: a call to the
 * engine, the end of a sandbox, the reading of a file.
 */

/* A sandbox of the pool.  Whoever has unlinked it has it for himself. */
struct sbx_stocked {
	struct sbx_stocked *next;
	struct sbx_sandbox *sandbox;
	struct sbx_plan *plan; /* that it was started by */
	double made_at;
	double tended_at;
	bool runs;     /* its program was started early */
	bool was_used; /* it has served a request */
	bool resets;   /* and has not said yet that it is clean */
};

/* How requests came by their sandboxes. */
struct sbx_pool_takes {
	uint64_t warm;
	uint64_t reused;
	uint64_t cold;
	uint64_t dead;
};

/*
 * The sandboxes for one action of one owner.
 *
 * @plan	finished, or NULL; @stamp and @policy are what it was made from,
 *		@checked_at when its sources were last looked at
 * @is_planned	somebody works at it now; @n_plannings is how often that has
 *		ended, @plan_error what with if there is no plan
 * @waiting	newest first; @n_waiting of them, of which @n_old are to be
 *		replaced now
 * @lent	those that requests have, and that will come back when they have
 *		been reset; @coming those that they start, and that will, too
 * @floor	what sbx_pool_warm() asked for; @min the last plan
 * @has_no_room	nothing is started for it, as others need theirs more
 * @late	why its programs are not started early any more; "" they are
 * @late_key	of the plan that this is about
 */
struct sbx_stock {
	struct sbx_stock *next;
	char *skill;
	char *action;
	char *owner;
	unsigned int visitors;

	struct sbx_plan *plan;
	struct sbx_pool_policy *policy;
	struct sbx_stamp stamp;
	double checked_at;
	bool is_due;
	bool is_planned;
	unsigned int n_plannings;
	struct sbx_error plan_error;

	struct sbx_stocked *waiting;
	unsigned int n_waiting;
	unsigned int n_old;
	unsigned int starting;
	unsigned int busy;
	unsigned int lent;
	unsigned int coming;
	double used_at;
	struct sbx_pool_size size;
	double start_ms;
	int64_t floor;
	int64_t min;

	bool has_no_room;
	unsigned int failed; /* in a row */
	double retry_at;
	char late[256];
	char late_key[SBX_HASH_HEX_SIZE];
	uint64_t started;
	uint64_t failures;
	char last_error[512];
	struct sbx_pool_takes takes;
};

/*
 * A request that waits.
 *
 * @since	when it began to
 * @wants_one	would take one of @stock that fits @plan
 * @wants_place	would start its own
 */
struct sbx_pool_waiter {
	struct sbx_pool_waiter *next;
	const struct sbx_stock *stock;
	const struct sbx_plan *plan;
	double since;
	bool wants_one;
	bool wants_place;
	pthread_cond_t woken;
	bool is_woken;
};

/* Threads; no more sandboxes are started at once in the background. */
#define SBX_POOL_STARTERS 4

struct sbx_pool {
	struct sbx_pool_config config;
	struct sbx_policy_watch *watch;

	pthread_mutex_t lock;
	pthread_cond_t work;  /* for the starters */
	pthread_cond_t tick;  /* for the keeper */
	pthread_cond_t quiet; /* a start is over */
	struct sbx_pool_policy *policy;
	struct sbx_stock *stocks;
	unsigned int n_stocks;
	struct sbx_stocked *trash;
	struct sbx_pool_waiter *waiters; /* oldest first */
	unsigned int n_starting;
	unsigned int n_ending;
	unsigned int n_cold;
	unsigned int most_starts;
	bool is_draining;
	bool is_ending;
	bool wants_scan;
	char pressure[160]; /* "" there is none */
	double look_again_at;
	int cancel_fd; /* readable when starts shall end */
	struct sbx_pool_takes takes;

	bool has_keeper;
	pthread_t keeper;
	pthread_t starters[SBX_POOL_STARTERS];
	unsigned int n_starters;
};

/* What the engine needs for a container that waits (Docker 20.10, runc). */
#define SBX_POOL_ENGINE_MEMORY INT64_C(7700000)
/* What is in it: init alone; or a program that was started early. */
#define SBX_POOL_SANDBOX_MEMORY INT64_C(1000000)
#define SBX_POOL_PROGRAM_MEMORY INT64_C(16000000)

/* One is replaced when it has waited that long. */
#define SBX_POOL_AGE_MAX_MS (10 * 60 * 1000.0)

void sbx_pool_lock(struct sbx_pool *pool);
void sbx_pool_unlock(struct sbx_pool *pool);

/* A clock for pthread_cond_timedwait(): so many milliseconds from now. */
void sbx_pool_wait(struct sbx_pool *pool, pthread_cond_t *cond, double ms);

/* A line for whoever looks after the daemon. */
void sbx_pool_warn(struct sbx_pool *pool, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* --- pool_stock.c; with the lock ------------------------------------------- */

/* The stock of that name, made if there is none and @is_new is wanted. */
struct sbx_stock *sbx_stock_find(struct sbx_pool *pool, const char *skill,
				 const char *action, const char *owner,
				 bool is_new);

/* Ends all that nobody has used for long and that has nothing. */
void sbx_stock_forget_idle(struct sbx_pool *pool, double now);
void sbx_stock_free_all(struct sbx_pool *pool);

/* Puts one in front of the others, or takes out that which *@link is. */
void sbx_stock_put(struct sbx_stock *stock, struct sbx_stocked *one);
struct sbx_stocked *sbx_stock_unlink(struct sbx_stock *stock,
				     struct sbx_stocked **link);

/* To be ended in the background. */
void sbx_stock_trash(struct sbx_pool *pool, struct sbx_stocked *one);

/* Trashes the oldest beyond @n; and those that @plan (or NULL) is not for. */
void sbx_stock_cut(struct sbx_pool *pool, struct sbx_stock *stock, size_t n);
void sbx_stock_drop_others(struct sbx_pool *pool, struct sbx_stock *stock,
			   const struct sbx_plan *plan);

/* Whether @one can serve a request of @plan. */
bool sbx_stocked_fits(const struct sbx_stocked *one,
		      const struct sbx_plan *plan);

/* How many sandboxes may wait. */
int64_t sbx_pool_waiting_max(const struct sbx_pool *pool);

/* Bytes that one like it takes; that all that wait or start take. */
int64_t sbx_stock_memory_each(const struct sbx_stock *stock);
int64_t sbx_stock_memory(const struct sbx_pool *pool);
unsigned int sbx_stock_count(const struct sbx_pool *pool);

/* What it may have by manifest and policy, and what it shall have now. */
int64_t sbx_stock_max(const struct sbx_stock *stock);
int64_t sbx_stock_target(const struct sbx_stock *stock, double now);

/* How many are missing; one that will come back is not. */
int64_t sbx_stock_missing(const struct sbx_stock *stock, double now);

/* Wakes a request that waits for @stock; or (NULL) for its turn to start one. */
void sbx_pool_wake(struct sbx_pool *pool, const struct sbx_stock *stock);

/* Whether its programs are started with their sandboxes. */
bool sbx_stock_starts_early(const struct sbx_stock *stock,
			    const struct sbx_plan *plan);

/*
 * A start, or the plan, has failed: nothing is tried until @retry_at, later
 * each time; and has succeeded.
 */
void sbx_stock_failed(struct sbx_stock *stock, double now,
		      const struct sbx_error *err);
void sbx_stock_succeeded(struct sbx_stock *stock);

/* A program ended before its request: why, and never again for this plan. */
void sbx_stock_set_late(struct sbx_pool *pool, struct sbx_stock *stock,
			const struct sbx_plan *plan);

/* --- pool_plan.c; without the lock ----------------------------------------- */

/*
 * Works the stock's plan out anew, for nobody in particular, and keeps it.
 * -1 with what is wrong: then the stock has none.
 */
int sbx_stock_replan(struct sbx_pool *pool, struct sbx_stock *stock,
		     struct sbx_engine *engine, struct sbx_error *err);

/* With the lock: since when its sources must be looked at; INFINITY: never. */
double sbx_stock_due_at(const struct sbx_pool *pool,
			const struct sbx_stock *stock, double now);

/* --- the threads ------------------------------------------------------------ */

/* Waits until what resets is clean, without the lock; false: it never is. */
bool sbx_stocked_finish_reset(struct sbx_stocked *one);

/* Only asks: 0, and whether it still @resets; -1: it will never be clean. */
int sbx_stocked_ask_reset(struct sbx_stocked *one);

/* Has stocks made for all actions of which some are always to wait. */
void sbx_pool_scan(struct sbx_pool *pool);

void *sbx_pool_keep(void *pool);
void *sbx_pool_start(void *pool);

/* Makes room for one more of @stock (or for none: NULL); with the lock. */
bool sbx_pool_make_room(struct sbx_pool *pool, const struct sbx_stock *stock);

#endif
