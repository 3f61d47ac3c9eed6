/* SPDX-License-Identifier: MIT */
#include "serve/session_visit.h"

#include "sandbox/session.h"

/*
 * What may pass until an engine that says nothing is given up; the image of a
 * new session may take longer to build.
 */
#define CREATE_MS 30000
#define CALL_MS	  10000

static int enter(const struct sbx_session_visit *visit, double ms,
		 struct sbx_engine **engine, struct sbx_error *err)
{
	if (sbx_engines_borrow(visit->service->engines, engine, err) < 0)
		return -1;
	sbx_engine_set_cancel_fd(*engine, visit->cancel_fd);
	sbx_engine_set_patience(*engine, ms);
	return 0;
}

static void leave(const struct sbx_session_visit *visit,
		  struct sbx_engine **engine)
{
	sbx_engines_give(visit->service->engines, engine);
}

static void say(void *ctx, const char *line)
{
	const struct sbx_service *service = ctx;

	service->say(line);
}

/* --- creating --------------------------------------------------------------- */

static int create(const struct sbx_session_visit *visit,
		  const struct sbx_call *call, bool waits_for_image,
		  const struct sbx_policy *policy, struct sbx_engine *engine,
		  struct sbx_session *out, struct sbx_error *err)
{
	struct sbx_service *service = visit->service;
	const struct sbx_session_create request = {
		.plan = { .catalog = &service->catalog,
			  .policy = policy,
			  .requester = SBX_REQUESTER_CALLER,
			  .skill = call->skill,
			  .action = call->action,
			  .owner = visit->owner,
			  .overrides = &call->overrides,
			  .secrets = &call->secrets,
			  .keys = &service->keys,
			  .images = waits_for_image ? sbx_image_builder_images(
							      service->builder)
						    : NULL,
			  .cancel_fd = visit->cancel_fd,
			  .image = call->image },
		.name = call->session,
		.ttl_ms = call->ttl_ms == SBX_CALL_TTL_UNSAID
				  ? SBX_SESSION_TTL_MS
				  : call->ttl_ms,
		.forwards = true,
	};

	return sbx_session_create(engine, &request, out, err);
}

/* As it is now that its ports are forwarded. */
static int look_again(struct sbx_engine *engine, struct sbx_session *session,
		      struct sbx_error *err)
{
	cleanup_session struct sbx_session before = *session;

	*session = (struct sbx_session){ .id = NULL };
	return sbx_session_find(engine, before.owner, before.name, session,
				err);
}

/* What cannot be published as it was asked for is no session. */
static int publish(const struct sbx_session_visit *visit,
		   struct sbx_engine *engine, struct sbx_session *session,
		   struct sbx_error *err)
{
	struct sbx_port_keeper *ports = visit->service->ports;
	const struct sbx_progress lines = { .line = say,
					    .ctx = visit->service };
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (session->publish.n == 0)
		return 0;
	/* Of those that ended meanwhile a port may be free again. */
	sbx_port_keeper_look(ports, engine);
	if (sbx_port_keeper_begin(ports, engine, session, err) == 0)
		return look_again(engine, session, err);
	sbx_session_stop(engine, visit->owner, session->name, &lines, &ignored);
	return -1;
}

int sbx_session_visit_create(const struct sbx_session_visit *visit,
			     const struct sbx_call *call, bool waits_for_image,
			     json_t **out, struct sbx_error *err)
{
	cleanup_session struct sbx_session session = { .id = NULL };
	struct sbx_pool_policy *policy = NULL;
	struct sbx_engine *engine = NULL;
	int result = sbx_service_secrets(visit->service, call->secrets.n, err);

	if (result == 0)
		result = sbx_policy_watch_get(visit->service->policies, &policy,
					      err);
	if (result == 0)
		result = enter(visit, CREATE_MS, &engine, err);
	if (result == 0)
		result = create(visit, call, waits_for_image, &policy->policy,
				engine, &session, err);
	if (result == 0)
		result = publish(visit, engine, &session, err);
	if (result == 0)
		*out = sbx_session_json(&session);
	leave(visit, &engine);
	sbx_pool_policy_unref(&policy);
	return result;
}

