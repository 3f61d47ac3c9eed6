/* SPDX-License-Identifier: MIT */
#include "sandbox/pool_stock.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* A stock that has nothing and that nobody asked for is forgotten. */
#define FORGET_MS (10 * 60 * 1000.0)

/* --- stocks ----------------------------------------------------------------- */

struct sbx_stock *sbx_stock_find(struct sbx_pool *pool, const char *skill,
				 const char *action, const char *owner,
				 bool is_new)
{
	struct sbx_stock *stock;

	for (stock = pool->stocks; stock; stock = stock->next) {
		if (strcmp(stock->action, action) == 0 &&
		    strcmp(stock->skill, skill) == 0 &&
		    strcmp(stock->owner, owner) == 0)
			return stock;
	}
	if (!is_new)
		return NULL;
	stock = sbx_calloc(1, sizeof(*stock));
	stock->skill = sbx_strdup(skill);
	stock->action = sbx_strdup(action);
	stock->owner = sbx_strdup(owner);
	stock->size = (struct sbx_pool_size)SBX_POOL_SIZE_INIT;
	stock->start_ms = stock->size.refill_ms;
	stock->used_at = sbx_clock_ms();
	stock->next = pool->stocks;
	pool->stocks = stock;
	pool->n_stocks++;
	return stock;
}

static void free_stock(struct sbx_stock *stock)
{
	sbx_plan_unref(&stock->plan);
	sbx_pool_policy_unref(&stock->policy);
	free(stock->skill);
	free(stock->action);
	free(stock->owner);
	free(stock);
}

/* What has no plan now may have one again, unless there is no such action. */
static bool is_gone(const struct sbx_stock *stock)
{
	return !stock->plan &&
	       stock->plan_error.outcome == SBX_OUTCOME_NOT_FOUND;
}

static bool is_forgotten(const struct sbx_stock *stock, double now)
{
	return now - stock->used_at > FORGET_MS && stock->visitors == 0 &&
	       stock->n_waiting == 0 && stock->starting == 0 &&
	       stock->floor == 0 && !stock->is_planned &&
	       (stock->min == 0 || is_gone(stock));
}

void sbx_stock_forget_idle(struct sbx_pool *pool, double now)
{
	struct sbx_stock **link = &pool->stocks;

	while (*link) {
		struct sbx_stock *stock = *link;

		if (!is_forgotten(stock, now)) {
			link = &stock->next;
			continue;
		}
		*link = stock->next;
		pool->n_stocks--;
		free_stock(stock);
	}
}

void sbx_stock_free_all(struct sbx_pool *pool)
{
	while (pool->stocks) {
		struct sbx_stock *stock = pool->stocks;

		pool->stocks = stock->next;
		free_stock(stock);
	}
	pool->n_stocks = 0;
}

/* --- what is in them -------------------------------------------------------- */

void sbx_stock_put(struct sbx_stock *stock, struct sbx_stocked *one)
{
	one->next = stock->waiting;
	stock->waiting = one;
	stock->n_waiting++;
}

struct sbx_stocked *sbx_stock_unlink(struct sbx_stock *stock,
				     struct sbx_stocked **link)
{
	struct sbx_stocked *one = *link;

	*link = one->next;
	one->next = NULL;
	stock->n_waiting--;
	return one;
}

void sbx_stock_trash(struct sbx_pool *pool, struct sbx_stocked *one)
{
	one->next = pool->trash;
	pool->trash = one;
	pthread_cond_signal(&pool->work);
}

void sbx_stock_cut(struct sbx_pool *pool, struct sbx_stock *stock, size_t n)
{
	struct sbx_stocked **link = &stock->waiting;

	for (size_t i = 0; i < n && *link; i++)
		link = &(*link)->next;
	while (*link)
		sbx_stock_trash(pool, sbx_stock_unlink(stock, link));
}

void sbx_stock_drop_others(struct sbx_pool *pool, struct sbx_stock *stock,
			   const struct sbx_plan *plan)
{
	struct sbx_stocked **link = &stock->waiting;

	while (*link) {
		if (plan && sbx_stocked_fits(*link, plan))
			link = &(*link)->next;
		else
			sbx_stock_trash(pool, sbx_stock_unlink(stock, link));
	}
}

/*
 * As long as nothing has run in it any program of the same owner and
 * specification will do; what has run was given one plan's environment and
 * secrets, and serves only that one.
 */
