/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_GRANT_DEVICES_H
#define SBX_SKILL_GRANT_DEVICES_H

#include "base/error.h"
#include "skill/manifest.h"
#include "skill/policy.h"

/*
 * The part of skill/grant.h that is about GPUs and devices: whether @action of
 * @skill may have those that it asks for, by their paths.  What they really
 * are is looked at in sandbox/sources.h.  DENIED: "skills.gpus: ...",
 * "skills.devices: ...", "devices.never: ...".
 */
int sbx_grant_devices(const struct sbx_skill_rules *rules, const char *skill,
		      const struct sbx_action *action, struct sbx_error *err);

#endif
