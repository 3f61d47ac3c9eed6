/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_BUILD_H
#define SBX_SERVE_ON_BUILD_H

#include "serve/answer.h"
#include "serve/service.h"

/*
 * POST /v1/skills/{skill}/build: makes sure of its image.  The answer begins
 * as a record does; "output" is {"image", "tag", "built"}.  To who accepts
 * events it is the last of them, "answer", and what is told meanwhile comes as
 * "build", as with a run.
 */
void sbx_on_build(struct sbx_service *service,
		  const struct sbx_exchange *exchange,
		  struct sbx_answer *answer);

#endif
