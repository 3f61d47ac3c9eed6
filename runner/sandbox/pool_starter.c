/* SPDX-License-Identifier: MIT */
/*
 * The starters: threads that do what takes long, one thing after the other,
 * each with an engine of its own.  In this order:
 *
 *	end sandboxes that nobody wants any more
 *	make plans anew whose sources have to be looked at (pool_plan.c)
 *	finish what resets, where its program is to be started early
 *	start sandboxes where there are fewer than there shall be
 */
#include "sandbox/pool_stock.h"

#include <math.h>
#include <time.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/random.h"

/* What an engine may take for one sandbox before it counts as failed. */
#define PATIENCE_MS 60000.0

/* Looking at sources may take one part in so many of a core. */
#define SHARE 100

struct starter {
	struct sbx_pool *pool;
	struct sbx_engine *engine;
};

/* --- ending ----------------------------------------------------------------- */

static void end_one(struct starter *starter, struct sbx_stocked *one)
{
	sbx_sandbox_use(one->sandbox, starter->engine);
	sbx_sandbox_free(&one->sandbox);
	sbx_plan_unref(&one->plan);
	free(one);
}

/* With the lock, which is let go meanwhile; true when there was one. */
static bool end_trash(struct starter *starter)
{
	struct sbx_pool *pool = starter->pool;
	struct sbx_stocked *one = pool->trash;

	if (!one)
		return false;
	pool->trash = one->next;
	pool->n_ending++;
	sbx_pool_unlock(pool);
	end_one(starter, one);
	sbx_pool_lock(pool);
	pool->n_ending--;
	pthread_cond_broadcast(&pool->quiet);
	return true;
}

/* --- planning --------------------------------------------------------------- */

static double cpu_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static struct sbx_stock *due_stock(struct sbx_pool *pool, double now)
{
	struct sbx_stock *best = NULL;
	double earliest = INFINITY;

	for (struct sbx_stock *s = pool->stocks; s; s = s->next) {
		double at = sbx_stock_due_at(pool, s, now);

		if (at <= now && at < earliest) {
			earliest = at;
			best = s;
		}
	}
	return best;
}

/* What was asked for (a plan that is not there, a reload) is not put off. */
static bool is_urgent(const struct sbx_pool *pool,
		      const struct sbx_stock *stock)
{
	return stock->is_due || stock->policy != pool->policy;
}

/* An engine that is away for a night is not told of all night. */
static bool is_worth_telling(const struct sbx_stock *stock)
{
	return (stock->failed & (stock->failed - 1)) == 0;
}

static bool plan_one(struct starter *starter)
{
	struct sbx_pool *pool = starter->pool;
	double now = sbx_clock_ms();
	struct sbx_stock *stock = due_stock(pool, now);
	struct sbx_error err = SBX_ERROR_INIT;
	double used;
	int result;

	if (!stock || (now < pool->look_again_at && !is_urgent(pool, stock)))
		return false;
	stock->is_planned = true;
	stock->is_due = false;
	stock->visitors++;
	sbx_pool_unlock(pool);

	used = cpu_ms();
	result = sbx_stock_replan(pool, stock, starter->engine, &err);
	used = cpu_ms() - used;
	sbx_pool_lock(pool);
	if (result < 0 && is_worth_telling(stock))
		sbx_pool_warn(pool, "pool: %s %s: %s", stock->skill,
			      stock->action, err.message);
	stock->visitors--;
	pool->look_again_at =
		fmax(pool->look_again_at, sbx_clock_ms()) + SHARE * used;
	return true;
}

/* --- starting --------------------------------------------------------------- */

static int spawn(struct sbx_stocked *one, struct sbx_error *err)
{
	struct sbx_sandbox_program program;

	sbx_plan_program(one->plan, &program);
	program.reset = one->plan->grant.action.reuse == SBX_REUSE_RESET;
	if (sbx_sandbox_spawn(one->sandbox, &program, err) < 0)
		return -1;
	one->runs = true;
	return 0;
}

/* One that is there, in front of the others; with the lock. */
static void put(struct sbx_pool *pool, struct sbx_stock *stock,
		struct sbx_stocked *one)
{
	one->tended_at = sbx_clock_ms();
	if (pool->is_draining || !stock->plan ||
	    !sbx_stocked_fits(one, stock->plan)) {
		sbx_stock_trash(pool, one);
		return;
	}
	sbx_stock_put(stock, one);
	sbx_pool_wake(pool, stock);
}

static void start_failed(struct sbx_pool *pool, struct sbx_stock *stock,
			 const struct sbx_error *err)
{
	if (pool->is_draining)
		return;
	sbx_stock_failed(stock, sbx_clock_ms(), err);
	if (!is_worth_telling(stock))
		return;
	sbx_pool_warn(pool,
		      "pool: %s %s: no sandbox could be started ahead of its "
		      "request, again in %.1f s: %s",
		      stock->skill, stock->action,
		      (stock->retry_at - sbx_clock_ms()) / 1e3, err->message);
}

static int start(struct starter *starter, struct sbx_plan *plan, bool early,
		 struct sbx_stocked **out, struct sbx_error *err)
{
	struct sbx_stocked *one = sbx_calloc(1, sizeof(*one));
	double start_ms;
	char id[32 + 1];

	sbx_random_hex(id, sizeof(id));
	one->plan = sbx_plan_ref(plan);
	sbx_engine_set_patience(starter->engine, PATIENCE_MS);
	if (sbx_plan_start(plan, starter->engine, id, starter->pool->cancel_fd,
			   &one->sandbox, &start_ms, err) < 0) {
		sbx_plan_unref(&one->plan);
		free(one);
		return -1;
	}
	one->made_at = sbx_clock_ms();
	if (early && spawn(one, err) < 0) {
		end_one(starter, one);
		return -1;
	}
	*out = one;
	return 0;
}

