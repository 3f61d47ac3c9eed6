/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ON_SKILLS_H
#define SBX_SERVE_ON_SKILLS_H

#include "serve/answer.h"
#include "serve/service.h"

/* GET /v1/skills: {"skills": [{"name", "version", "description"}]}, sorted. */
void sbx_on_skills(struct sbx_service *service,
		   const struct sbx_exchange *exchange,
		   struct sbx_answer *answer);

/*
 * GET /v1/skills/{skill}: what there is to know before one calls it, with
 * "image": {"ready", "id", "tag", "error"}.
 */
void sbx_on_skills_one(struct sbx_service *service,
		       const struct sbx_exchange *exchange,
		       struct sbx_answer *answer);

#endif
