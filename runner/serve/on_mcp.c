/* SPDX-License-Identifier: MIT */
/*
 * Each message is a request of its own.  A client of the past has a session,
 * which knows what it said in the beginning and what it may cancel; since
 * 2026-07-28 there is nothing to know, and a client cancels by hanging up.
 */
#include "serve/on_mcp.h"

#include <pthread.h>
#include <string.h>
#include <strings.h>

#include "base/mem.h"
#include "codec/json.h"
#include "mcp/headers.h"
#include "serve/mcp_run.h"
#include "serve/mcp_stream.h"

#define SESSION_HEADER "Mcp-Session-Id"

/*
 * One message on its way.
 *
 * @session	whose it is, held; or NULL
 * @live	of a call; held
 * @stream	the writer's end of who listens, or NULL
 */
struct visit {
	struct sbx_service *service;
	char *owner;
	struct sbx_buf body;
	struct sbx_mcp_message message;
	struct sbx_mcp_session *session;
	struct sbx_mcp_step step;
	struct sbx_mcp_run run;
	struct sbx_stream *stream;
};

static void free_visit(struct visit *visit)
{
	sbx_live_release(&visit->run.live);
	sbx_mcp_sessions_release(visit->service->sessions, &visit->session);
	sbx_mcp_step_clear(&visit->step);
	sbx_mcp_message_clear(&visit->message);
	sbx_buf_free(&visit->body);
	free(visit->owner);
	free(visit);
}

/* --- answers --------------------------------------------------------------- */

/* What is wrong with a request as such is told by the status too. */
static unsigned int status_of(int code, bool is_stateless)
{
	switch (code) {
	case SBX_MCP_PARSE_ERROR:
	case SBX_MCP_INVALID_REQUEST:
	case SBX_MCP_HEADER_MISMATCH:
	case SBX_MCP_UNSUPPORTED_REVISION:
		return 400;
	case SBX_MCP_METHOD_NOT_FOUND:
		return is_stateless ? 404 : 200;
	default:
		return 200;
	}
}

static void answer_error(struct sbx_answer *answer, unsigned int status,
			 json_t *error)
{
	sbx_answer_json(answer, status, error);
}

/* Takes @text. */
static void answer_text(struct sbx_answer *answer, unsigned int status,
			char *text)
{
	sbx_answer_text(answer, status, SBX_ANSWER_JSON, text, free, text);
}

static void answer_nothing(struct sbx_answer *answer, unsigned int status)
{
	sbx_answer_text(answer, status, NULL, "", NULL, NULL);
}

/* --- whose message it is --------------------------------------------------- */

static struct sbx_mcp_headers headers_of(const struct sbx_exchange *exchange)
{
	return (struct sbx_mcp_headers){ .get = exchange->header,
					 .ctx = exchange->ctx };
}

/* Who speaks: the same as for all other requests; false when answered. */
static bool find_owner(struct sbx_service *service,
		       const struct sbx_exchange *exchange, const char **out,
		       struct sbx_answer *answer)
{
	const char *wanted = exchange->header(exchange->ctx, "Skillbox-Owner");
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_service_owner(service, exchange, wanted, out, &err) == 0)
		return true;
	sbx_answer_error(answer, &err);
	return false;
}

static bool names_revision(const struct sbx_mcp_message *message)
{
	return sbx_json_at(message->params, "_meta",
			   "io.modelcontextprotocol/protocolVersion", NULL);
}

/* One that belongs to no session, and says that it begins one. */
static bool is_beginning(const struct sbx_mcp_message *message)
{
	return message->method && strcmp(message->method, "initialize") == 0;
}

/* False when there is no such session; up to 2025-11-25 only. */
static bool find_session(const struct sbx_exchange *exchange,
			 struct visit *visit, struct sbx_answer *answer)
{
	const struct sbx_mcp_headers headers = headers_of(exchange);
	const char *id = exchange->header(exchange->ctx, SESSION_HEADER);
	json_t *error;

	error = sbx_mcp_headers_check_session(&headers, &visit->message);
	if (error) {
		answer_error(answer, 400, error);
		return false;
	}
	if (!id) {
		answer_error(answer, 400,
			     sbx_mcp_error(visit->message.id,
					   SBX_MCP_INVALID_REQUEST,
					   SESSION_HEADER
					   ": expected that of initialize, or "
					   "a request that says its revision "
					   "in _meta",
					   NULL));
		return false;
	}
	visit->session = sbx_mcp_sessions_find(visit->service->sessions,
					       visit->owner, id);
	if (!visit->session)
		answer_error(answer, 404,
			     sbx_mcp_error(visit->message.id,
					   SBX_MCP_INVALID_REQUEST,
					   "there is no such session, or no "
					   "longer: begin with initialize",
					   NULL));
	return visit->session != NULL;
}

/* What the message says of its revision, and the headers say of it. */
static bool check_stateless(const struct sbx_exchange *exchange,
			    struct visit *visit, struct sbx_answer *answer)
{
	static const struct sbx_mcp_client nobody;
	const struct sbx_mcp_headers headers = headers_of(exchange);
	enum sbx_mcp_revision revision;
	json_t *error = NULL;

