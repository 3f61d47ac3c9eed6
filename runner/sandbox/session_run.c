/* SPDX-License-Identifier: MIT */
#include "sandbox/session.h"

#include <string.h>

#include "base/clock.h"
#include "sandbox/session_known.h"
#include "sandbox/session_parts.h"

/* One that was met before comes at once, or is not what it was. */
#define MEET_AGAIN_MS 500

/* --- meeting it --------------------------------------------------------------
 */

/* Who has it for himself, or wants out, is not asked again. */
static bool is_decided(const struct sbx_error *err)
{
	return err->outcome == SBX_OUTCOME_BUSY ||
	       err->outcome == SBX_OUTCOME_CANCELLED ||
	       err->outcome == SBX_OUTCOME_INTERNAL;
}

/* As it was last time: 1; 0 where it has to be found; -1. */
static int meet_again(const struct sbx_session_run *run,
		      struct sbx_known_session **known,
		      struct sbx_sandbox **sandbox, struct sbx_error *err)
{
	struct sbx_known_session *found =
		sbx_sessions_get(run->known, run->run->owner, run->name);

	if (!found)
		return 0;
	if (sbx_session_meet(run->run->engine, &found->session, &found->init,
			     run->wait_ms, MEET_AGAIN_MS, sandbox, err) == 0) {
		*known = found;
		return 1;
	}
	if (!is_decided(err))
		sbx_sessions_forget(run->known, found);
	sbx_known_session_unref(&found);
	return is_decided(err) ? -1 : 0;
}

static int get_to_know(const struct sbx_session_run *run,
		       struct sbx_known_session *known,
		       struct sbx_sandbox **sandbox, struct sbx_error *err)
{
	struct sbx_engine *engine = run->run->engine;

	if (sbx_session_find(engine, run->run->owner, run->name,
			     &known->session, err) < 0 ||
	    sbx_session_locate(engine, &known->session, &known->init, err) <
		    0 ||
	    sbx_session_meet(engine, &known->session, &known->init,
			     run->wait_ms, SBX_SESSION_MEET_MS, sandbox,
			     err) < 0)
		return -1;
	return sbx_session_kept(*sandbox, &known->environment, &known->secrets,
				err);
}

/* *@known also where this fails, as far as it is known then. */
static int meet(const struct sbx_session_run *run,
		struct sbx_known_session **known, struct sbx_sandbox **sandbox,
		struct sbx_error *err)
{
	int result = meet_again(run, known, sandbox, err);

	if (result == 1)
		return 0;
	*known = sbx_known_session_new();
	if (result < 0 || get_to_know(run, *known, sandbox, err) < 0)
		return -1;
	sbx_sessions_put(run->known, *known);
	return 0;
}

/* --- running in it -----------------------------------------------------------
 */

static void fail(const struct sbx_session_run *run,
		 const struct sbx_session *session, struct sbx_record *record,
		 const struct sbx_error *err)
{
	const struct sbx_run *inner = run->run;
	const char *action = inner->action ? inner->action : session->action;

	sbx_record_init(record);
	sbx_strset(&record->skill, session->skill);
	sbx_strset(&record->action, action);
	sbx_strset(&record->owner, inner->owner);
	sbx_strset(&record->run_id, inner->run_id);
	sbx_record_fail(record, err);
}

/* As any other of the same action. */
static bool is_plain(const struct sbx_run *run)
{
	return run->overrides->environment.n == 0 &&
	       run->overrides->timeout_ms < 0 &&
	       (!run->secrets || run->secrets->n == 0);
}

static void run_in(const struct sbx_session_run *run,
		   struct sbx_known_session *known, struct sbx_sandbox *sandbox,
		   struct sbx_record *record)
{
	const struct sbx_session *session = &known->session;
	bool is_command = run->command != NULL;
	cleanup_plan struct sbx_plan *plan = NULL;
	struct sbx_plan *given;
	struct sbx_run inner = *run->run;
	struct sbx_run_session in = {
		.sandbox = sandbox,
		.about = { .name = session->name, .ttl_ms = session->ttl_ms },
		.image = session->image,
		.environment = &known->environment,
		.command = run->command,
		.working_dir = run->working_dir,
		.detach = run->detach,
	};

	inner.session = &in;
	inner.pool = NULL;
	inner.skill = session->skill;
	if (!inner.action)
		inner.action = session->action;
	if (is_plain(&inner)) {
		plan = sbx_known_plan_get(known, inner.action, is_command);
		in.plan = &plan;
	}
	if (!inner.secrets || inner.secrets->n == 0)
		inner.secrets = &known->secrets;
	given = plan;
	sbx_run_action(&inner, record);
	if (plan != given)
		sbx_known_plan_put(known, inner.action, is_command, plan);
}

void sbx_session_run(const struct sbx_session_run *run,
		     struct sbx_record *record)
{
	cleanup_known_session struct sbx_known_session *known = NULL;
	struct sbx_sandbox *sandbox = NULL;
	struct sbx_error err = SBX_ERROR_INIT;
	double began = sbx_clock_ms();

	if (meet(run, &known, &sandbox, &err) < 0) {
		fail(run, &known->session, record, &err);
		record->duration_ms = sbx_clock_ms() - began;
	} else {
		double waited = sbx_clock_ms() - began;

		run_in(run, known, sandbox, record);
		record->wait_ms = waited;
		record->duration_ms += waited;
	}
	sbx_sandbox_free(&sandbox);
}
