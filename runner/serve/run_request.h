/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_RUN_REQUEST_H
#define SBX_SERVE_RUN_REQUEST_H

#include "serve/answer.h"
#include "serve/service.h"

/*
 * Answers POST /v1/runs and POST /v1/skills/{skill}/actions/{action}: with the
 * record when the run has ended.
 */
void sbx_run_request(struct sbx_service *service,
		     const struct sbx_exchange *exchange,
		     struct sbx_answer *answer);

#endif
