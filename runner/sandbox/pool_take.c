/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * A request takes the newest sandbox that fits its plan, looks whether it is
 * alive, and has it for itself.  Where none waits:
 *
 *	one that resets is taken too, and waited for: that is a matter of
 *	microseconds to milliseconds
 *	where others have some that will come back (reuse: reset), and runs are
 *	shorter than a start, the request waits for one, as long as it would
 *	take to start one, and never long
 *	else it starts one itself, but no more requests do so at once than the
 *	engine takes (pool->most_starts); those that wait for their turn get
 *	whatever comes first
 *
 * Who waits stands in a queue and is woken alone.  Until he has a processor
 * somebody who has only just come may have taken what he was woken for, which
 * is as good for all of them together; but nobody is overtaken any more who
 * has waited for FAIR_MS.
 */
#include "sandbox/pool_stock.h"

#include <math.h>
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

/* Who has waited that long is served before those who come later. */
#define FAIR_MS 100.0

/*
 * A sandbox of somebody else's is waited for no longer, whatever a start is
 * said to take: on a machine that stands still that is minutes, and it is the
 * others' runs that stand still then.
 */
#define RETURN_MAX_MS 2000.0

/* As for a call to the engine (engine/turn.c). */
#define WAIT_MAX_MS (5 * 60 * 1000.0)

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

/* What the request has will come back, or not after all; with the lock. */
static void lend(struct sbx_pool_visit *visit)
{
	if (!visit->comes_back || visit->is_lent)
		return;
	visit->is_lent = true;
	visit->stock->lent++;
}

static void unlend(struct sbx_pool_visit *visit)
{
	visit->stock->lent -= visit->is_lent;
	visit->is_lent = false;
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

		lend(visit);
		sbx_pool_unlock(pool);
		result = look(one, engine);
		sbx_pool_lock(pool);
		if (result == 0)
			return one;
		unlend(visit);
		visit->n_taken++;
		count_dead(pool, stock);
		if (result == SBX_SANDBOX_EXITED)
			sbx_stock_set_late(pool, stock, one->plan);
		sbx_stock_trash(pool, one);
	}
	return NULL;
}

/* --- waiting ---------------------------------------------------------------- */

static void queue(struct sbx_pool *pool, struct sbx_pool_waiter *waiter)
{
	struct sbx_pool_waiter **link = &pool->waiters;
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_cond_init(&waiter->woken, &attributes);
	pthread_condattr_destroy(&attributes);
	while (*link)
		link = &(*link)->next;
	*link = waiter;
}

static void unqueue(struct sbx_pool *pool, struct sbx_pool_waiter *waiter)
{
	struct sbx_pool_waiter **link = &pool->waiters;

	while (*link && *link != waiter)
		link = &(*link)->next;
	if (*link)
		*link = waiter->next;
	pthread_cond_destroy(&waiter->woken);
}

/* In front of @own (or of all that come: NULL), and for too long already. */
static const struct sbx_pool_waiter *
next_overdue(const struct sbx_pool_waiter *at,
	     const struct sbx_pool_waiter *own, double now)
{
	return at && at != own && now - at->since > FAIR_MS ? at : NULL;
}

/* Whether a sandbox for @plan is somebody else's turn. */
static bool is_others_turn(const struct sbx_pool *pool,
			   const struct sbx_plan *plan,
			   const struct sbx_pool_waiter *own)
{
	const struct sbx_pool_waiter *at = pool->waiters;
	double now = at ? sbx_clock_ms() : 0;

	while ((at = next_overdue(at, own, now))) {
		if (at->wants_one && at->plan == plan)
			return true;
		at = at->next;
	}
	return false;
}

/* The same of a place to start one. */
static bool is_others_place(const struct sbx_pool *pool,
			    const struct sbx_pool_waiter *own)
{
	const struct sbx_pool_waiter *at = pool->waiters;
	double now = at ? sbx_clock_ms() : 0;

	while ((at = next_overdue(at, own, now))) {
		if (at->wants_place)
			return true;
		at = at->next;
	}
	return false;
}

