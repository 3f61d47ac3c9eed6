/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * A request reads its skill's manifest only when that, or the policy, is not
 * the file that the stock's plan was made from (stat).  What a stat of one file
 * does not show (the sources of the image, the image itself, sealed secrets,
 * host paths, room on the engine's disk) is looked at by the starters in the
 * background: they make another plan, and when its keys are the same nothing
 * has happened.  A request that finds a plan that nobody has looked at for
 * TRUST_MS has it made anew.
 *
 * Looking at everything costs milliseconds, so that it is done every second
 * only for what is in use, and all together in no more than 1 % of a core.
 */
#include "sandbox/pool_stock.h"

#include <math.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"

/* A plan is looked at so often while it is in use, and while it is not. */
#define BUSY_MS 1000.0
#define IDLE_MS 10000.0
/* That is "in use". */
#define USED_MS 60000.0
/* A request believes what was looked at so long ago. */
#define TRUST_MS 15000.0

/* How often who waits for somebody else's plan looks whether it is cancelled. */
#define CANCEL_MS 50.0

static bool is_plain(const struct sbx_plan_request *request)
{
	const struct sbx_overrides *o = request->overrides;

	return (!request->secrets || request->secrets->n == 0) &&
	       (!o || (o->environment.n == 0 && o->n_volumes == 0 &&
		       o->publish.n == 0 && !o->has_network &&
		       o->timeout_ms == -1 && o->mem_limit == -1 &&
		       o->nano_cpus == -1 && o->pids_limit == -1));
}

/* --- what is kept ----------------------------------------------------------- */

/* Whether the stock's plan was made from these, and lately; with the lock. */
static bool is_good(const struct sbx_stock *stock,
		    const struct sbx_pool_policy *policy,
		    const struct sbx_stamp *stamp)
{
	return stock->plan && stock->policy == policy &&
	       sbx_stamp_equal(&stock->stamp, stamp) &&
	       (sbx_clock_ms() - stock->checked_at < TRUST_MS ||
		stock->is_planned);
}

/* What is to wait unasked needs a plan, however often that fails. */
static void want_again(struct sbx_stock *stock)
{
	stock->is_due = !stock->plan && (stock->min > 0 || stock->floor > 0);
}

/* With the lock: what was in force before is no more. */
static void forget_plan(struct sbx_pool *pool, struct sbx_stock *stock)
{
	sbx_stock_drop_others(pool, stock, NULL);
	sbx_plan_unref(&stock->plan);
	sbx_pool_policy_unref(&stock->policy);
	want_again(stock);
}

/* The same plan as before, or another; with the lock. */
static void keep_plan(struct sbx_pool *pool, struct sbx_stock *stock,
		      struct sbx_plan *plan, struct sbx_pool_policy *policy,
		      const struct sbx_stamp *stamp)
{
	bool is_same = stock->plan && strcmp(stock->plan->key, plan->key) == 0;

	sbx_stock_drop_others(pool, stock, plan);
	stock->checked_at = sbx_clock_ms();
	stock->is_due = false;
	stock->min = plan->grant.action.warm_pool.min;
	if (!is_same)
		sbx_stock_succeeded(stock);
	/* Those that wait hold it already: one is enough. */
	if (is_same && stock->policy == policy &&
	    sbx_stamp_equal(&stock->stamp, stamp))
		return;
	sbx_plan_unref(&stock->plan);
	sbx_pool_policy_unref(&stock->policy);
	stock->plan = sbx_plan_ref(plan);
	stock->policy = sbx_pool_policy_ref(policy);
	stock->stamp = *stamp;
	pthread_cond_signal(&pool->work);
}

static double due_at(const struct sbx_pool *pool, const struct sbx_stock *stock,
		     double now)
{
	if (stock->is_planned)
		return INFINITY;
	if (stock->is_due)
		return 0;
	if (!stock->plan)
		return INFINITY;
	if (stock->policy != pool->policy)
		return 0;
	if (now - stock->used_at < USED_MS)
		return stock->checked_at + BUSY_MS;
	if (stock->n_waiting + stock->starting > 0 ||
	    sbx_stock_target(stock, now) > 0)
		return stock->checked_at + IDLE_MS;
	return INFINITY;
}

double sbx_stock_due_at(const struct sbx_pool *pool,
			const struct sbx_stock *stock, double now)
{
	return fmax(due_at(pool, stock, now), stock->retry_at);
}

/* --- making one ------------------------------------------------------------- */

static void begin_planning(struct sbx_stock *stock)
{
	stock->is_planned = true;
}

/* With the lock. */
static void end_planning(struct sbx_pool *pool, struct sbx_stock *stock,
			 const struct sbx_error *err)
{
	stock->is_planned = false;
	stock->n_plannings++;
	stock->plan_error = *err;
	pthread_cond_broadcast(&pool->quiet);
}

static int make_plan(struct sbx_plan_request *request,
		     struct sbx_engine *engine, struct sbx_plan **out,
		     struct sbx_error *err)
{
	if (sbx_plan_read(out, request, err) < 0 ||
	    sbx_plan_open(*out, request, engine, err) < 0)
		return -1;
	return sbx_plan_finish(*out, request, engine, NULL, err);
}

/* That says nothing about the plan that there is. */
static bool may_pass(const struct sbx_error *err)
{
	return err->outcome == SBX_OUTCOME_UNAVAILABLE ||
	       err->outcome == SBX_OUTCOME_BUSY ||
	       err->outcome == SBX_OUTCOME_CANCELLED;
}

int sbx_stock_replan(struct sbx_pool *pool, struct sbx_stock *stock,
		     struct sbx_engine *engine, struct sbx_error *err)
{
	static const struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_plan_request request = {
		.catalog = pool->config.catalog,
		.requester = SBX_REQUESTER_CALLER,
		.skill = stock->skill,
		.action = stock->action,
		.owner = stock->owner,
		.overrides = &none,
		.keys = pool->config.keys,
	};
	struct sbx_pool_policy *policy = NULL;
	cleanup_plan struct sbx_plan *plan = NULL;
	struct sbx_stamp stamp;
	int result;

	sbx_stamp_manifest(request.catalog, request.skill, &stamp);
	result = sbx_policy_watch_get(pool->watch, &policy, err);
	if (result == 0) {
		request.policy = &policy->policy;
		result = make_plan(&request, engine, &plan, err);
	}
	sbx_pool_lock(pool);
	if (result == 0)
		keep_plan(pool, stock, plan, policy, &stamp);
	else
		sbx_stock_failed(stock, sbx_clock_ms(), err);
	if (result < 0 && !may_pass(err))
		forget_plan(pool, stock);
	else if (result < 0)
		want_again(stock);
	end_planning(pool, stock, err);
	sbx_pool_unlock(pool);
	sbx_pool_policy_unref(&policy);
	return result;
}

/* --- for requests ----------------------------------------------------------- */

int sbx_pool_enter(struct sbx_pool *pool, struct sbx_pool_visit *visit,
		   struct sbx_plan_request *request, struct sbx_plan **plan,
		   struct sbx_error *err)
{
	if (sbx_policy_watch_get(pool->watch, &visit->policy, err) < 0)
		return -1;
	visit->pool = pool;
	visit->is_plain = is_plain(request);
	request->policy = &visit->policy->policy;
	request->keys = pool->config.keys;
	sbx_stamp_manifest(request->catalog, request->skill, &visit->stamp);

	sbx_pool_lock(pool);
	visit->stock = sbx_stock_find(pool, request->skill, request->action,
				      request->owner, false);
	if (visit->stock) {
		visit->stock->visitors++;
		if (visit->is_plain &&
		    is_good(visit->stock, visit->policy, &visit->stamp))
			*plan = sbx_plan_ref(visit->stock->plan);
	}
	sbx_pool_unlock(pool);
	return 0;
}

/*
 * Waits until nobody works at the stock's plan; with the lock.  0 when it is
 * good then, 1 when it has to be made, -1 when somebody has just failed to, or
 * on cancel.
 */
static int wait_for_plan(struct sbx_pool_visit *visit, int cancel_fd,
			 struct sbx_error *err)
{
	struct sbx_stock *stock = visit->stock;
	struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };
	unsigned int n = stock->n_plannings;

	for (;;) {
		if (is_good(stock, visit->policy, &visit->stamp))
			return 0;
		if (stock->n_plannings != n && !stock->plan &&
		    stock->plan_error.outcome != SBX_OUTCOME_CANCELLED) {
			*err = stock->plan_error;
			return -1;
		}
		if (!stock->is_planned)
			return 1;
		sbx_pool_wait(visit->pool, &visit->pool->quiet, CANCEL_MS);
		if (poll(&cancel, 1, 0) > 0)
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled before it started");
	}
}

