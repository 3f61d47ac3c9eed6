/* SPDX-License-Identifier: MIT */
#include "base/slots.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"

/* Who relies on it: engine/client.c, for all calls to an engine. */

#define SOON_MS 2000.0

/* A key that no other test and no engine has. */
static uint64_t own_key(void)
{
	return 0x5b0000000000 + (uint64_t)getpid();
}

static int take(struct sbx_slots *slots, unsigned int among, double wait_ms,
		int *slot)
{
	struct sbx_error err = SBX_ERROR_INIT;

	return sbx_slots_take(slots, among, wait_ms, -1, slot, &err);
}

/* A process that holds a slot until it is killed. */
static pid_t holder(uint64_t key, unsigned int n, unsigned int among)
{
	int fds[2];
	char done;
	pid_t child;

	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		struct sbx_slots slots;
		int slot;

		sbx_slots_init(&slots, key, n);
		if (take(&slots, among, 0, &slot) == 0 && slot >= 0 &&
		    write(fds[1], "", 1) == 1)
			pause();
		_exit(1);
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &done, 1), 1);
	close(fds[0]);
	return child;
}

static void end(pid_t child)
{
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* All may be had, no more, and dying gives one back. */
static void test_bound(void **state)
{
	struct sbx_slots slots;
	pid_t children[3];
	int slot;

	(void)state;
	for (int i = 0; i < 3; i++)
		children[i] = holder(own_key(), 3, 3);
	sbx_slots_init(&slots, own_key(), 3);
	assert_int_equal(take(&slots, 3, 50, &slot), SBX_SLOTS_BUSY);
	assert_int_equal(slot, SBX_SLOTS_NONE);
	end(children[1]);
	assert_int_equal(take(&slots, 3, SOON_MS, &slot), 0);
	assert_true(slot >= 0);
	sbx_slots_give(&slots, slot);
	end(children[0]);
	end(children[2]);
	sbx_slots_close(&slots);
}

/* Whoever may have some only leaves the rest to the others. */
static void test_among(void **state)
{
	pid_t some = holder(own_key(), 2, 1);
	pid_t all = holder(own_key(), 2, 2);
	struct sbx_slots slots;
	int slot;

	(void)state;
	sbx_slots_init(&slots, own_key(), 2);
	end(all);
	assert_int_equal(take(&slots, 1, 20, &slot), SBX_SLOTS_BUSY);
	assert_int_equal(take(&slots, 2, 0, &slot), 0);
	sbx_slots_close(&slots);
	end(some);
}

static void test_keys_are_apart(void **state)
{
	pid_t other = holder(own_key(), 1, 1);
	struct sbx_slots slots;
	int slot;

	(void)state;
	sbx_slots_init(&slots, own_key() + 1, 1);
	assert_int_equal(take(&slots, 1, 0, &slot), 0);
	assert_int_equal(slot, 0);
	sbx_slots_close(&slots);
	end(other);
}

/* Closing gives back as well: an engine's handle may be freed in a call. */
static void test_close(void **state)
{
	struct sbx_slots slots, others;
	int slot;

	(void)state;
	sbx_slots_init(&slots, own_key(), 1);
	sbx_slots_init(&others, own_key(), 1);
	assert_int_equal(take(&slots, 1, 0, &slot), 0);
	assert_int_equal(take(&others, 1, 0, &slot), SBX_SLOTS_BUSY);
	sbx_slots_close(&slots);
	assert_int_equal(take(&others, 1, 0, &slot), 0);
	sbx_slots_close(&others);
}

static void test_cancel(void **state)
{
	pid_t other = holder(own_key(), 1, 1);
	struct sbx_error err = SBX_ERROR_INIT;
	double began = sbx_clock_ms();
	struct sbx_slots slots;
	int fds[2];
	int slot;

	(void)state;
	assert_int_equal(pipe(fds), 0);
	sbx_slots_init(&slots, own_key(), 1);
	if (fork() == 0) {
		usleep(50 * 1000);
		_exit(write(fds[1], "", 1) == 1 ? 0 : 1);
	}
	assert_int_equal(sbx_slots_take(&slots, 1, 1e6, fds[0], &slot, &err),
			 -1);
	assert_int_equal(err.outcome, SBX_OUTCOME_CANCELLED);
	assert_true(sbx_clock_ms() - began < SOON_MS);
	wait(NULL);
	end(other);
	/* And nothing of it is left: the door is open. */
	assert_int_equal(take(&slots, 1, 0, &slot), 0);
	sbx_slots_close(&slots);
	close(fds[0]);
	close(fds[1]);
}

/* Where there can be no lock nothing is held up. */
static void test_unusable(void **state)
{
	struct rlimit old, none;
	struct sbx_slots slots;
	int slot;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ .rlim_cur = 0, .rlim_max = old.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	sbx_slots_init(&slots, own_key(), 1);
	assert_int_equal(take(&slots, 1, 1e6, &slot), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
	assert_int_equal(slot, SBX_SLOTS_NONE);
	sbx_slots_give(&slots, slot);
	sbx_slots_close(&slots);
}

/* --- many ------------------------------------------------------------------ */

#define PROCESSES 24
#define ROUNDS	  10
#define SLOTS	  3

struct shared {
	atomic_int now;
	atomic_int most;
	atomic_int failed;
	double ended[PROCESSES];
};

static void work(struct shared *shared, int index, uint64_t key)
{
	struct sbx_slots slots;

	sbx_slots_init(&slots, key, SLOTS);
	for (int i = 0; i < ROUNDS; i++) {
		int now, most, slot;

		if (take(&slots, SLOTS, 1e6, &slot) != 0 || slot < 0)
			shared->failed++;
		now = ++shared->now;
		most = shared->most;
		while (most < now && !atomic_compare_exchange_weak(
					     &shared->most, &most, now)) {
		}
		usleep(3000);
		shared->now--;
		sbx_slots_give(&slots, slot);
	}
	shared->ended[index] = sbx_clock_ms();
	sbx_slots_close(&slots);
}

static int by_size(const void *a, const void *b)
{
	double difference = *(const double *)a - *(const double *)b;

	return difference < 0 ? -1 : difference > 0;
}

/* Never more than there are, all of them in use, and nobody comes last. */
static void test_crowd(void **state)
{
	struct shared *shared = mmap(NULL, sizeof(*shared),
				     PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	double began = sbx_clock_ms();
	uint64_t key = own_key();

	(void)state;
	assert_ptr_not_equal(shared, MAP_FAILED);
	for (int i = 0; i < PROCESSES; i++) {
		if (fork() == 0) {
			work(shared, i, key);
			_exit(0);
		}
	}
	while (wait(NULL) > 0) {
	}
	assert_int_equal(shared->failed, 0);
	assert_int_equal(shared->most, SLOTS);
	qsort(shared->ended, PROCESSES, sizeof(double), by_size);
	assert_true(shared->ended[PROCESSES - 1] - began <
		    3 * (shared->ended[PROCESSES / 2] - began));
	munmap(shared, sizeof(*shared));
}

/* A call of an engine that answers at once takes some 100 us. */
static void test_costs_nothing(void **state)
{
	struct sbx_slots slots;
	double best = 1e9;

	(void)state;
	sbx_slots_init(&slots, own_key(), 4);
	for (int i = 0; i < 20; i++) {
		double began = sbx_clock_ms();

		for (int j = 0; j < 100; j++) {
			int slot;

			assert_int_equal(take(&slots, 4, 0, &slot), 0);
			sbx_slots_give(&slots, slot);
		}
		if (sbx_clock_ms() - began < best)
			best = sbx_clock_ms() - began;
	}
	assert_true(best / 100 < 0.02);
	sbx_slots_close(&slots);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_among),
		cmocka_unit_test(test_keys_are_apart),
		cmocka_unit_test(test_close),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_unusable),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
