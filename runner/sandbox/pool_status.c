/* SPDX-License-Identifier: MIT */
/* What the pool tells of itself, and what it is told from outside. */
#include "sandbox/pool.h"

#include <math.h>

#include "base/clock.h"
#include "base/mem.h"
#include "sandbox/pool_stock.h"

/* --- telling ---------------------------------------------------------------- */

static json_t *takes_json(const struct sbx_pool_takes *takes)
{
	return json_pack(
		"{s:I, s:I, s:I, s:I}", "warm", (json_int_t)takes->warm,
		"reused", (json_int_t)takes->reused, "cold",
		(json_int_t)takes->cold, "dead", (json_int_t)takes->dead);
}

static json_t *text_or_null(const char *text)
{
	return text[0] != '\0' ? json_string(text) : json_null();
}

/* Seconds, to the millisecond; null for what is no time. */
static json_t *seconds(double ms)
{
	return ms < 0 ? json_null() : json_real(round(ms) / 1e3);
}

static double oldest_ms(const struct sbx_stock *stock, double now)
{
	double age = -1;

	for (const struct sbx_stocked *one = stock->waiting; one;
	     one = one->next)
		age = fmax(age, now - one->made_at);
	return age;
}

static void set(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void set_plan(json_t *object, const struct sbx_stock *stock)
{
	const struct sbx_plan *plan = stock->plan;
	const struct sbx_action *action = plan ? &plan->grant.action : NULL;
	bool program = action && action->warm_pool.start == SBX_WARM_PROGRAM;
	bool is_late = program && !sbx_stock_starts_early(stock, plan);

	set(object, "start", json_string(program ? "program" : "sandbox"));
	set(object, "late", text_or_null(is_late ? stock->late : ""));
	set(object, "reuse",
	    json_string(action && action->reuse == SBX_REUSE_RESET ? "reset"
								   : "never"));
	set(object, "min", json_integer(action ? action->warm_pool.min : 0));
	set(object, "max", json_integer(plan ? sbx_stock_max(stock) : 0));
}

static json_t *stock_json(const struct sbx_stock *stock, double now)
{
	json_t *object = json_pack(
		"{s:s, s:s, s:s, s:i, s:i, s:i}", "skill", stock->skill,
		"action", stock->action, "owner", stock->owner, "waiting",
		(int)stock->n_waiting, "starting", (int)stock->starting, "busy",
		(int)stock->busy);
	double retry_ms = stock->retry_at > now ? stock->retry_at - now : -1;

	set_plan(object, stock);
	set(object, "target", json_integer(sbx_stock_target(stock, now)));
	set(object, "arrivals_per_s",
	    json_real(round(sbx_pool_size_rate(&stock->size, now) * 1e6) /
		      1e3));
	set(object, "takes", takes_json(&stock->takes));
	set(object, "started", json_integer((json_int_t)stock->started));
	set(object, "failures", json_integer((json_int_t)stock->failures));
	set(object, "last_error", text_or_null(stock->last_error));
	set(object, "retry_in_s", seconds(retry_ms));
	set(object, "oldest_s", seconds(oldest_ms(stock, now)));
	set(object, "idle_s", seconds(now - stock->used_at));
	return object;
}

static json_t *limits_json(const struct sbx_pool *pool)
{
	const struct sbx_pool_rules *rules = &pool->policy->policy.pool;

	return json_pack("{s:I, s:I, s:I}", "waiting",
			 (json_int_t)sbx_pool_waiting_max(pool), "memory_bytes",
			 (json_int_t)rules->mem_limit, "memory_free_bytes",
			 (json_int_t)rules->mem_free);
}

json_t *sbx_pool_status(struct sbx_pool *pool)
{
	double now = sbx_clock_ms();
	json_t *stocks = json_array();
	json_t *status;
	int waiting = 0;
	int starting = 0;
	int busy = 0;

	sbx_pool_lock(pool);
	for (const struct sbx_stock *s = pool->stocks; s; s = s->next) {
		waiting += (int)s->n_waiting;
		starting += (int)s->starting;
		busy += (int)s->busy;
		json_array_append_new(stocks, stock_json(s, now));
	}
	status = json_pack(
		"{s:i, s:i, s:i, s:I, s:b, s:o, s:o, s:o, s:o}", "waiting",
		waiting, "starting", starting, "busy", busy, "memory_bytes",
		(json_int_t)sbx_stock_memory(pool), "draining",
		pool->is_draining, "pressure", text_or_null(pool->pressure),
		"limits", limits_json(pool), "takes", takes_json(&pool->takes),
		"pools", stocks);
	sbx_pool_unlock(pool);
	return status;
}

/* --- being told ------------------------------------------------------------- */

/* Has the stock a plan, or why not?  Whoever it is that makes it. */
static int plan_stock(struct sbx_pool *pool, const char *skill,
		      const char *action, const char *owner,
		      struct sbx_pool_visit *visit, struct sbx_error *err)
{
	static const struct sbx_overrides none = SBX_OVERRIDES_INIT;
	struct sbx_plan_request request = {
		.catalog = pool->config.catalog,
		.requester = SBX_REQUESTER_CALLER,
		.skill = skill,
		.action = action,
		.owner = owner,
		.overrides = &none,
	};
	cleanup_plan struct sbx_plan *plan = NULL;
	struct sbx_engine *engine = NULL;
	int result;

	if (sbx_pool_enter(pool, visit, &request, &plan, err) < 0)
		return -1;
	if (plan)
		return 0;
	if (sbx_plan_read(&plan, &request, err) < 0 ||
	    sbx_engine_new(&engine, pool->config.engine_url, err) < 0)
		return -1;
	result = sbx_pool_finish(visit, &plan, &request, engine,
				 pool->cancel_fd, err);
	sbx_engine_free(&engine);
	return result;
}

int sbx_pool_warm(struct sbx_pool *pool, const char *skill, const char *action,
		  const char *owner, int64_t n, struct sbx_error *err)
{
	struct sbx_pool_visit visit = { .pool = NULL };
	struct sbx_sandbox *none = NULL;
	int result = plan_stock(pool, skill, action, owner, &visit, err);

	if (result == 0) {
		sbx_pool_lock(pool);
		visit.stock->floor = n;
		visit.stock->used_at = sbx_clock_ms();
		sbx_stock_succeeded(visit.stock);
		pthread_cond_broadcast(&pool->work);
		sbx_pool_unlock(pool);
	}
	sbx_pool_leave(&visit, NULL, &none, false);
	return result;
}

int sbx_pool_shrink(struct sbx_pool *pool, const char *skill,
		    const char *action, const char *owner, int64_t n,
		    struct sbx_error *err)
{
	struct sbx_stock *stock;

	sbx_pool_lock(pool);
	stock = sbx_stock_find(pool, skill, action, owner, false);
	if (stock) {
		stock->floor = 0;
		stock->size.rate = 0;
		sbx_stock_cut(pool, stock, n > 0 ? (size_t)n : 0);
	}
	sbx_pool_unlock(pool);
	if (stock)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			     "there is no pool for %s of %s, owner %s", action,
			     skill, owner);
}

