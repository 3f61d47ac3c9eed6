/* SPDX-License-Identifier: MIT */
#include "sandbox/pool_size.h"

#include <math.h>

/* Fewer arrivals than that while one is replaced are as good as none. */
#define NOBODY 0.0001

/* What a new measurement of the refill counts. */
#define WEIGHT 0.2

double sbx_pool_size_rate(const struct sbx_pool_size *size, double now)
{
	if (now <= size->at)
		return size->rate;
	return size->rate * exp2((size->at - now) / SBX_POOL_HALF_LIFE_MS);
}

void sbx_pool_size_arrival(struct sbx_pool_size *size, double now)
{
	/* In the end a steady stream of arrivals adds up to its rate. */
	size->rate =
		sbx_pool_size_rate(size, now) + M_LN2 / SBX_POOL_HALF_LIFE_MS;
	size->at = now;
}

void sbx_pool_size_refill(struct sbx_pool_size *size, double ms)
{
	size->refill_ms += WEIGHT * (ms - size->refill_ms);
}

int64_t sbx_pool_size_target(const struct sbx_pool_size *size, double now,
			     int64_t min, int64_t max)
{
	double n = sbx_pool_size_rate(size, now) * size->refill_ms;
	int64_t target = 0;

	if (n > NOBODY)
		target = (int64_t)fmin(ceil(n + 2 * sqrt(n)), (double)max);
	return target < min ? min : target;
}
