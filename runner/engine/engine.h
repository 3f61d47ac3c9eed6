/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_ENGINE_H
#define SBX_ENGINE_ENGINE_H

#include <stdint.h>
#include <jansson.h>

#include "base/error.h"

/*
 * A Docker Engine API endpoint: Docker 20.10 to 29 or Podman 4.3 and later.
 * Not for concurrent use: one struct per thread.
 */
struct sbx_engine;

/*
 * @url as in DOCKER_HOST; "unix:///path/to.sock" is what is supported yet,
 * anything else is INVALID and says so.  Opens no connection; negotiation of
 * the API version (min(Api-Version, 1.44), see ENGINE_API_MAX in handle.c)
 * happens at the first request.
 */
int sbx_engine_new(struct sbx_engine **out, const char *url,
		   struct sbx_error *err);
void sbx_engine_free(struct sbx_engine **engine);

/*
 * Where the engine is when the operator did not say: $DOCKER_HOST, then the
 * Docker CLI's current context ($DOCKER_CONTEXT or currentContext of
 * $DOCKER_CONFIG/config.json, its endpoint read from contexts/meta), then
 * unix:///var/run/docker.sock.  Owned by the caller.  MISCONFIGURED when a
 * context is named that cannot be read.
 */
int sbx_engine_default_url(char **out, struct sbx_error *err);

/* As given to sbx_engine_new. */
const char *sbx_engine_url(const struct sbx_engine *engine);

/*
 * A descriptor that becomes readable when the caller wants out: every wait in
 * this layer then ends with CANCELLED.  -1 (the default): nobody asks.
 */
void sbx_engine_set_cancel_fd(struct sbx_engine *engine, int fd);
int sbx_engine_cancel_fd(const struct sbx_engine *engine);

/*
 * How many milliseconds calls may take from now on, all together; INFINITY
 * (the default) is for ever.  When they are over, so is the call that is under
 * way, and any other, with UNAVAILABLE.  What waits for its turn among other
 * calls, or for a build or a pull, does not count.
 */
void sbx_engine_set_patience(struct sbx_engine *engine, double ms);
double sbx_engine_patience(const struct sbx_engine *engine);

/* The same for whoever reaches the same engine, as far as can be told. */
uint64_t sbx_engine_identity(const struct sbx_engine *engine);

/* How many calls in a row were not answered before patience was over. */
unsigned int sbx_engine_silences(const struct sbx_engine *engine);

/* Docker's platform of the engine, "linux/amd64": a static string. */
const char *sbx_engine_platform(struct sbx_engine *engine);

/* The negotiated version, "1.41"; -1 (UNAVAILABLE) when nobody answers. */
int sbx_engine_ping(struct sbx_engine *engine, const char **api_version,
		    struct sbx_error *err);

/*
 * GET /info and GET /version; new references.  Of Podman's host the first says
 * what its own API does.
 */
int sbx_engine_info(struct sbx_engine *engine, json_t **out,
		    struct sbx_error *err);
int sbx_engine_version(struct sbx_engine *engine, json_t **out,
		       struct sbx_error *err);

#endif
