/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_CLIENT_H
#define SBX_ENGINE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"
#include "engine/connection.h"
#include "engine/transport.h"
#include "engine/turn.h"

/*
 * HTTP/1.1 (RFC 9112) over a transport: what moves bytes, knows time-outs and
 * cancellation, and knows nothing of what the engine says.
 */
struct sbx_client;

#define SBX_CLIENT_IDLE_MS 60000

/*
 * One request and its answer.
 *
 * @kind	how it waits for its turn
 * @method	"GET"
 * @target	path and query, "/_ping"
 * @asks_first	the body is sent when the other end has said that it wants it
 *		(RFC 9110, section 10.1.1): until then it has not begun
 * @headers	more of them, each with its end of line, or NULL
 * @content_type of the body, or NULL
 * @body	@body_size bytes, or NULL
 * @read	instead of @body: gives the body piece by piece, sent chunked;
 *		*@got 0 is its end
 * @connected	gets the socket of a new connection before anything is said on
 *		it; or NULL
 * @header	gets each header line of the final answer, without its end of
 *		line; or NULL
 * @write	gets the answer's body as it comes
 * @ctx		of these; each returns -1 with @err set to abort
 * @idle_ms	how long nothing may move; 0: SBX_CLIENT_IDLE_MS
 * @answer_ms	the same until the answer has begun; 0: @idle_ms
 * @limit_ms	how long it may take from when its turn has come; 0: for ever
 * @status	out: of the final answer, set before @write is called first
 * @was_sent	out: the whole request left, so the other end may have acted on
 *		it, whatever became of the answer
 */
struct sbx_client_exchange {
	enum sbx_turn_kind kind;
	const char *method;
	const char *target;
	bool asks_first;
	const char *headers;
	const char *content_type;
	const void *body;
	size_t body_size;
	int (*read)(void *ctx, void *data, size_t size, size_t *got,
		    struct sbx_error *err);
	int (*connected)(void *ctx, int fd, struct sbx_error *err);
	void (*header)(void *ctx, const char *line, size_t size);
	int (*write)(void *ctx, const void *data, size_t size,
		     struct sbx_error *err);
	void *ctx;
	int idle_ms;
	int answer_ms;
	int64_t limit_ms;
	long status;
	bool was_sent;
};

/* Borrows @transport; opens no connection yet. */
void sbx_client_new(struct sbx_client **out,
		    const struct sbx_transport *transport);
void sbx_client_free(struct sbx_client **client);

/* See sbx_engine_set_cancel_fd(). */
void sbx_client_set_cancel_fd(struct sbx_client *client, int fd);
int sbx_client_cancel_fd(const struct sbx_client *client);

/* See sbx_engine_identity(). */
uint64_t sbx_client_identity(const struct sbx_client *client);

/* Borrowed: the client's patience may be read and set. */
struct sbx_turn *sbx_client_turn(struct sbx_client *client);

/*
 * Performs @exchange on a connection that is kept for the next.  0 whenever
 * there was a whole answer with a status of 200 to 599.  -1: UNAVAILABLE,
 * BUSY, CANCELLED, TIMEOUT (its limit), or the error of a callback.
 */
int sbx_client_perform(struct sbx_client *client,
		       struct sbx_client_exchange *exchange,
		       struct sbx_error *err);

/*
 * A call that is not made by sbx_client_perform(): waits for its turn, and ends
 * it.  0, or -1: UNAVAILABLE (out of patience), BUSY, CANCELLED.
 */
int sbx_client_begin(struct sbx_client *client, enum sbx_turn_kind kind,
		     struct sbx_error *err);
void sbx_client_end(struct sbx_client *client);

/* During a call: a connection of its own, on which nothing has been said. */
int sbx_client_connect(const struct sbx_client *client,
		       struct sbx_connection **out, struct sbx_error *err);

/*
 * During a call: waits until @connection is ready for @events (poll(2)).
 * UNAVAILABLE when it is not within @timeout_ms, CANCELLED.
 */
int sbx_client_wait(const struct sbx_client *client,
		    const struct sbx_connection *connection, short events,
		    double timeout_ms, struct sbx_error *err);

#endif
