/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_OUTCOME_H
#define SBX_BASE_OUTCOME_H

/*
 * How a run ends.  The vocabulary of the record's "outcome" member, and at
 * the same time the class of every error in the program: an error knows from
 * the start which outcome it will be reported as.
 */
enum sbx_outcome {
	SBX_OUTCOME_OK,
	SBX_OUTCOME_FAILED,
	SBX_OUTCOME_SIGNALED,
	SBX_OUTCOME_OOM,
	SBX_OUTCOME_TIMEOUT,
	SBX_OUTCOME_OUTPUT_LIMIT,
	SBX_OUTCOME_EXEC_FAILED,
	SBX_OUTCOME_CANCELLED,
	SBX_OUTCOME_INVALID,
	SBX_OUTCOME_BAD_OUTPUT,
	SBX_OUTCOME_NOT_FOUND,
	SBX_OUTCOME_DENIED,
	SBX_OUTCOME_MISCONFIGURED,
	SBX_OUTCOME_BUSY,
	SBX_OUTCOME_BUILD_FAILED,
	SBX_OUTCOME_SANDBOX_FAILED,
	SBX_OUTCOME_UNAVAILABLE,
	SBX_OUTCOME_INTERNAL,
	SBX_OUTCOME_COUNT,
};

/* The word in the record, a static string such as "build_failed". */
const char *sbx_outcome_name(enum sbx_outcome outcome);

/*
 * The record's "status" where the outcome alone decides it.  FAILED and
 * SIGNALED and EXEC_FAILED carry a status of their own (exit code, 128+n,
 * 126 or 127); for them this is the value used when nothing else is known.
 */
int sbx_outcome_status(enum sbx_outcome outcome);

#endif
