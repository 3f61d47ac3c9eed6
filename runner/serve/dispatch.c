/* SPDX-License-Identifier: MIT */
#include "serve/dispatch.h"

#include "base/mem.h"
#include "serve/run_request.h"

/* The process answers, so it is alive. */
static void answer_health(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer)
{
	(void)service;
	(void)exchange;
	sbx_answer_json(answer, 200, json_pack("{s:s}", "state", "alive"));
}

/* Whether it makes sense to send it runs: asks the engine, too. */
static void answer_readiness(struct sbx_service *service,
			     const struct sbx_exchange *exchange,
			     struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	const struct sbx_ground *ground = NULL;
	json_t *version = NULL;

	(void)exchange;
	if (service->is_draining)
		sbx_answer_refuse(answer, 503, SBX_OUTCOME_UNAVAILABLE,
				  "this daemon is about to end");
	else if (sbx_settings_take(service->settings, &ground, &err) < 0 ||
		 sbx_engines_borrow(service->engines, &engine, &err) < 0)
		sbx_answer_refuse(answer, 503, err.outcome, "%s", err.message);
	else {
		sbx_engine_set_patience(engine, 3000);
		if (sbx_engine_version(engine, &version, &err) < 0)
			sbx_answer_refuse(answer, 503, err.outcome, "%s",
					  err.message);
		else
			sbx_answer_json(answer, 200,
					json_pack("{s:s}", "state", "ready"));
	}
	sbx_engines_give(service->engines, &engine);
	if (ground)
		sbx_ground_release(&ground);
	json_decref(version);
}

void sbx_dispatch(struct sbx_service *service,
		  const struct sbx_exchange *exchange,
		  struct sbx_answer *answer)
{
	static void (*const handlers[SBX_ROUTE_COUNT])(
		struct sbx_service * service,
		const struct sbx_exchange *exchange,
		struct sbx_answer *answer) = {
		[SBX_ROUTE_HEALTHZ] = answer_health,
		[SBX_ROUTE_READYZ] = answer_readiness,
		[SBX_ROUTE_RUN_ACTION] = sbx_run_request,
		[SBX_ROUTE_RUN] = sbx_run_request,
	};

	handlers[exchange->route.id](service, exchange, answer);
}
