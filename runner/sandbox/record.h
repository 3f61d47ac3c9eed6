/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_RECORD_H
#define SBX_SANDBOX_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/error.h"
#include "codec/schema.h"
#include "init/wire.h"
#include "sandbox/artifacts.h"
#include "skill/manifest.h"

/*
 * What a run came to: the one thing skillbox gives back.  All strings are
 * owned and may be NULL where the run never got so far.
 *
 * @status	what `skillbox run` exits with
 * @output	JSON, NULL for null
 * @artifacts	array of files that the action left, or NULL for none
 * @error	one sentence, NULL only when @outcome is ok
 * @exit_code	-1: the action did not exit
 * @signal	0: it was not killed by one
 * @stderr_text	valid UTF-8
 * @started_at	"" while no byte of input was delivered: safe to retry
 * @*_ms	milliseconds; a stage that was not reached is negative:
 *	build	until the plan is finished, the image there
 *	wait	under a daemon, for the run's turn, for a sandbox, or for the
 *		turn to start one
 *	create	until the container can be started
 *	start	until its init was heard and checked
 *	action	from RUN, or the input, to EXIT
 */
struct sbx_record {
	enum sbx_outcome outcome;
	int status;
	json_t *output;
	json_t *artifacts;
	char *error;
	char *skill;
	char *skill_version;
	char *action;
	char *run_id;
	char *owner;
	char *traceparent;
	int exit_code;
	int signal;
	char *stderr_text;
	bool output_truncated;
	bool stderr_truncated;
	char started_at[SBX_CLOCK_RFC3339_SIZE];
	double duration_ms;
	double build_ms;
	double wait_ms;
	double create_ms;
	double start_ms;
	double action_ms;
	bool has_usage;
	double cpu_ms;
	int64_t max_rss_bytes;
	char *image;
	const char *start; /* "cold"; static, NULL before a sandbox was */
};

/* A record of nothing yet: outcome internal, until something is known. */
void sbx_record_init(struct sbx_record *record);
void sbx_record_clear(struct sbx_record *record);

/* Ends the record on an error: outcome, status and message. */
void sbx_record_fail(struct sbx_record *record, const struct sbx_error *err);

/*
 * What is known when the action has ended.
 *
 * @exit	init's EXIT frame, decoded
 * @program	what was to be executed
 * @working_dir	where
 * @out, @err	the action's streams, up to output_limit each
 * @file	the output file's bytes, for output: file
 * @artifacts	files that it left, or NULL
 * @output_schema	what the output has to fit, or NULL
 * @timeout_ms	what the run had, where that is not the action's; else 0
 * @timed_out	the deadline passed and the runner ended it
 * @cancelled	the caller asked for its end
 * @in_session	the limits were the session's, whatever the action's are
 */
struct sbx_ending {
	struct sbx_wire_exit exit;
	const char *program;
	const char *working_dir;
	const struct sbx_buf *out;
	const struct sbx_buf *err;
	const struct sbx_buf *file;
	const struct sbx_artifacts *artifacts;
	const struct sbx_schema *output_schema;
	int64_t timeout_ms;
	bool out_truncated;
	bool err_truncated;
	bool timed_out;
	bool cancelled;
	bool in_session;
};

/*
 * Fills in outcome, status, output, error, exit code and signal, stderr and
 * usage by the table in `skillbox run --help`.  Pure.
 */
void sbx_record_end(struct sbx_record *record, const struct sbx_action *action,
		    const struct sbx_ending *ending);

/* The record as JSON, members in the documented order; new reference. */
json_t *sbx_record_json(const struct sbx_record *record);

#endif
