/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_HANDLE_H
#define SBX_ENGINE_HANDLE_H

#include <stdbool.h>

#include "base/error.h"
#include "engine/client.h"
#include "engine/transport.h"

/*
 * What is behind "struct sbx_engine" (engine.h), for this layer alone.
 *
 * @api_version	"1.41", "" until negotiated
 * @buildkit	the engine has BuildKit behind /build; known once negotiated
 * @podman	Podman's major version; 0: it is not Podman; the same
 * @cgroup	of Podman: version of the cgroups, 1 or 2; 0: not asked yet
 */
struct sbx_engine {
	struct sbx_transport *transport;
	struct sbx_client *client;
	char api_version[16];
	bool buildkit;
	int podman;
	int cgroup;
};

/*
 * Makes sure that @api_version and what follows it are known; asks the engine
 * once. UNAVAILABLE (nobody answers, no engine, too old an engine), CANCELLED.
 */
int sbx_handle_negotiate(struct sbx_engine *engine, struct sbx_error *err);

#endif
