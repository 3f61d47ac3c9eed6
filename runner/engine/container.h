/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_CONTAINER_H
#define SBX_ENGINE_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/error.h"
#include "engine/engine.h"
#include "engine/turn.h"

/*
 * Containers.  Functions return 0, or -1 with UNAVAILABLE, CANCELLED or what
 * their comment says; positive results are named outcomes.
 */

#define SBX_CONTAINER_ID_SIZE 72
#define SBX_CONTAINER_GONE    1 /* there is no such container */

/*
 * POST /containers/create.  NOT_FOUND when the image is not there, DENIED when
 * the engine does not know the OCI runtime.
 */
int sbx_container_create(struct sbx_engine *engine, const char *name,
			 json_t *body, char id[static SBX_CONTAINER_ID_SIZE],
			 struct sbx_error *err);

/*
 * POST /containers/{id}/start.  SBX_CONTAINER_NO_COMMAND when the engine says
 * that the entrypoint is not there or cannot be executed (400 or 500 by
 * engine; the engine's words are in @err, which is filled although the result
 * is positive).
 */
#define SBX_CONTAINER_NO_COMMAND 2
int sbx_container_start(struct sbx_engine *engine, const char *id,
			struct sbx_error *err);

/* GET /containers/{id}/json; new reference.  SBX_CONTAINER_GONE. */
int sbx_container_inspect(struct sbx_engine *engine, const char *id,
			  json_t **out, struct sbx_error *err);

/*
 * Whether a container that may be gone met its memory limit, as far as the
 * engine remembers it (Docker: the last 256 events).  Podman does not.
 */
int sbx_container_had_oom(struct sbx_engine *engine, const char *id, bool *out,
			  struct sbx_error *err);

/* SIGKILL.  A container that is not running or not there is success. */
int sbx_container_kill(struct sbx_engine *engine, const char *id,
		       struct sbx_error *err);

/* Freezes all processes of a running one, and lets them go on. */
int sbx_container_pause(struct sbx_engine *engine, const char *id,
			struct sbx_error *err);
int sbx_container_unpause(struct sbx_engine *engine, const char *id,
			  struct sbx_error *err);

/*
 * With force and its anonymous volumes; going already is success.
 * SBX_CONTAINER_GONE.  URGENT for one's own, so that it is gone in time;
 * NORMAL for what others left.
 */
int sbx_container_remove(struct sbx_engine *engine, const char *id,
			 enum sbx_turn_kind kind, struct sbx_error *err);

/*
 * All containers, running or not, that carry @label ("key" or "key=value");
 * an array as /containers/json has it, new reference.
 */
int sbx_container_list(struct sbx_engine *engine, const char *label,
		       json_t **out, struct sbx_error *err);

/* PUT archive: unpacks the tar @data at @path of a created container. */
int sbx_container_put_archive(struct sbx_engine *engine, const char *id,
			      const char *path, const void *data, size_t size,
			      struct sbx_error *err);

#endif
