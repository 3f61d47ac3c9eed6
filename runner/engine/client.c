/* SPDX-License-Identifier: MIT */
/*
 * A request is sent and its answer read at the same time, for an engine may
 * refuse a large body before it has come, or answer a build while it is sent.
 *
 *	pump()	turns until the answer has ended
 *	  send_some()	head, then body: in one piece, or chunk by chunk as the
 *			caller gives it
 *	  recv_some()	head (codec/http_head.c), then body: by its length,
 *			chunked (codec/http_chunks.c), or up to the end
 *
 * libcurl would do all this and more.  It is not used because loading it, with
 * the thirty libraries behind it, takes 5 ms (7.88, measured): more than all
 * else that an unchanged build does, and than a waiting sandbox may take.
 *
 * A connection is kept for the next request.  The engine may close it just
 * then, so a request on a kept connection that gets no byte of an answer is
 * sent once more on a new one, although the engine may have acted on it.  That
 * is harmless for all methods but POST; POST therefore always has a connection
 * of its own.
 *
 * From before it connects until its answer has come a call holds one of the
 * slots that there are for its engine (engine/turn.h).
 */
#include "engine/client.h"

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/mem.h"
#include "codec/http_chunks.h"
#include "codec/http_head.h"

#define PIECE_SIZE (64 * 1024)
/* In front of a piece: its size in hexadecimal digits and an end of line. */
#define FRAME_SIZE 16

/* Answers such as "100 Continue" before the real one. */
#define INTERIM_MAX 8

/* So that a flood does not keep anybody from looking at the clock. */
#define RECV_AT_ONCE 64

#define REPEAT	     1 /* named outcome of run_once: try a new connection */

#define CONNECT_MS   5000

struct sbx_client {
	const struct sbx_transport *transport;
	int cancel_fd;
	struct sbx_turn turn;
	struct sbx_connection *kept;
};

/* How the answer's body ends. */
enum body { NOTHING, LENGTH, CHUNKED, UNTIL_CLOSE };

/*
 * @out, @out_size	what is to be sent next
 * @has_more		there is more to send behind that
 * @is_asking		the body waits until it is asked for
 * @is_deaf		the engine takes no more of the request
 * @in			the answer's head, until it is whole
 * @has_answer		at least a byte of it has come
 * @left		of a body of known length
 */
struct transfer {
	const struct sbx_client *client;
	struct sbx_client_exchange *exchange;
	struct sbx_connection *connection;
	double moved_at;

	struct sbx_buf request;
	const char *out;
	size_t out_size;
	bool has_more;
	bool is_asking;
	bool is_deaf;
	char piece[FRAME_SIZE + PIECE_SIZE + 2];

	struct sbx_buf in;
	struct sbx_http_head head;
	unsigned int n_interim;
	bool has_answer;
	bool has_head;
	bool ended;
	enum body body;
	uint64_t left;
	struct sbx_http_chunks chunks;
};

void sbx_client_new(struct sbx_client **out,
		    const struct sbx_transport *transport)
{
	*out = sbx_calloc(1, sizeof(**out));
	(*out)->transport = transport;
	(*out)->cancel_fd = -1;
	sbx_turn_init(&(*out)->turn);
}

void sbx_client_free(struct sbx_client **client)
{
	if (!*client)
		return;
	sbx_connection_close(&(*client)->kept);
	sbx_turn_free(&(*client)->turn);
	free(*client);
	*client = NULL;
}

void sbx_client_set_cancel_fd(struct sbx_client *client, int fd)
{
	client->cancel_fd = fd;
}

int sbx_client_cancel_fd(const struct sbx_client *client)
{
	return client->cancel_fd;
}

uint64_t sbx_client_identity(const struct sbx_client *client)
{
	return client->transport->ops->identity(client->transport);
}

struct sbx_turn *sbx_client_turn(struct sbx_client *client)
{
	return &client->turn;
}

int sbx_client_begin(struct sbx_client *client, enum sbx_turn_kind kind,
		     struct sbx_error *err)
{
	return sbx_turn_begin(&client->turn, client->transport, kind,
			      client->cancel_fd, err);
}

void sbx_client_end(struct sbx_client *client)
{
	sbx_turn_end(&client->turn);
}

int sbx_client_connect(const struct sbx_client *client,
		       struct sbx_connection **out, struct sbx_error *err)
{
	double left = client->turn.until - sbx_clock_ms();

	return sbx_connection_open(out, client->transport, client->cancel_fd,
				   left < CONNECT_MS ? left : CONNECT_MS, err);
}

