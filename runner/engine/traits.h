/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_TRAITS_H
#define SBX_ENGINE_TRAITS_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/engine.h"

/*
 * What engines make of a container in a way of their own.
 *
 * @name	"Docker", "Podman"
 * @plain_tmpfs	a tmpfs takes size, mode and flags; no owner, and no number of
 *		files.  What the image has there is copied unless it is told
 *		not to.
 * @shallow_archives an archive for / does not reach into volumes, so one for a
 *		mount point has to set its owner (Docker 28: the other way)
 * @closes_stdin	of a container, whenever who was attached to it goes
 * @no_gpus	it is not asked for GPUs by their number
 * @nproc	limit on the processes of a user that has to be said; 0: none
 */
struct sbx_engine_traits {
	const char *name;
	bool plain_tmpfs;
	bool shallow_archives;
	bool closes_stdin;
	bool no_gpus;
	long long nproc;
};

/* Static; NULL (UNAVAILABLE) when nobody answers. */
const struct sbx_engine_traits *sbx_engine_traits(struct sbx_engine *engine,
						  struct sbx_error *err);

#endif
