/* SPDX-License-Identifier: MIT */
#include "engine/traits.h"

#include "engine/handle.h"

static const struct sbx_engine_traits docker = { .name = "Docker" };

/*
 * A limit on processes that is not said is 1048576, above the hard limit of
 * an engine that is root in a container: then nothing starts.
 */
static const struct sbx_engine_traits podman = {
	.name = "Podman",
	.plain_tmpfs = true,
	.shallow_archives = true,
	.closes_stdin = true,
	.no_gpus = true,
	.nproc = 4096,
};

const struct sbx_engine_traits *sbx_engine_traits(struct sbx_engine *engine,
						  struct sbx_error *err)
{
	if (sbx_handle_negotiate(engine, err) < 0)
		return NULL;
	return engine->podman ? &podman : &docker;
}
