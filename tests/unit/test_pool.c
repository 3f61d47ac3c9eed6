/* SPDX-License-Identifier: MIT */
/*
 * The pool with all its threads, on plans and sandboxes that are not real
 * (pool_fakes.h).  What holds at the end of each test, by check_sane(): no
 * sandbox was used by two threads at once, and none is left.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "codec/json.h"
#include "pool_fakes.h"
#include "sandbox/pool_stock.h"
#include "scratch.h"

#define URL    "unix:///nowhere"
#define POLICY "policy.yaml"
#define MANY   64

/* More than any machine needs; what is waited for comes much sooner. */
#define LONG_MS 30000.0

static struct sbx_catalog catalog;
static struct sbx_engine *engine;
static struct sbx_pool *pool;
static atomic_int warnings;

static void warn(void *ctx, const char *line)
{
	(void)ctx;
	(void)line;
	warnings++;
}

static void open_pool(const char *owner)
{
	const struct sbx_pool_config config = {
		.engine_url = URL,
		.catalog = &catalog,
		.policy = POLICY,
		.owner = owner,
		.warn = warn,
	};
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_pool_new(&pool, &config, &err) < 0)
		fail_msg("%s", err.message);
}

static int begin(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (scratch_enter(state) < 0)
		return -1;
	fake_reset();
	warnings = 0;
	assert_int_equal(mkdir("skills", 0755) | mkdir("skills/x", 0755), 0);
	put("skills/x/skill.yaml", "1");
	put(POLICY, "schema_version: 1\npool: {mem_free: 0}\n");
	assert_int_equal(sbx_catalog_open(&catalog, "skills", &err), 0);
	assert_int_equal(sbx_engine_new(&engine, URL, &err), 0);
	return 0;
}

/* Nothing was shared, and nothing is left behind. */
static void check_sane(void)
{
	sbx_pool_free(&pool);
	assert_int_equal(fake_alive(), 0);
	assert_int_equal(fake.clashes, 0);
}

static int end(void **state)
{
	sbx_pool_free(&pool);
	sbx_engine_free(&engine);
	sbx_catalog_close(&catalog);
	return scratch_leave(state);
}

/* --- what a request does (run.c) -------------------------------------------- */

/* One, and what it has come by. */
struct request {
	const char *action;
	const char *owner;
	const struct sbx_overrides *overrides;
	int cancel_fd;
	bool is_clean; /* what it leaves behind */

	struct sbx_pool_visit visit;
	struct sbx_plan *plan;
	struct sbx_sandbox *sandbox;
	struct sbx_pool_taken taken;
	struct sbx_error err;
	int number;
};

static const struct sbx_overrides no_overrides = SBX_OVERRIDES_INIT;

static struct request new_request(const char *action, const char *owner)
{
	return (struct request){ .action = action,
				 .owner = owner,
				 .overrides = &no_overrides,
				 .cancel_fd = -1 };
}

static int get_plan(struct request *r)
{
	struct sbx_plan_request request = { .catalog = &catalog,
					    .skill = "x",
					    .action = r->action,
					    .owner = r->owner,
					    .overrides = r->overrides };

	if (sbx_pool_enter(pool, &r->visit, &request, &r->plan, &r->err) < 0)
		return -1;
	if (r->plan)
		return 0;
	if (sbx_plan_read(&r->plan, &request, &r->err) < 0)
		return -1;
	return sbx_pool_finish(&r->visit, &r->plan, &request, engine,
			       r->cancel_fd, &r->err);
}

static int take(struct request *r)
{
	int result = 0;

	if (sbx_pool_take(&r->visit, r->plan, engine, r->cancel_fd, &r->taken,
			  &r->err) < 0)
		return -1;
	r->sandbox = r->taken.sandbox;
	if (!r->sandbox) {
		double start_ms;

		result = sbx_plan_start(r->plan, engine, "id", -1, &r->sandbox,
					&start_ms, &r->err);
		sbx_pool_cold_end(&r->visit);
	}
	if (result < 0)
		return -1;
	fake_enter(r->sandbox);
	r->number = r->sandbox->number;
	r->sandbox->uses++;
	return 0;
}

