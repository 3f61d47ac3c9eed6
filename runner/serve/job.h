/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_JOB_H
#define SBX_SERVE_JOB_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "sandbox/events.h"
#include "serve/call.h"
#include "serve/gate.h"
#include "serve/runs.h"
#include "serve/service.h"

/*
 * One run with all it needs, so that any thread can perform it.
 *
 * @body	what @call's input points into
 * @owner	whose it is
 * @traceparent	of W3C Trace Context, or NULL
 * @live	held by the job
 * @ticket	its place in the gate
 * @events	who listens while it runs
 * @on_end	gets the record, and its text, once @live has ended; or NULL
 * @ctx		of that
 * @waits_for_image	an image that has to be built is built in the
 *		background, and waited for no longer than a client would
 */
struct sbx_job {
	struct sbx_service *service;
	struct sbx_buf body;
	struct sbx_call call;
	char *owner;
	char *traceparent;
	struct sbx_live *live;
	struct sbx_ticket ticket;
	struct sbx_run_events events;
	void (*on_end)(void *ctx, const json_t *record, const char *text);
	void *ctx;
	bool waits_for_image;
};

void sbx_job_new(struct sbx_job **out, struct sbx_service *service);
void sbx_job_free(struct sbx_job **job);

/* Runs it in this thread.  Its record is then in @job->live, which has ended. */
void sbx_job_perform(struct sbx_job *job);

/* Runs it in a thread of its own, which frees the job; takes it. */
void sbx_job_spawn(struct sbx_job **job);

/* Ends @job->live without a run, by the record of a failure. */
void sbx_job_fail(struct sbx_job *job, const struct sbx_error *err);

#endif
