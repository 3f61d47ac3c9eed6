/* SPDX-License-Identifier: MIT */
#include "serve/answer.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"

static void drop_body(struct sbx_answer *answer)
{
	if (answer->release)
		answer->release(answer->ctx);
	answer->release = NULL;
	answer->body = NULL;
	if (answer->stream)
		sbx_stream_close(sbx_take(answer->stream));
}

void sbx_answer_clear(struct sbx_answer *answer)
{
	sbx_strv_free(&answer->headers);
	drop_body(answer);
}

void sbx_answer_header(struct sbx_answer *answer, const char *name,
		       const char *value)
{
	sbx_strv_push(&answer->headers, name);
	sbx_strv_push(&answer->headers, value);
}

void sbx_answer_text(struct sbx_answer *answer, unsigned int status,
		     const char *type, const char *text,
		     void (*release)(void *ctx), void *ctx)
{
	drop_body(answer);
	answer->status = status;
	answer->type = type;
	answer->body = text;
	answer->size = strlen(text);
	answer->release = release;
	answer->ctx = ctx;
}

void sbx_answer_json(struct sbx_answer *answer, unsigned int status,
		     json_t *value)
{
	char *text = sbx_json_line(value);

	sbx_answer_text(answer, status, SBX_ANSWER_JSON, text, free, text);
	json_decref(value);
}

void sbx_answer_stream(struct sbx_answer *answer, struct sbx_stream *stream,
		       enum sbx_stream_form form)
{
	drop_body(answer);
	answer->status = 200;
	answer->type = sbx_stream_type(form);
	answer->stream = stream;
}

unsigned int sbx_answer_status(enum sbx_outcome outcome)
{
	switch (outcome) {
	case SBX_OUTCOME_INVALID:
		return 400;
	case SBX_OUTCOME_DENIED:
		return 403;
	case SBX_OUTCOME_NOT_FOUND:
		return 404;
	case SBX_OUTCOME_BUSY:
		return 429;
	case SBX_OUTCOME_UNAVAILABLE:
		return 503;
	default:
		return 500;
	}
}

json_t *sbx_answer_refusal(enum sbx_outcome outcome, const char *message)
{
	cleanup_buf struct sbx_buf valid =
		SBX_BUF_INIT(3 * strlen(message) + 1);

	sbx_text_to_utf8(&valid, message, strlen(message));
	return json_pack("{s:i, s:n, s:s, s:s}", "status",
			 sbx_outcome_status(outcome), "output", "error",
			 sbx_buf_text(&valid), "outcome",
			 sbx_outcome_name(outcome));
}

static void refuse(struct sbx_answer *answer, unsigned int status,
		   enum sbx_outcome outcome, const char *message)
{
	if (outcome == SBX_OUTCOME_BUSY)
		sbx_answer_header(answer, "Retry-After", "1");
	sbx_answer_header(answer, "Skillbox-Outcome",
			  sbx_outcome_name(outcome));
	sbx_answer_json(answer, status, sbx_answer_refusal(outcome, message));
}

void sbx_answer_refuse(struct sbx_answer *answer, unsigned int status,
		       enum sbx_outcome outcome, const char *format, ...)
{
	char message[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(message, sizeof(message), format, args);
	va_end(args);
	refuse(answer, status, outcome, message);
}

void sbx_answer_error(struct sbx_answer *answer, const struct sbx_error *err)
{
	refuse(answer, sbx_answer_status(err->outcome), err->outcome,
	       err->message);
}