static void leave(struct request *r)
{
	if (r->sandbox)
		fake_exit(r->sandbox);
	sbx_pool_leave(&r->visit, r->plan, &r->sandbox, r->is_clean);
	sbx_plan_unref(&r->plan);
}

/* All of it: how it came by its sandbox. */
static struct request ask(const char *action, const char *owner)
{
	struct request r = new_request(action, owner);

	if (get_plan(&r) < 0 || take(&r) < 0)
		fail_msg("%s", r.err.message);
	leave(&r);
	return r;
}

/* --- what the pool says ----------------------------------------------------- */

/* The number @key of the only stock, or of the one for @action. */
static double told(const char *action, const char *key)
{
	json_auto_t *status = sbx_pool_status(pool);
	double value = -1;
	json_t *stock;
	size_t i;

	json_array_foreach (json_object_get(status, "pools"), i, stock) {
		if (strcmp(sbx_json_text_at(stock, "action", NULL), action) ==
		    0)
			value = json_number_value(json_object_get(stock, key));
	}
	return value;
}

static int64_t takes(const char *how)
{
	json_auto_t *status = sbx_pool_status(pool);

	return sbx_json_int_at(-1, status, "takes", how, NULL);
}

#define wait_for(condition)                                                    \
	do {                                                                   \
		double began = sbx_clock_ms();                                 \
                                                                               \
		while (!(condition)) {                                         \
			if (sbx_clock_ms() - began > LONG_MS)                  \
				fail_msg("in vain: %s", #condition);           \
			fake_sleep(2);                                         \
		}                                                              \
	} while (0)

static void warm(const char *action, int n)
{
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_pool_warm(pool, "x", action, "me", n, &err) < 0)
		fail_msg("%s", err.message);
	wait_for((int)told(action, "waiting") == n);
}

/* --- taking ----------------------------------------------------------------- */

/* The first one starts its own, the next finds one, and none is used twice. */
static void test_warm(void **state)
{
	struct request first, second;

	(void)state;
	open_pool(NULL);
	first = ask("run", "me");
	assert_string_equal(first.taken.start, "cold");
	wait_for(told("run", "waiting") > 0);
	second = ask("run", "me");
	assert_string_equal(second.taken.start, "warm");
	assert_int_not_equal(first.number, second.number);
	assert_int_equal(takes("warm"), 1);
	assert_int_equal(takes("cold"), 1);
	check_sane();
}

/* The newest is the one that is least likely to have grown stale. */
static void test_newest_first(void **state)
{
	int last = 0;

	(void)state;
	open_pool(NULL);
	for (int n = 1; n <= 3; n++)
		warm("run", n);
	last = fake.starts;
	assert_int_equal(ask("run", "me").number, last);
	check_sane();
}

/* No sandbox ever serves two owners. */
static void test_owners(void **state)
{
	(void)state;
	open_pool(NULL);
	warm("run", 3);
	assert_string_equal(ask("run", "you").taken.start, "cold");
	assert_int_equal(takes("warm"), 0);
	check_sane();
}

/* The dead are found out when they are taken, and the request is none worse. */
static void test_dead(void **state)
{
	(void)state;
	open_pool(NULL);
	warm("run", 2);
	fake.start_fails = true; /* the pool has no others to offer */
	fake_kill_all();
	fake.start_fails = false;
	for (int i = 0; i < 2; i++)
		assert_false(ask("run", "me").number <= 2);
	wait_for(takes("dead") == 2);
	check_sane();
}

/* The same while they wait: they are replaced without being asked for. */
static void test_dead_waiting(void **state)
{
	(void)state;
	open_pool(NULL);
	warm("run", 2);
	fake_kill_all();
	wait_for(takes("dead") == 2 && (int)told("run", "waiting") == 2);
	assert_string_equal(ask("run", "me").taken.start, "warm");
	check_sane();
}

