/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_DOCKER_CONTEXT_H
#define SBX_ENGINE_DOCKER_CONTEXT_H

#include "base/error.h"

/*
 * The engine of the Docker CLI's current context: $DOCKER_CONTEXT, else the
 * currentContext of config.json in $DOCKER_CONFIG (else ~/.docker).  *@out is
 * a URL owned by the caller, or NULL when the context is the default one.
 * MISCONFIGURED when a context is named that cannot be read.
 */
int sbx_docker_context_url(char **out, struct sbx_error *err);

#endif
