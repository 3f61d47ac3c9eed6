/* SPDX-License-Identifier: MIT */
#include "serve/on_run.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "base/random.h"
#include "codec/json.h"
#include "codec/trace_context.h"
#include "serve/job.h"

/* In hexadecimal, with the NUL. */
#define RUN_ID_SIZE (32 + 1)

/* How the client wants to be answered. */
struct manner {
	bool is_async;
	bool has_events;
	bool has_output; /* among the events; the record has it anyway */
	enum sbx_stream_form form;
};

static struct manner manner_of(const struct sbx_exchange *exchange)
{
	const char *prefer = exchange->header(exchange->ctx, "Prefer");
	struct manner how = { .form = SBX_STREAM_LINES };

	how.is_async = prefer && strcasestr(prefer, "respond-async");
	how.has_output = !prefer || !strcasestr(prefer, "output=none");
	how.has_events = sbx_stream_is_accepted(
		exchange->header(exchange->ctx, "Accept"), &how.form);
	return how;
}

/* --- what is asked for ----------------------------------------------------- */

/* The path names skill and action, the body is the input. */
static void read_path(const struct sbx_exchange *exchange, struct sbx_job *job)
{
	struct sbx_call *call = &job->call;

	sbx_strset(&call->skill, exchange->route.skill);
	sbx_strset(&call->action, exchange->route.action);
	call->input = job->body.len ? sbx_buf_text(&job->body) : "{}";
	call->input_size = job->body.len ? job->body.len : strlen("{}");
}

/* Sets what a header says, where the body does not say something else. */
static int take_header(const struct sbx_exchange *exchange, const char *header,
		       char **slot, struct sbx_error *err)
{
	const char *value = exchange->header(exchange->ctx, header);

	if (!value)
		return 0;
	if (*slot && strcmp(*slot, value) != 0)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "the header %s says something else than "
				     "the body",
				     header);
	sbx_strset(slot, value);
	return 0;
}

static int take_headers(const struct sbx_exchange *exchange,
			struct sbx_call *call, struct sbx_error *err)
{
	if (take_header(exchange, "Idempotency-Key", &call->run_id, err) < 0 ||
	    take_header(exchange, "Skillbox-Owner", &call->owner, err) < 0)
		return -1;
	if (call->run_id && !sbx_route_is_run_id(call->run_id))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "Idempotency-Key: expected 1 to 64 "
				     "characters of [A-Za-z0-9._-]");
	return 0;
}

static void take_trace(const struct sbx_exchange *exchange, struct sbx_job *job)
{
	const char *value = exchange->header(exchange->ctx, "traceparent");

	if (value && sbx_trace_is_parent(value))
		sbx_strset(&job->traceparent, value);
}

static int decode_body(const struct sbx_exchange *exchange, struct sbx_job *job,
		       struct sbx_error *err)
{
	const char *body = sbx_buf_text(&job->body);

	if (exchange->route.id != SBX_ROUTE_SESSION_RUN)
		return sbx_call_decode(body, job->body.len, &job->call, err);
	if (sbx_call_decode_in_session(body, job->body.len, &job->call, err) <
	    0)
		return -1;
	sbx_strset(&job->call.session, exchange->route.session);
	return 0;
}

static int decode(const struct sbx_exchange *exchange, struct sbx_job *job,
		  struct sbx_error *err)
{
	job->body = *exchange->body;
	*exchange->body = (struct sbx_buf)SBX_BUF_INIT(0);
	if (exchange->route.id == SBX_ROUTE_RUN_ACTION)
		read_path(exchange, job);
	else if (decode_body(exchange, job, err) < 0)
		return -1;
	take_trace(exchange, job);
	return take_headers(exchange, &job->call, err);
}

/* Who asks may only do so for himself, unless the policy trusts him. */
static int check_rights(const struct sbx_exchange *exchange,
			struct sbx_job *job, struct sbx_error *err)
{
	const char *owner;

	if (sbx_service_owner(job->service, exchange, job->call.owner, &owner,
			      err) < 0)
		return -1;
	sbx_strset(&job->owner, owner);
	return sbx_service_secrets(job->service, job->call.secrets.n, err);
}

/* --- the answer ------------------------------------------------------------ */

static void release_live(void *ctx)
{
	struct sbx_live *live = ctx;

	sbx_live_release(&live);
}

static void cancel_live(void *ctx)
{
	sbx_live_cancel(ctx);
}

void sbx_on_run_answer(struct sbx_answer *answer, unsigned int status,
		       struct sbx_live *live)
{
	enum sbx_outcome outcome = sbx_live_outcome(live);

	if (status == 429)
		sbx_answer_header(answer, "Retry-After", "1");
	sbx_answer_header(answer, "Skillbox-Outcome",
			  sbx_outcome_name(outcome));
	sbx_answer_text(answer, status, SBX_ANSWER_JSON, sbx_live_record(live),
			release_live, live);
}