static void start_for(struct starter *starter, struct sbx_stock *stock)
{
	struct sbx_pool *pool = starter->pool;
	cleanup_plan struct sbx_plan *plan = sbx_plan_ref(stock->plan);
	bool early = sbx_stock_starts_early(stock, plan);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_stocked *one = NULL;
	double began = sbx_clock_ms();
	int result;

	stock->starting++;
	pool->n_starting++;
	sbx_pool_unlock(pool);
	result = start(starter, plan, early, &one, &err);
	sbx_pool_lock(pool);
	stock->starting--;
	pool->n_starting--;
	pthread_cond_broadcast(&pool->quiet);
	if (result < 0) {
		start_failed(pool, stock, &err);
		return;
	}
	sbx_stock_succeeded(stock);
	stock->started++;
	stock->start_ms += (sbx_clock_ms() - began - stock->start_ms) / 4;
	if (plan->grant.action.reuse == SBX_REUSE_NEVER)
		sbx_pool_size_refill(&stock->size, sbx_clock_ms() - began);
	put(pool, stock, one);
}

static bool is_hungrier(const struct sbx_stock *a, const struct sbx_stock *b)
{
	unsigned int in_a = a->n_waiting + a->starting;
	unsigned int in_b = b->n_waiting + b->starting;

	return in_a < in_b || (in_a == in_b && a->used_at > b->used_at);
}

/* Of those that lack some, and that may have more: the one that has least. */
static struct sbx_stock *hungry_stock(struct sbx_pool *pool, double now)
{
	struct sbx_stock *best = NULL;

	for (struct sbx_stock *s = pool->stocks; s; s = s->next) {
		if (s->plan && s->retry_at <= now && !s->has_no_room &&
		    sbx_stock_missing(s, now) > 0 &&
		    (!best || is_hungrier(s, best)))
			best = s;
	}
	return best;
}

/* The next to start one for, and room for it is made. */
static struct sbx_stock *next_stock(struct sbx_pool *pool)
{
	double now = sbx_clock_ms();
	struct sbx_stock *stock;

	for (struct sbx_stock *s = pool->stocks; s; s = s->next)
		s->has_no_room = false;
	while ((stock = hungry_stock(pool, now))) {
		if (sbx_pool_make_room(pool, stock))
			return stock;
		stock->has_no_room = true;
	}
	return NULL;
}

static bool start_one(struct starter *starter)
{
	struct sbx_pool *pool = starter->pool;
	struct sbx_stock *stock;

	/* Who has a request to answer goes first. */
	if (pool->pressure[0] != '\0' ||
	    pool->n_starting + pool->n_cold >= pool->most_starts)
		return false;
	stock = next_stock(pool);
	if (!stock)
		return false;
	start_for(starter, stock);
	return true;
}

/* --- cleaning --------------------------------------------------------------- */

/* One that resets and whose program is to run; unlinked, or NULL. */
static struct sbx_stocked *pick_resetting(struct sbx_stock *stock)
{
	struct sbx_stocked **link;

	if (!stock->plan || !sbx_stock_starts_early(stock, stock->plan))
		return NULL;
	for (link = &stock->waiting; *link; link = &(*link)->next) {
		if (!(*link)->runs && (*link)->was_used)
			return sbx_stock_unlink(stock, link);
	}
	return NULL;
}

static bool clean_one(struct starter *starter)
{
	struct sbx_pool *pool = starter->pool;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_stocked *one = NULL;
	struct sbx_stock *stock;
	bool is_good;

	for (stock = pool->stocks; stock; stock = stock->next) {
		one = pick_resetting(stock);
		if (one)
			break;
	}
	if (!one)
		return false;
	/* It counts as one that starts, and its stock is not forgotten. */
	stock->starting++;
	sbx_pool_unlock(pool);
	sbx_sandbox_use(one->sandbox, starter->engine);
	is_good = sbx_stocked_finish_reset(one) && spawn(one, &err) == 0;
	sbx_pool_lock(pool);
	stock->starting--;
	pthread_cond_broadcast(&pool->quiet);
	if (is_good)
		put(pool, stock, one);
	else
		sbx_stock_trash(pool, one);
	return true;
}

static bool scan(struct starter *starter)
{
	struct sbx_pool *pool = starter->pool;

	if (!pool->wants_scan)
		return false;
	pool->wants_scan = false;
	sbx_pool_unlock(pool);
	sbx_pool_scan(pool);
	sbx_pool_lock(pool);
	return true;
}

/* --- the thread ------------------------------------------------------------- */

static bool work(struct starter *starter)
{
	bool is_draining = starter->pool->is_draining;

	return end_trash(starter) ||
	       (!is_draining && (clean_one(starter) || scan(starter) ||
				 plan_one(starter) || start_one(starter)));
}

void *sbx_pool_start(void *arg)
{
	struct starter starter = { .pool = arg };
	struct sbx_pool *pool = starter.pool;
	struct sbx_error ignored = SBX_ERROR_INIT;

	/* It was tried once when the pool was made. */
	if (sbx_engine_new(&starter.engine, pool->config.engine_url, &ignored) <
	    0)
		return NULL;
	sbx_engine_set_cancel_fd(starter.engine, pool->cancel_fd);
	sbx_pool_lock(pool);
	while (!pool->is_ending || pool->trash) {
		if (!work(&starter))
			pthread_cond_wait(&pool->work, &pool->lock);
	}
	sbx_pool_unlock(pool);
	sbx_engine_free(&starter.engine);
	return NULL;
}
