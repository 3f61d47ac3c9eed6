/* SPDX-License-Identifier: MIT */
#include "sandbox/discard.h"

#include <poll.h>

#include "base/error.h"
#include "engine/container.h"

/* Of one call. */
#define PATIENCE_MS 1000

/* A create call whose answer was lost may still be carried out. */
#define TRIES	 6
#define AGAIN_MS 50

/*
 * True when there is nothing more to do: it is gone, or the engine is.  Each
 * call has its own time: Podman drops one whose caller is not there any more.
 * One may be lost; an engine that misses two is not there.
 */
static bool is_done(struct sbx_engine *engine, const char *what)
{
	struct sbx_error ignored = SBX_ERROR_INIT;

	if (sbx_engine_silences(engine) > 1)
		return true;
	sbx_engine_set_patience(engine, PATIENCE_MS);
	return sbx_container_remove(engine, what, SBX_TURN_URGENT, &ignored) ==
	       0;
}

/* What was garbled or lost may be its id, or its name. */
static void remove_container(struct sbx_engine *engine, const char *id,
			     const char *name)
{
	int tries = *id ? 1 : TRIES;

	if (*id && is_done(engine, id))
		return;
	for (int i = 0; i < tries; i++) {
		if (i > 0)
			poll(NULL, 0, i * AGAIN_MS);
		if (is_done(engine, name))
			return;
	}
}

void sbx_discard(struct sbx_engine *engine, const char *id, const char *name)
{
	int cancel_fd = sbx_engine_cancel_fd(engine);
	double patience = sbx_engine_patience(engine);

	sbx_engine_set_cancel_fd(engine, -1);
	remove_container(engine, id, name);
	sbx_engine_set_patience(engine, patience);
	sbx_engine_set_cancel_fd(engine, cancel_fd);
}
