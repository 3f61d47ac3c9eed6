/* SPDX-License-Identifier: MIT */
#include "serve/on_runs.h"

#include "base/mem.h"
#include "codec/units.h"
#include "serve/on_run.h"

/* A longer wait is as good as asking again. */
#define WAIT_MAX_MS 60000

static int owner_of(struct sbx_service *service,
		    const struct sbx_exchange *exchange, const char **out,
		    struct sbx_error *err)
{
	return sbx_service_owner(
		service, exchange,
		exchange->header(exchange->ctx, "Skillbox-Owner"), out, err);
}

void sbx_on_runs(struct sbx_service *service,
		 const struct sbx_exchange *exchange, struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	cleanup_free char *list = NULL;
	const char *owner;
	char *text;

	if (owner_of(service, exchange, &owner, &err) < 0) {
		sbx_answer_error(answer, &err);
		return;
	}
	list = sbx_runs_list(service->runs, owner);
	text = sbx_asprintf("{\"runs\": %s}", list);
	sbx_answer_text(answer, 200, SBX_ANSWER_JSON, text, free, text);
}

/* Held; NULL when that is answered. */
static struct sbx_live *find(struct sbx_service *service,
			     const struct sbx_exchange *exchange,
			     struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_live *live;
	const char *owner;

	if (owner_of(service, exchange, &owner, &err) < 0) {
		sbx_answer_error(answer, &err);
		return NULL;
	}
	live = sbx_runs_find(service->runs, owner, exchange->route.run_id);
	if (!live)
		sbx_answer_refuse(answer, 404, SBX_OUTCOME_NOT_FOUND,
				  "%s has no run called %s, or no longer",
				  owner, exchange->route.run_id);
	return live;
}

/* The record, or that there is none yet; takes @live. */
static void answer_state(struct sbx_answer *answer, struct sbx_live *live,
			 enum sbx_live_wait state)
{
	if (state == SBX_LIVE_OVER) {
		sbx_on_run_answer(answer, 200, live);
		return;
	}
	sbx_answer_header(answer, "Retry-After", "1");
	sbx_answer_json(answer, 202, sbx_live_json(live));
	sbx_live_release(&live);
}

void sbx_on_runs_get(struct sbx_service *service,
		     const struct sbx_exchange *exchange,
		     struct sbx_answer *answer)
{
	const char *wait = exchange->query(exchange->ctx, "wait");
	struct sbx_live *live;
	int64_t ms = 0;

	if (wait && !sbx_units_duration(wait, &ms)) {
		sbx_answer_refuse(answer, 400, SBX_OUTCOME_INVALID,
				  "wait: expected a duration such as 30s");
		return;
	}
	live = find(service, exchange, answer);
	if (live)
		answer_state(answer, live,
			     sbx_live_wait(live,
					   ms < WAIT_MAX_MS ? (double)ms
							    : WAIT_MAX_MS,
					   exchange->connection,
					   exchange->is_local));
}

void sbx_on_runs_delete(struct sbx_service *service,
			const struct sbx_exchange *exchange,
			struct sbx_answer *answer)
{
	struct sbx_live *live = find(service, exchange, answer);

	if (!live)
		return;
	sbx_live_cancel(live);
	answer_state(answer, live,
		     sbx_live_wait(live, 0, exchange->connection,
				   exchange->is_local));
}