void sbx_pool_reload(struct sbx_pool *pool)
{
	sbx_pool_lock(pool);
	pool->wants_scan = true;
	for (struct sbx_stock *s = pool->stocks; s; s = s->next) {
		s->is_due = s->plan || s->min > 0 || s->floor > 0;
		sbx_stock_succeeded(s);
	}
	pthread_cond_broadcast(&pool->work);
	pthread_cond_signal(&pool->tick);
	sbx_pool_unlock(pool);
}

/* --- what is always to wait ------------------------------------------------- */

static void scan_skill(struct sbx_pool *pool, const char *name)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_catalog_load(pool->config.catalog, name, &skill, &err) < 0) {
		sbx_pool_warn(pool, "pool: %s", err.message);
		return;
	}
	for (size_t i = 0; i < skill.manifest->n_actions; i++) {
		const struct sbx_action *action = &skill.manifest->actions[i];
		struct sbx_stock *stock;

		if (action->warm_pool.min == 0)
			continue;
		sbx_pool_lock(pool);
		stock = sbx_stock_find(pool, name, action->name,
				       pool->config.owner, true);
		stock->min = action->warm_pool.min;
		stock->is_due = true;
		sbx_pool_unlock(pool);
	}
}

void sbx_pool_scan(struct sbx_pool *pool)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_error err = SBX_ERROR_INIT;

	if (!pool->config.owner)
		return;
	if (sbx_catalog_names(pool->config.catalog, &names, NULL, &err) < 0)
		sbx_pool_warn(pool, "pool: %s", err.message);
	for (size_t i = 0; i < names.n; i++)
		scan_skill(pool, names.v[i]);
	sbx_pool_lock(pool);
	pthread_cond_broadcast(&pool->work);
	sbx_pool_unlock(pool);
}