/* A request that wants something else is helped by what is known already. */
static int finish_special(struct sbx_pool_visit *visit, struct sbx_plan *plan,
			  const struct sbx_plan_request *request,
			  struct sbx_engine *engine, struct sbx_error *err)
{
	struct sbx_pool *pool = visit->pool;
	cleanup_plan struct sbx_plan *like = NULL;

	sbx_pool_lock(pool);
	if (is_good(visit->stock, visit->policy, &visit->stamp))
		like = sbx_plan_ref(visit->stock->plan);
	sbx_pool_unlock(pool);
	if (sbx_plan_open(plan, request, engine, err) < 0)
		return -1;
	return sbx_plan_finish(plan, request, engine, like, err);
}

static int finish_plain(struct sbx_pool_visit *visit, struct sbx_plan **plan,
			const struct sbx_plan_request *request,
			struct sbx_engine *engine, int cancel_fd,
			struct sbx_error *err)
{
	struct sbx_pool *pool = visit->pool;
	struct sbx_stock *stock = visit->stock;
	int result;

	sbx_pool_lock(pool);
	result = wait_for_plan(visit, cancel_fd, err);
	if (result == 0) {
		sbx_plan_unref(plan);
		*plan = sbx_plan_ref(stock->plan);
	} else if (result > 0) {
		begin_planning(stock);
	}
	sbx_pool_unlock(pool);
	if (result <= 0)
		return result;

	result = sbx_plan_open(*plan, request, engine, err);
	if (result == 0)
		result = sbx_plan_finish(*plan, request, engine, NULL, err);
	sbx_pool_lock(pool);
	if (result == 0)
		keep_plan(pool, stock, *plan, visit->policy, &visit->stamp);
	else if (!may_pass(err))
		forget_plan(pool, stock);
	end_planning(pool, stock, err);
	sbx_pool_unlock(pool);
	return result;
}

int sbx_pool_finish(struct sbx_pool_visit *visit, struct sbx_plan **plan,
		    const struct sbx_plan_request *request,
		    struct sbx_engine *engine, int cancel_fd,
		    struct sbx_error *err)
{
	struct sbx_pool *pool = visit->pool;

	if (!visit->stock) {
		sbx_pool_lock(pool);
		visit->stock = sbx_stock_find(pool, request->skill,
					      request->action, request->owner,
					      true);
		visit->stock->visitors++;
		sbx_pool_unlock(pool);
	}
	if (!visit->is_plain)
		return finish_special(visit, *plan, request, engine, err);
	return finish_plain(visit, plan, request, engine, cancel_fd, err);
}
