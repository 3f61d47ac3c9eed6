/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_SWEEPER_H
#define SBX_SERVE_SWEEPER_H

#include "base/error.h"
#include "serve/engines.h"

/*
 * A thread that removes what dead runners left on the engine, such as the
 * daemon that was here before: at the start, and then every minute.
 */
struct sbx_sweeper;

/* INTERNAL when there is no thread to be had.  @engines outlives it. */
int sbx_sweeper_start(struct sbx_sweeper **out, struct sbx_engines *engines,
		      struct sbx_error *err);
void sbx_sweeper_stop(struct sbx_sweeper **sweeper);

#endif
