/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_CLOCK_H
#define SBX_BASE_CLOCK_H

/* Milliseconds of the monotonic clock: for differences only. */
double sbx_clock_ms(void);

/* Now, in UTC, as RFC 3339 with milliseconds: "2026-01-31T12:00:00.123Z". */
#define SBX_CLOCK_RFC3339_SIZE 32
void sbx_clock_rfc3339(char out[static SBX_CLOCK_RFC3339_SIZE]);

#endif
