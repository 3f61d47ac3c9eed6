/* SPDX-License-Identifier: MIT */
#include "serve/on_sessions.h"

#include <sodium.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/text.h"
#include "sandbox/session.h"
#include "serve/hangup.h"
#include "serve/session_visit.h"

/* One request: whose, and a client that may hang up. */
struct request {
	struct sbx_session_visit visit;
	struct sbx_hangup hangup;
};

static int begin(struct sbx_service *service,
		 const struct sbx_exchange *exchange, const char *wanted,
		 struct request *out, struct sbx_error *err)
{
	*out = (struct request){ .visit.service = service,
				 .hangup = SBX_HANGUP_INIT };
	if (!wanted)
		wanted = exchange->header(exchange->ctx, "Skillbox-Owner");
	if (sbx_service_owner(service, exchange, wanted, &out->visit.owner,
			      err) < 0 ||
	    sbx_hangup_open(&out->hangup, err) < 0)
		return -1;
	sbx_hangup_watch(&out->hangup, exchange->connection,
			 exchange->is_local);
	out->visit.cancel_fd = out->hangup.fd;
	return 0;
}

static void end(struct request *request)
{
	sbx_hangup_close(&request->hangup);
}

/* --- creating --------------------------------------------------------------- */

static void create(struct sbx_service *service,
		   const struct sbx_exchange *exchange,
		   const struct sbx_call *call, struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct request request;
	json_t *session = NULL;
	int result = begin(service, exchange, call->owner, &request, &err);

	if (result == 0)
		result = sbx_session_visit_create(&request.visit, call, false,
						  &session, &err);
	if (result == 0) {
		cleanup_free char *where =
			sbx_asprintf("/v1/sessions/%s", call->session);

		sbx_answer_header(answer, "Location", where);
		sbx_answer_json(answer, 201, session);
	} else if (result == SBX_SESSION_EXISTS) {
		sbx_answer_refuse(answer, 409, err.outcome, "%s", err.message);
	} else {
		sbx_answer_error(answer, &err);
	}
	end(&request);
}

