/* SPDX-License-Identifier: MIT */
#include "serve/mcp_run.h"

#include "base/mem.h"
#include "base/random.h"
#include "mcp/result.h"
#include "serve/job.h"

/* In hexadecimal, with the NUL. */
#define RUN_ID_SIZE (32 + 1)

/*
 * What a line of a build counts as progress: it always has to grow, and what
 * the action says of itself comes after it and begins at 1 or so.
 */
#define LINE_PROGRESS 1e-6

/*
 * @progress	the last that was told
 * @answer	once it is over
 */
struct teller {
	const struct sbx_mcp_run *run;
	double progress;
	char *answer;
};

static void tell(struct teller *teller, double progress, double total,
		 const char *message)
{
	const struct sbx_mcp_run *run = teller->run;
	cleanup_free char *text = NULL;

	if (progress <= teller->progress)
		return;
	teller->progress = progress;
	text = sbx_mcp_progress(run->call, progress, total, message);
	run->tell(run->ctx, text);
}

static void on_line(void *ctx, const char *line)
{
	struct teller *teller = ctx;

	tell(teller, teller->progress + LINE_PROGRESS, -1, line);
}

static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	tell(ctx, progress->done, progress->total, progress->message);
}

static void on_end(void *ctx, const json_t *record, const char *text)
{
	struct teller *teller = ctx;
	const struct sbx_mcp_call *call = teller->run->call;

	(void)text;
	teller->answer = sbx_mcp_call_answer(
		call, sbx_mcp_result(record, &call->tool, call->revision));
}

int sbx_mcp_run_begin(struct sbx_mcp_run *run, struct sbx_error *err)
{
	char run_id[RUN_ID_SIZE];
	const struct sbx_live_name name = {
		.owner = run->owner,
		.run_id = run_id,
		.skill = run->call->tool.skill,
		.action = run->call->tool.action,
	};

	sbx_random_hex(run_id, sizeof(run_id));
	return sbx_runs_begin(run->service->runs, &name, &run->live, err);
}

void sbx_mcp_run_drop(struct sbx_mcp_run *run)
{
	sbx_live_end(run->live, sbx_strdup("{}"), SBX_OUTCOME_CANCELLED, false);
	sbx_live_release(&run->live);
}

static void fill(struct sbx_job *job, const struct sbx_mcp_run *run)
{
	const struct sbx_mcp_call *call = run->call;

	sbx_strset(&job->call.skill, call->tool.skill);
	sbx_strset(&job->call.action, call->tool.action);
	sbx_strset(&job->owner, run->owner);
	sbx_strset(&job->traceparent, call->traceparent);
	job->call.input = call->input;
	job->call.input_size = call->input_size;
	job->live = sbx_live_hold(run->live);
	job->waits_for_image = true;
}

char *sbx_mcp_run_perform(const struct sbx_mcp_run *run)
{
	struct teller teller = { .run = run, .progress = -LINE_PROGRESS };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_job *job = NULL;

	sbx_job_new(&job, run->service);
	fill(job, run);
	job->on_end = on_end;
	job->ctx = &teller;
	if (run->tell && run->call->progress_token)
		job->events = (struct sbx_run_events){
			.line = on_line,
			.progress = on_progress,
			.ctx = &teller,
		};
	if (sbx_gate_enter(run->service->gate, &job->ticket, &err) < 0)
		sbx_job_fail(job, &err);
	else
		sbx_job_perform(job);
	sbx_job_free(&job);
	return teller.answer;
}
