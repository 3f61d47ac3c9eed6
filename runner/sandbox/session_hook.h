/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_SESSION_HOOK_H
#define SBX_SANDBOX_SESSION_HOOK_H

#include <jansson.h>

#include "base/error.h"

/* How long a hook may take; then it is killed. */
#define SBX_SESSION_HOOK_MS 30000

/*
 * Runs @command by /bin/sh of this host, with our own user and environment and
 * SKILLBOX_SESSION, _OWNER, _SKILL, _ACTION, _CONTAINER, _IMAGE and _PORTS
 * (JSON) in it, in a process group of its own; its output goes to our standard
 * error.  @about is sbx_session_json().  INVALID, where it does not exit with 0
 * in time.
 */
int sbx_session_hook(const char *command, const json_t *about,
		     struct sbx_error *err);

#endif
