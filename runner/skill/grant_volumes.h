/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_GRANT_VOLUMES_H
#define SBX_SKILL_GRANT_VOLUMES_H

#include "skill/grant.h"

/* The part of sbx_grant_decide() that is about volumes, for grant.c alone. */

/*
 * Puts the overrides' volumes into @action, a copy of the manifest's, and
 * decides about all of them.  DENIED, INVALID.
 */
int sbx_grant_volumes(const struct sbx_policy *policy,
		      const struct sbx_wish *wish, struct sbx_action *action,
		      struct sbx_error *err);

#endif
