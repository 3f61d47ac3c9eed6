/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_PROBLEMS_H
#define SBX_SKILL_PROBLEMS_H

#include "base/strv.h"

/*
 * What is wrong with a manifest: lines "LINE:COLUMN: what was found, what was
 * expected, what to do", in the file's order.
 */
struct sbx_problems {
	struct sbx_strv errors;
	struct sbx_strv warnings;
};

#define SBX_PROBLEMS_INIT                                                      \
	{                                                                      \
		.errors = SBX_STRV_INIT, .warnings = SBX_STRV_INIT             \
	}

void sbx_problems_free(struct sbx_problems *problems);
#define cleanup_problems SBX_CLEANUP(sbx_problems_free)

#endif
