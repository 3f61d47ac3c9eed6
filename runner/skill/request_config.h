/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_REQUEST_CONFIG_H
#define SBX_SKILL_REQUEST_CONFIG_H

#include <jansson.h>

#include "base/error.h"
#include "secret/secrets.h"
#include "skill/grant.h"

/* The member "config" of requests (manifests/openapi.yaml). */

/*
 * Adds what @config says to @overrides and @secrets, which begin empty.
 * INVALID, where there is a member that is unknown or of another shape;
 * MISCONFIGURED, when there is no memory for secrets.  No value of a secret is
 * in a message.
 */
int sbx_request_config_decode(json_t *config, struct sbx_overrides *overrides,
			      struct sbx_secrets *secrets,
			      struct sbx_error *err);

/* Overwrites the values of secrets in @config, or in NULL. */
void sbx_request_config_wipe(json_t *config);

#endif
