/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_HTTP_H
#define SBX_ENGINE_HTTP_H

#include <stddef.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/client.h"

struct sbx_engine;

/*
 * One request to the engine and its answer.  Internal to this layer: the
 * layers above use container.h, image.h and volume.h.
 */

/*
 * Where a streamed request body comes from.  Writes up to @size bytes to
 * @data and sets *@got; 0 means the end.  -1 with @err set aborts the request
 * with that error, in the middle of the body.
 */
typedef int (*sbx_http_source)(void *ctx, void *data, size_t size, size_t *got,
			       struct sbx_error *err);

/* Where a streamed answer goes.  -1 with @err set aborts the request. */
typedef int (*sbx_http_sink)(void *ctx, const void *data, size_t size,
			     struct sbx_error *err);

/*
 * @method, @path	path and query behind the version prefix, percent-
 *			encoded already: "/containers/abc/start"
 * @json		body, or NULL
 * @source		body as a stream, sent chunked, or NULL
 * @content_type	of @source
 * @sink		gets the body of a 2xx answer as it comes; without
 *			one it is collected (at most 32 MiB) and parsed
 * @idle_ms		the request fails when nothing moved for so long, in
 *			either direction; 0: the default, 60 s
 * @answer_ms		the same until the answer has begun; 0: @idle_ms
 * @limit_ms		how long it may take from when its turn has come; 0: for
 *			ever
 * @kind		how it waits for its turn
 */
struct sbx_http_request {
	const char *method;
	const char *path;
	json_t *json;
	sbx_http_source source;
	void *source_ctx;
	const char *content_type;
	sbx_http_sink sink;
	void *sink_ctx;
	int idle_ms;
	int answer_ms;
	int64_t limit_ms;
	enum sbx_turn_kind kind;
};

/*
 * @status	200 to 599
 * @json	the answer's JSON, owned by the caller, or NULL
 * @message	an error answer's "message" in one line, "" when there is none
 */
struct sbx_http_response {
	long status;
	json_t *json;
	char message[512];
};

#define SBX_HTTP_RESPONSE_INIT                                                 \
	{                                                                      \
		.status = 0                                                    \
	}

void sbx_http_response_free(struct sbx_http_response *response);
#define cleanup_response SBX_CLEANUP(sbx_http_response_free)

/*
 * Performs @request.  0 whenever the engine answered, whatever the status;
 * -1: UNAVAILABLE (could not connect, connection lost, idle too long, not
 * HTTP), CANCELLED, TIMEOUT (its limit), or the source's or sink's own error.
 */
int sbx_http_perform(struct sbx_engine *engine,
		     const struct sbx_http_request *request,
		     struct sbx_http_response *response, struct sbx_error *err);

/*
 * Sets @response's message from the body of an error answer: the "message"
 * member of a JSON object, or plain text.
 */
void sbx_http_read_message(struct sbx_http_response *response, const char *body,
			   size_t size);

/*
 * Turns an answer that is not what the caller hoped for into an error:
 * "engine refused (409): name is in use".  UNAVAILABLE.  Always -1.
 */
int sbx_http_refused(const struct sbx_http_response *response,
		     struct sbx_error *err);

/*
 * GETs JSON of @type; a new reference.  -1: UNAVAILABLE, also for any other
 * answer, BUSY, CANCELLED.  SBX_HTTP_NOT_THERE for 404, with @err filled as if
 * it were a failure, which it is to some.
 */
#define SBX_HTTP_NOT_THERE 1
int sbx_http_get(struct sbx_engine *engine, const char *path, json_type type,
		 json_t **out, struct sbx_error *err);

/* A source that gives bytes of memory; @context is its sbx_http_bytes. */
struct sbx_http_bytes {
	const void *data;
	size_t size;
};

int sbx_http_bytes_source(void *context, void *data, size_t size, size_t *got,
			  struct sbx_error *err);

/* The value of "filters" for what carries @label; free() it. */
char *sbx_http_label_filter(const char *label);

/* @text percent-encoded for a path segment or query value; free() it. */
char *sbx_http_escape(const char *text);

#endif
