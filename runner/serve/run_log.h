/* SPDX-License-Identifier: MIT */
#ifndef SBX_SERVE_RUN_LOG_H
#define SBX_SERVE_RUN_LOG_H

#include <jansson.h>

/*
 * What the daemon writes of each run where its messages go: one line, which is
 * a JSON object, with nothing in it that came in or out of the action.  It
 * begins with "time"; the rest is as in the record.
 */

/* The line without its end, of a record that was complete at @time; free(). */
char *sbx_run_log_line(const json_t *record, const char *time);

/*
 * Writes the line to @fd, whole, so that those of other threads do not mix
 * with it.  What cannot be written at once is lost.
 */
void sbx_run_log_write(int fd, const json_t *record);

#endif
