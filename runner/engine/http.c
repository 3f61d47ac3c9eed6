/* SPDX-License-Identifier: MIT */
#include "engine/http.h"

#include <ctype.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "codec/json.h"
#include "engine/client.h"
#include "engine/handle.h"

#define BODY_MAX       ((size_t)32 << 20)
#define ERROR_BODY_MAX ((size_t)64 << 10)

#define GET_TRIES      5
#define AGAIN_MS       20

/*
 * @body	what is collected of the answer
 * @is_json	the answer says that it is JSON
 */
struct call {
	const struct sbx_http_request *request;
	struct sbx_http_response *response;
	struct sbx_client_exchange exchange;
	struct sbx_buf body;
	bool is_json;
};

static bool is_success(long status)
{
	return status >= 200 && status <= 299;
}

/* --- the answer ------------------------------------------------------- */

static void on_header(void *ctx, const char *line, size_t size)
{
	static const char type[] = "Content-Type:";
	struct call *call = ctx;
	cleanup_free char *copy = sbx_strndup(line, size);

	if (strncasecmp(copy, type, strlen(type)) == 0)
		call->is_json = strcasestr(copy, "json");
}

static int on_write(void *ctx, const void *data, size_t size,
		    struct sbx_error *err)
{
	struct call *call = ctx;
	const struct sbx_http_request *request = call->request;
	bool success = is_success(call->exchange.status);

	if (success && request->sink)
		return request->sink(request->sink_ctx, data, size, err);
	call->body.max = success ? BODY_MAX : ERROR_BODY_MAX;
	/* Of an error the first part will do, of anything else it will not. */
	if (sbx_buf_append(&call->body, data, size) == size || !success)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "the engine's answer to %s %s is larger than "
			     "%zu bytes",
			     request->method, request->path, BODY_MAX);
}

/* @text in one harmless line that fits @out. */
static void one_line(char *out, size_t out_size, const char *text, size_t size)
{
	cleanup_buf struct sbx_buf flat = SBX_BUF_INIT(4096);
	cleanup_buf struct sbx_buf line = SBX_BUF_INIT(out_size - 1);

	for (size_t i = 0; i < size; i++) {
		bool space = isspace((unsigned char)text[i]);

		if (!space)
			sbx_buf_append(&flat, text + i, 1);
		else if (flat.len > 0 && flat.data[flat.len - 1] != ' ')
			sbx_buf_append(&flat, " ", 1);
	}
	while (flat.len > 0 && flat.data[flat.len - 1] == ' ')
		flat.len--;
	sbx_text_escape(&line, sbx_buf_text(&flat), flat.len, false);
	snprintf(out, out_size, "%s", sbx_buf_text(&line));
}

/* Docker and Podman: {"message": "..."}; before its handlers, plain text. */
void sbx_http_read_message(struct sbx_http_response *response, const char *body,
			   size_t size)
{
	json_auto_t *json = json_loadb(body, size, JSON_ALLOW_NUL, NULL);
	json_t *message = json_object_get(json, "message");

	if (json_is_string(message)) {
		body = json_string_value(message);
		size = json_string_length(message);
	} else if (json) {
		return;
	}
	one_line(response->message, sizeof(response->message), body, size);
}

static int read_answer(struct call *call, struct sbx_error *err)
{
	const struct sbx_http_request *request = call->request;
	struct sbx_http_response *response = call->response;

	response->status = call->exchange.status;
	if (!is_success(response->status)) {
		sbx_http_read_message(response, sbx_buf_text(&call->body),
				      call->body.len);
		return 0;
	}
	if (!call->is_json || call->body.len == 0)
		return 0;
	if (sbx_json_parse(call->body.data, call->body.len, &response->json,
			   err) == 0)
		return 0;
	err->outcome = SBX_OUTCOME_UNAVAILABLE;
	return sbx_error_wrap(err, "the engine's answer to %s %s is not JSON",
			      request->method, request->path);
}

/* --- the request ------------------------------------------------------ */

static int on_read(void *ctx, void *data, size_t size, size_t *got,
		   struct sbx_error *err)
{
	struct call *call = ctx;

	return call->request->source(call->request->source_ctx, data, size, got,
				     err);
}

static int perform(struct sbx_engine *engine, struct call *call,
		   struct sbx_error *err)
{
	const struct sbx_http_request *request = call->request;
	struct sbx_client_exchange *exchange = &call->exchange;
	cleanup_free char *body = NULL;
	cleanup_free char *target =
		sbx_asprintf("/v%s%s", engine->api_version, request->path);

