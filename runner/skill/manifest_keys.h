/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_MANIFEST_KEYS_H
#define SBX_SKILL_MANIFEST_KEYS_H

#include <jansson.h>

/*
 * The keys a manifest may have, by where: {"": [...], "build": [...],
 * "actions.*": [...], ...}; new reference.  For the test that holds
 * manifests/skill.schema.json against it.
 */
json_t *sbx_manifest_keys(void);

#endif
