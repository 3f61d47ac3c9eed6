/* SPDX-License-Identifier: MIT */
/*
 * Theory of operation.
 *
 * Three kinds of threads share what pool_stock.h describes, under one lock:
 *
 *	requests	(of whoever calls sbx_run_action(): pool_take.c) take a
 *			sandbox that waits, or start one, and leave it behind
 *	the keeper	one: keeps what waits alive, takes away what is too
 *			much (pool_keeper.c)
 *	the starters	SBX_POOL_STARTERS: all that takes long and nobody
 *			waits for (pool_starter.c)
 *
 * A sandbox belongs to whoever has unlinked it from its stock, and is then
 * used without the lock.  A plan (pool_plan.c) does not change, and lives as
 * long as somebody has a reference.  So a request that finds a sandbox holds
 * the lock three times for about a microsecond, and otherwise nothing that
 * another one could want.
 *
 * An action never runs twice: a sandbox that fails is replaced by another only
 * while no byte has left that could have an effect (sbx_sandbox_run() tells),
 * and what was used is never put back but with init's word, and proof, that it
 * is clean.
 */
#include "sandbox/pool.h"

#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "sandbox/pool_stock.h"

/* Starts at once: more only make each other slower (Docker 20.10). */
#define STARTS_MIN	4
#define STARTS_PER_CORE 2

/* --- the lock --------------------------------------------------------------- */

void sbx_pool_lock(struct sbx_pool *pool)
{
	pthread_mutex_lock(&pool->lock);
}

void sbx_pool_unlock(struct sbx_pool *pool)
{
	pthread_mutex_unlock(&pool->lock);
}

void sbx_pool_wait(struct sbx_pool *pool, pthread_cond_t *cond, double ms)
{
	struct timespec until;
	long long ns;

	clock_gettime(CLOCK_MONOTONIC, &until);
	ns = until.tv_nsec + (long long)(ms * 1e6);
	until.tv_sec += ns / 1000000000;
	until.tv_nsec = ns % 1000000000;
	pthread_cond_timedwait(cond, &pool->lock, &until);
}

void sbx_pool_warn(struct sbx_pool *pool, const char *format, ...)
{
	char line[1200];
	va_list args;

	if (!pool->config.warn)
		return;
	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	pool->config.warn(pool->config.ctx, line);
}

/* --- beginning -------------------------------------------------------------- */

static void init_locks(struct sbx_pool *pool)
{
	pthread_condattr_t attributes;

	pthread_condattr_init(&attributes);
	pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->work, &attributes);
	pthread_cond_init(&pool->tick, &attributes);
	pthread_cond_init(&pool->quiet, &attributes);
	pthread_condattr_destroy(&attributes);
}

static unsigned int most_starts(void)
{
	cpu_set_t cores;
	unsigned int n = 0;

	if (sched_getaffinity(0, sizeof(cores), &cores) == 0)
		n = STARTS_PER_CORE * (unsigned int)CPU_COUNT(&cores);
	return n < STARTS_MIN ? STARTS_MIN : n;
}

static int check_engine(const struct sbx_pool_config *config,
			struct sbx_error *err)
{
	struct sbx_engine *engine = NULL;
	int result = sbx_engine_new(&engine, config->engine_url, err);

	sbx_engine_free(&engine);
	return result;
}

static int start_thread(pthread_t *thread, void *(*run)(void *),
			struct sbx_pool *pool, struct sbx_error *err)
{
	int error = pthread_create(thread, NULL, run, pool);

	if (error == 0)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, error,
			       "the pool cannot start a thread");
}

static int start_threads(struct sbx_pool *pool, struct sbx_error *err)
{
	if (start_thread(&pool->keeper, sbx_pool_keep, pool, err) < 0)
		return -1;
	pool->has_keeper = true;
	while (pool->n_starters < SBX_POOL_STARTERS) {
		if (start_thread(&pool->starters[pool->n_starters],
				 sbx_pool_start, pool, err) < 0)
			return -1;
		pool->n_starters++;
	}
	return 0;
}

static int begin(struct sbx_pool *pool, struct sbx_error *err)
{
	pool->cancel_fd = eventfd(0, EFD_CLOEXEC);
	if (pool->cancel_fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "eventfd");
	if (check_engine(&pool->config, err) < 0 ||
	    sbx_policy_watch_get(pool->watch, &pool->policy, err) < 0)
		return -1;
	return start_threads(pool, err);
}

int sbx_pool_new(struct sbx_pool **out, const struct sbx_pool_config *config,
		 struct sbx_error *err)
{
	struct sbx_pool *pool = sbx_calloc(1, sizeof(*pool));

	pool->config = *config;
	pool->cancel_fd = -1;
	pool->most_starts = most_starts();
	pool->wants_scan = true;
	init_locks(pool);
	sbx_policy_watch_new(&pool->watch, config->policy);
	if (begin(pool, err) < 0) {
		sbx_pool_free(&pool);
		return -1;
	}
	*out = pool;
	return 0;
}

/* --- ending ----------------------------------------------------------------- */

void sbx_pool_drain(struct sbx_pool *pool)
{
	uint64_t one = 1;

	sbx_pool_lock(pool);
	pool->is_draining = true;
	/* Also what waits for the engine gives up. */
	if (write(pool->cancel_fd, &one, sizeof(one)) < 0)
		sbx_pool_warn(pool, "pool: starts under way go on");
	for (struct sbx_stock *s = pool->stocks; s; s = s->next)
		sbx_stock_cut(pool, s, 0);
	pthread_cond_broadcast(&pool->work);
	while (pool->n_starters > 0 &&
	       (pool->trash || pool->n_ending > 0 || pool->n_starting > 0))
		pthread_cond_wait(&pool->quiet, &pool->lock);
	sbx_pool_unlock(pool);
}

static void end_threads(struct sbx_pool *pool)
{
	sbx_pool_lock(pool);
	pool->is_ending = true;
	pthread_cond_broadcast(&pool->work);
	pthread_cond_broadcast(&pool->tick);
	sbx_pool_unlock(pool);
	if (pool->has_keeper)
		pthread_join(pool->keeper, NULL);
	for (unsigned int i = 0; i < pool->n_starters; i++)
		pthread_join(pool->starters[i], NULL);
}

void sbx_pool_free(struct sbx_pool **slot)
{
	struct sbx_pool *pool = *slot;

	if (!pool)
		return;
	*slot = NULL;
	if (pool->cancel_fd >= 0)
		sbx_pool_drain(pool);
	end_threads(pool);
	sbx_stock_free_all(pool);
	sbx_pool_policy_unref(&pool->policy);
	sbx_policy_watch_free(&pool->watch);
	sbx_close(&pool->cancel_fd);
	pthread_cond_destroy(&pool->work);
	pthread_cond_destroy(&pool->tick);
	pthread_cond_destroy(&pool->quiet);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}