/* What the caller finds dead, before it had any effect, is replaced as well. */
static void test_died_in_hand(void **state)
{
	struct request r = new_request("run", "me");
	int first;

	(void)state;
	open_pool(NULL);
	warm("run", 2);
	assert_int_equal(get_plan(&r) | take(&r), 0);
	first = r.number;
	fake_exit(r.sandbox);
	sbx_pool_died(&r.visit);
	assert_int_equal(take(&r), 0);
	assert_int_not_equal(r.number, first);
	assert_string_equal(r.taken.start, "warm");
	leave(&r);
	assert_int_equal(takes("dead"), 1);
	check_sane();
}

/* --- early programs --------------------------------------------------------- */

static void test_early(void **state)
{
	struct sbx_overrides special = SBX_OVERRIDES_INIT;
	struct request r = new_request("run", "me");

	(void)state;
	fake.warm.start = SBX_WARM_PROGRAM;
	open_pool(NULL);
	warm("run", 2);
	assert_true(ask("run", "me").taken.runs);
	/* Whoever wants another environment gets a program of its own. */
	sbx_strv_push(&special.environment, "A=b");
	r.overrides = &special;
	assert_int_equal(get_plan(&r) | take(&r), 0);
	assert_string_equal(r.taken.start, "cold");
	assert_false(r.taken.runs);
	leave(&r);
	sbx_overrides_clear(&special);
	check_sane();
}

/* In a sandbox in which nothing has run yet any environment will do. */
static void test_late_serves_all(void **state)
{
	struct sbx_overrides special = SBX_OVERRIDES_INIT;
	struct request r = new_request("run", "me");

	(void)state;
	open_pool(NULL);
	warm("run", 1);
	sbx_strv_push(&special.environment, "A=b");
	r.overrides = &special;
	assert_int_equal(get_plan(&r) | take(&r), 0);
	assert_string_equal(r.taken.start, "warm");
	leave(&r);
	sbx_overrides_clear(&special);
	check_sane();
}

/* A program that does not wait is found out once, and is not started early. */
static void test_exits(void **state)
{
	struct request r;

	(void)state;
	fake.warm.start = SBX_WARM_PROGRAM;
	fake.warm.min = 1;
	fake.exits = true;
	open_pool(NULL);
	ask("run", "me");
	wait_for(warnings == 1 && (int)told("run", "waiting") > 0 &&
		 fake.starts > fake.spawns + 1);
	r = ask("run", "me");
	assert_string_equal(r.taken.start, "warm");
	assert_false(r.taken.runs);
	assert_int_equal(warnings, 1);
	/* Another program of that name has its own chance. */
	fake.exits = false;
	fake.key = 'b';
	sbx_pool_reload(pool);
	wait_for(ask("run", "me").taken.runs);
	check_sane();
}

/* --- used again ------------------------------------------------------------- */

static struct request ask_cleanly(const char *owner)
{
	struct request r = new_request("run", owner);

	r.is_clean = true;
	if (get_plan(&r) < 0 || take(&r) < 0)
		fail_msg("%s", r.err.message);
	leave(&r);
	return r;
}

/* The same sandbox serves its owner again and again, and nobody else. */
static void test_reset(void **state)
{
	struct request first, next;

	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	fake.warm.max = 1;
	open_pool(NULL);
	first = ask_cleanly("me");
	assert_string_equal(first.taken.start, "cold");
	for (int i = 0; i < 100; i++) {
		/* It may take its time to be clean. */
		fake.resets = i % 3 ? 0 : 20;
		next = ask_cleanly("me");
		assert_string_equal(next.taken.start, "reused");
		assert_int_equal(next.number, first.number);
	}
	assert_int_not_equal(ask_cleanly("you").number, first.number);
	check_sane();
}

/* What could not be cleaned, or may not be used again, is thrown away. */
static void test_not_clean(void **state)
{
	struct request first;

	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	fake.warm.max = 1;
	open_pool(NULL);
	first = ask_cleanly("me");
	fake.stays_dirty = true;
	assert_int_not_equal(ask_cleanly("me").number, first.number);
	assert_true(takes("dead") >= 1);
	fake.stays_dirty = false;
	first = ask("run", "me");
	assert_int_not_equal(ask_cleanly("me").number, first.number);
	check_sane();
}