/* 1, 0 when @timeout_ms are over, or -1. */
static int wait_within(const struct sbx_client *client,
		       const struct sbx_connection *connection, short events,
		       double timeout_ms, struct sbx_error *err)
{
	double left = client->turn.until - sbx_clock_ms();
	int result = sbx_connection_wait(connection, events, client->cancel_fd,
					 left < timeout_ms ? left : timeout_ms,
					 err);

	return result == 0 && left < timeout_ms
		       ? sbx_turn_too_slow(client->transport, err)
		       : result;
}

int sbx_client_wait(const struct sbx_client *client,
		    const struct sbx_connection *connection, short events,
		    double timeout_ms, struct sbx_error *err)
{
	int result = wait_within(client, connection, events, timeout_ms, err);

	if (result == 0)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "%s at %s: no answer for %.1f s",
				     client->transport->peer,
				     client->transport->url, timeout_ms / 1e3);
	return result < 0 ? -1 : 0;
}

/* --- the request ----------------------------------------------------------- */

static void write_head(struct transfer *transfer)
{
	const struct sbx_client_exchange *exchange = transfer->exchange;
	struct sbx_buf *to = &transfer->request;

	to->max = SBX_HTTP_HEAD_MAX;
	sbx_buf_printf(to,
		       "%s %s HTTP/1.1\r\n"
		       "Host: docker\r\n"
		       "User-Agent: skillbox/" SBX_VERSION "\r\n",
		       exchange->method, exchange->target);
	if (exchange->asks_first)
		sbx_buf_puts(to, "Expect: 100-continue\r\n");
	if (exchange->headers)
		sbx_buf_puts(to, exchange->headers);
	if (exchange->content_type)
		sbx_buf_printf(to, "Content-Type: %s\r\n",
			       exchange->content_type);
	if (exchange->read)
		sbx_buf_puts(to, "Transfer-Encoding: chunked\r\n");
	else if (exchange->body || strcmp(exchange->method, "POST") == 0)
		sbx_buf_printf(to, "Content-Length: %zu\r\n",
			       exchange->body_size);
	sbx_buf_puts(to, "\r\n");
	transfer->out = to->data;
	transfer->out_size = to->len;
	transfer->has_more = exchange->read || exchange->body;
	transfer->is_asking = exchange->asks_first;
}

/* The next chunk of a body that the caller gives piece by piece. */
static int next_chunk(struct transfer *transfer, struct sbx_error *err)
{
	const struct sbx_client_exchange *exchange = transfer->exchange;
	char *data = transfer->piece + FRAME_SIZE;
	char frame[FRAME_SIZE + 1];
	size_t got = 0;
	int size;

	if (exchange->read(exchange->ctx, data, PIECE_SIZE, &got, err) < 0)
		return -1;
	transfer->moved_at = sbx_clock_ms();
	/* An empty chunk is the last; no trailer follows. */
	transfer->has_more = got > 0;
	size = snprintf(frame, sizeof(frame), "%zx\r\n", got);
	memcpy(data - size, frame, (size_t)size);
	memcpy(data + got, "\r\n", 2);
	transfer->out = data - size;
	transfer->out_size = (size_t)size + got + 2;
	return 0;
}

static int refill(struct transfer *transfer, struct sbx_error *err)
{
	if (transfer->exchange->read)
		return next_chunk(transfer, err);
	transfer->out = transfer->exchange->body;
	transfer->out_size = transfer->exchange->body_size;
	transfer->has_more = false;
	return 0;
}

static bool has_to_send(const struct transfer *transfer)
{
	return !transfer->is_deaf &&
	       (transfer->out_size > 0 ||
		(transfer->has_more && !transfer->is_asking));
}

static int send_some(struct transfer *transfer, struct sbx_error *err)
{
	ssize_t sent;

	if (!has_to_send(transfer))
		return 0;
	if (transfer->out_size == 0 && refill(transfer, err) < 0)
		return -1;
	sent = sbx_connection_send(transfer->connection, transfer->out,
				   transfer->out_size);
	if (sent < 0) {
		/* It may still have said why. */
		transfer->is_deaf = true;
		return 0;
	}
	if (sent > 0)
		transfer->moved_at = sbx_clock_ms();
	transfer->out += sent;
	transfer->out_size -= (size_t)sent;
	return 0;
}

/* --- the answer ------------------------------------------------------------ */

static int fail(const struct transfer *transfer, const char *what,
		struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "%s at %s: %s",
			     transfer->client->transport->peer,
			     transfer->client->transport->url, what);
}

static int deliver(void *ctx, const void *data, size_t size,
		   struct sbx_error *err)
{
	struct sbx_client_exchange *exchange = ctx;

	return exchange->write(exchange->ctx, data, size, err);
}

static int take_body(struct transfer *transfer, const char *data, size_t size,
		     struct sbx_error *err)
{
	size_t used = size;
	int result = 0;

