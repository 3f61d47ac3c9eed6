/* SPDX-License-Identifier: MIT */
#ifndef SBX_ENGINE_NO_COMMAND_H
#define SBX_ENGINE_NO_COMMAND_H

#include <stdbool.h>

#include "engine/http.h"

/*
 * Whether an answer means that the container's entrypoint is not there or
 * cannot be executed.  Internal to this layer.
 */
bool sbx_no_command(const struct sbx_http_response *response);

#endif
