/* SPDX-License-Identifier: MIT */
#include "engine/stream.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/http_chunks.h"
#include "codec/http_head.h"
#include "engine/client.h"
#include "engine/handle.h"
#include "engine/http.h"
#include "engine/no_command.h"

/*
 * The upgrade request and its answer are written and read here, for what comes
 * behind the answer's head is no HTTP any more.  What of it came in the same
 * read is the beginning of the stream and waits in @early.
 */

/* From the request to the 101; the engine only looks the container up. */
#define UPGRADE_MS 30000
/* How long the rest of an error's text may take. */
#define REFUSAL_MS  2000
#define REFUSAL_MAX 4096

struct sbx_stream {
	struct sbx_connection *connection;
	struct sbx_buf early;
};

int sbx_stream_fd(const struct sbx_stream *stream)
{
	return sbx_connection_fd(stream->connection);
}

static int broken(struct sbx_error *err)
{
	return sbx_error_errno(err, SBX_OUTCOME_UNAVAILABLE, errno,
			       "the attached connection broke");
}

ssize_t sbx_stream_send(struct sbx_stream *stream, const void *data,
			size_t size, struct sbx_error *err)
{
	ssize_t sent;

	if (size == 0)
		return 0;
	sent = sbx_connection_send(stream->connection, data, size);
	return sent < 0 ? broken(err) : sent;
}

static ssize_t recv_raw(struct sbx_stream *stream, void *data, size_t size,
			struct sbx_error *err)
{
	ssize_t got = sbx_connection_recv(stream->connection, data, size);

	if (got == SBX_CONNECTION_CLOSED)
		return SBX_STREAM_CLOSED;
	return got < 0 ? broken(err) : got;
}

ssize_t sbx_stream_recv(struct sbx_stream *stream, void *data, size_t size,
			struct sbx_error *err)
{
	if (size == 0)
		return 0;
	if (stream->early.len == 0)
		return recv_raw(stream, data, size, err);
	if (size > stream->early.len)
		size = stream->early.len;
	memcpy(data, stream->early.data, size);
	sbx_buf_consume(&stream->early, size);
	return (ssize_t)size;
}

void sbx_stream_free(struct sbx_stream **stream)
{
	if (!*stream)
		return;
	sbx_connection_close(&(*stream)->connection);
	sbx_buf_free(&(*stream)->early);
	free(*stream);
	*stream = NULL;
}

/* --- the upgrade ------------------------------------------------------ */

static int send_request(struct sbx_stream *stream,
			const struct sbx_engine *engine, const char *request,
			struct sbx_error *err)
{
	size_t left = strlen(request);

	while (left > 0) {
		ssize_t sent = sbx_stream_send(stream, request, left, err);

		if (sent < 0)
			return -1;
		request += sent;
		left -= (size_t)sent;
		if (sent == 0 &&
		    sbx_client_wait(engine->client, stream->connection, POLLOUT,
				    UPGRADE_MS, err) < 0)
			return -1;
	}
	return 0;
}

/*
 * Receives more into @early.  1, SBX_STREAM_CLOSED at the end, or -1, also
 * when nothing comes before @until.
 */
static int recv_more(struct sbx_stream *stream, const struct sbx_engine *engine,
		     double until, struct sbx_error *err)
{
	char part[4096];

	for (;;) {
		ssize_t got = recv_raw(stream, part, sizeof(part), err);
		double left = until - sbx_clock_ms();

		if (got < 0)
			return (int)got;
		if (got > 0) {
			sbx_buf_append(&stream->early, part, (size_t)got);
			return 1;
		}
		if (sbx_client_wait(engine->client, stream->connection, POLLIN,
				    left > 0 ? left : 0, err) < 0)
			return -1;
	}
}

static int recv_head(struct sbx_stream *stream, const struct sbx_engine *engine,
		     struct sbx_http_head *head, struct sbx_error *err)
{
	double until = sbx_clock_ms() + UPGRADE_MS;
	struct sbx_buf *early = &stream->early;

	for (;;) {
		int more = recv_more(stream, engine, until, err);
		ssize_t used;

		if (more == SBX_STREAM_CLOSED)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the engine closed the "
					     "connection before it answered");
		if (more < 0)
			return -1;
		used = sbx_http_head_parse(early->data, early->len, head, err);
		if (used < 0)
			return -1;
		if (used > 0) {
			sbx_buf_consume(early, (size_t)used);
			return 0;
		}
	}
}

