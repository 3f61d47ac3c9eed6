/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_POLICY_PARTS_H
#define SBX_SKILL_POLICY_PARTS_H

#include "codec/reader.h"
#include "skill/policy.h"

/* What the modules that together read a policy share. */

#define SBX_POLICY_LIST_MAX 512

/* "volumes:", which replaces what was there; @field is at a struct sbx_rights. */
void sbx_policy_read_volumes(const struct sbx_at *at,
			     const struct sbx_field *field, void *object);

/* "devices:", which replaces what was there, into a struct sbx_skill_rules. */
void sbx_policy_read_devices(const struct sbx_at *at,
			     const struct sbx_field *field, void *object);

#endif