/* Who has had another environment is not to be had by those who have not. */
static void test_reset_special(void **state)
{
	struct sbx_overrides special = SBX_OVERRIDES_INIT;
	struct request r = new_request("run", "me");
	int number;

	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	open_pool(NULL);
	number = ask_cleanly("me").number;
	sbx_strv_push(&special.environment, "A=b");
	r.overrides = &special;
	r.is_clean = true;
	assert_int_equal(get_plan(&r) | take(&r), 0);
	assert_int_not_equal(r.number, number);
	leave(&r);
	assert_int_not_equal(ask_cleanly("me").number, r.number);
	sbx_overrides_clear(&special);
	check_sane();
}

/* A used one whose program is to run early gets it again. */
static void test_reset_early(void **state)
{
	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	fake.warm.start = SBX_WARM_PROGRAM;
	fake.warm.max = 1;
	open_pool(NULL);
	ask_cleanly("me");
	for (int i = 0; i < 5; i++) {
		struct request r;

		wait_for((int)told("run", "waiting") == 1 && fake.spawns > i);
		r = ask_cleanly("me");
		assert_true(r.taken.runs);
		assert_string_equal(r.taken.start, "reused");
	}
	assert_int_equal(fake.starts, 1);
	check_sane();
}

static void *ask_often(void *arg)
{
	(void)arg;
	for (int i = 0; i < 50; i++)
		ask_cleanly("me");
	return NULL;
}

/* Many share few: they wait for one another rather than for a start. */
static void test_reset_many(void **state)
{
	pthread_t threads[MANY];

	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	fake.start_ms = 300;
	open_pool(NULL);
	ask_cleanly("me");
	for (int i = 0; i < MANY; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask_often, NULL), 0);
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(takes("cold") + takes("reused") + takes("warm"),
			 MANY * 50 + 1);
	assert_true(takes("cold") < 20);
	check_sane();
}

/* A start is said to take @ms, as on a machine that has stood still. */
static void set_start_ms(double ms)
{
	sbx_pool_lock(pool);
	for (struct sbx_stock *s = pool->stocks; s; s = s->next)
		s->start_ms = ms;
	sbx_pool_unlock(pool);
}

static void *ask_once(void *arg)
{
	*(struct request *)arg = ask_cleanly("me");
	return NULL;
}

/* What somebody else has is not waited for for long. */
static void test_nobody_waits_long_for_another(void **state)
{
	struct request holder = new_request("run", "me");
	double since;

	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	fake.warm.max = 0;
	open_pool(NULL);
	assert_int_equal(get_plan(&holder) | take(&holder), 0);
	set_start_ms(LONG_MS);
	since = sbx_clock_ms();
	assert_string_equal(ask_cleanly("me").taken.start, "cold");
	assert_true(sbx_clock_ms() - since < LONG_MS / 2);
	leave(&holder);
	check_sane();
}

/* All places to start one, taken by requests that go on: how many. */
static int take_all_places(struct request *holders, const char *action)
{
	unsigned int n = pool->most_starts;

	for (unsigned int i = 0; i < n; i++) {
		struct request *r = &holders[i];

		*r = new_request(action, "me");
		assert_int_equal(get_plan(r), 0);
		assert_int_equal(sbx_pool_take(&r->visit, r->plan, engine, -1,
					       &r->taken, &r->err),
				 0);
		assert_null(r->taken.sandbox);
	}
	return (int)n;
}

static int count_waiters(void)
{
	int n = 0;

	sbx_pool_lock(pool);
	for (struct sbx_pool_waiter *w = pool->waiters; w; w = w->next)
		n++;
	sbx_pool_unlock(pool);
	return n;
}

