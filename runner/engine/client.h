/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_CLIENT_H
#define SBX_ENGINE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"
#include "engine/connection.h"
#include "engine/transport.h"

/*
 * HTTP/1.1 (RFC 9112) over a transport: what moves bytes, knows time-outs and
 * cancellation, and knows nothing of what the engine says.
 */
struct sbx_client;

#define SBX_CLIENT_IDLE_MS 60000

/*
 * One request and its answer.
 *
 * @method	"GET"
 * @target	path and query, "/_ping"
 * @content_type of the body, or NULL
 * @body	@body_size bytes, or NULL
 * @read	instead of @body: gives the body piece by piece, sent chunked;
 *		*@got 0 is its end
 * @header	gets each header line of the final answer, without its end of
 *		line; or NULL
 * @write	gets the answer's body as it comes
 * @ctx		of the three; each returns -1 with @err set to abort
 * @idle_ms	how long nothing may move; 0: SBX_CLIENT_IDLE_MS
 * @status	out: of the final answer, set before @write is called first
 */
struct sbx_client_exchange {
	const char *method;
	const char *target;
	const char *content_type;
	const void *body;
	size_t body_size;
	int (*read)(void *ctx, void *data, size_t size, size_t *got,
		    struct sbx_error *err);
	void (*header)(void *ctx, const char *line, size_t size);
	int (*write)(void *ctx, const void *data, size_t size,
		     struct sbx_error *err);
	void *ctx;
	int idle_ms;
	long status;
};

/* Borrows @transport; opens no connection yet. */
void sbx_client_new(struct sbx_client **out,
		    const struct sbx_transport *transport);
void sbx_client_free(struct sbx_client **client);

/* See sbx_engine_set_cancel_fd(). */
void sbx_client_set_cancel_fd(struct sbx_client *client, int fd);
int sbx_client_cancel_fd(const struct sbx_client *client);

/*
 * Performs @exchange on a connection that is kept for the next.  0 whenever
 * there was a whole answer with a status of 200 to 599.  -1: UNAVAILABLE,
 * CANCELLED, or the error of a callback.
 */
int sbx_client_perform(struct sbx_client *client,
		       struct sbx_client_exchange *exchange,
		       struct sbx_error *err);

/* A connection of its own, on which nothing has been said yet. */
int sbx_client_connect(const struct sbx_client *client,
		       struct sbx_connection **out, struct sbx_error *err);

/*
 * Waits until @connection is ready for @events (poll(2)).  UNAVAILABLE when
 * it is not within @timeout_ms, CANCELLED.
 */
int sbx_client_wait(const struct sbx_client *client,
		    const struct sbx_connection *connection, short events,
		    int timeout_ms, struct sbx_error *err);

#endif