	switch (transfer->body) {
	case NOTHING:
		used = 0;
		break;
	case LENGTH:
		if (used > transfer->left)
			used = (size_t)transfer->left;
		transfer->left -= used;
		transfer->ended = transfer->left == 0;
		if (used > 0)
			result = deliver(transfer->exchange, data, used, err);
		break;
	case CHUNKED:
		result = sbx_http_chunks_feed(&transfer->chunks, data, size,
					      &used, deliver,
					      transfer->exchange, err);
		transfer->ended = transfer->chunks.ended;
		break;
	case UNTIL_CLOSE:
		if (used > 0)
			result = deliver(transfer->exchange, data, used, err);
		break;
	}
	/* More than was announced: what follows would be taken amiss. */
	if (used < size)
		transfer->head.close = true;
	return result;
}

/* RFC 9112, section 6.3. */
static void choose_body(struct transfer *transfer)
{
	const struct sbx_http_head *head = &transfer->head;

	if (strcmp(transfer->exchange->method, "HEAD") == 0 ||
	    head->status == 204 || head->status == 304) {
		transfer->body = NOTHING;
		transfer->ended = true;
	} else if (head->chunked) {
		transfer->body = CHUNKED;
	} else if (head->content_length >= 0) {
		transfer->body = LENGTH;
		transfer->left = (uint64_t)head->content_length;
		transfer->ended = transfer->left == 0;
	} else {
		transfer->body = UNTIL_CLOSE;
	}
}

static void give_headers(const struct sbx_client_exchange *exchange,
			 const char *line, const char *end)
{
	const char *newline;

	if (!exchange->header)
		return;
	while ((newline = memchr(line, '\n', (size_t)(end - line)))) {
		size_t size = (size_t)(newline - line);

		if (size > 0 && line[size - 1] == '\r')
			size--;
		exchange->header(exchange->ctx, line, size);
		line = newline + 1;
	}
}

static int start_body(struct transfer *transfer, size_t head_size,
		      struct sbx_error *err)
{
	const char *head = transfer->in.data;

	transfer->has_head = true;
	transfer->exchange->status = transfer->head.status;
	give_headers(transfer->exchange, head, head + head_size);
	choose_body(transfer);
	/* What came behind the head is body already. */
	return take_body(transfer, head + head_size,
			 transfer->in.len - head_size, err);
}

static int take_head(struct transfer *transfer, struct sbx_error *err)
{
	struct sbx_buf *in = &transfer->in;

	for (;;) {
		ssize_t used = sbx_http_head_parse(sbx_buf_text(in), in->len,
						   &transfer->head, err);

		if (used < 0)
			return sbx_error_wrap(err, "%s at %s",
					      transfer->client->transport->peer,
					      transfer->client->transport->url);
		if (used == 0)
			return 0;
		if (transfer->head.status >= 200)
			return start_body(transfer, (size_t)used, err);
		if (transfer->head.status == 101 ||
		    ++transfer->n_interim > INTERIM_MAX)
			return fail(transfer, "it does not come to an answer",
				    err);
		if (transfer->head.status == 100)
			transfer->is_asking = false;
		sbx_buf_consume(in, (size_t)used);
	}
}

static int take(struct transfer *transfer, const char *data, size_t size,
		struct sbx_error *err)
{
	transfer->moved_at = sbx_clock_ms();
	transfer->has_answer = true;
	if (transfer->has_head)
		return take_body(transfer, data, size, err);
	sbx_buf_append(&transfer->in, data, size);
	return take_head(transfer, err);
}

/* The engine has closed, or the connection broke (@is_broken). */
static int take_end(struct transfer *transfer, bool is_broken,
		    struct sbx_error *err)
{
	if (transfer->has_head && transfer->body == UNTIL_CLOSE && !is_broken) {
		transfer->ended = true;
		return 0;
	}
	if (transfer->has_answer)
		return fail(transfer,
			    "the connection broke in the middle of the answer",
			    err);
	if (transfer->is_deaf)
		return fail(transfer,
			    "the connection broke while the request was sent",
			    err);
	return fail(transfer, "it closed the connection without an answer",
		    err);
}

static int recv_some(struct transfer *transfer, struct sbx_error *err)
{
	char data[PIECE_SIZE];
	ssize_t got = 1;

	for (int i = 0; i < RECV_AT_ONCE && got > 0 && !transfer->ended; i++) {
		got = sbx_connection_recv(transfer->connection, data,
					  sizeof(data));
		if (got < 0)
			return take_end(transfer, got != SBX_CONNECTION_CLOSED,
					err);
		if (got > 0 && take(transfer, data, (size_t)got, err) < 0)
			return -1;
	}
	return 0;
}

/* --- one exchange ---------------------------------------------------------- */