/* Those that wait themselves have nothing to give back. */
static void test_nobody_waits_for_who_waits(void **state)
{
	struct request holders[256];
	struct request r[2];
	pthread_t threads[2];
	double since;
	int n;

	(void)state;
	fake.reuse = SBX_REUSE_RESET;
	fake.warm.max = 0;
	open_pool(NULL);
	n = take_all_places(holders, "other");
	for (int i = 0; i < 2; i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, ask_once, &r[i]), 0);
	wait_for(count_waiters() == 2);
	since = sbx_clock_ms();
	set_start_ms(LONG_MS);
	for (int i = 0; i < n; i++)
		leave(&holders[i]);
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	/* Less than for what somebody else has. */
	assert_true(sbx_clock_ms() - since < 1500);
	check_sane();
}

/* Whoever comes when a place is free has not waited for it. */
static void test_first_come(void **state)
{
	struct request holders[256];
	struct request first, last;
	pthread_t thread;
	int n;

	(void)state;
	fake.warm.max = 0;
	fake.start_ms = 20;
	open_pool(NULL);
	n = take_all_places(holders, "run");
	assert_int_equal(pthread_create(&thread, NULL, ask_once, &first), 0);
	wait_for(count_waiters() == 1);
	fake_sleep(500);
	/* The other has yet to wake up. */
	sbx_pool_cold_end(&holders[0].visit);
	last = ask("run", "me");
	pthread_join(thread, NULL);
	assert_true(first.number < last.number);
	for (int i = 0; i < n; i++)
		leave(&holders[i]);
	check_sane();
}

/* --- failures --------------------------------------------------------------- */

/* Tried again, but later each time; and the reason is told. */
static void test_backs_off(void **state)
{
	(void)state;
	open_pool(NULL);
	ask("run", "me");
	wait_for((int)told("run", "waiting") == 1);
	fake.start_fails = true;
	fake_kill_all();
	wait_for(told("run", "failures") >= 2);
	assert_true(told("run", "retry_in_s") > 0);
	/* 0.5 + 1 + 2 s: whoever did not wait would have made hundreds. */
	fake_sleep(1000);
	assert_true(told("run", "failures") <= 3);
	fake.start_fails = false;
	wait_for((int)told("run", "waiting") == 1);
	check_sane();
}

static void *ask_at_once(void *arg)
{
	struct request *r = arg;

	if (get_plan(r) == 0)
		take(r);
	leave(r);
	return NULL;
}

static void ask_many(struct request *requests)
{
	pthread_t threads[MANY];

	for (int i = 0; i < MANY; i++) {
		requests[i] = new_request("run", "me");
		assert_int_equal(pthread_create(&threads[i], NULL, ask_at_once,
						&requests[i]),
				 0);
	}
	for (int i = 0; i < MANY; i++)
		pthread_join(threads[i], NULL);
}

/* All are answered, no more start at once than may, and it is full again. */
static void test_burst(void **state)
{
	static struct request requests[MANY];

	(void)state;
	fake.start_ms = 20;
	fake.plan_ms = 20;
	open_pool(NULL);
	warm("run", 4);
	ask_many(requests);
	for (int i = 0; i < MANY; i++) {
		assert_int_equal(requests[i].err.outcome, SBX_OUTCOME_OK);
		assert_int_not_equal(requests[i].number, 0);
	}
	/* As pool.c has it: twice the cores, at least four, for those who
	 * have a request and for those who have not. */
	assert_true(fake.most_at_once <=
		    2 * (sysconf(_SC_NPROCESSORS_ONLN) > 2
				 ? 2 * sysconf(_SC_NPROCESSORS_ONLN)
				 : 4));
	wait_for((int)told("run", "waiting") == 4);
	check_sane();
}

/* Of those that come before there is a plan one makes it. */
static void test_burst_plans_once(void **state)
{
	static struct request requests[MANY];

	(void)state;
	fake.plan_ms = 200;
	open_pool(NULL);
	ask_many(requests);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(requests[i].err.outcome, SBX_OUTCOME_OK);
	/* And perhaps once more in the background. */
	assert_true(fake.plans <= 2);
	check_sane();
}

/* A plan that cannot be made is not made again for each who waited for it. */
static void test_burst_fails(void **state)
{
	static struct request requests[MANY];

	(void)state;
	fake.plan_ms = 200;
	fake.plan_fails = true;
	open_pool(NULL);
	ask_many(requests);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(requests[i].err.outcome,
				 SBX_OUTCOME_BUILD_FAILED);
	assert_true(fake.plans < MANY / 4);
	check_sane();
}

