/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_CONNECTION_H
#define SBX_ENGINE_CONNECTION_H

#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "engine/transport.h"

/*
 * One connection to the engine: bytes both ways, nothing blocks.  What a
 * transport such as TLS does to the bytes belongs here.
 */
struct sbx_connection;

#define SBX_CONNECTION_CONNECT_MS 5000

/*
 * Connects, within @timeout_ms.  UNAVAILABLE with what to do about it,
 * CANCELLED when @cancel_fd (or -1) becomes readable.  @transport is borrowed.
 */
int sbx_connection_open(struct sbx_connection **out,
			const struct sbx_transport *transport, int cancel_fd,
			double timeout_ms, struct sbx_error *err);
void sbx_connection_close(struct sbx_connection **connection);

/* For poll(2). */
int sbx_connection_fd(const struct sbx_connection *connection);

/*
 * Bytes moved; 0 when it would block; SBX_CONNECTION_CLOSED (receive only) at
 * the end; -1 with errno when the connection is broken.
 */
#define SBX_CONNECTION_CLOSED (-2)
ssize_t sbx_connection_send(struct sbx_connection *connection, const void *data,
			    size_t size);
ssize_t sbx_connection_recv(struct sbx_connection *connection, void *data,
			    size_t size);

/*
 * Waits until the connection is ready for @events (poll(2)): 1 when it is, 0
 * when @timeout_ms are over, -1 with CANCELLED.
 */
int sbx_connection_wait(const struct sbx_connection *connection, short events,
			int cancel_fd, double timeout_ms,
			struct sbx_error *err);

#endif
