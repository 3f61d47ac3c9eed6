/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_SKILL_TEST_H
#define SBX_SKILL_SKILL_TEST_H

#include <stdbool.h>

#include <jansson.h>

#include "base/buf.h"
#include "skill/manifest.h"

/*
 * Compares a run's record (as JSON) with what an entry of "tests:" expects of
 * it.  Pure.  True when it is as expected; else @why gets a line for each
 * difference: "status: expected 0, got 65", "output /count: ...".
 *
 * An entry that says nothing about status, outcome or error expects the
 * outcome "ok".
 */
bool sbx_skill_test_check(const struct sbx_skill_test *test,
			  const json_t *record, struct sbx_buf *why);

#endif
