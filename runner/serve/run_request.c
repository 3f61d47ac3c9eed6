/* SPDX-License-Identifier: MIT */
#include "serve/run_request.h"

#include <sodium.h>
#include <string.h>

#include "base/random.h"
#include "serve/job.h"
#include "skill/names.h"

/* In hexadecimal, with the NUL. */
#define RUN_ID_SIZE (32 + 1)

/* --- what is asked for ----------------------------------------------------- */

/* The path names skill and action, the body is the input. */
static int read_path(const struct sbx_exchange *exchange, struct sbx_job *job)
{
	struct sbx_call *call = &job->call;

	sbx_strset(&call->skill, exchange->route.skill);
	sbx_strset(&call->action, exchange->route.action);
	call->input = job->body.len ? sbx_buf_text(&job->body) : "{}";
	call->input_size = job->body.len ? job->body.len : strlen("{}");
	return 0;
}

/* Sets what a header says, where the body does not say something else. */
static int take_header(const struct sbx_exchange *exchange, const char *header,
		       bool (*fits)(const char *text), char **slot,
		       struct sbx_error *err)
{
	const char *value = exchange->header(exchange->ctx, header);

	if (!value)
		return 0;
	if (!fits(value))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the header %s is not 1 to 64 characters "
				     "of those that it may have",
				     header);
	if (*slot && strcmp(*slot, value) != 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the header %s says something else than "
				     "the body",
				     header);
	sbx_strset(slot, value);
	return 0;
}

static int decode(const struct sbx_exchange *exchange, struct sbx_job *job,
		  struct sbx_error *err)
{
	int result;

	job->body = *exchange->body;
	*exchange->body = (struct sbx_buf)SBX_BUF_INIT(0);
	if (exchange->route.id == SBX_ROUTE_RUN_ACTION)
		result = read_path(exchange, job);
	else
		result = sbx_call_decode(sbx_buf_text(&job->body),
					 job->body.len, &job->call, err);
	if (result < 0 ||
	    take_header(exchange, "Idempotency-Key", sbx_route_is_run_id,
			&job->call.run_id, err) < 0 ||
	    take_header(exchange, "Skillbox-Owner", sbx_name_is_owner,
			&job->call.owner, err) < 0)
		return -1;
	sbx_strset(&job->owner, exchange->owner);
	return 0;
}

/* Who asks may only do so for himself, unless the policy trusts him. */
static int check_rights(const struct sbx_job *job, struct sbx_error *err)
{
	const struct sbx_call *call = &job->call;

	if (call->owner && strcmp(call->owner, job->owner) != 0)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "callers.owner: the owner is %s, and the "
				     "policy lets no caller name another",
				     job->owner);
	return 0;
}

/* --- the answer ------------------------------------------------------------ */

static void release_live(void *ctx)
{
	struct sbx_live *live = ctx;

	sbx_live_release(&live);
}

/* @live is over, and becomes the answer's. */
static void answer_record(struct sbx_answer *answer, struct sbx_live *live)
{
	enum sbx_outcome outcome = sbx_live_outcome(live);
	unsigned int status = 200;

	if (outcome == SBX_OUTCOME_NOT_FOUND || outcome == SBX_OUTCOME_BUSY)
		status = sbx_answer_status(outcome);
	if (outcome == SBX_OUTCOME_BUSY)
		sbx_answer_header(answer, "Retry-After", "1");
	sbx_answer_header(answer, "Skillbox-Outcome",
			  sbx_outcome_name(outcome));
	sbx_answer_text(answer, status, sbx_live_record(live), release_live,
			live);
}

/* A run that is under way already, for another request. */
static void wait_for_other(const struct sbx_exchange *exchange,
			   struct sbx_answer *answer, struct sbx_live *live)
{
	if (sbx_live_wait(live, -1, exchange->connection, exchange->is_local) ==
	    SBX_LIVE_OVER) {
		answer_record(answer, live);
		return;
	}
	sbx_live_release(&live);
	sbx_answer_refuse(answer, 500, SBX_OUTCOME_INTERNAL,
			  "nobody waits for this run any more");
}

/* --- running --------------------------------------------------------------- */

/*
 * Of all that decides what is run.  Keyed, because secrets are in it and it
 * outlives them.
 */
static void digest(const struct sbx_exchange *exchange,
		   const struct sbx_job *job,
		   unsigned char out[static SBX_DIGEST_SIZE])
{
	static const unsigned char separator[1];
	crypto_generichash_state state;
	const char *const fields[] = {
		job->call.skill,
		job->call.action,
		sbx_route_pattern(exchange->route.id),
	};

	crypto_generichash_init(&state, job->service->digest_key,
				sizeof(job->service->digest_key),
				SBX_DIGEST_SIZE);
	for (size_t i = 0; i < SBX_ARRAY_SIZE(fields); i++)
		crypto_generichash_update(&state,
					  (const unsigned char *)fields[i],
					  strlen(fields[i]) + 1);
	crypto_generichash_update(&state, separator, sizeof(separator));
	crypto_generichash_update(
		&state, (const unsigned char *)sbx_buf_text(&job->body),
		job->body.len);
	crypto_generichash_final(&state, out, SBX_DIGEST_SIZE);
}

/* 0 with a run of our own, or as sbx_runs_begin(). */
static int begin(const struct sbx_exchange *exchange, struct sbx_job *job,
		 struct sbx_live **out, struct sbx_error *err)
{
	const struct sbx_call *call = &job->call;
	unsigned char hash[SBX_DIGEST_SIZE];
	char random[RUN_ID_SIZE];
	struct sbx_live_name name = {
		.owner = job->owner,
		.run_id = call->run_id ? call->run_id : random,
		.skill = call->skill,
		.action = call->action,
		.digest = call->run_id ? hash : NULL,
		.is_kept = call->run_id != NULL,
	};

	sbx_random_hex(random, sizeof(random));
	if (call->run_id)
		digest(exchange, job, hash);
	return sbx_runs_begin(job->service->runs, &name, out, err);
}

static void perform(const struct sbx_exchange *exchange, struct sbx_job *job,
		    struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;

	sbx_live_watch(job->live, exchange->connection, exchange->is_local);
	if (sbx_gate_enter(job->service->gate, &job->ticket, &err) < 0)
		sbx_job_fail(job, &err);
	else
		sbx_job_perform(job);
	answer_record(answer, sbx_take(job->live));
}

static void run(const struct sbx_exchange *exchange, struct sbx_job *job,
		struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_live *live = NULL;
	int result = begin(exchange, job, &live, &err);

	switch (result) {
	case 0:
		job->live = live;
		perform(exchange, job, answer);
		return;
	case SBX_RUNS_SAME:
		wait_for_other(exchange, answer, live);
		return;
	case SBX_RUNS_OTHER:
		sbx_answer_refuse(answer, 409, SBX_OUTCOME_INVALID,
				  "run_id: there is another run called %s",
				  job->call.run_id);
		return;
	default:
		sbx_answer_error(answer, &err);
	}
}

void sbx_run_request(struct sbx_service *service,
		     const struct sbx_exchange *exchange,
		     struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_job *job = NULL;

	sbx_job_new(&job, service);
	if (decode(exchange, job, &err) < 0 ||
	    sbx_settings_take(service->settings, &job->ground, &err) < 0 ||
	    check_rights(job, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		run(exchange, job, answer);
	sbx_job_free(&job);
}