/*
 * Whether it had better start one than wait for another's.  Those that wait
 * themselves, or are about to start one, have none to give back.
 */
static bool had_better_start(const struct sbx_stock *stock, double waited)
{
	return stock->lent == 0 || stock->size.refill_ms > stock->start_ms ||
	       waited > fmin(stock->start_ms, RETURN_MAX_MS);
}

/* True when it has got one, or a place to start one. */
static bool is_served(struct sbx_pool_visit *visit,
		      struct sbx_pool_waiter *waiter, struct sbx_engine *engine,
		      struct sbx_stocked **one)
{
	struct sbx_pool *pool = visit->pool;
	double waited = sbx_clock_ms() - waiter->since;

	/* While it looks at one nobody need leave it another. */
	waiter->wants_one = false;
	waiter->wants_place = false;
	if (!is_others_turn(pool, waiter->plan, waiter))
		*one = take_one(visit, waiter->plan, engine);
	if (*one)
		return true;
	waiter->wants_one = visit->n_taken < TRIES_MAX;
	waiter->wants_place = had_better_start(visit->stock, waited);
	return waiter->wants_place && pool->n_cold < pool->most_starts &&
	       !is_others_place(pool, waiter);
}

static int check_waiter(const struct sbx_pool_waiter *waiter, int cancel_fd,
			struct sbx_error *err)
{
	struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };

	if (poll(&cancel, 1, 0) > 0)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "cancelled before it started");
	if (sbx_clock_ms() - waiter->since > WAIT_MAX_MS)
		return sbx_error_set(err, SBX_OUTCOME_BUSY,
				     "as many sandboxes as the engine can take "
				     "were being started for %.0f s",
				     WAIT_MAX_MS / 1e3);
	return 0;
}

/*
 * With the lock.  0 with *@one, or with none: then it has a place to start
 * one; -1 on cancel, or when it has waited for too long.
 */
static int wait_for_one(struct sbx_pool_visit *visit,
			const struct sbx_plan *plan, struct sbx_engine *engine,
			int cancel_fd, struct sbx_stocked **one,
			struct sbx_error *err)
{
	struct sbx_pool *pool = visit->pool;
	struct sbx_pool_waiter waiter = { .stock = visit->stock,
					  .plan = plan,
					  .since = sbx_clock_ms() };
	int result = 0;

	queue(pool, &waiter);
	while (!is_served(visit, &waiter, engine, one)) {
		waiter.is_woken = false;
		sbx_pool_wait(pool, &waiter.woken, CANCEL_MS);
		result = check_waiter(&waiter, cancel_fd, err);
		if (result < 0)
			break;
	}
	unqueue(pool, &waiter);
	return result;
}

/* What one was woken for, or kept from others, may be theirs now. */
static void pass_on(struct sbx_pool *pool, const struct sbx_stock *stock)
{
	if (stock->n_waiting > 0)
		sbx_pool_wake(pool, stock);
	if (pool->n_cold < pool->most_starts)
		sbx_pool_wake(pool, NULL);
}

/* --- taking ----------------------------------------------------------------- */

/* With the lock: it starts one itself, or has got one. */
static void take_cold(struct sbx_pool_visit *visit, struct sbx_pool_taken *out)
{
	visit->has_cold_place = true;
	visit->stock->coming += visit->comes_back;
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
	visit->comes_back = comes_back(plan);
	visit->began = now;
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
	if (!is_others_turn(pool, plan, NULL))
		one = take_one(visit, plan, engine);
	if (!one)
		result =
			wait_for_one(visit, plan, engine, cancel_fd, &one, err);
	if (result == 0 && one)
		take_warm(visit, one, out);
	else if (result == 0)
		take_cold(visit, out);
	pass_on(pool, visit->stock);
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
	visit->stock->coming -= visit->comes_back;
	lend(visit);
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
	unlend(visit);
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
	unlend(visit);
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
