/* SPDX-License-Identifier: MIT */
#include "codec/problems.h"

void sbx_problems_free(struct sbx_problems *problems)
{
	sbx_strv_free(&problems->errors);
	sbx_strv_free(&problems->warnings);
}

static void move_lines(struct sbx_strv *to, struct sbx_strv *from,
		       const char *file)
{
	for (size_t i = 0; i < from->n; i++)
		sbx_strv_push_take(to, sbx_asprintf("%s:%s", file, from->v[i]));
	sbx_strv_free(from);
}

void sbx_problems_move(struct sbx_problems *to, struct sbx_problems *from,
		       const char *file)
{
	move_lines(&to->errors, &from->errors, file);
	move_lines(&to->warnings, &from->warnings, file);
}

int sbx_problems_error(const struct sbx_problems *problems,
		       enum sbx_outcome outcome, const char *file,
		       struct sbx_error *err)
{
	const char *first = problems->errors.v[0];
	size_t more = problems->errors.n - 1;

	if (more == 0)
		return sbx_error_set(err, outcome, "%s:%s", file, first);
	return sbx_error_set(err, outcome, "%s:%.900s (and %zu more)", file,
			     first, more);
}
