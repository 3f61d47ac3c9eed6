/* SPDX-License-Identifier: MIT */
#include "engine/turn.h"

#include <math.h>
#include <sched.h>
#include <stdatomic.h>

#include "base/clock.h"

/* How long a call may wait for its turn. */
#define WAIT_MS	       (5 * 60 * 1000)
#define URGENT_WAIT_MS 1000

#define CALLS_PER_CORE 2

void sbx_turn_init(struct sbx_turn *turn)
{
	*turn = (struct sbx_turn){
		.patience = INFINITY,
		.until = INFINITY,
		.slots.fd = -1,
		.slot = SBX_SLOTS_NONE,
	};
}

void sbx_turn_free(struct sbx_turn *turn)
{
	sbx_slots_close(&turn->slots);
}

/* Of those cores that we may use. */
static unsigned int calls_at_once(void)
{
	cpu_set_t cores;

	if (sched_getaffinity(0, sizeof(cores), &cores) < 0)
		return CALLS_PER_CORE;
	return CALLS_PER_CORE * (unsigned int)CPU_COUNT(&cores);
}

/* An engine that was started again, or only now, is another. */
static void find_slots(struct sbx_turn *turn, uint64_t identity)
{
	if (turn->slots.n > 0 && turn->identity == identity)
		return;
	sbx_slots_close(&turn->slots);
	sbx_slots_init(&turn->slots, identity, calls_at_once());
	turn->identity = identity;
}

static int take_slot(struct sbx_turn *turn,
		     const struct sbx_transport *transport,
		     enum sbx_turn_kind kind, int cancel_fd,
		     struct sbx_error *err)
{
	struct sbx_slots *slots = &turn->slots;
	bool is_urgent = kind == SBX_TURN_URGENT;
	double began = sbx_clock_ms();
	int result;

	find_slots(turn, transport->ops->identity(transport));
	result = sbx_slots_take(
		slots, kind == SBX_TURN_LONG ? slots->n / 2 : slots->n,
		is_urgent ? fmin(URGENT_WAIT_MS, turn->patience / 4) : WAIT_MS,
		cancel_fd, &turn->slot, err);
	if (is_urgent)
		turn->patience -= sbx_clock_ms() - began;
	if (result != SBX_SLOTS_BUSY || is_urgent)
		return result < 0 ? -1 : 0;
	return sbx_error_set(err, SBX_OUTCOME_BUSY,
			     "%s at %s: as many calls as it can take were "
			     "under way for %d s",
			     transport->peer, transport->url, WAIT_MS / 1000);
}

int sbx_turn_too_slow(const struct sbx_transport *transport,
		      struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "%s at %s: it took too long", transport->peer,
			     transport->url);
}

double sbx_turn_left(const struct sbx_turn *turn, int64_t limit_ms)
{
	if (limit_ms == 0)
		return INFINITY;
	return turn->began + (double)limit_ms - sbx_clock_ms();
}

int sbx_turn_over(const struct sbx_transport *transport, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_TIMEOUT,
			     "%s at %s: it took longer than it may",
			     transport->peer, transport->url);
}

int sbx_turn_begin(struct sbx_turn *turn, const struct sbx_transport *transport,
		   enum sbx_turn_kind kind, int cancel_fd,
		   struct sbx_error *err)
{
	if (turn->patience <= 0 && kind != SBX_TURN_LONG)
		return sbx_turn_too_slow(transport, err);
	if (kind != SBX_TURN_FREE &&
	    take_slot(turn, transport, kind, cancel_fd, err) < 0)
		return -1;
	turn->began = sbx_clock_ms();
	turn->until = INFINITY;
	if (kind != SBX_TURN_LONG)
		turn->until = sbx_clock_ms() + turn->patience;
	return 0;
}

static atomic_uint_fast64_t n_calls;
static atomic_uint_fast64_t call_us;

void sbx_turn_count(uint64_t *calls, double *seconds)
{
	*calls = n_calls;
	*seconds = (double)call_us / 1e6;
}

void sbx_turn_end(struct sbx_turn *turn)
{
	n_calls++;
	call_us += (uint64_t)((sbx_clock_ms() - turn->began) * 1000);
	sbx_slots_give(&turn->slots, turn->slot);
	turn->slot = SBX_SLOTS_NONE;
	if (isfinite(turn->until))
		turn->patience = turn->until - sbx_clock_ms();
	turn->silences = turn->patience > 0 ? 0 : turn->silences + 1;
	turn->until = INFINITY;
}
