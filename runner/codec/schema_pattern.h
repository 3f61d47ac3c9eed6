/* SPDX-License-Identifier: MIT */
#ifndef SBX_CODEC_SCHEMA_PATTERN_H
#define SBX_CODEC_SCHEMA_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/* Regular expressions by PCRE2, which is loaded with the first of them. */

struct sbx_schema_pattern;

/*
 * Compiles UTF-8.  0, or -1: INVALID ("missing closing parenthesis at
 * character 4"), or INTERNAL (no PCRE2).
 */
int sbx_schema_pattern_new(const char *text, size_t size,
			   struct sbx_schema_pattern **out,
			   struct sbx_error *err);
void sbx_schema_pattern_free(struct sbx_schema_pattern **pattern);

/*
 * What matching needs, for one thread.
 *
 * @steps	what may be done; matching counts it down
 * @deadline_ms	of sbx_clock_ms()
 */
struct sbx_schema_matcher;
void sbx_schema_matcher_new(int64_t *steps, double deadline_ms,
			    struct sbx_schema_matcher **out);
void sbx_schema_matcher_free(struct sbx_schema_matcher **matcher);

/* 1: matches somewhere; 0: nowhere; -1: that would be too much work. */
int sbx_schema_pattern_match(struct sbx_schema_matcher *matcher,
			     const struct sbx_schema_pattern *pattern,
			     const char *text, size_t size);

#endif
