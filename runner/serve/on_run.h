/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_RUN_H
#define SBX_SERVE_ON_RUN_H

#include "serve/answer.h"
#include "serve/service.h"

/*
 * Answers POST /v1/runs, POST /v1/skills/{skill}/actions/{action} and POST
 * /v1/sessions/{session}/runs: with the record when the run has ended; with its
 * events as they come, where the client accepts them (application/x-ndjson,
 * text/event-stream); or at once, where it prefers that (Prefer: respond-async,
 * RFC 7240).
 */
void sbx_on_run(struct sbx_service *service,
		const struct sbx_exchange *exchange, struct sbx_answer *answer);

/*
 * The record of a run that is over, as an answer; @live becomes the answer's.
 */
void sbx_on_run_answer(struct sbx_answer *answer, unsigned int status,
		       struct sbx_live *live);

#endif
