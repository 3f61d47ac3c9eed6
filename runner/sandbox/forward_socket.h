/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_FORWARD_SOCKET_H
#define SBX_SANDBOX_FORWARD_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * The runner's end of the socket by which init is asked for connections to
 * ports in its sandbox (init/wire.h, FORWARD).  For any number of threads, who
 * take turns.
 */
struct sbx_forward_socket;

/* Takes *@fd. */
void sbx_forward_socket_new(struct sbx_forward_socket **out, int *fd);
void sbx_forward_socket_free(struct sbx_forward_socket **slot);
#define cleanup_forward_socket SBX_CLEANUP(sbx_forward_socket_free)

/* Another one in place of the one that it had; takes *@fd. */
void sbx_forward_socket_renew(struct sbx_forward_socket *slot, int *fd);

/*
 * A stream socket that is connected to @port in the sandbox, closed on exec,
 * the caller's.  -1 with errno: what init says (ECONNREFUSED), ETIMEDOUT within
 * about a second (it may be paused), EPIPE when the socket is of no use any
 * more, EPROTO for nonsense, which it is not either then.
 */
int sbx_forward_socket_connect(struct sbx_forward_socket *slot, uint16_t port);

/* It is of no use any more. */
bool sbx_forward_socket_is_broken(struct sbx_forward_socket *slot);

#endif
