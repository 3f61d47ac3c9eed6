/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_DISPATCH_H
#define SBX_SERVE_DISPATCH_H

#include "serve/answer.h"
#include "serve/service.h"

/* Answers a request by its route.  May take as long as a run does. */
void sbx_dispatch(struct sbx_service *service,
		  const struct sbx_exchange *exchange,
		  struct sbx_answer *answer);

#endif
