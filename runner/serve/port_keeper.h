/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_PORT_KEEPER_H
#define SBX_SERVE_PORT_KEEPER_H

#include <stdbool.h>

#include "base/error.h"
#include "sandbox/session.h"

/*
 * Publishes the ports of sessions without a network (sandbox/forward.h), which
 * no engine does: of all that there are, whoever made them, unless another
 * process does it already.  For any number of threads.
 */
struct sbx_port_keeper;

/* @say gets a line of each session whose ports cannot be published. */
void sbx_port_keeper_new(struct sbx_port_keeper **out,
			 void (*say)(const char *line));

/* Nothing is forwarded any more; the sessions stay. */
void sbx_port_keeper_free(struct sbx_port_keeper **keeper);

/*
 * Publishes those of @session, if it has any: 0, also where that is done
 * already.  -1: UNAVAILABLE ("cannot listen on 127.0.0.1:80: ..."), or as
 * sbx_session_forward().
 */
int sbx_port_keeper_begin(struct sbx_port_keeper *keeper,
			  struct sbx_engine *engine,
			  const struct sbx_session *session,
			  struct sbx_error *err);

/*
 * Does that for all that are on the engine, and ends what belongs to one that
 * is there no more.  An engine that does not answer changes nothing.
 */
void sbx_port_keeper_look(struct sbx_port_keeper *keeper,
			  struct sbx_engine *engine);

bool sbx_port_keeper_has_any(struct sbx_port_keeper *keeper);

#endif
