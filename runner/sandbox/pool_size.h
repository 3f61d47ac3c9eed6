/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_POOL_SIZE_H
#define SBX_SANDBOX_POOL_SIZE_H

#include <stdint.h>

/*
 * How many sandboxes are worth keeping.
 *
 * What has to wait is what may be asked for until one that was taken has been
 * replaced: the arrivals of that time, n = rate x refill, and because they do
 * not come evenly twice the square root of that on top (two deviations, if
 * they come by chance).  The rate is an average in which a request counts less
 * the longer ago it was, by half every SBX_POOL_HALF_LIFE_MS; so after the last
 * one the number decays, and the last sandbox goes after some minutes.  Pure.
 */

#define SBX_POOL_HALF_LIFE_MS 20000.0

/*
 * @rate	arrivals a millisecond, as of @at
 * @refill_ms	smoothed; from a sandbox's being taken to the next one's being
 *		there
 */
struct sbx_pool_size {
	double rate;
	double at;
	double refill_ms;
};

#define SBX_POOL_SIZE_INIT                                                     \
	{                                                                      \
		.refill_ms = 200                                               \
	}

/* A request came at @now. */
void sbx_pool_size_arrival(struct sbx_pool_size *size, double now);

/* It took @ms until there was one again. */
void sbx_pool_size_refill(struct sbx_pool_size *size, double ms);

/* Arrivals a millisecond. */
double sbx_pool_size_rate(const struct sbx_pool_size *size, double now);

/* How many, at least @min and at most @max. */
int64_t sbx_pool_size_target(const struct sbx_pool_size *size, double now,
			     int64_t min, int64_t max);

#endif
