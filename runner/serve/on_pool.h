/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_POOL_H
#define SBX_SERVE_ON_POOL_H

#include "serve/answer.h"
#include "serve/service.h"

/*
 * GET /v1/pool: what waits (sandbox/pool.h).  Over TCP one hears of one's own
 * only.
 */
void sbx_on_pool(struct sbx_service *service,
		 const struct sbx_exchange *exchange,
		 struct sbx_answer *answer);

/*
 * POST /v1/pool: {"skill", "action", "warm": N} has N of them waiting,
 * {..., "shrink": N} no more than that.  Answers as GET does.
 */
void sbx_on_pool_change(struct sbx_service *service,
			const struct sbx_exchange *exchange,
			struct sbx_answer *answer);

#endif
