/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_RUN_ARTIFACTS_H
#define SBX_CLI_RUN_ARTIFACTS_H

#include <jansson.h>

#include "base/error.h"

/*
 * Writes the artifacts of @record to files below @dir, which is made where it
 * is missing: none of them anywhere else, and each whole or not at all.  Those
 * that were written have no "data" in the record any more.  INTERNAL: what
 * could not be written, and why.
 */
int sbx_run_artifacts_write(json_t *record, const char *dir,
			    struct sbx_error *err);

#endif