	exchange->method = request->method;
	exchange->target = target;
	exchange->header = on_header;
	exchange->write = on_write;
	exchange->ctx = call;
	exchange->idle_ms = request->idle_ms;
	exchange->answer_ms = request->answer_ms;
	exchange->limit_ms = request->limit_ms;
	exchange->kind = request->kind;
	if (request->source) {
		exchange->read = on_read;
		exchange->content_type = request->content_type;
	} else if (request->json) {
		body = json_dumps(request->json,
				  JSON_COMPACT | JSON_ENCODE_ANY);
		if (!body)
			return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
					     "request body is not JSON");
		exchange->body = body;
		exchange->body_size = strlen(body);
		exchange->content_type = "application/json";
	}
	return sbx_client_perform(engine->client, exchange, err);
}

int sbx_http_perform(struct sbx_engine *engine,
		     const struct sbx_http_request *request,
		     struct sbx_http_response *response, struct sbx_error *err)
{
	struct call call = {
		.request = request,
		.response = response,
		.body = SBX_BUF_INIT(BODY_MAX),
	};
	int ret;

	sbx_http_response_free(response);
	if (sbx_handle_negotiate(engine, err) < 0)
		return -1;
	ret = perform(engine, &call, err);
	if (ret == 0)
		ret = read_answer(&call, err);
	sbx_buf_free(&call.body);
	return ret;
}

void sbx_http_response_free(struct sbx_http_response *response)
{
	json_decref(response->json);
	*response = (struct sbx_http_response)SBX_HTTP_RESPONSE_INIT;
}

int sbx_http_refused(const struct sbx_http_response *response,
		     struct sbx_error *err)
{
	const char *colon = response->message[0] ? ": " : "";

	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
			     "engine refused (%ld)%s%s", response->status,
			     colon, response->message);
}

static int take_json(struct sbx_http_response *response, json_type type,
		     json_t **out, struct sbx_error *err)
{
	if (!response->json || json_typeof(response->json) != type)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "the engine's answer (%ld) is not the "
				     "JSON that was expected",
				     response->status);
	*out = sbx_take(response->json);
	return 0;
}

/*
 * To tell of one thing Podman (4.3) looks at others, and stumbles over any that
 * goes just then: an image, the process of a container.
 */
static bool has_stumbled(const struct sbx_engine *engine,
			 const struct sbx_http_response *response)
{
	return engine->podman && response->status == 500 &&
	       (sbx_text_has_suffix(response->message, ": image not known") ||
		sbx_text_has_suffix(response->message, ": no such process"));
}

int sbx_http_get(struct sbx_engine *engine, const char *path, json_type type,
		 json_t **out, struct sbx_error *err)
{
	struct sbx_http_request request = { .method = "GET", .path = path };
	cleanup_response struct sbx_http_response response =
		SBX_HTTP_RESPONSE_INIT;

	for (int i = 1; i <= GET_TRIES; i++) {
		if (sbx_http_perform(engine, &request, &response, err) < 0)
			return -1;
		if (!has_stumbled(engine, &response))
			break;
		poll(NULL, 0, i * AGAIN_MS);
	}
	if (response.status != 200) {
		sbx_http_refused(&response, err);
		return response.status == 404 ? SBX_HTTP_NOT_THERE : -1;
	}
	return take_json(&response, type, out, err);
}

char *sbx_http_escape(const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = sbx_malloc(strlen(text) * 3 + 1);
	char *at = out;

	/* RFC 3986, section 2.3: what needs no encoding anywhere. */
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if ((c < 128 && isalnum(c)) || strchr("-._~", c)) {
			*at++ = (char)c;
			continue;
		}
		*at++ = '%';
		*at++ = hex[c >> 4];
		*at++ = hex[c & 15];
	}
	*at = '\0';
	return out;
}

char *sbx_http_label_filter(const char *label)
{
	json_auto_t *filters = json_pack("{s:[s]}", "label", label);
	cleanup_free char *text = sbx_json_line(filters);

	return sbx_http_escape(text);
}

int sbx_http_bytes_source(void *context, void *data, size_t size, size_t *got,
			  struct sbx_error *err)
{
	struct sbx_http_bytes *bytes = context;

	(void)err;
	if (size > bytes->size)
		size = bytes->size;
	if (size > 0)
		memcpy(data, bytes->data, size);
	bytes->data = (const char *)bytes->data + size;
	bytes->size -= size;
	*got = size;
	return 0;
}
