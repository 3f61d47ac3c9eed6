/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_RUN_ARTIFACTS_H
#define SBX_CLI_RUN_ARTIFACTS_H

#include <jansson.h>

#include "base/error.h"

/*
 * Opens the directory @dir of --out, which is made where it is missing: before
 * anything runs, whose files would be lost.  *@fd is -1 without @dir.  INVALID:
 * nothing can be written there.
 */
int sbx_run_artifacts_open(const char *dir, int *fd, struct sbx_error *err);

/*
 * Writes the artifacts of @record to files below @fd, which is called @dir:
 * none of them anywhere else, and each whole or not at all.  Those that were
 * written have no "data" in the record any more.  Returns the exit status: the
 * record's, or INTERNAL's when something could not be written, which is said;
 * with @fd -1 nothing is.
 */
int sbx_run_artifacts_write(json_t *record, int fd, const char *dir);

#endif