/* --- what there is ---------------------------------------------------------- */

int sbx_session_visit_list(const struct sbx_session_visit *visit, json_t **out,
			   struct sbx_error *err)
{
	struct sbx_engine *engine = NULL;
	json_t *list = NULL;
	int result = enter(visit, CALL_MS, &engine, err);

	if (result == 0)
		result = sbx_session_list(engine, visit->owner, &list, err);
	if (result == 0)
		*out = json_pack("{s:o}", "sessions", list);
	leave(visit, &engine);
	return result;
}

int sbx_session_visit_status(const struct sbx_session_visit *visit,
			     const char *name, json_t **out,
			     struct sbx_error *err)
{
	struct sbx_engine *engine = NULL;
	int result = enter(visit, CALL_MS, &engine, err);

	if (result == 0)
		result = sbx_session_status(engine, visit->owner, name, out,
					    err);
	leave(visit, &engine);
	return result;
}

int sbx_session_visit_logs(const struct sbx_session_visit *visit,
			   const char *name, struct sbx_buf *out,
			   struct sbx_error *err)
{
	struct sbx_service *service = visit->service;
	struct sbx_plan_request plan = { .catalog = &service->catalog,
					 .requester = SBX_REQUESTER_CALLER,
					 .owner = visit->owner,
					 .keys = &service->keys,
					 .cancel_fd = visit->cancel_fd };
	struct sbx_pool_policy *policy = NULL;
	struct sbx_engine *engine = NULL;
	int result = sbx_policy_watch_get(service->policies, &policy, err);

	if (result == 0)
		result = enter(visit, CALL_MS, &engine, err);
	if (result == 0) {
		plan.policy = &policy->policy;
		result = sbx_session_logs(engine, &plan, name, out, err);
	}
	leave(visit, &engine);
	sbx_pool_policy_unref(&policy);
	return result;
}

/* --- changing it ------------------------------------------------------------ */

static json_t *state_json(const char *name, enum sbx_session_state state)
{
	return json_pack("{s:s, s:s}", "name", name, "state",
			 sbx_session_state_name(state));
}

int sbx_session_visit_stop(const struct sbx_session_visit *visit,
			   const char *name, json_t **out,
			   struct sbx_error *err)
{
	const struct sbx_progress lines = { .line = say,
					    .ctx = visit->service };
	struct sbx_engine *engine = NULL;
	int result = enter(visit, CALL_MS, &engine, err);

	if (result == 0)
		result = sbx_session_stop(engine, visit->owner, name, &lines,
					  err);
	if (result == 0 && sbx_port_keeper_has_any(visit->service->ports))
		sbx_port_keeper_look(visit->service->ports, engine);
	if (result == 0)
		*out = state_json(name, SBX_SESSION_STOPPED);
	leave(visit, &engine);
	return result;
}

int sbx_session_visit_pause(const struct sbx_session_visit *visit,
			    const char *name, json_t **out,
			    struct sbx_error *err)
{
	struct sbx_engine *engine = NULL;
	int result = enter(visit, CALL_MS, &engine, err);

	if (result == 0)
		result = sbx_session_pause(engine, visit->owner, name, err);
	if (result == 0)
		*out = state_json(name, SBX_SESSION_PAUSED);
	leave(visit, &engine);
	return result;
}

int sbx_session_visit_resume(const struct sbx_session_visit *visit,
			     const char *name, json_t **out,
			     struct sbx_error *err)
{
	struct sbx_engine *engine = NULL;
	int result = enter(visit, CALL_MS, &engine, err);

	if (result == 0)
		result = sbx_session_resume(engine, visit->owner, name, err);
	/* One that was paused when we began has not been met yet. */
	if (result == 0)
		sbx_port_keeper_look(visit->service->ports, engine);
	if (result == 0)
		*out = state_json(name, SBX_SESSION_ACTIVE);
	leave(visit, &engine);
	return result;
}
