/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_UNITS_H
#define SBX_CODEC_UNITS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/mem.h"

/*
 * Durations and sizes as Compose writes them.  Each returns false when @text
 * is something else or too large; nothing is written then.
 */

/* "1h30m", "20s", "1.5s", "250ms": h m s ms us, descending; to whole ms. */
bool sbx_units_duration(const char *text, int64_t *ms);

/* "64m", "1gb", "512k", "100b" or a bare number of bytes; powers of 1024. */
bool sbx_units_size(const char *text, int64_t *bytes);

/* "0.5" CPUs to units of 1e-9; more than nine decimals is an error. */
bool sbx_units_cpus(const char *text, int64_t *nano_cpus);

/* The other way round, shortest exact form: "1m30s", "64m". free() them. */
char *sbx_units_format_duration(int64_t ms);
char *sbx_units_format_size(int64_t bytes);

#endif
