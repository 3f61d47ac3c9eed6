/* SPDX-License-Identifier: MIT */
#include "serve/dispatch.h"

#include "base/mem.h"
#include "base/text.h"
#include "engine/turn.h"
#include "serve/on_build.h"
#include "serve/on_mcp.h"
#include "serve/on_pool.h"
#include "serve/on_run.h"
#include "serve/on_runs.h"
#include "serve/on_sessions.h"
#include "serve/on_skills.h"
#include "skill/skill_image.h"

/* How long the engine may take to say that it is there. */
#define LOOK_MS 3000

/* The process answers, so it is alive. */
static void answer_health(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer)
{
	(void)service;
	(void)exchange;
	sbx_answer_json(answer, 200, json_pack("{s:s}", "state", "alive"));
}

/* The policy is one, and the engine answers. */
static int look_around(struct sbx_service *service, struct sbx_error *err)
{
	struct sbx_pool_policy *policy = NULL;
	struct sbx_engine *engine = NULL;
	json_t *version = NULL;
	int result = -1;

	if (sbx_policy_watch_get(service->policies, &policy, err) == 0 &&
	    sbx_engines_borrow(service->engines, &engine, err) == 0) {
		sbx_engine_set_patience(engine, LOOK_MS);
		result = sbx_engine_version(engine, &version, err);
	}
	sbx_engines_give(service->engines, &engine);
	sbx_pool_policy_unref(&policy);
	json_decref(version);
	return result;
}

/* Whether it makes sense to send it runs. */
static void answer_readiness(struct sbx_service *service,
			     const struct sbx_exchange *exchange,
			     struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;

	(void)exchange;
	if (service->is_draining)
		sbx_answer_refuse(answer, 503, SBX_OUTCOME_UNAVAILABLE,
				  "this daemon is about to end");
	else if (look_around(service, &err) < 0)
		sbx_answer_refuse(answer, 503, err.outcome, "%s", err.message);
	else
		sbx_answer_json(answer, 200,
				json_pack("{s:s}", "state", "ready"));
}

static void answer_metrics(struct sbx_service *service,
			   const struct sbx_exchange *exchange,
			   struct sbx_answer *answer)
{
	struct sbx_buf text = SBX_BUF_INIT(SBX_METRICS_SIZE_MAX);
	json_t *pool = sbx_pool_status(service->pool);
	struct sbx_metrics_now now = { .pool = pool,
				       .active = service->n_active };
	char *body;

	(void)exchange;
	sbx_turn_count(&now.engine_calls, &now.engine_seconds);
	sbx_skill_image_count(&now.builds_ok, &now.builds_failed);
	sbx_metrics_write(service->metrics, &now, &text);
	sbx_metrics_write_process(&text);
	json_decref(pool);
	body = sbx_buf_take(&text);
	sbx_answer_text(answer, 200, SBX_METRICS_TYPE, body, free, body);
}

/*
 * What is not understood may be what mattered.  Who asks for health or metrics
 * may add what he likes.
 */
static bool is_understood(const struct sbx_exchange *exchange,
			  struct sbx_answer *answer)
{
	enum sbx_route_id id = exchange->route.id;
	const char *known = sbx_route_query(id);
	const char *other;

	if (!sbx_text_has_prefix(sbx_route_pattern(id), "/v1/"))
		return true;
	other = exchange->other_query(exchange->ctx, known);
	if (!other)
		return true;
	sbx_answer_refuse(answer, 400, SBX_OUTCOME_INVALID,
			  "query: \"%.100s\" is no member of it here; "
			  "expected %s%s",
			  other, known ? "only " : "none", known ? known : "");
	return false;
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
		[SBX_ROUTE_METRICS] = answer_metrics,
		[SBX_ROUTE_RUN_ACTION] = sbx_on_run,
		[SBX_ROUTE_RUN] = sbx_on_run,
		[SBX_ROUTE_RUNS] = sbx_on_runs,
		[SBX_ROUTE_RUN_GET] = sbx_on_runs_get,
		[SBX_ROUTE_RUN_DELETE] = sbx_on_runs_delete,
		[SBX_ROUTE_SKILLS] = sbx_on_skills,
		[SBX_ROUTE_SKILL] = sbx_on_skills_one,
		[SBX_ROUTE_BUILD] = sbx_on_build,
		[SBX_ROUTE_POOL] = sbx_on_pool,
		[SBX_ROUTE_POOL_CHANGE] = sbx_on_pool_change,
		[SBX_ROUTE_SESSIONS] = sbx_on_sessions,
		[SBX_ROUTE_SESSION_CREATE] = sbx_on_sessions_create,
		[SBX_ROUTE_SESSION] = sbx_on_sessions_one,
		[SBX_ROUTE_SESSION_STOP] = sbx_on_sessions_stop,
		[SBX_ROUTE_SESSION_RUN] = sbx_on_run,
		[SBX_ROUTE_SESSION_PAUSE] = sbx_on_sessions_pause,
		[SBX_ROUTE_SESSION_RESUME] = sbx_on_sessions_resume,
		[SBX_ROUTE_SESSION_LOGS] = sbx_on_sessions_logs,
		[SBX_ROUTE_SESSION_FILES] = sbx_on_sessions_files,
		[SBX_ROUTE_SESSION_FILES_PUT] = sbx_on_sessions_files_put,
		[SBX_ROUTE_MCP] = sbx_on_mcp,
		[SBX_ROUTE_MCP_GET] = sbx_on_mcp_get,
		[SBX_ROUTE_MCP_DELETE] = sbx_on_mcp_delete,
	};

	if (is_understood(exchange, answer))
		handlers[exchange->route.id](service, exchange, answer);
}
