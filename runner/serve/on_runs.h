/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_RUNS_H
#define SBX_SERVE_ON_RUNS_H

#include "serve/answer.h"
#include "serve/service.h"

/* Answers requests for runs that there are: each owner has his own only. */

/* GET /v1/runs: {"runs": [...]}, oldest first. */
void sbx_on_runs(struct sbx_service *service,
		 const struct sbx_exchange *exchange,
		 struct sbx_answer *answer);

/*
 * GET /v1/runs/{run_id}?wait=DURATION: 200 with the record when the run is
 * over, 202 with what is known when it is not, nor within that time.
 */
void sbx_on_runs_get(struct sbx_service *service,
		     const struct sbx_exchange *exchange,
		     struct sbx_answer *answer);

/* DELETE /v1/runs/{run_id}: 202 when it is going to end, 200 when it has. */
void sbx_on_runs_delete(struct sbx_service *service,
			const struct sbx_exchange *exchange,
			struct sbx_answer *answer);

#endif
