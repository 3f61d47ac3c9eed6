/* SPDX-License-Identifier: MIT */
/*
 * Taking a sandbox and giving it back, step by step and in one thread: nobody
 * gets one that was another's, is not clean, or has died, and none that is not
 * wanted any more comes back.  With all its threads the pool is in test_pool.c.
 */
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "pool_fakes.h"

#include "../../runner/sandbox/pool_take.c"

static struct sbx_pool pool;
static struct sbx_stock *stock;
static struct sbx_plan *plan;

static struct sbx_plan *new_plan(const char *owner, size_t n_variables)
{
	struct sbx_overrides overrides = SBX_OVERRIDES_INIT;
	const struct sbx_plan_request request = { .skill = "x",
						  .action = "run",
						  .owner = owner,
						  .overrides = &overrides };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_plan *made = NULL;

	for (size_t i = 0; i < n_variables; i++)
		sbx_strv_push(&overrides.environment, "A=b");
	assert_int_equal(sbx_plan_read(&made, &request, &err), 0);
	assert_int_equal(sbx_plan_finish(made, &request, NULL, NULL, &err), 0);
	sbx_overrides_clear(&overrides);
	return made;
}

static int set_up(void **state)
{
	(void)state;
	alarm(30);
	fake_reset();
	fake.start_ms = 0;
	fake.reuse = SBX_REUSE_RESET;
	fake.warm.start = SBX_WARM_PROGRAM;
	memset(&pool, 0, sizeof(pool));
	pthread_mutex_init(&pool.lock, NULL);
	pthread_cond_init(&pool.work, NULL);
	pool.most_starts = 10;
	stock = sbx_stock_find(&pool, "x", "run", "me", true);
	plan = new_plan("me", 0);
	stock->plan = sbx_plan_ref(plan);
	return 0;
}

static void end_all(struct sbx_stocked **list)
{
	while (*list) {
		struct sbx_stocked *one = *list;

		*list = one->next;
		sbx_sandbox_free(&one->sandbox);
		sbx_plan_unref(&one->plan);
		free(one);
	}
}

/* All that there were are in one place. */
static int tear_down(void **state)
{
	(void)state;
	end_all(&stock->waiting);
	end_all(&pool.trash);
	sbx_stock_free_all(&pool);
	sbx_plan_unref(&plan);
	pthread_mutex_destroy(&pool.lock);
	pthread_cond_destroy(&pool.work);
	return fake_alive() == 0 && fake.clashes == 0 ? 0 : -1;
}

/* One that waits, in front of the others; its number. */
static struct sbx_stocked *put_one(struct sbx_plan *of)
{
	struct sbx_stocked *one = sbx_calloc(1, sizeof(*one));
	struct sbx_error err = SBX_ERROR_INIT;
	double ms;

	assert_int_equal(
		sbx_plan_start(of, NULL, "id", -1, &one->sandbox, &ms, &err),
		0);
	one->plan = sbx_plan_ref(of);
	one->made_at = sbx_clock_ms();
	sbx_stock_put(stock, one);
	return one;
}

static struct sbx_stocked *put_used(struct sbx_plan *of)
{
	struct sbx_stocked *one = put_one(of);

	one->was_used = true;
	one->resets = true;
	return one;
}

static struct sbx_pool_visit enter(void)
{
	stock->visitors++;
	return (struct sbx_pool_visit){ .pool = &pool, .stock = stock };
}

/* Its sandbox, or NULL: it has a place to start one. */
static struct sbx_sandbox *take(struct sbx_pool_visit *visit)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_pool_taken taken = { .start = NULL };

	assert_int_equal(sbx_pool_take(visit, plan, NULL, -1, &taken, &err), 0);
	assert_int_equal(visit->has_cold_place, taken.sandbox == NULL);
	assert_int_equal(strcmp(taken.start, "cold") == 0,
			 taken.sandbox == NULL);
	return taken.sandbox;
}

static void leave(struct sbx_pool_visit *visit, struct sbx_sandbox *sandbox,
		  bool is_clean)
{
	sbx_pool_leave(visit, plan, &sandbox, is_clean);
	assert_null(sandbox);
	assert_int_equal(stock->visitors, 0);
	assert_int_equal(stock->busy, 0);
	assert_int_equal(stock->lent, 0);
	assert_int_equal(stock->coming, 0);
	assert_int_equal(pool.n_cold, 0);
}

static unsigned int n_trashed(void)
{
	unsigned int n = 0;

	for (const struct sbx_stocked *one = pool.trash; one; one = one->next)
		n++;
	return n;
}

/* --- taking ------------------------------------------------------------------
 */

static void test_none_is_taken_twice(void **state)
{
	struct sbx_sandbox *newest, *oldest;
	struct sbx_pool_visit visits[3] = { enter(), enter(), enter() };

	(void)state;
	oldest = put_one(plan)->sandbox;
	newest = put_one(plan)->sandbox;
	assert_ptr_equal(take(&visits[0]), newest);
	assert_ptr_equal(take(&visits[1]), oldest);
	assert_null(take(&visits[2]));
	stock->visitors = 1;
	sbx_pool_leave(&visits[0], plan, &newest, false);
	stock->visitors = 1;
	sbx_pool_leave(&visits[1], plan, &oldest, false);
	stock->visitors = 1;
	leave(&visits[2], NULL, false);
	assert_int_equal(n_trashed(), 2);
	assert_int_equal(pool.takes.dead, 0);
}

