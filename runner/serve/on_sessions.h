/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_SESSIONS_H
#define SBX_SERVE_ON_SESSIONS_H

#include "serve/answer.h"
#include "serve/service.h"

/*
 * Answers what is asked of sessions, each of its owner's only: those of others
 * are not found.  What runs in one is on_run.h's.
 */

/* GET /v1/sessions, and of one: GET /v1/sessions/{session}. */
void sbx_on_sessions(struct sbx_service *service,
		     const struct sbx_exchange *exchange,
		     struct sbx_answer *answer);
void sbx_on_sessions_one(struct sbx_service *service,
			 const struct sbx_exchange *exchange,
			 struct sbx_answer *answer);

/* POST /v1/sessions: 201; 409 where it exists. */
void sbx_on_sessions_create(struct sbx_service *service,
			    const struct sbx_exchange *exchange,
			    struct sbx_answer *answer);

/* DELETE /v1/sessions/{session}. */
void sbx_on_sessions_stop(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer);

/* POST /v1/sessions/{session}/pause, and resume; GET .../logs. */
void sbx_on_sessions_pause(struct sbx_service *service,
			   const struct sbx_exchange *exchange,
			   struct sbx_answer *answer);
void sbx_on_sessions_resume(struct sbx_service *service,
			    const struct sbx_exchange *exchange,
			    struct sbx_answer *answer);
void sbx_on_sessions_logs(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer);

/* GET and PUT /v1/sessions/{session}/files?path=, a tar. */
void sbx_on_sessions_files(struct sbx_service *service,
			   const struct sbx_exchange *exchange,
			   struct sbx_answer *answer);
void sbx_on_sessions_files_put(struct sbx_service *service,
			       const struct sbx_exchange *exchange,
			       struct sbx_answer *answer);

#endif