void sbx_on_sessions_create(struct sbx_service *service,
			    const struct sbx_exchange *exchange,
			    struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_call call = SBX_CALL_INIT;

	if (sbx_call_decode_session(sbx_buf_text(exchange->body),
				    exchange->body->len, &call, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		create(service, exchange, &call, answer);
	if (call.secrets.n > 0)
		sodium_memzero(exchange->body->data, exchange->body->len);
	sbx_call_clear(&call);
}

/* --- all others ------------------------------------------------------------- */

/* Has @act do it to the session of the path, and answers with what it says. */
static void
answer_one(struct sbx_service *service, const struct sbx_exchange *exchange,
	   int (*act)(const struct sbx_session_visit *visit, const char *name,
		      json_t **out, struct sbx_error *err),
	   struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct request request;
	json_t *said = NULL;

	if (begin(service, exchange, NULL, &request, &err) < 0 ||
	    act(&request.visit, exchange->route.session, &said, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		sbx_answer_json(answer, 200, said);
	end(&request);
}

void sbx_on_sessions_one(struct sbx_service *service,
			 const struct sbx_exchange *exchange,
			 struct sbx_answer *answer)
{
	answer_one(service, exchange, sbx_session_visit_status, answer);
}

void sbx_on_sessions_stop(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer)
{
	answer_one(service, exchange, sbx_session_visit_stop, answer);
}

void sbx_on_sessions_pause(struct sbx_service *service,
			   const struct sbx_exchange *exchange,
			   struct sbx_answer *answer)
{
	answer_one(service, exchange, sbx_session_visit_pause, answer);
}

void sbx_on_sessions_resume(struct sbx_service *service,
			    const struct sbx_exchange *exchange,
			    struct sbx_answer *answer)
{
	answer_one(service, exchange, sbx_session_visit_resume, answer);
}

void sbx_on_sessions(struct sbx_service *service,
		     const struct sbx_exchange *exchange,
		     struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct request request;
	json_t *list = NULL;

	if (begin(service, exchange, NULL, &request, &err) < 0 ||
	    sbx_session_visit_list(&request.visit, &list, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		sbx_answer_json(answer, 200, list);
	end(&request);
}

/* Programs wrote it: what is no UTF-8 is replaced, and there may be NULs. */
static void answer_log(struct sbx_answer *answer, const struct sbx_buf *raw)
{
	struct sbx_buf text = SBX_BUF_INIT(3 * raw->len + 1);
	size_t size;
	char *body;

	sbx_text_to_utf8(&text, sbx_buf_text(raw), raw->len);
	size = text.len;
	body = sbx_buf_take(&text);
	sbx_answer_text(answer, 200, "text/plain; charset=utf-8", body, free,
			body);
	answer->size = size;
}

void sbx_on_sessions_logs(struct sbx_service *service,
			  const struct sbx_exchange *exchange,
			  struct sbx_answer *answer)
{
	cleanup_buf struct sbx_buf raw =
		SBX_BUF_INIT(SBX_SESSION_VISIT_LOG_MAX);
	struct sbx_error err = SBX_ERROR_INIT;
	struct request request;

	if (begin(service, exchange, NULL, &request, &err) < 0 ||
	    sbx_session_visit_logs(&request.visit, exchange->route.session,
				   &raw, &err) < 0) {
		sbx_answer_error(answer, &err);
	} else {
		answer_log(answer, &raw);
	}
	end(&request);
}

/* --- files ------------------------------------------------------------------ */

/* Of the query; a session's workspace where it says none. */
static const char *path_of(const struct sbx_exchange *exchange)
{
	const char *path = exchange->query(exchange->ctx, "path");

	return path && *path ? path : ".";
}

/* What is mapped, and gone with the answer. */
struct mapping {
	void *data;
	size_t size;
};

static void unmap(void *ctx)
{
	struct mapping *mapping = ctx;

	munmap(mapping->data, mapping->size);
	free(mapping);
}

static int answer_file(struct sbx_answer *answer, int fd, struct sbx_error *err)
{
	struct mapping *mapping = sbx_calloc(1, sizeof(*mapping));
	struct stat about;

	mapping->data = MAP_FAILED;
	if (fstat(fd, &about) == 0 && about.st_size > 0) {
		mapping->size = (size_t)about.st_size;
		mapping->data = mmap(NULL, mapping->size, PROT_READ,
				     MAP_PRIVATE, fd, 0);
	}
	if (mapping->data == MAP_FAILED) {
		free(mapping);
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "what was copied cannot be read");
	}
	sbx_answer_text(answer, 200, "application/x-tar", mapping->data, unmap,
			mapping);
	answer->size = mapping->size;
	return 0;
}

void sbx_on_sessions_files(struct sbx_service *service,
			   const struct sbx_exchange *exchange,
			   struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct request request;
	int fd = -1;

	if (begin(service, exchange, NULL, &request, &err) < 0 ||
	    sbx_session_visit_get(&request.visit, exchange->route.session,
				  path_of(exchange), &fd, &err) < 0 ||
	    answer_file(answer, fd, &err) < 0)
		sbx_answer_error(answer, &err);
	sbx_close(&fd);
	end(&request);
}

void sbx_on_sessions_files_put(struct sbx_service *service,
			       const struct sbx_exchange *exchange,
			       struct sbx_answer *answer)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct request request;
	json_t *said = NULL;

	if (begin(service, exchange, NULL, &request, &err) < 0 ||
	    sbx_session_visit_put(&request.visit, exchange->route.session,
				  path_of(exchange),
				  sbx_buf_text(exchange->body),
				  exchange->body->len, &said, &err) < 0)
		sbx_answer_error(answer, &err);
	else
		sbx_answer_json(answer, 200, said);
	end(&request);
}
