/* SPDX-License-Identifier: MIT */
#include "skill/problems.h"

void sbx_problems_free(struct sbx_problems *problems)
{
	sbx_strv_free(&problems->errors);
	sbx_strv_free(&problems->warnings);
}
