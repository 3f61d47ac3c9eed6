/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_EACH_H
#define SBX_BASE_EACH_H

#include <stddef.h>

/*
 * Calls @work once for each number below @n, in any order, by several threads
 * where that pays: no more than there are processors, and each with at least
 * @batch of them to do.  Returns when all is done; the caller's thread helps,
 * and does it alone where there is no other to be had.
 */
void sbx_each(size_t n, size_t batch, void (*work)(void *ctx, size_t i),
	      void *ctx);

#endif
