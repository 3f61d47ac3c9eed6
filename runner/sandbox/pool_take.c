/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * A request takes the newest sandbox that fits its plan, looks whether it is
 * alive, and has it for itself.  Where none waits:
 *
 *	one that resets is taken too, and waited for: that is a matter of
 *	microseconds to milliseconds
 *	where some will come back (reuse: reset), and runs are shorter than a
 *	start, the request waits for one, as long as it would take to start one
 *	else it starts one itself, but no more requests do so at once than the
 *	engine takes (pool->most_starts); those that wait for their turn get
 *	whatever comes first
 *
 * Who waits stands in a queue and is woken alone.
 */
#include "sandbox/pool_stock.h"

#include <poll.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"

/* How often who waits looks whether it is cancelled. */
#define CANCEL_MS 50.0

/* A sandbox that takes longer to be clean is not worth having. */
#define RESET_MAX_MS 1000.0

/* One that has died is no reason to look at many more. */
#define TRIES_MAX 4

/* --- one that waits --------------------------------------------------------- */

/* Unlinks the newest that fits; those that are clean come first. */
static struct sbx_stocked *pick(struct sbx_stock *stock,
				const struct sbx_plan *plan)
{
	struct sbx_stocked **link;
	struct sbx_stocked **second = NULL;

	for (link = &stock->waiting; *link; link = &(*link)->next) {
		if (!sbx_stocked_fits(*link, plan))
			continue;
		if (!(*link)->resets)
			return sbx_stock_unlink(stock, link);
		if (!second)
			second = link;
	}
	return second ? sbx_stock_unlink(stock, second) : NULL;
}

int sbx_stocked_ask_reset(struct sbx_stocked *one)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	int result = sbx_sandbox_reset_done(one->sandbox, &ignored);

	if (result == 0)
		one->resets = false;
	return result < 0 ? -1 : 0;
}

bool sbx_stocked_finish_reset(struct sbx_stocked *one)
{
	static const struct timespec moment = { .tv_nsec = 20000 };
	double began = sbx_clock_ms();

	while (one->resets) {
		if (sbx_stocked_ask_reset(one) < 0 ||
		    sbx_clock_ms() - began > RESET_MAX_MS)
			return false;
		if (one->resets)
			nanosleep(&moment, NULL);
	}
	return true;
}

static int look(struct sbx_stocked *one, struct sbx_engine *engine)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	sbx_sandbox_use(one->sandbox, engine);
	if (!sbx_stocked_finish_reset(one))
		return -1;
	return sbx_sandbox_tend(one->sandbox, &ignored);
}

static void count_dead(struct sbx_pool *pool, struct sbx_stock *stock)
{
	pool->takes.dead++;
	stock->takes.dead++;
}

/* With the lock, which is let go meanwhile: what is picked and alive. */
static struct sbx_stocked *take_one(struct sbx_pool_visit *visit,
				    const struct sbx_plan *plan,
				    struct sbx_engine *engine)
{
	struct sbx_pool *pool = visit->pool;
	struct sbx_stock *stock = visit->stock;
	struct sbx_stocked *one;

	while (visit->n_taken < TRIES_MAX && (one = pick(stock, plan))) {
		int result;

		sbx_pool_unlock(pool);
		result = look(one, engine);
		sbx_pool_lock(pool);
		if (result == 0)
			return one;
		visit->n_taken++;
		count_dead(pool, stock);
		if (result == SBX_SANDBOX_EXITED)
			sbx_stock_set_late(pool, stock, one->plan);
		sbx_stock_trash(pool, one);
	}
	return NULL;
}

/* --- waiting ---------------------------------------------------------------- */