/* Who waits for its turn may be cancelled. */
static void test_cancel(void **state)
{
	struct request r = new_request("run", "me");
	struct request holders[64];
	int n = 0;
	uint64_t one = 1;

	(void)state;
	fake.warm.max = 0;
	open_pool(NULL);
	r.cancel_fd = eventfd(0, EFD_CLOEXEC);
	/* All places to start one are taken, and nobody lets go. */
	for (;;) {
		json_auto_t *status = NULL;

		holders[n] = new_request("run", "me");
		assert_int_equal(get_plan(&holders[n]), 0);
		holders[n].cancel_fd = r.cancel_fd;
		if (n == 2)
			assert_int_equal(write(r.cancel_fd, &one, 8), 8);
		if (sbx_pool_take(&holders[n].visit, holders[n].plan, engine,
				  n >= 2 ? r.cancel_fd : -1, &holders[n].taken,
				  &holders[n].err) < 0)
			break;
		assert_true(++n < 64);
	}
	assert_true(n >= 4);
	assert_int_equal(holders[n].err.outcome, SBX_OUTCOME_CANCELLED);
	for (int i = 0; i <= n; i++)
		leave(&holders[i]);
	close(r.cancel_fd);
	check_sane();
}

/* --- change ----------------------------------------------------------------- */

/* What was started for another plan serves nobody, and is replaced. */
static void test_changed_plan(void **state)
{
	struct request r;

	(void)state;
	open_pool(NULL);
	warm("run", 3);
	fake.key = 'b';
	sbx_pool_reload(pool);
	wait_for(fake.ended == 3 && (int)told("run", "waiting") == 3);
	r = ask("run", "me");
	assert_string_equal(r.taken.start, "warm");
	assert_true(r.number > 3);
	check_sane();
}

/* A manifest that was changed is read again by the very next request. */
static void test_changed_manifest(void **state)
{
	struct request r;

	(void)state;
	open_pool(NULL);
	warm("run", 3);
	fake.key = 'b';
	put("skills/x/skill.yaml", "12");
	r = ask("run", "me");
	assert_true(r.number > 3);
	check_sane();
}

/* So is the policy; one that is broken grants nothing. */
static void test_changed_policy(void **state)
{
	struct request r = new_request("run", "me");

	(void)state;
	open_pool(NULL);
	warm("run", 3);
	fake.key = 'b';
	put(POLICY, "schema_version: 1\npool: {mem_free: 0}\nskills: {}\n");
	assert_true(ask("run", "me").number > 3);
	put(POLICY, "schema_version: 2\n");
	assert_int_equal(get_plan(&r), -1);
	assert_int_equal(r.err.outcome, SBX_OUTCOME_MISCONFIGURED);
	leave(&r);
	check_sane();
}

/* An image that is no more, a secret that cannot be opened: none waits. */
static void test_plan_lost(void **state)
{
	(void)state;
	open_pool(NULL);
	warm("run", 3);
	fake.plan_fails = true;
	sbx_pool_reload(pool);
	wait_for(fake_alive() == 0);
	fake.plan_fails = false;
	/* It was asked for, and comes back by itself. */
	wait_for((int)told("run", "waiting") == 3);
	check_sane();
}

/* A daemon may be there before its engine. */
static void test_engine_comes_later(void **state)
{
	(void)state;
	put("skills/x/skill.yaml",
	    "schema_version: 1\nname: x\nversion: 1.0.0\ndescription: x\n"
	    "actions: {run: {command: [a], warm_pool: {min: 2}}}\n");
	put("skills/x/Dockerfile", "FROM scratch\n");
	fake.warm.min = 2;
	fake.is_away = true;
	open_pool("me");
	wait_for(told("run", "failures") >= 2);
	fake.is_away = false;
	wait_for((int)told("run", "waiting") == 2);
	check_sane();
}

/* --- how many --------------------------------------------------------------- */

