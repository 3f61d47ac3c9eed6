/* SPDX-License-Identifier: MIT */
#include "serve/job.h"

#include <pthread.h>
#include <sodium.h>

#include "base/clock.h"
#include "base/mem.h"
#include "codec/json.h"
#include "sandbox/run.h"
#include "sandbox/session.h"
#include "serve/run_log.h"

void sbx_job_new(struct sbx_job **out, struct sbx_service *service)
{
	struct sbx_job *job = sbx_calloc(1, sizeof(*job));

	job->service = service;
	job->call = (struct sbx_call)SBX_CALL_INIT;
	job->ticket = (struct sbx_ticket)SBX_TICKET_INIT;
	sbx_service_begin(service);
	*out = job;
}

/* The body may have secrets in it. */
static void wipe_body(struct sbx_job *job)
{
	if (job->call.secrets.n && job->body.data)
		sodium_memzero(job->body.data, job->body.len);
	sbx_buf_free(&job->body);
}

void sbx_job_free(struct sbx_job **job)
{
	if (!*job)
		return;
	sbx_gate_leave(&(*job)->ticket);
	wipe_body(*job);
	sbx_call_clear(&(*job)->call);
	sbx_live_release(&(*job)->live);
	free((*job)->owner);
	free((*job)->traceparent);
	sbx_service_end((*job)->service);
	free(sbx_take(*job));
}

/*
 * Everybody who is to know of it is told, the client last: whoever asks for
 * the next run when he has heard of this one finds its place free.
 */
static void end(struct sbx_job *job, const struct sbx_record *record)
{
	struct sbx_service *service = job->service;
	json_auto_t *value = sbx_record_json(record);
	char *text = sbx_json_line(value);

	sbx_gate_leave(&job->ticket);
	sbx_metrics_run(service->metrics, record);
	if (service->log_fd >= 0)
		sbx_run_log_write(service->log_fd, value);
	if (service->record_dir)
		sbx_record_dir_keep(service->record_dir, record->run_id, text);
	sbx_live_end(job->live, text, record->outcome,
		     record->started_at[0] != '\0');
	if (job->on_end)
		job->on_end(job->ctx, value, sbx_live_record(job->live));
}

static void describe_failure(const struct sbx_job *job,
			     struct sbx_record *record,
			     const struct sbx_error *err)
{
	sbx_record_init(record);
	sbx_strset(&record->skill, job->call.skill);
	sbx_strset(&record->action, job->call.action);
	sbx_strset(&record->owner, job->owner);
	sbx_strset(&record->traceparent, job->traceparent);
	sbx_strset(&record->run_id, sbx_live_id(job->live));
	sbx_record_fail(record, err);
}

void sbx_job_fail(struct sbx_job *job, const struct sbx_error *err)
{
	struct sbx_record record;

	describe_failure(job, &record, err);
	end(job, &record);
	sbx_record_clear(&record);
}

/*
 * Who comes while something else runs in the session waits so long, in a thread
 * and a place of the gate, and is then told to try again.  The engine gets as
 * long to say which session it is.
 */
#define TURN_MS 30000
#define FIND_MS 5000

/* In place of a pool there is the session, with the policy as it is now. */
static void run_in_session(const struct sbx_job *job, struct sbx_run *request,
			   struct sbx_record *record)
{
	struct sbx_service *service = job->service;
	const struct sbx_call *call = &job->call;
	const struct sbx_session_run in = {
		.run = request,
		.known = service->known,
		.name = call->session,
		.command = call->command.n > 0 ? &call->command : NULL,
		.working_dir = call->working_dir,
		.detach = call->detach,
		.wait_ms = TURN_MS,
	};
	struct sbx_pool_policy *policy = NULL;
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_policy_watch_get(service->policies, &policy, &err) < 0) {
		describe_failure(job, record, &err);
		return;
	}
	request->policy = &policy->policy;
	request->keys = &service->keys;
	request->pool = NULL;
	request->images = NULL;
	sbx_engine_set_patience(request->engine, FIND_MS);
	sbx_session_run(&in, record);
	sbx_pool_policy_unref(&policy);
}

static void run(struct sbx_job *job, double queued_ms,
		struct sbx_engine *engine)
{
	const struct sbx_call *call = &job->call;
	int cancel_fd = sbx_live_cancel_fd(job->live);
	struct sbx_run request = {
		.engine = engine,
		.catalog = &job->service->catalog,
		.requester = SBX_REQUESTER_CALLER,
		.skill = call->skill,
		.action = call->action,
		.input = call->input,
		.input_size = call->input_size,
		.files = &call->files,
		.overrides = &call->overrides,
		.owner = job->owner,
		.secrets = call->secrets.n ? &call->secrets : NULL,
		.run_id = sbx_live_id(job->live),
		.traceparent = job->traceparent,
		.queued_ms = queued_ms,
		.cancel_fd = cancel_fd,
		.events = job->events,
		.pool = job->service->pool,
		.images = job->waits_for_image ? sbx_image_builder_images(
							 job->service->builder)
					       : NULL,
	};
	struct sbx_record record;

	sbx_engine_set_cancel_fd(engine, cancel_fd);
	if (call->session)
		run_in_session(job, &request, &record);
	else
		sbx_run_action(&request, &record);
	/* The descriptor is closed with the run. */
	sbx_engine_set_cancel_fd(engine, -1);
	end(job, &record);
	sbx_record_clear(&record);
}

void sbx_job_perform(struct sbx_job *job)
{
	struct sbx_service *service = job->service;
	bool was_queued = job->ticket.event_fd >= 0;
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_engine *engine = NULL;
	double began = sbx_clock_ms();

	if (sbx_gate_wait(&job->ticket, sbx_live_cancel_fd(job->live), &err) <
		    0 ||
	    sbx_engines_borrow(service->engines, &engine, &err) < 0) {
		sbx_job_fail(job, &err);
		return;
	}
	sbx_live_started(job->live);
	run(job, was_queued ? sbx_clock_ms() - began : 0, engine);
	sbx_engines_give(service->engines, &engine);
}

static void *perform_and_free(void *ctx)
{
	struct sbx_job *job = ctx;

	sbx_job_perform(job);
	sbx_job_free(&job);
	return NULL;
}

void sbx_job_spawn(struct sbx_job **job)
{
	struct sbx_error err = SBX_ERROR_INIT;
	pthread_t thread;
	int errnum = pthread_create(&thread, NULL, perform_and_free, *job);

	if (errnum == 0) {
		pthread_detach(thread);
		*job = NULL;
		return;
	}
	sbx_error_errno(&err, SBX_OUTCOME_BUSY, errnum,
			"there is no thread for the run");
	sbx_job_fail(*job, &err);
	sbx_job_free(job);
}