static int collect(void *ctx, const void *data, size_t size,
		   struct sbx_error *err)
{
	(void)err;
	sbx_buf_append(ctx, data, size);
	return 0;
}

/*
 * What has come of an error's text, in the way that its head announces; true
 * when that is all of it.
 */
static bool read_refusal(const struct sbx_buf *early,
			 const struct sbx_http_head *head, struct sbx_buf *text)
{
	struct sbx_http_chunks chunks = SBX_HTTP_CHUNKS_INIT;
	struct sbx_error ignored = SBX_ERROR_INIT;
	size_t used;

	*text = (struct sbx_buf)SBX_BUF_INIT(REFUSAL_MAX);
	if (head->chunked) {
		return sbx_http_chunks_feed(&chunks, sbx_buf_text(early),
					    early->len, &used, collect, text,
					    &ignored) < 0 ||
		       chunks.ended;
	}
	if (head->content_length >= 0 && head->content_length < REFUSAL_MAX)
		text->max = (size_t)head->content_length;
	sbx_buf_append(text, sbx_buf_text(early), early->len);
	return text->len == text->max;
}

/* The engine's words, as far as they come; what they are worth is known. */
static int refused(struct sbx_stream *stream, const struct sbx_engine *engine,
		   const struct sbx_http_head *head, struct sbx_error *err)
{
	double until = sbx_clock_ms() + REFUSAL_MS;
	struct sbx_http_response response = { .status = head->status };
	struct sbx_error ignored = SBX_ERROR_INIT;
	struct sbx_buf text;

	while (!read_refusal(&stream->early, head, &text) &&
	       stream->early.len < REFUSAL_MAX &&
	       recv_more(stream, engine, until, &ignored) == 1)
		sbx_buf_free(&text);
	sbx_http_read_message(&response, sbx_buf_text(&text), text.len);
	sbx_buf_free(&text);
	sbx_http_refused(&response, err);
	return sbx_no_command(&response) ? SBX_STREAM_NO_COMMAND : -1;
}

static int upgrade(struct sbx_stream *stream, const struct sbx_engine *engine,
		   const char *container, struct sbx_error *err)
{
	struct sbx_http_head head = { .status = 0 };
	cleanup_free char *id = sbx_http_escape(container);
	cleanup_free char *request =
		sbx_asprintf("POST /v%s/containers/%s/attach"
			     "?stream=1&stdin=1&stdout=1&stderr=1 HTTP/1.1\r\n"
			     "Host: docker\r\n"
			     "User-Agent: skillbox/" SBX_VERSION "\r\n"
			     "Content-Length: 0\r\n"
			     "Connection: Upgrade\r\n"
			     "Upgrade: tcp\r\n"
			     "\r\n",
			     engine->api_version, id);

	if (send_request(stream, engine, request, err) < 0 ||
	    recv_head(stream, engine, &head, err) < 0)
		return -1;
	/* 200 is what the API said before there were upgrades. */
	if (head.status != 101 && head.status != 200)
		return refused(stream, engine, &head, err);
	return 0;
}

/* Only the request for it is a call that others wait for. */
static int open_stream(struct sbx_stream *stream,
		       const struct sbx_engine *engine, const char *container,
		       struct sbx_error *err)
{
	int result;

	if (sbx_client_begin(engine->client, SBX_TURN_NORMAL, err) < 0)
		return -1;
	result = sbx_client_connect(engine->client, &stream->connection, err);
	if (result == 0)
		result = upgrade(stream, engine, container, err);
	sbx_client_end(engine->client);
	return result;
}

int sbx_stream_attach(struct sbx_stream **out, struct sbx_engine *engine,
		      const char *container, struct sbx_error *err)
{
	struct sbx_stream *stream;
	int result;

	if (sbx_handle_negotiate(engine, err) < 0)
		return sbx_error_wrap(err, "attach");
	stream = sbx_calloc(1, sizeof(*stream));
	stream->early.max = SBX_HTTP_HEAD_MAX + 4096;
	result = open_stream(stream, engine, container, err);
	if (result == 0) {
		*out = stream;
		return 0;
	}
	sbx_stream_free(&stream);
	sbx_error_wrap(err, "attach");
	return result;
}