	if (sbx_mcp_revision_of(&visit->message, &nobody, &revision, &error) ==
	    0)
		error = sbx_mcp_headers_check(&headers, &visit->message,
					      revision);
	if (!error)
		return true;
	answer_error(answer, 400, error);
	return false;
}

static bool may_go_on(const struct sbx_exchange *exchange, struct visit *visit,
		      struct sbx_answer *answer)
{
	if (sbx_mcp_is_request(&visit->message) &&
	    names_revision(&visit->message))
		return check_stateless(exchange, visit, answer);
	if (is_beginning(&visit->message) ||
	    (!sbx_mcp_is_request(&visit->message) &&
	     !exchange->header(exchange->ctx, SESSION_HEADER)))
		return true;
	return find_session(exchange, visit, answer);
}

/* --- calls ----------------------------------------------------------------- */

/* The answer, unless it was cancelled: then nobody waits for it. */
static char *perform(struct visit *visit)
{
	char *text = sbx_mcp_run_perform(&visit->run);

	if (visit->session &&
	    !sbx_mcp_calls_end(&visit->session->calls, visit->step.call.id))
		free(sbx_take(text));
	return text;
}

static void tell(void *ctx, const char *message)
{
	struct visit *visit = ctx;

	sbx_stream_put(visit->stream, "message", message);
}

static void *perform_and_stream(void *ctx)
{
	struct visit *visit = ctx;
	struct sbx_service *service = visit->service;
	cleanup_free char *text = perform(visit);

	sbx_stream_end(visit->stream, text ? "message" : NULL, text, true);
	free_visit(visit);
	sbx_service_end(service);
	return NULL;
}

static void cancel_live(void *ctx)
{
	sbx_live_cancel(ctx);
}

static void release_live(void *ctx)
{
	struct sbx_live *live = ctx;

	sbx_live_release(&live);
}

/* In a thread of its own, which owns @visit then. */
static bool stream_call(const struct sbx_exchange *exchange,
			struct visit *visit, struct sbx_answer *answer)
{
	/* A client of the past may come back; it cancels by saying so. */
	const struct sbx_stream_source source = {
		.cancel = visit->session ? NULL : cancel_live,
		.release = release_live,
		.ctx = sbx_live_hold(visit->run.live),
	};
	struct sbx_stream *stream = NULL;
	pthread_t thread;

	sbx_stream_new(&stream, SBX_STREAM_SSE, &source, exchange->connection);
	visit->stream = stream;
	visit->run.tell = tell;
	visit->run.ctx = visit;
	sbx_service_begin(visit->service);
	if (pthread_create(&thread, NULL, perform_and_stream, visit) == 0) {
		pthread_detach(thread);
		sbx_answer_header(answer, "X-Accel-Buffering", "no");
		sbx_answer_stream(answer, stream, SBX_STREAM_SSE);
		return true;
	}
	sbx_service_end(visit->service);
	sbx_stream_end(stream, NULL, NULL, false);
	sbx_stream_close(stream);
	visit->run.tell = NULL;
	return false;
}

static bool takes_stream(const struct sbx_exchange *exchange)
{
	const char *accept = exchange->header(exchange->ctx, "Accept");

	return accept && strcasestr(accept, "text/event-stream");
}

/* 0, or the error. */
static json_t *begin_call(struct visit *visit)
{
	struct sbx_mcp_call *call = &visit->step.call;
	struct sbx_error err = SBX_ERROR_INIT;

	visit->run = (struct sbx_mcp_run){
		.service = visit->service,
		.owner = visit->owner,
		.call = call,
	};
	if (sbx_mcp_run_begin(&visit->run, &err) < 0)
		return sbx_mcp_error(call->id, SBX_MCP_INTERNAL_ERROR,
				     err.message, NULL);
	if (!visit->session || sbx_mcp_calls_begin(&visit->session->calls,
						   call->id, visit->run.live))
		return NULL;
	sbx_mcp_run_drop(&visit->run);
	return sbx_mcp_error(NULL, SBX_MCP_INVALID_REQUEST,
			     "id: a request of that id is under way", NULL);
}

/* True when @visit is somebody else's now. */
static bool call_tool(const struct sbx_exchange *exchange, struct visit *visit,
		      struct sbx_answer *answer)
{
	const struct sbx_mcp_headers headers = headers_of(exchange);
	const struct sbx_mcp_call *call = &visit->step.call;
	json_t *error = NULL;
	char *text;

	if (!visit->session)
		error = sbx_mcp_headers_check_parameters(
			&headers, &visit->message, call->tool.input_schema);
	if (!error)
		error = begin_call(visit);
	if (error) {
		answer_error(answer, status_of(sbx_mcp_error_code(error), true),
			     error);
		return false;
	}
	/* A client of the past may come back; it cancels by saying so. */
	if (!visit->session)
		sbx_live_watch(visit->run.live, exchange->connection,
			       exchange->is_local);
	if (call->progress_token && takes_stream(exchange) &&
	    stream_call(exchange, visit, answer))
		return true;
	text = perform(visit);
	if (text)
		answer_text(answer, 200, text);
	else
		answer_nothing(answer, 202);
	return false;
}

