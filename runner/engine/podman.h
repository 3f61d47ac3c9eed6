/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_PODMAN_H
#define SBX_ENGINE_PODMAN_H

#include <jansson.h>

#include "base/error.h"

struct sbx_engine;

/*
 * Podman, where its Docker-compatible API has no words for what a sandbox
 * needs (a cgroup namespace, the OCI runtime, a read-only root without the
 * writable tmpfs it adds, labels of volumes): there its own API is spoken,
 * which is behind the same socket.  Internal to this layer.  Seen in Podman
 * 4.3.1 and 5.4.2.
 */

/* What its own API says of the host (/libpod/info); sets @engine's cgroup. */
int sbx_podman_info(struct sbx_engine *engine, json_t **out,
		    struct sbx_error *err);

/*
 * The body of POST /libpod/containers/create that means what Docker's @body
 * means; new reference.  INTERNAL, naming it, when @body has something that
 * cannot be said.
 *
 * @cgroup	version of the cgroups
 */
int sbx_podman_create_body(json_t **out, const char *name, const json_t *body,
			   int cgroup, struct sbx_error *err);

/*
 * Turns what Podman's own API says of a container (/libpod/containers/ID/json)
 * into what Docker would say.  What has no counterpart stays as it is.
 *
 * @major	Podman's version
 */
void sbx_podman_translate(json_t *inspected, int major);

/*
 * Has Docker's @info of limits and protection say what @own, which is
 * sbx_podman_info()'s, knows: it looks for cgroup v1, and for what the kernel
 * has rather than what is used.
 */
void sbx_podman_translate_info(json_t *info, const json_t *own);

/* The same for its own list of containers (/libpod/containers/json). */
void sbx_podman_translate_list(json_t *containers);

/* Turns the names of @image, as Podman lists or inspects it, into Docker's. */
void sbx_podman_translate_image(json_t *image);

/*
 * Turns the options of @volume, as Podman's own API inspects it, into those it
 * was made with (sbx_podman_make_volumes).
 */
void sbx_podman_translate_volume(json_t *volume);

/*
 * Makes the volumes that Docker's create body mounts.  Podman would make them
 * too, but without their labels.
 */
int sbx_podman_make_volumes(struct sbx_engine *engine, const json_t *body,
			    struct sbx_error *err);

#endif
