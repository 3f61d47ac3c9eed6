/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_FORWARD_H
#define SBX_SANDBOX_FORWARD_H

#include <stdint.h>

#include "base/error.h"
#include "base/mem.h"
#include "skill/publish.h"

/*
 * Publishes a port of a sandbox whose engine cannot, for it has no network:
 * listens at an address of the host and passes on what comes, both ways.
 */
struct sbx_forward;

/* So many connections at once; who comes then waits until one has ended. */
#define SBX_FORWARD_CONNECTIONS_MAX 256

/*
 * @port	copied
 * @connect	called from the forwarder's thread, for each who comes: a stream
 *		socket, connected to port @target in the sandbox and closed on
 *		exec, which is then the forwarder's; or -1, and who came is
 *		reset.  May block, for at most a second: so long nothing else
 *		is passed on.
 */
struct sbx_forward_options {
	const struct sbx_publish *port;
	int (*connect)(void *ctx, uint16_t target);
	void *ctx;
};

/*
 * Listens, and starts the thread.  UNAVAILABLE: "cannot listen on
 * 127.0.0.1:8080: Address already in use"; INTERNAL without a thread.
 */
int sbx_forward_new(struct sbx_forward **out,
		    const struct sbx_forward_options *options,
		    struct sbx_error *err);

/* The port it listens at: the one that was free where none was asked for. */
uint16_t sbx_forward_port(const struct sbx_forward *forward);

/* Ends all connections and waits for the thread, also while it connects. */
void sbx_forward_free(struct sbx_forward **forward);
#define cleanup_forward SBX_CLEANUP(sbx_forward_free)

#endif
