/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_POOL_FAKES_H
#define SBX_TESTS_POOL_FAKES_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "sandbox/plan.h"
#include "sandbox/sandbox.h"

/*
 * Plans and sandboxes as far as the pool (sandbox/pool*.c) knows of them, in
 * place of plan.c and sandbox.c: nothing is asked of an engine.  A sandbox may
 * be used by one thread at a time; a fake one notices when that is not so.
 */

/*
 * What plans and starts come to, from now on.
 *
 * @key			that of a plan, with the owner's name in front
 * @plan_ms, @start_ms	what finishing a plan, and a start, take
 * @plan_fails, @start_fails	they fail
 * @is_away		so does the plan, for the engine is away
 * @exits		programs that are started early end at once
 * @stays_dirty		what was used never is clean again
 * @resets		so many questions for that are answered with "not yet"
 * @plans, @starts, @spawns	how many there were; @ended sandboxes
 * @most_at_once	starts
 * @clashes		uses of one sandbox by two threads
 */
static struct {
	struct sbx_warm_pool warm;
	enum sbx_reuse reuse;
	int64_t waiting;
	_Atomic char key;
	atomic_int plan_ms;
	atomic_int start_ms;
	atomic_bool plan_fails;
	atomic_bool start_fails;
	atomic_bool is_away;
	atomic_bool exits;
	atomic_bool stays_dirty;
	atomic_int resets;
	atomic_int plans;
	atomic_int starts;
	atomic_int spawns;
	atomic_int ended;
	atomic_int now_starting;
	atomic_int most_at_once;
	atomic_int clashes;
} fake;

struct sbx_sandbox {
	int number; /* in the order in which they were started */
	char key[SBX_HASH_HEX_SIZE];
	atomic_bool is_dead;
	bool has_exited;
	bool is_spawned;
	int uses;
	atomic_flag in_use;
	struct sbx_sandbox *next;
};

static pthread_mutex_t fake_lock = PTHREAD_MUTEX_INITIALIZER;
static struct sbx_sandbox *fake_all;

static inline void fake_sleep(int ms)
{
	struct timespec time = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&time, NULL);
}

static inline void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	fake.warm.max = 4;
	fake.waiting = 99;
	fake.key = 'a';
	fake.start_ms = 1;
}

/* All that are there die. */
static inline void fake_kill_all(void)
{
	pthread_mutex_lock(&fake_lock);
	for (struct sbx_sandbox *s = fake_all; s; s = s->next)
		s->is_dead = true;
	pthread_mutex_unlock(&fake_lock);
}

static inline int fake_alive(void)
{
	return fake.starts - fake.ended;
}

/* --- plan.c ----------------------------------------------------------------- */

struct sbx_plan *sbx_plan_ref(struct sbx_plan *plan)
{
	__atomic_add_fetch(&plan->refs, 1, __ATOMIC_RELAXED);
	return plan;
}

void sbx_plan_unref(struct sbx_plan **slot)
{
	struct sbx_plan *plan = *slot;

	*slot = NULL;
	if (!plan || __atomic_sub_fetch(&plan->refs, 1, __ATOMIC_ACQ_REL) > 0)
		return;
	sbx_grant_clear(&plan->grant);
	free(plan);
}

int sbx_plan_read(struct sbx_plan **out, const struct sbx_plan_request *request,
		  struct sbx_error *err)
{
	struct sbx_plan *plan = sbx_calloc(1, sizeof(*plan));

	(void)err;
	plan->refs = 1;
	plan->grant.owner = sbx_strdup(request->owner);
	plan->grant.skill = sbx_strdup(request->skill);
	plan->grant.waiting = fake.waiting;
	plan->grant.action.warm_pool = fake.warm;
	plan->grant.action.reuse = fake.reuse;
	*out = plan;
	return 0;
}

int sbx_plan_open(struct sbx_plan *plan, const struct sbx_plan_request *request,
		  struct sbx_engine *engine, struct sbx_error *err)
{
	(void)plan;
	(void)request;
	(void)engine;
	(void)err;
	return 0;
}

int sbx_plan_finish(struct sbx_plan *plan,
		    const struct sbx_plan_request *request,
		    struct sbx_engine *engine, struct sbx_plan *like,
		    struct sbx_error *err)
{
	const char *owner = request->owner;
	size_t n = request->overrides->environment.n;