bool sbx_stocked_fits(const struct sbx_stocked *one,
		      const struct sbx_plan *plan)
{
	if (one->runs || one->was_used)
		return strcmp(one->plan->key, plan->key) == 0;
	return strcmp(one->plan->sandbox_key, plan->sandbox_key) == 0;
}

bool sbx_stock_starts_early(const struct sbx_stock *stock,
			    const struct sbx_plan *plan)
{
	return plan->grant.action.warm_pool.start == SBX_WARM_PROGRAM &&
	       (stock->late[0] == '\0' ||
		strcmp(stock->late_key, plan->key) != 0);
}

void sbx_stock_set_late(struct sbx_pool *pool, struct sbx_stock *stock,
			const struct sbx_plan *plan)
{
	if (!sbx_stock_starts_early(stock, plan))
		return;
	snprintf(stock->late, sizeof(stock->late),
		 "the program ended before it had a request: warm_pool.start "
		 "is not for it");
	memcpy(stock->late_key, plan->key, sizeof(stock->late_key));
	sbx_pool_warn(pool, "pool: %s %s: %s; it is started late from now on",
		      stock->skill, stock->action, stock->late);
}

/* --- failures --------------------------------------------------------------- */

/* Twice as long each time, from half a second to a minute. */
#define RETRY_MS     500.0
#define RETRY_MAX_MS 60000.0

void sbx_stock_failed(struct sbx_stock *stock, double now,
		      const struct sbx_error *err)
{
	double ms =
		ldexp(RETRY_MS, (int)(stock->failed < 10 ? stock->failed : 10));

	stock->failed++;
	stock->failures++;
	stock->retry_at = now + fmin(ms, RETRY_MAX_MS);
	snprintf(stock->last_error, sizeof(stock->last_error), "%.*s",
		 (int)sizeof(stock->last_error) - 1, err->message);
}

void sbx_stock_succeeded(struct sbx_stock *stock)
{
	stock->failed = 0;
	stock->retry_at = 0;
}

/* --- sizes ------------------------------------------------------------------ */

int64_t sbx_stock_memory_each(const struct sbx_stock *stock)
{
	bool early = stock->plan && sbx_stock_starts_early(stock, stock->plan);

	return SBX_POOL_ENGINE_MEMORY +
	       (early ? SBX_POOL_PROGRAM_MEMORY : SBX_POOL_SANDBOX_MEMORY);
}

int64_t sbx_stock_memory(const struct sbx_pool *pool)
{
	int64_t bytes = 0;

	for (const struct sbx_stock *s = pool->stocks; s; s = s->next)
		bytes += (int64_t)(s->n_waiting + s->starting) *
			 sbx_stock_memory_each(s);
	return bytes;
}

int64_t sbx_pool_waiting_max(const struct sbx_pool *pool)
{
	int64_t granted = pool->policy->policy.pool.waiting;
	int64_t wanted = pool->config.waiting_max;

	return wanted > 0 && wanted < granted ? wanted : granted;
}

unsigned int sbx_stock_count(const struct sbx_pool *pool)
{
	unsigned int n = 0;

	for (const struct sbx_stock *s = pool->stocks; s; s = s->next)
		n += s->n_waiting + s->starting;
	return n;
}

int64_t sbx_stock_max(const struct sbx_stock *stock)
{
	const struct sbx_grant *grant = &stock->plan->grant;
	int64_t max = grant->action.warm_pool.max;

	if (max < stock->floor)
		max = stock->floor;
	return max < grant->waiting ? max : grant->waiting;
}

int64_t sbx_stock_target(const struct sbx_stock *stock, double now)
{
	int64_t min, max;

	if (!stock->plan)
		return 0;
	max = sbx_stock_max(stock);
	min = stock->plan->grant.action.warm_pool.min;
	if (min < stock->floor)
		min = stock->floor;
	if (min > max)
		min = max;
	return sbx_pool_size_target(&stock->size, now, min, max);
}

int64_t sbx_stock_missing(const struct sbx_stock *stock, double now)
{
	int64_t there = (int64_t)stock->n_waiting + stock->starting +
			stock->lent + stock->coming - stock->n_old;

	return sbx_stock_target(stock, now) - there;
}

/* --- waking ----------------------------------------------------------------- */

void sbx_pool_wake(struct sbx_pool *pool, const struct sbx_stock *stock)
{
	for (struct sbx_pool_waiter *w = pool->waiters; w; w = w->next) {
		bool is_meant = stock ? w->stock == stock && w->wants_one
				      : w->wants_place;

		if (w->is_woken || !is_meant)
			continue;
		w->is_woken = true;
		pthread_cond_signal(&w->woken);
		return;
	}
}
