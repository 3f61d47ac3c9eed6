/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SERVER_H
#define SBX_SERVE_SERVER_H

#include <stddef.h>

#include "base/error.h"
#include "serve/auth.h"
#include "serve/listener.h"
#include "serve/service.h"

/*
 * HTTP/1.1 on any number of listeners, a thread for each connection.  Decides
 * who may ask and how much, and hands whole requests to who answers them.
 */
struct sbx_server;

/*
 * @listeners	borrowed; of @n
 * @token	what TCP asks for; NULL only without such a listener
 * @hosts	how TCP listeners may be called besides
 * @body_max	bytes of one request
 * @request_ms	how long a client may take to say what it wants
 * @connections_max	of each listener
 */
struct sbx_server_options {
	const struct sbx_listener *listeners;
	size_t n;
	const struct sbx_token *token;
	struct sbx_strv hosts;
	size_t body_max;
	double request_ms;
	unsigned int connections_max;
};

/* INTERNAL when it cannot start.  @options and @service outlive it. */
int sbx_server_start(struct sbx_server **out, struct sbx_service *service,
		     const struct sbx_server_options *options,
		     struct sbx_error *err);

/*
 * Ends connections whose client takes too long to say what it wants; to be
 * called every second or so.
 */
void sbx_server_tend(struct sbx_server *server);

/* Closes all connections; requests that are under way end first. */
void sbx_server_stop(struct sbx_server **server);

#endif
