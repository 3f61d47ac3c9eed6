/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_ENGINES_H
#define SBX_SERVE_ENGINES_H

#include "base/error.h"
#include "engine/engine.h"

/*
 * Clients of one engine.  None is for concurrent use, so each run borrows one
 * and gives it back, with the connection and all it knows of the engine.
 */
struct sbx_engines;

void sbx_engines_new(struct sbx_engines **out, const char *url);
void sbx_engines_free(struct sbx_engines **engines);

const char *sbx_engines_url(const struct sbx_engines *engines);

/* One that nobody else has; INVALID as sbx_engine_new(). */
int sbx_engines_borrow(struct sbx_engines *engines, struct sbx_engine **out,
		       struct sbx_error *err);

/* Takes it back; *@engine (or NULL) is NULL then. */
void sbx_engines_give(struct sbx_engines *engines, struct sbx_engine **engine);

#endif
