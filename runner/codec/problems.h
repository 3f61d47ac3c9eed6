/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_PROBLEMS_H
#define SBX_CODEC_PROBLEMS_H

#include "base/error.h"
#include "base/strv.h"

/*
 * What is wrong with a file: lines "LINE:COLUMN: what was found, what was
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

/* Moves all of @from to @to, "FILE:" in front of each. */
void sbx_problems_move(struct sbx_problems *to, struct sbx_problems *from,
		       const char *file);

/*
 * The one error that stands for all of @problems, of which there is at least
 * one: "FILE:LINE:COLUMN: first (and N more)".  Always returns -1.
 */
int sbx_problems_error(const struct sbx_problems *problems,
		       enum sbx_outcome outcome, const char *file,
		       struct sbx_error *err);

#endif
