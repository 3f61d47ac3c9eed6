/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ANSWER_H
#define SBX_SERVE_ANSWER_H

#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include "base/error.h"
#include "base/strv.h"
#include "serve/stream.h"

/*
 * What a request is answered with, apart from how it is sent.
 *
 * @status	of HTTP
 * @type	its media type, static; NULL without a body
 * @headers	names and values in turn
 * @body	@size bytes, which are there until @release is called with @ctx
 * @stream	in place of a body; closed by whoever sends it
 * @is_upgrade	no answer: the connection becomes a stream of messages
 */
struct sbx_answer {
	unsigned int status;
	const char *type;
	struct sbx_strv headers;
	const char *body;
	size_t size;
	void (*release)(void *ctx);
	void *ctx;
	struct sbx_stream *stream;
	bool is_upgrade;
};

void sbx_answer_clear(struct sbx_answer *answer);

void sbx_answer_header(struct sbx_answer *answer, const char *name,
		       const char *value);

/* A JSON document; takes the reference. */
void sbx_answer_json(struct sbx_answer *answer, unsigned int status,
		     json_t *value);

#define SBX_ANSWER_JSON "application/json"

/*
 * A text of media type @type, static; @release and @ctx as in struct
 * sbx_answer.
 */
void sbx_answer_text(struct sbx_answer *answer, unsigned int status,
		     const char *type, const char *text,
		     void (*release)(void *ctx), void *ctx);

/* The events of a run; takes the reader's end. */
void sbx_answer_stream(struct sbx_answer *answer, struct sbx_stream *stream,
		       enum sbx_stream_form form);

/* New reference: what a refusal says. */
json_t *sbx_answer_refusal(enum sbx_outcome outcome, const char *message);

/*
 * A refusal: an object that begins as a record does, with the status of
 * @outcome, which is also in the header Skillbox-Outcome.
 */
void sbx_answer_refuse(struct sbx_answer *answer, unsigned int status,
		       enum sbx_outcome outcome, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* The same of an error, by its outcome: 400, 404, 429, 500, 503. */
void sbx_answer_error(struct sbx_answer *answer, const struct sbx_error *err);

/* The status of HTTP where nothing but the outcome of a refusal is known. */
unsigned int sbx_answer_status(enum sbx_outcome outcome);

#endif