/* --- POST ------------------------------------------------------------------ */

static void begin_session(struct visit *visit,
			  const struct sbx_mcp_client *client,
			  struct sbx_answer *answer)
{
	visit->session = sbx_mcp_sessions_begin(visit->service->sessions,
						visit->owner, client);
	sbx_answer_header(answer, SESSION_HEADER, visit->session->id);
}

/* True when @visit is somebody else's now. */
static bool take_step(const struct sbx_exchange *exchange, struct visit *visit,
		      const struct sbx_mcp_client *client,
		      struct sbx_answer *answer)
{
	struct sbx_mcp_step *step = &visit->step;

	switch (step->verdict) {
	case SBX_MCP_CALL:
		return call_tool(exchange, visit, answer);
	case SBX_MCP_SESSION:
		begin_session(visit, client, answer);
		__attribute__((__fallthrough__));
	case SBX_MCP_ANSWER:
		answer_text(answer, status_of(step->code, !visit->session),
			    sbx_take(step->answer));
		return false;
	case SBX_MCP_CANCEL:
		if (visit->session)
			sbx_mcp_calls_cancel(&visit->session->calls,
					     step->cancelled);
		__attribute__((__fallthrough__));
	default:
		answer_nothing(answer, 202);
		return false;
	}
}

/* True when @visit is somebody else's now. */
static bool handle(const struct sbx_exchange *exchange, struct visit *visit,
		   struct sbx_answer *answer)
{
	struct sbx_mcp_client client = { .is_initialized = false };
	const char *text = sbx_buf_text(&visit->body);
	json_t *refusal = NULL;

	if (sbx_mcp_message_parse(text, visit->body.len, &visit->message,
				  &refusal) < 0) {
		answer_error(answer, 400, refusal);
		return false;
	}
	if (!may_go_on(exchange, visit, answer))
		return false;
	if (visit->session)
		client = visit->session->client;
	sbx_mcp_step(visit->service->tools, &client, &visit->message, text,
		     visit->body.len, &visit->step);
	if (sbx_mcp_is_of_tools(&visit->message))
		sbx_image_builder_begin(visit->service->builder);
	return take_step(exchange, visit, &client, answer);
}

void sbx_on_mcp(struct sbx_service *service,
		const struct sbx_exchange *exchange, struct sbx_answer *answer)
{
	struct visit *visit = sbx_calloc(1, sizeof(*visit));
	const char *owner;

	visit->service = service;
	visit->body = *exchange->body;
	*exchange->body = (struct sbx_buf)SBX_BUF_INIT(0);
	if (!find_owner(service, exchange, &owner, answer)) {
		free_visit(visit);
		return;
	}
	visit->owner = sbx_strdup(owner);
	if (!handle(exchange, visit, answer))
		free_visit(visit);
}

/* --- the others ------------------------------------------------------------ */

void sbx_on_mcp_get(struct sbx_service *service,
		    const struct sbx_exchange *exchange,
		    struct sbx_answer *answer)
{
	const char *upgrade = exchange->header(exchange->ctx, "Upgrade");
	const char *sessions =
		exchange->header(exchange->ctx, SBX_MCP_SESSIONS_HEADER);

	if (sessions &&
	    (strcmp(sessions, "yes") == 0) != service->has_sessions) {
		sbx_answer_refuse(answer, 412, SBX_OUTCOME_MISCONFIGURED,
				  "this daemon was started %s --sessions",
				  service->has_sessions ? "with" : "without");
		return;
	}
	if (upgrade && strcasecmp(upgrade, "mcp") == 0 && exchange->is_local) {
		answer->is_upgrade = true;
		return;
	}
	sbx_answer_header(answer, "Allow", "POST, DELETE");
	sbx_answer_refuse(answer, 405, SBX_OUTCOME_INVALID,
			  "nothing is told unasked here: POST each message");
}

void sbx_on_mcp_delete(struct sbx_service *service,
		       const struct sbx_exchange *exchange,
		       struct sbx_answer *answer)
{
	const char *id = exchange->header(exchange->ctx, SESSION_HEADER);
	struct sbx_mcp_session *session = NULL;
	const char *owner;

	if (!find_owner(service, exchange, &owner, answer))
		return;
	if (id)
		session = sbx_mcp_sessions_find(service->sessions, owner, id);
	if (!session) {
		sbx_answer_refuse(answer, 404, SBX_OUTCOME_NOT_FOUND,
				  "there is no such session, or no longer");
		return;
	}
	sbx_mcp_sessions_end(service->sessions, session);
	sbx_mcp_sessions_release(service->sessions, &session);
	answer_nothing(answer, 204);
}
