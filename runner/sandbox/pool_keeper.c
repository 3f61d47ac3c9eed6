/* SPDX-License-Identifier: MIT */
/*
 * The keeper: one thread that never does anything that takes long.  Once a
 * second it
 *
 *	tends every sandbox that waits: heartbeats, and who has died
 *	has those replaced that have waited too long
 *	takes those away that are more than there shall be, or for which
 *	there is no room: the least recently used stocks give first
 *	looks at the host's memory, and at the policy
 *	wakes the starters, who find out what there is to do
 */
#include "sandbox/pool_stock.h"

#include <sched.h>
#include <string.h>

#include "base/clock.h"
#include "sandbox/pool_pressure.h"

#define TICK_MS 1000

/* Tended without letting go of the lock: some microseconds each. */
#define BATCH 8

_Static_assert(TICK_MS < SBX_SANDBOX_TEND_MS, "often enough to stay alive");

/* --- tending ---------------------------------------------------------------- */

/* What it says of itself: 0, SBX_SANDBOX_EXITED, -1. */
static int ask(struct sbx_stocked *one)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (one->resets)
		return sbx_stocked_ask_reset(one);
	return sbx_sandbox_tend(one->sandbox, &ignored);
}

static void tend(struct sbx_pool *pool, struct sbx_stock *stock,
		 struct sbx_stocked **link, double now)
{
	struct sbx_stocked *one = *link;
	int result = ask(one);

	one->tended_at = now;
	if (result == 0)
		return;
	if (result == SBX_SANDBOX_EXITED)
		sbx_stock_set_late(pool, stock, one->plan);
	pool->takes.dead++;
	stock->takes.dead++;
	sbx_stock_trash(pool, sbx_stock_unlink(stock, link));
}

/* The next few that have not been tended since @now; false: there are none. */
static bool tend_some(struct sbx_pool *pool, double now)
{
	int n = 0;

	for (struct sbx_stock *s = pool->stocks; s; s = s->next) {
		struct sbx_stocked **link = &s->waiting;

		while (*link) {
			struct sbx_stocked *one = *link;

			if (one->tended_at >= now) {
				link = &one->next;
				continue;
			}
			if (n++ == BATCH)
				return true;
			tend(pool, s, link, now);
			if (*link == one)
				link = &one->next;
		}
	}
	return false;
}

static void tend_all(struct sbx_pool *pool)
{
	double now = sbx_clock_ms();

	while (tend_some(pool, now)) {
		sbx_pool_unlock(pool);
		sched_yield();
		sbx_pool_lock(pool);
	}
}

/* --- how many --------------------------------------------------------------- */

static bool has_old(const struct sbx_stock *stock, double now)
{
	for (const struct sbx_stocked *one = stock->waiting; one;
	     one = one->next) {
		if (now - one->made_at > SBX_POOL_AGE_MAX_MS)
			return true;
	}
	return false;
}

/* The last in the list are the oldest, and what is surplus is taken there. */
static void trim(struct sbx_pool *pool, struct sbx_stock *stock, double now)
{
	int64_t target = sbx_stock_target(stock, now);

	if ((int64_t)stock->n_waiting > target)
		sbx_stock_cut(pool, stock, (size_t)target);
	/* One after the other, though many may have been made at once. */
	stock->n_old = has_old(stock, now);
}

/* The stock that has one to give and was not used for longest. */
static struct sbx_stock *least_used(struct sbx_pool *pool,
				    const struct sbx_stock *but)
{
	struct sbx_stock *found = NULL;

	for (struct sbx_stock *s = pool->stocks; s; s = s->next) {
		if (s != but && s->n_waiting > 0 &&
		    (!found || s->used_at < found->used_at))
			found = s;
	}
	return found;
}

static bool give_one(struct sbx_pool *pool, const struct sbx_stock *but)
{
	struct sbx_stock *stock = least_used(pool, but);

	if (!stock || (but && stock->used_at >= but->used_at))
		return false;
	sbx_stock_cut(pool, stock, stock->n_waiting - 1);
	return true;
}

static unsigned int count_skill(const struct sbx_pool *pool, const char *skill)
{
	unsigned int n = 0;

	for (const struct sbx_stock *s = pool->stocks; s; s = s->next) {
		if (strcmp(s->skill, skill) == 0)
			n += s->n_waiting + s->starting;
	}
	return n;
}

bool sbx_pool_make_room(struct sbx_pool *pool, const struct sbx_stock *stock)
{
	const struct sbx_pool_rules *rules = &pool->policy->policy.pool;
	int64_t more = stock ? 1 : 0;
	int64_t bytes = stock ? sbx_stock_memory_each(stock) : 0;

	if (stock &&
	    count_skill(pool, stock->skill) >= stock->plan->grant.waiting)
		return false;
	while ((int64_t)sbx_stock_count(pool) + more >
		       sbx_pool_waiting_max(pool) ||
	       sbx_stock_memory(pool) + bytes > rules->mem_limit) {
		if (!give_one(pool, stock))
			return false;
	}
	return true;
}

static void relieve(struct sbx_pool *pool)
{
	int64_t free_bytes = pool->policy->policy.pool.mem_free;
	unsigned int n = sbx_stock_count(pool);
	char pressure[sizeof(pool->pressure)];

	sbx_pool_unlock(pool);
	sbx_pool_pressure(free_bytes, pressure, sizeof(pressure));
	sbx_pool_lock(pool);
	memcpy(pool->pressure, pressure, sizeof(pressure));
	/* A tenth at a time, until the next look. */
	for (unsigned int i = 0; pool->pressure[0] != '\0' && i < n / 10 + 1;
	     i++)
		give_one(pool, NULL);
}

/* --- the thread ------------------------------------------------------------- */

static void look_at_policy(struct sbx_pool *pool)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_pool_policy *policy = NULL;
	int result;

	sbx_pool_unlock(pool);
	result = sbx_policy_watch_get(pool->watch, &policy, &ignored);
	sbx_pool_lock(pool);
	/* One that is broken fails the requests; what waits may as well go. */
	if (result < 0)
		return;
	sbx_pool_policy_unref(&pool->policy);
	pool->policy = policy;
}

static void tick(struct sbx_pool *pool)
{
	double now = sbx_clock_ms();

	tend_all(pool);
	look_at_policy(pool);
	for (struct sbx_stock *s = pool->stocks; s; s = s->next)
		trim(pool, s, now);
	relieve(pool);
	sbx_pool_make_room(pool, NULL);
	sbx_stock_forget_idle(pool, now);
	pthread_cond_broadcast(&pool->work);
}

void *sbx_pool_keep(void *arg)
{
	struct sbx_pool *pool = arg;

	sbx_pool_lock(pool);
	while (!pool->is_ending) {
		if (!pool->is_draining)
			tick(pool);
		sbx_pool_wait(pool, &pool->tick, TICK_MS);
	}
	sbx_pool_unlock(pool);
	return NULL;
}