/* A run that could not be is told by the status as well. */
static void answer_run(struct sbx_answer *answer, struct sbx_live *live)
{
	enum sbx_outcome outcome = sbx_live_outcome(live);
	bool was_none = outcome == SBX_OUTCOME_NOT_FOUND ||
			outcome == SBX_OUTCOME_BUSY;

	sbx_on_run_answer(answer, was_none ? sbx_answer_status(outcome) : 200,
			  live);
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
	const struct sbx_call *call = &job->call;
	const char *const fields[] = {
		call->skill ? call->skill : "",
		call->action ? call->action : "",
		call->session ? call->session : "",
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
static int begin(const struct sbx_exchange *exchange, const struct manner *how,
		 struct sbx_job *job, struct sbx_live **out,
		 struct sbx_error *err)
{
	const struct sbx_call *call = &job->call;
	unsigned char hash[SBX_DIGEST_SIZE];
	char random[RUN_ID_SIZE];
	struct sbx_live_name name = {
		.owner = job->owner,
		.run_id = call->run_id ? call->run_id : random,
		.skill = call->skill,
		.action = call->action,
		.session = call->session,
		.digest = call->run_id ? hash : NULL,
		.is_kept = call->run_id || how->is_async,
	};

	sbx_random_hex(random, sizeof(random));
	if (call->run_id)
		digest(exchange, job, hash);
	return sbx_runs_begin(job->service->runs, &name, out, err);
}

/* At once: where it will be found. */
static void promise(struct sbx_answer *answer, struct sbx_live *live)
{
	cleanup_free char *where =
		sbx_asprintf("/v1/runs/%s", sbx_live_id(live));

	sbx_answer_header(answer, "Location", where);
	sbx_answer_header(answer, "Preference-Applied", "respond-async");
	sbx_answer_json(answer, 202, sbx_live_json(live));
}

static void end_stream(void *ctx, const json_t *record, const char *text)
{
	const char *outcome = sbx_json_text_at(record, "outcome", NULL);

	sbx_stream_end(ctx, "record", text, strcmp(outcome, "ok") == 0);
}

/*
 * As it goes on.  Bytes without events around them are an answer of their own
 * only if there are some: else the record says why not.
 */
static void stream_run(const struct sbx_exchange *exchange,
		       const struct manner *how, struct sbx_job **job,
		       struct sbx_answer *answer, struct sbx_live *live)
{
	const struct sbx_stream_source source = {
		.cancel = cancel_live,
		.release = release_live,
		.ctx = live,
	};
	struct sbx_stream *stream = NULL;

	sbx_stream_new(&stream, how->form, &source, exchange->connection);
	if (!how->has_output)
		sbx_stream_leave_out_output(stream);
	sbx_stream_events(stream, &(*job)->events);
	(*job)->on_end = end_stream;
	(*job)->ctx = stream;
	sbx_answer_stream(answer, stream, how->form);
	sbx_job_spawn(job);
	if (how->form == SBX_STREAM_BYTES && !sbx_stream_begins(stream))
		answer_run(answer, sbx_live_hold(live));
}

/* In this thread, or in one of its own, which frees it; takes the job. */
static void perform(const struct sbx_exchange *exchange,
		    const struct manner *how, struct sbx_job **job,
		    struct sbx_answer *answer)
{
	struct sbx_live *live = sbx_live_hold((*job)->live);
	struct sbx_error err = SBX_ERROR_INIT;

	if (!how->is_async)
		sbx_live_watch(live, exchange->connection, exchange->is_local);
	if (sbx_gate_enter((*job)->service->gate, &(*job)->ticket, &err) < 0) {
		sbx_job_fail(*job, &err);
		answer_run(answer, live);
	} else if (how->is_async) {
		promise(answer, live);
		sbx_live_release(&live);
		sbx_job_spawn(job);
	} else if (how->has_events) {
		stream_run(exchange, how, job, answer, live);
	} else {
		sbx_job_perform(*job);
		answer_run(answer, live);
	}
}

/* A run that is under way already, or over, for another request. */
static void join(const struct sbx_exchange *exchange, const struct manner *how,
		 struct sbx_answer *answer, struct sbx_live *live)
{
	if (how->is_async) {
		promise(answer, live);
		sbx_live_release(&live);
		return;
	}
	if (sbx_live_wait(live, -1, exchange->connection, exchange->is_local) ==
	    SBX_LIVE_OVER) {
		answer_run(answer, live);
		return;
	}
	sbx_live_release(&live);
	sbx_answer_refuse(answer, 500, SBX_OUTCOME_INTERNAL,
			  "nobody waits for this run any more");
}

static void run(const struct sbx_exchange *exchange, const struct manner *how,
		struct sbx_job **job, struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_live *live = NULL;

	switch (begin(exchange, how, *job, &live, &err)) {
	case 0:
		(*job)->live = live;
		perform(exchange, how, job, answer);
		return;
	case SBX_RUNS_SAME:
		join(exchange, how, answer, live);
		return;
	case SBX_RUNS_OTHER:
		sbx_answer_refuse(answer, 409, SBX_OUTCOME_INVALID,
				  "run_id: there is another run called %s",
				  (*job)->call.run_id);
		return;
	default:
		sbx_answer_error(answer, &err);
	}
}

void sbx_on_run(struct sbx_service *service,
		const struct sbx_exchange *exchange, struct sbx_answer *answer)
{
	const struct manner how = manner_of(exchange);
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_job *job = NULL;

	sbx_job_new(&job, service);
	if (decode(exchange, job, &err) < 0 ||
	    check_rights(exchange, job, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		run(exchange, &how, &job, answer);
	sbx_job_free(&job);
}
