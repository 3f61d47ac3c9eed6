/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_CLOCK_H
#define SBX_BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>

/* Milliseconds of the monotonic clock: for differences only. */
double sbx_clock_ms(void);

/* Now, in UTC, as RFC 3339 with milliseconds: "2026-01-31T12:00:00.123Z". */
#define SBX_CLOCK_RFC3339_SIZE 32
void sbx_clock_rfc3339(char out[static SBX_CLOCK_RFC3339_SIZE]);

/* Milliseconds since 1970 of the clock on the wall, which may be set. */
int64_t sbx_clock_wall_ms(void);

/*
 * The same of any time (from 1970 to 9999), in that form, and back.  What is
 * read may have whole seconds; false for anything else, and days that no
 * calendar has.
 */
void sbx_clock_format(int64_t wall_ms, char out[static SBX_CLOCK_RFC3339_SIZE]);
bool sbx_clock_parse(const char *text, int64_t *wall_ms);

#endif