/* What has run has what another plan gave it. */
static void test_nobody_gets_what_was_made_for_another(void **state)
{
	struct sbx_plan *special = new_plan("me", 1);
	struct sbx_plan *other = new_plan("you", 0);
	struct sbx_pool_visit visit = enter();

	(void)state;
	put_used(special);
	put_one(special)->runs = true;
	put_one(other);
	put_used(other);
	assert_null(take(&visit));
	assert_int_equal(stock->n_waiting, 4);
	leave(&visit, NULL, false);
	sbx_plan_unref(&special);
	sbx_plan_unref(&other);
}

static void test_clean_ones_come_first(void **state)
{
	struct sbx_pool_visit visits[3] = { enter(), enter(), enter() };
	struct sbx_sandbox *all[3] = { put_used(plan)->sandbox,
				       put_one(plan)->sandbox,
				       put_used(plan)->sandbox };
	const int order[3] = { 1, 2, 0 };

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct sbx_sandbox *got = take(&visits[i]);

		assert_ptr_equal(got, all[order[i]]);
		assert_false(visits[i].taken->resets);
	}
	for (int i = 0; i < 3; i++) {
		stock->visitors = 1;
		sbx_pool_leave(&visits[i], plan, &all[order[i]], false);
	}
}

static void test_nobody_gets_a_dirty_one(void **state)
{
	struct sbx_pool_visit visit = enter();

	(void)state;
	fake.stays_dirty = true;
	put_used(plan);
	assert_null(take(&visit));
	assert_int_equal(n_trashed(), 1);
	assert_int_equal(pool.takes.dead, 1);
	assert_int_equal(stock->takes.dead, 1);
	leave(&visit, NULL, false);
}

/* One that does not say so in time is not clean. */
static void test_nobody_waits_for_ever(void **state)
{
	struct sbx_pool_visit visit = enter();
	double began = sbx_clock_ms();

	(void)state;
	fake.resets = INT_MAX;
	put_used(plan);
	assert_null(take(&visit));
	assert_true(sbx_clock_ms() - began >= RESET_MAX_MS);
	assert_int_equal(n_trashed(), 1);
	leave(&visit, NULL, false);
}

static void test_one_that_takes_a_moment(void **state)
{
	struct sbx_pool_visit visit = enter();
	struct sbx_stocked *one = put_used(plan);

	(void)state;
	fake.resets = 5;
	assert_ptr_equal(take(&visit), one->sandbox);
	assert_false(one->resets);
	assert_int_equal(fake.resets, 0);
	leave(&visit, one->sandbox, false);
}

/* Some have died: few are looked at, and all that were are gone. */
static void test_dead(void **state)
{
	struct sbx_pool_visit visit = enter();

	(void)state;
	for (int i = 0; i < TRIES_MAX + 2; i++)
		put_one(plan);
	fake_kill_all();
	assert_null(take(&visit));
	assert_int_equal(n_trashed(), TRIES_MAX);
	assert_int_equal(pool.takes.dead, TRIES_MAX);
	assert_int_equal(stock->n_waiting, 2);
	assert_int_equal(stock->late[0], '\0');
	leave(&visit, NULL, false);
}

/* A program that does not wait for its request is not started early again. */
static void test_exited(void **state)
{
	struct sbx_pool_visit visit = enter();

	(void)state;
	put_one(plan)->sandbox->has_exited = true;
	assert_null(take(&visit));
	assert_int_equal(n_trashed(), 1);
	assert_int_not_equal(stock->late[0], '\0');
	leave(&visit, NULL, false);
}