static int idle_ms(const struct transfer *transfer)
{
	const struct sbx_client_exchange *exchange = transfer->exchange;

	if (exchange->answer_ms > 0 && !transfer->has_answer)
		return exchange->answer_ms;
	return exchange->idle_ms > 0 ? exchange->idle_ms : SBX_CLIENT_IDLE_MS;
}

/* Until the next byte can move; the time-out counts from the last that did. */
static int wait_for_turn(const struct transfer *transfer, struct sbx_error *err)
{
	const struct sbx_client *client = transfer->client;
	int64_t whole = transfer->exchange->limit_ms;
	int limit = idle_ms(transfer);
	short events = POLLIN;
	int result;

	if (has_to_send(transfer))
		events |= POLLOUT;
	result = wait_within(client, transfer->connection, events,
			     fmin(transfer->moved_at + limit - sbx_clock_ms(),
				  sbx_turn_left(&client->turn, whole)),
			     err);
	/* Also where there is always something to read. */
	if (result >= 0 && sbx_turn_left(&client->turn, whole) <= 0)
		return sbx_turn_over(client->transport, err);
	if (result == 0)
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
				     "%s at %s: nothing moved for %.1f s",
				     client->transport->peer,
				     client->transport->url, limit / 1e3);
	return result < 0 ? -1 : 0;
}

static int pump(struct transfer *transfer, struct sbx_error *err)
{
	while (!transfer->ended) {
		if (wait_for_turn(transfer, err) < 0 ||
		    send_some(transfer, err) < 0 ||
		    recv_some(transfer, err) < 0)
			return -1;
	}
	return 0;
}

/* A connection that says something unasked, if only good-bye, is no good. */
static struct sbx_connection *take_kept(struct sbx_client *client)
{
	struct pollfd kept = { .events = POLLIN };

	if (!client->kept)
		return NULL;
	kept.fd = sbx_connection_fd(client->kept);
	if (poll(&kept, 1, 0) == 0)
		return sbx_take(client->kept);
	sbx_connection_close(&client->kept);
	return NULL;
}

static void keep(struct sbx_client *client, struct transfer *transfer)
{
	if (transfer->head.close || transfer->body == UNTIL_CLOSE ||
	    transfer->is_deaf || transfer->out_size || transfer->has_more)
		return;
	sbx_connection_close(&client->kept);
	client->kept = sbx_take(transfer->connection);
}

static int connect_for(const struct sbx_client *client,
		       struct transfer *transfer, struct sbx_error *err)
{
	const struct sbx_client_exchange *exchange = transfer->exchange;

	if (sbx_client_connect(client, &transfer->connection, err) < 0)
		return -1;
	if (!exchange->connected)
		return 0;
	return exchange->connected(
		exchange->ctx, sbx_connection_fd(transfer->connection), err);
}

static int run_once(struct sbx_client *client, struct transfer *transfer,
		    struct sbx_error *err)
{
	bool is_post = strcmp(transfer->exchange->method, "POST") == 0;
	struct sbx_error why = SBX_ERROR_INIT;
	bool is_kept;
	int result;

	if (!is_post)
		transfer->connection = take_kept(client);
	is_kept = transfer->connection;
	if (!is_kept && connect_for(client, transfer, err) < 0)
		return -1;
	transfer->moved_at = sbx_clock_ms();
	write_head(transfer);
	result = pump(transfer, &why);
	transfer->exchange->was_sent = !transfer->is_deaf &&
				       !transfer->out_size &&
				       !transfer->has_more;
	if (result == 0) {
		if (!is_post)
			keep(client, transfer);
		return 0;
	}
	if (is_kept && !transfer->has_answer && !transfer->exchange->read &&
	    why.outcome == SBX_OUTCOME_UNAVAILABLE)
		return REPEAT;
	*err = why;
	return -1;
}

static void transfer_free(struct transfer **transfer)
{
	sbx_connection_close(&(*transfer)->connection);
	sbx_buf_free(&(*transfer)->request);
	sbx_buf_free(&(*transfer)->in);
	free(*transfer);
	*transfer = NULL;
}

int sbx_client_perform(struct sbx_client *client,
		       struct sbx_client_exchange *exchange,
		       struct sbx_error *err)
{
	int result = REPEAT;

	if (sbx_client_begin(client, exchange->kind, err) < 0)
		return -1;
	while (result == REPEAT) {
		struct transfer *transfer = sbx_calloc(1, sizeof(*transfer));

		transfer->client = client;
		transfer->exchange = exchange;
		transfer->in.max = SBX_HTTP_HEAD_MAX + PIECE_SIZE;
		result = run_once(client, transfer, err);
		transfer_free(&transfer);
	}
	sbx_client_end(client);
	return result;
}
