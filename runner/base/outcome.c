/* SPDX-License-Identifier: MIT */
#include "base/outcome.h"

#include <sysexits.h>

/*
 * Statuses: sysexits(3) for what went wrong before or around the action,
 * timeout(1) for 124 to 127, 128+n as shells do for signals.
 */
static const struct {
	const char *name;
	int status;
} outcomes[SBX_OUTCOME_COUNT] = {
	[SBX_OUTCOME_OK] = { "ok", 0 },
	[SBX_OUTCOME_FAILED] = { "failed", 1 },
	[SBX_OUTCOME_SIGNALED] = { "signaled", 128 },
	[SBX_OUTCOME_OOM] = { "oom", 137 },
	[SBX_OUTCOME_TIMEOUT] = { "timeout", 124 },
	[SBX_OUTCOME_OUTPUT_LIMIT] = { "output_limit", 125 },
	[SBX_OUTCOME_EXEC_FAILED] = { "exec_failed", 126 },
	[SBX_OUTCOME_CANCELLED] = { "cancelled", 130 },
	[SBX_OUTCOME_INVALID] = { "invalid", EX_DATAERR },
	[SBX_OUTCOME_BAD_OUTPUT] = { "bad_output", EX_DATAERR },
	[SBX_OUTCOME_NOT_FOUND] = { "not_found", EX_NOINPUT },
	[SBX_OUTCOME_DENIED] = { "denied", EX_NOPERM },
	[SBX_OUTCOME_MISCONFIGURED] = { "misconfigured", EX_CONFIG },
	[SBX_OUTCOME_BUSY] = { "busy", EX_TEMPFAIL },
	[SBX_OUTCOME_BUILD_FAILED] = { "build_failed", 125 },
	[SBX_OUTCOME_SANDBOX_FAILED] = { "sandbox_failed", EX_SOFTWARE },
	[SBX_OUTCOME_UNAVAILABLE] = { "unavailable", EX_UNAVAILABLE },
	[SBX_OUTCOME_INTERNAL] = { "internal", EX_SOFTWARE },
};

const char *sbx_outcome_name(enum sbx_outcome outcome)
{
	return outcomes[outcome].name;
}

int sbx_outcome_status(enum sbx_outcome outcome)
{
	return outcomes[outcome].status;
}