static void queue(struct sbx_pool *pool, struct sbx_pool_waiter *waiter,
		  const struct sbx_stock *stock)
{
	struct sbx_pool_waiter **link = &pool->waiters;
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	*waiter = (struct sbx_pool_waiter){ .stock = stock };
	pthread_cond_init(&waiter->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	while (*link)
		link = &(*link)->next;
	*link = waiter;
}

static void unqueue(struct sbx_pool *pool, struct sbx_pool_waiter *waiter)
{
	struct sbx_pool_waiter **link = &pool->waiters;

	while (*link != waiter)
		link = &(*link)->next;
	*link = waiter->next;
	pthread_cond_destroy(&waiter->woken);
}

/* Whether it may start one now, and should not rather wait for another. */
static bool may_start(const struct sbx_pool_visit *visit, double waited)
{
	const struct sbx_pool *pool = visit->pool;
	const struct sbx_stock *stock = visit->stock;

	if (pool->n_cold >= pool->most_starts)
		return false;
	/* Itself it is among those that will come back. */
	return stock->lent <= visit->is_lent ||
	       stock->size.refill_ms > stock->start_ms ||
	       waited > stock->start_ms;
}

/*
 * With the lock.  0 with *@one, or with none: then it has a place to start
 * one; -1 on cancel.
 */
static int wait_for_one(struct sbx_pool_visit *visit,
			const struct sbx_plan *plan, struct sbx_engine *engine,
			int cancel_fd, struct sbx_stocked **one,
			struct sbx_error *err)
{
	struct sbx_pool *pool = visit->pool;
	struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };
	struct sbx_pool_waiter waiter;
	double began = sbx_clock_ms();
	int result = 0;

	queue(pool, &waiter, visit->stock);
	for (;;) {
		*one = take_one(visit, plan, engine);
		if (*one || may_start(visit, sbx_clock_ms() - began))
			break;
		waiter.is_woken = false;
		sbx_pool_wait(pool, &waiter.woken, CANCEL_MS);
		if (poll(&cancel, 1, 0) > 0) {
			result = sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					       "cancelled before it started");
			break;
		}
	}
	unqueue(pool, &waiter);
	/* What woke it up may be for somebody else now. */
	if (result < 0 && waiter.is_woken)
		sbx_pool_wake(pool, visit->stock);
	return result;
}

/* --- taking ----------------------------------------------------------------- */

/* With the lock: it starts one itself, or has got one. */
static void take_cold(struct sbx_pool_visit *visit, struct sbx_pool_taken *out)
{
	visit->has_cold_place = true;
	visit->pool->n_cold++;
	visit->pool->takes.cold++;
	visit->stock->takes.cold++;
	*out = (struct sbx_pool_taken){ .start = "cold" };
}

static void take_warm(struct sbx_pool_visit *visit, struct sbx_stocked *one,
		      struct sbx_pool_taken *out)
{
	struct sbx_pool_takes *all = &visit->pool->takes;
	struct sbx_pool_takes *here = &visit->stock->takes;

	visit->taken = one;
	visit->n_taken++;
	*(one->was_used ? &all->reused : &all->warm) += 1;
	*(one->was_used ? &here->reused : &here->warm) += 1;
	*out = (struct sbx_pool_taken){
		.sandbox = one->sandbox,
		.start = one->was_used ? "reused" : "warm",
		.runs = one->runs,
	};
}

static bool comes_back(const struct sbx_plan *plan)
{
	return plan->grant.action.reuse == SBX_REUSE_RESET;
}

static void begin_use(struct sbx_pool_visit *visit, const struct sbx_plan *plan)
{
	struct sbx_stock *stock = visit->stock;
	double now = sbx_clock_ms();

	if (visit->is_busy)
		return;
	visit->is_busy = true;
	visit->is_lent = comes_back(plan);
	visit->began = now;
	stock->lent += visit->is_lent;
	stock->busy++;
	stock->used_at = now;
	sbx_pool_size_arrival(&stock->size, now);
}

/* Has the starters look, if there may be something to do. */
static void hire(struct sbx_pool *pool, const struct sbx_stock *stock)
{
	if (sbx_stock_missing(stock, sbx_clock_ms()) > 0 ||
	    (stock->plan && comes_back(stock->plan) &&
	     sbx_stock_starts_early(stock, stock->plan)))
		pthread_cond_signal(&pool->work);
}

int sbx_pool_take(struct sbx_pool_visit *visit, const struct sbx_plan *plan,
		  struct sbx_engine *engine, int cancel_fd,
		  struct sbx_pool_taken *out, struct sbx_error *err)
{
	struct sbx_pool *pool = visit->pool;
	struct sbx_stocked *one = NULL;
	int result = 0;