	(void)engine;
	(void)like;
	fake_sleep(fake.plan_ms);
	fake.plans++;
	if (fake.is_away)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "away");
	if (fake.plan_fails)
		return sbx_error_set(err, SBX_OUTCOME_BUILD_FAILED, "no image");
	snprintf(plan->sandbox_key, sizeof(plan->sandbox_key), "%.20s-%c",
		 owner, fake.key);
	snprintf(plan->key, sizeof(plan->key), "%.30s-%zu", plan->sandbox_key,
		 n);
	return 0;
}

void sbx_plan_program(const struct sbx_plan *plan,
		      struct sbx_sandbox_program *program)
{
	(void)plan;
	*program = (struct sbx_sandbox_program){ .cancel_fd = -1 };
}

static inline void fake_count_start(void)
{
	int now = ++fake.now_starting;
	int most = fake.most_at_once;

	while (now > most &&
	       !atomic_compare_exchange_weak(&fake.most_at_once, &most, now))
		continue;
	fake_sleep(fake.start_ms);
	fake.now_starting--;
}

int sbx_plan_start(const struct sbx_plan *plan, struct sbx_engine *engine,
		   const char *run_id, int cancel_fd, struct sbx_sandbox **out,
		   double *start_ms, struct sbx_error *err)
{
	struct sbx_sandbox *sandbox = sbx_calloc(1, sizeof(*sandbox));

	(void)engine;
	(void)run_id;
	(void)cancel_fd;
	(void)start_ms;
	fake_count_start();
	if (fake.start_fails) {
		free(sandbox);
		fake.starts++;
		fake.ended++;
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "the engine is away");
	}
	memcpy(sandbox->key, plan->key, sizeof(plan->key));
	pthread_mutex_lock(&fake_lock);
	sandbox->number = ++fake.starts;
	sandbox->next = fake_all;
	fake_all = sandbox;
	pthread_mutex_unlock(&fake_lock);
	*out = sandbox;
	return 0;
}

/* --- sandbox.c -------------------------------------------------------------- */

static inline void fake_enter(struct sbx_sandbox *sandbox)
{
	if (atomic_flag_test_and_set(&sandbox->in_use))
		fake.clashes++;
}

static inline void fake_exit(struct sbx_sandbox *sandbox)
{
	atomic_flag_clear(&sandbox->in_use);
}

void sbx_sandbox_use(struct sbx_sandbox *sandbox, struct sbx_engine *engine)
{
	fake_enter(sandbox);
	(void)engine;
	fake_exit(sandbox);
}

int sbx_sandbox_spawn(struct sbx_sandbox *sandbox,
		      const struct sbx_sandbox_program *program,
		      struct sbx_error *err)
{
	(void)program;
	(void)err;
	fake_enter(sandbox);
	fake.spawns++;
	sandbox->is_spawned = true;
	sandbox->has_exited = fake.exits;
	fake_exit(sandbox);
	return 0;
}

int sbx_sandbox_tend(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int result = 0;

	fake_enter(sandbox);
	if (sandbox->is_dead)
		result = sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED, "dead");
	else if (sandbox->has_exited)
		result = SBX_SANDBOX_EXITED;
	fake_exit(sandbox);
	return result;
}

int sbx_sandbox_reset_done(struct sbx_sandbox *sandbox, struct sbx_error *err)
{
	int result = 0;

	fake_enter(sandbox);
	if (sandbox->is_dead || fake.stays_dirty)
		result = sbx_error_set(err, SBX_OUTCOME_SANDBOX_FAILED,
				       "a file is left");
	else if (fake.resets > 0 && fake.resets-- > 0)
		result = SBX_SANDBOX_RESETTING;
	sandbox->is_spawned = false;
	fake_exit(sandbox);
	return result;
}

void sbx_sandbox_free(struct sbx_sandbox **slot)
{
	struct sbx_sandbox *sandbox = *slot;
	struct sbx_sandbox **link = &fake_all;

	if (!sandbox)
		return;
	*slot = NULL;
	fake_enter(sandbox);
	pthread_mutex_lock(&fake_lock);
	while (*link != sandbox)
		link = &(*link)->next;
	*link = sandbox->next;
	pthread_mutex_unlock(&fake_lock);
	free(sandbox);
	fake.ended++;
}

#endif