/* The policy's caps hold, and who was used last goes last. */
static void test_caps(void **state)
{
	(void)state;
	put(POLICY, "schema_version: 1\npool: {waiting: 3, mem_free: 0}\n");
	open_pool(NULL);
	warm("old", 2);
	warm("new", 2);
	assert_int_equal(told("old", "waiting"), 1);
	warm("new", 3);
	assert_int_equal(told("old", "waiting"), 0);
	/* Whoever is used last is not sent away for one that is not used. */
	ask("new", "me");
	wait_for((int)told("new", "waiting") == 3);
	assert_int_equal(fake_alive(), 3);
	/* But the other way round. */
	ask("old", "me");
	wait_for((int)told("old", "waiting") == 2 && fake_alive() == 3);
	check_sane();
}

static void test_memory_cap(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	/* Two of 7.7 MB of the engine's and 1 MB of their own, not three. */
	put(POLICY, "schema_version: 1\n"
		    "pool: {mem_limit: 18000000, mem_free: 0}\n");
	open_pool(NULL);
	assert_int_equal(sbx_pool_warm(pool, "x", "run", "me", 9, &err), 0);
	wait_for((int)told("run", "waiting") == 2);
	fake_sleep(50);
	assert_int_equal(told("run", "waiting") + told("run", "starting"), 2);
	check_sane();
}

/* Without memory nothing waits, and requests are answered all the same. */
static void test_pressure(void **state)
{
	(void)state;
	open_pool(NULL);
	warm("run", 3);
	put(POLICY, "schema_version: 1\npool: {mem_free: 1000000g}\n");
	wait_for((int)told("run", "waiting") == 0 && fake_alive() == 0);
	assert_string_equal(ask("run", "me").taken.start, "cold");
	check_sane();
}

static void test_skills_cap(void **state)
{
	(void)state;
	fake.waiting = 2;
	open_pool(NULL);
	for (int i = 0; i < 20; i++)
		ask(i % 2 ? "a" : "b", "me");
	wait_for(told("a", "waiting") + told("b", "waiting") == 2);
	fake_sleep(50);
	assert_int_equal(fake_alive(), 2);
	check_sane();
}

static void test_shrink(void **state)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)state;
	open_pool(NULL);
	warm("run", 4);
	assert_int_equal(sbx_pool_shrink(pool, "x", "run", "me", 1, &err), 0);
	wait_for(fake_alive() == 1 || fake_alive() == 0);
	assert_true(told("run", "waiting") <= 1);
	assert_int_equal(sbx_pool_shrink(pool, "x", "run", "you", 1, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_NOT_FOUND);
	check_sane();
}

/* Nothing is started any more, and requests still are answered. */
static void test_drain(void **state)
{
	(void)state;
	fake.start_ms = 50;
	open_pool(NULL);
	warm("run", 3);
	sbx_pool_drain(pool);
	assert_int_equal(fake_alive(), 0);
	assert_string_equal(ask("run", "me").taken.start, "cold");
	check_sane();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_warm),
		TEST(test_newest_first),
		TEST(test_owners),
		TEST(test_dead),
		TEST(test_dead_waiting),
		TEST(test_died_in_hand),
		TEST(test_early),
		TEST(test_late_serves_all),
		TEST(test_reset),
		TEST(test_not_clean),
		TEST(test_reset_special),
		TEST(test_reset_early),
		TEST(test_reset_many),
		TEST(test_nobody_waits_long_for_another),
		TEST(test_nobody_waits_for_who_waits),
		TEST(test_first_come),
		TEST(test_exits),
		TEST(test_backs_off),
		TEST(test_burst),
		TEST(test_burst_plans_once),
		TEST(test_burst_fails),
		TEST(test_cancel),
		TEST(test_changed_plan),
		TEST(test_changed_manifest),
		TEST(test_changed_policy),
		TEST(test_plan_lost),
		TEST(test_engine_comes_later),
		TEST(test_caps),
		TEST(test_memory_cap),
		TEST(test_pressure),
		TEST(test_skills_cap),
		TEST(test_shrink),
		TEST(test_drain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