	sbx_pool_lock(pool);
	begin_use(visit, plan);
	one = take_one(visit, plan, engine);
	if (!one)
		result =
			wait_for_one(visit, plan, engine, cancel_fd, &one, err);
	if (result == 0 && one)
		take_warm(visit, one, out);
	else if (result == 0)
		take_cold(visit, out);
	/* The others are replaced when this request is over: who starts one
	 * takes the processor from who answers.  (Or by the next tick.) */
	if (visit->stock->n_waiting == 0)
		hire(pool, visit->stock);
	sbx_pool_unlock(pool);
	return result;
}

static void end_cold(struct sbx_pool_visit *visit)
{
	if (!visit->has_cold_place)
		return;
	visit->has_cold_place = false;
	visit->pool->n_cold--;
	sbx_pool_wake(visit->pool, NULL);
	pthread_cond_signal(&visit->pool->work);
}

void sbx_pool_cold_end(struct sbx_pool_visit *visit)
{
	sbx_pool_lock(visit->pool);
	end_cold(visit);
	sbx_pool_unlock(visit->pool);
}

void sbx_pool_died(struct sbx_pool_visit *visit)
{
	struct sbx_pool *pool = visit->pool;
	struct sbx_stocked *one = sbx_take(visit->taken);

	sbx_pool_lock(pool);
	count_dead(pool, visit->stock);
	sbx_stock_trash(pool, one);
	sbx_pool_unlock(pool);
}

/* --- giving back ------------------------------------------------------------ */

/* What the request leaves behind, as one of the pool's. */
static struct sbx_stocked *wrap(struct sbx_pool_visit *visit,
				struct sbx_plan *plan,
				struct sbx_sandbox *sandbox)
{
	struct sbx_stocked *one = sbx_take(visit->taken);

	if (!sandbox)
		return NULL;
	if (!one) {
		one = sbx_calloc(1, sizeof(*one));
		one->sandbox = sandbox;
		one->made_at = sbx_clock_ms();
	}
	/* What it was given is this plan's environment and secrets. */
	sbx_plan_unref(&one->plan);
	one->plan = sbx_plan_ref(plan);
	one->runs = false;
	one->was_used = true;
	one->resets = true;
	return one;
}

/* Whether it is worth keeping; with the lock. */
static bool is_wanted(const struct sbx_pool *pool,
		      const struct sbx_stock *stock,
		      const struct sbx_stocked *one)
{
	return !pool->is_draining && pool->pressure[0] == '\0' && stock->plan &&
	       sbx_stocked_fits(one, stock->plan) &&
	       sbx_clock_ms() - one->made_at < SBX_POOL_AGE_MAX_MS &&
	       (int64_t)stock->n_waiting < sbx_stock_max(stock);
}

static void end_use(struct sbx_pool_visit *visit)
{
	struct sbx_stock *stock = visit->stock;

	if (visit->is_busy)
		stock->busy--;
	if (visit->is_lent)
		stock->lent--;
	stock->visitors--;
}

void sbx_pool_leave(struct sbx_pool_visit *visit, struct sbx_plan *plan,
		    struct sbx_sandbox **sandbox, bool is_clean)
{
	struct sbx_pool *pool = visit->pool;
	struct sbx_stock *stock = visit->stock;
	struct sbx_stocked *one;

	if (!pool)
		return;
	one = wrap(visit, plan, sbx_take(*sandbox));
	sbx_pool_lock(pool);
	end_cold(visit);
	if (stock)
		end_use(visit);
	if (one && stock && is_clean && is_wanted(pool, stock, one)) {
		sbx_pool_size_refill(&stock->size,
				     sbx_clock_ms() - visit->began);
		sbx_stock_put(stock, one);
		sbx_pool_wake(pool, stock);
	} else if (one) {
		sbx_stock_trash(pool, one);
	}
	if (stock)
		hire(pool, stock);
	sbx_pool_unlock(pool);
	sbx_pool_policy_unref(&visit->policy);
}
