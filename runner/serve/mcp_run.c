/* SPDX-License-Identifier: MIT */
#include "serve/mcp_run.h"

#include "base/mem.h"
#include "base/random.h"
#include "mcp/result.h"
#include "mcp/session_result.h"
#include "serve/job.h"
#include "serve/session_tools.h"

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
		call,
		call->tool.session
			? sbx_mcp_session_run_result(record, call->revision)
			: sbx_mcp_result(record, &call->tool, call->revision));
}

/* What a tool of sessions does is called as the tool is. */
int sbx_mcp_run_begin(struct sbx_mcp_run *run, struct sbx_error *err)
{
	const struct sbx_mcp_tool *tool = &run->call->tool;
	char run_id[RUN_ID_SIZE];
	const struct sbx_live_name name = {
		.owner = run->owner,
		.run_id = run_id,
		.skill = tool->session ? NULL : tool->skill,
		.action = tool->session ? tool->name : tool->action,
	};

	sbx_random_hex(run_id, sizeof(run_id));
	return sbx_runs_begin(run->service->runs, &name, &run->live, err);
}

void sbx_mcp_run_drop(struct sbx_mcp_run *run)
{
	sbx_live_end(run->live, sbx_strdup("{}"), SBX_OUTCOME_CANCELLED, false);
	sbx_live_release(&run->live);
}

static int fill(struct sbx_job *job, const struct sbx_mcp_run *run,
		struct sbx_error *err)
{
	const struct sbx_mcp_call *call = run->call;

	sbx_strset(&job->owner, run->owner);
	sbx_strset(&job->traceparent, call->traceparent);
	job->live = sbx_live_hold(run->live);
	job->waits_for_image = true;
	if (call->tool.session)
		return sbx_session_tools_decode_run(
			call->input, call->input_size, &job->body, &job->call,
			err);
	sbx_strset(&job->call.skill, call->tool.skill);
	sbx_strset(&job->call.action, call->tool.action);
	job->call.input = call->input;
	job->call.input_size = call->input_size;
	return 0;
}

static char *perform_job(const struct sbx_mcp_run *run)
{
	struct teller teller = { .run = run, .progress = -LINE_PROGRESS };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_job *job = NULL;

	int result;

	sbx_job_new(&job, run->service);
	result = fill(job, run, &err);
	job->on_end = on_end;
	job->ctx = &teller;
	if (run->tell && run->call->progress_token)
		job->events = (struct sbx_run_events){
			.line = on_line,
			.progress = on_progress,
			.ctx = &teller,
		};
	if (result == 0)
		result = sbx_gate_enter(run->service->gate, &job->ticket, &err);
	if (result < 0)
		sbx_job_fail(job, &err);
	else
		sbx_job_perform(job);
	sbx_job_free(&job);
	return teller.answer;
}

/* Nothing that runs. */
static char *perform_for_session(const struct sbx_mcp_run *run)
{
	const struct sbx_mcp_call *call = run->call;
	const struct sbx_session_visit visit = {
		.service = run->service,
		.owner = run->owner,
		.cancel_fd = sbx_live_cancel_fd(run->live),
	};
	struct sbx_error err = SBX_ERROR_INIT;
	json_t *given = NULL;
	json_t *result;

	if (sbx_session_tools_perform(&visit, call->tool.session, call->input,
				      call->input_size, &given, &err) == 0)
		result = sbx_mcp_session_result(call->tool.session, given);
	else
		result = sbx_mcp_result_error(sbx_outcome_name(err.outcome),
					      err.message);
	sbx_live_end(run->live, sbx_strdup("{}"), err.outcome, false);
	return sbx_mcp_call_answer(call, result);
}

char *sbx_mcp_run_perform(const struct sbx_mcp_run *run)
{
	enum sbx_mcp_session_tool tool = run->call->tool.session;

	if (tool == SBX_MCP_SESSION_NONE || tool == SBX_MCP_SESSION_RUN)
		return perform_job(run);
	return perform_for_session(run);
}
