/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_LIMITS_FROM_H
#define SBX_SKILL_LIMITS_FROM_H

#include <stdint.h>

#include <jansson.h>

#include "base/error.h"
#include "skill/manifest.h"

/*
 * `limits_from`: what the input of a run says of its own limits.  Pure.
 *
 * It can only tighten: a value that is more than the limit changes nothing.
 */

/* What is tightened; -1: nothing. */
struct sbx_input_limits {
	int64_t timeout_ms;
	int64_t nano_cpus;
	int64_t mem_limit;
};

#define SBX_INPUT_LIMITS_INIT                                                  \
	{                                                                      \
		.timeout_ms = -1, .nano_cpus = -1, .mem_limit = -1             \
	}

/*
 * What @input makes of the limits of @action, which has been granted.  INVALID
 * for a value that is no such limit, or less than there may be.
 */
int sbx_limits_from_input(const struct sbx_action *action, const json_t *input,
			  struct sbx_input_limits *out, struct sbx_error *err);

#endif
