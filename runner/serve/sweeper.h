/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SWEEPER_H
#define SBX_SERVE_SWEEPER_H

#include "base/error.h"
#include "sandbox/pool.h"
#include "serve/engines.h"
#include "serve/port_keeper.h"

/*
 * A thread that removes what dead runners left on the engine, such as the
 * daemon that was here before: at the start, and then every minute.  It says
 * when the engine is away, and when it is there again, which the pool is told
 * as well: then it need not wait until it would have tried again.  The ports of
 * sessions are looked after at the same time.
 */
struct sbx_sweeper;

/* All of them outlive it. */
struct sbx_sweeper_options {
	struct sbx_engines *engines;
	struct sbx_pool *pool;
	struct sbx_port_keeper *ports;
	void (*say)(const char *line);
};

/* INTERNAL when there is no thread to be had. */
int sbx_sweeper_start(struct sbx_sweeper **out,
		      const struct sbx_sweeper_options *options,
		      struct sbx_error *err);
void sbx_sweeper_stop(struct sbx_sweeper **sweeper);

#endif
