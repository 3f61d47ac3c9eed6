/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_PROGRESS_H
#define SBX_BASE_PROGRESS_H

/*
 * Somebody who wants to know what goes on while something takes long.
 *
 * @line	gets a line worth showing, valid UTF-8 but not escaped; or NULL
 */
struct sbx_progress {
	void (*line)(void *ctx, const char *line);
	void *ctx;
};

static inline void sbx_progress_say(const struct sbx_progress *progress,
				    const char *line)
{
	if (progress->line)
		progress->line(progress->ctx, line);
}

#endif