static void test_cancelled(void **state)
{
	struct sbx_pool_visit visit = enter();
	struct sbx_pool_taken taken = { .start = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	close(ends[1]);
	pool.most_starts = 0;
	assert_int_equal(
		sbx_pool_take(&visit, plan, NULL, ends[0], &taken, &err), -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	assert_false(visit.has_cold_place);
	assert_null(taken.start);
	close(ends[0]);
	leave(&visit, NULL, false);
}

/* --- giving back -------------------------------------------------------------
 */

/* Takes and gives back; whether it waits for the next one. */
static bool comes_again(bool is_clean)
{
	struct sbx_pool_visit visit = enter();
	unsigned int trashed = n_trashed();
	struct sbx_sandbox *sandbox = put_one(plan)->sandbox;

	assert_ptr_equal(take(&visit), sandbox);
	leave(&visit, sandbox, is_clean);
	if (stock->n_waiting == 0) {
		assert_int_equal(n_trashed(), trashed + 1);
		return false;
	}
	assert_int_equal(n_trashed(), trashed);
	assert_ptr_equal(stock->waiting->sandbox, sandbox);
	assert_ptr_equal(stock->waiting->plan, plan);
	assert_true(stock->waiting->was_used);
	assert_true(stock->waiting->resets);
	assert_false(stock->waiting->runs);
	return true;
}

static void test_clean(void **state)
{
	(void)state;
	assert_true(comes_again(true));
}

static void test_not_clean(void **state)
{
	(void)state;
	assert_false(comes_again(false));
}

/* One of its own, which the pool has not seen before. */
static void test_cold(void **state)
{
	struct sbx_pool_visit visit = enter();
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_sandbox *sandbox = NULL;
	double ms;

	(void)state;
	assert_null(take(&visit));
	assert_int_equal(
		sbx_plan_start(plan, NULL, "id", -1, &sandbox, &ms, &err), 0);
	leave(&visit, sandbox, true);
	assert_int_equal(stock->n_waiting, 1);
	assert_ptr_equal(stock->waiting->sandbox, sandbox);
	assert_true(stock->waiting->was_used && stock->waiting->resets);
	assert_true(sbx_clock_ms() - stock->waiting->made_at < 10000);
}

/* It had a sandbox no more, or was in no pool. */
static void test_nothing(void **state)
{
	struct sbx_pool_visit visit = enter();
	struct sbx_pool_visit none = { .pool = NULL };
	struct sbx_sandbox *sandbox = NULL;

	(void)state;
	assert_null(take(&visit));
	leave(&visit, NULL, true);
	assert_int_equal(stock->n_waiting, 0);
	assert_int_equal(n_trashed(), 0);
	sbx_pool_leave(&none, plan, &sandbox, true);
	/* One of no stock ends with its request. */
	none.pool = &pool;
	none.taken = put_one(plan);
	sandbox = none.taken->sandbox;
	sbx_stock_unlink(stock, &stock->waiting);
	sbx_pool_leave(&none, plan, &sandbox, true);
	assert_int_equal(n_trashed(), 1);
}

static void test_not_wanted(void **state)
{
	struct sbx_plan *changed = new_plan("me", 1);

	(void)state;
	pool.is_draining = true;
	assert_false(comes_again(true));
	pool.is_draining = false;
	pool.pressure[0] = 'x';
	assert_false(comes_again(true));
	pool.pressure[0] = '\0';
	sbx_plan_unref(&stock->plan);
	assert_false(comes_again(true));
	/* Its environment is another by now, or its secrets. */
	stock->plan = changed;
	assert_false(comes_again(true));
	sbx_plan_unref(&stock->plan);
	stock->plan = sbx_plan_ref(plan);
	stock->plan->grant.waiting = 0;
	assert_false(comes_again(true));
	stock->plan->grant.waiting = 1;
	assert_true(comes_again(true));
}

static void test_too_old(void **state)
{
	struct sbx_pool_visit visit = enter();
	struct sbx_sandbox *sandbox = put_one(plan)->sandbox;

	(void)state;
	assert_ptr_equal(take(&visit), sandbox);
	visit.taken->made_at -= SBX_POOL_AGE_MAX_MS;
	leave(&visit, sandbox, true);
	assert_int_equal(stock->n_waiting, 0);
	assert_int_equal(n_trashed(), 1);
}

/* --- whose -------------------------------------------------------------------
 */

static void test_stocks(void **state)
{
	(void)state;
	assert_ptr_equal(sbx_stock_find(&pool, "x", "run", "me", false), stock);
	assert_null(sbx_stock_find(&pool, "y", "run", "me", false));
	assert_null(sbx_stock_find(&pool, "x", "go", "me", false));
	assert_null(sbx_stock_find(&pool, "x", "run", "you", false));
	assert_ptr_equal(sbx_stock_find(&pool, "x", "run", "me", true), stock);
	assert_int_equal(pool.n_stocks, 1);
}

static void test_others_are_dropped(void **state)
{
	struct sbx_plan *special = new_plan("me", 1);

	(void)state;
	put_used(plan);
	put_used(special);
	put_one(special);
	sbx_stock_drop_others(&pool, stock, plan);
	assert_int_equal(stock->n_waiting, 2);
	assert_int_equal(n_trashed(), 1);
	sbx_stock_drop_others(&pool, stock, NULL);
	assert_int_equal(stock->n_waiting, 0);
	assert_int_equal(n_trashed(), 3);
	sbx_plan_unref(&special);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_none_is_taken_twice),
		TEST(test_nobody_gets_what_was_made_for_another),
		TEST(test_clean_ones_come_first),
		TEST(test_nobody_gets_a_dirty_one),
		TEST(test_nobody_waits_for_ever),
		TEST(test_one_that_takes_a_moment),
		TEST(test_dead),
		TEST(test_exited),
		TEST(test_cancelled),
		TEST(test_clean),
		TEST(test_not_clean),
		TEST(test_cold),
		TEST(test_nothing),
		TEST(test_not_wanted),
		TEST(test_too_old),
		TEST(test_stocks),
		TEST(test_others_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
