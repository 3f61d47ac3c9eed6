/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_RUN_OUTPUT_H
#define SBX_CLI_RUN_OUTPUT_H

#include <jansson.h>

#include "base/buf.h"
#include "cli/terminal.h"
#include "sandbox/events.h"
#include "skill/manifest.h"

/*
 * What `skillbox run` shows of a run, by its --format:
 *
 * JSON		the record, when all is over
 * TEXT		the action's stderr as it comes, its output at the end
 * STREAM	the action's stdout and stderr as they come
 *
 * and on stderr always what goes on before the action runs, and how far it is.
 */
enum sbx_run_format {
	SBX_RUN_JSON,
	SBX_RUN_TEXT,
	SBX_RUN_STREAM,
};
#define SBX_RUN_FORMATS "json|text|stream"

/*
 * @kind	the action's "output:", if it is known when the run begins
 * @out, @err	where its streams go as they come
 * @raw		the text format: all it wrote to stdout
 */
struct sbx_run_output {
	enum sbx_run_format format;
	enum sbx_output kind;
	struct sbx_term_stream out;
	struct sbx_term_stream err;
	struct sbx_buf raw;
};

void sbx_run_output_init(struct sbx_run_output *output,
			 enum sbx_run_format format);
void sbx_run_output_clear(struct sbx_run_output *output);

/* To be given to the run; @output is the context. */
struct sbx_run_events sbx_run_output_events(struct sbx_run_output *output);

/* No more events will come. */
void sbx_run_output_end(struct sbx_run_output *output);

/* What is shown of the record, with the reason where it failed. */
void sbx_run_output_record(const struct sbx_run_output *output,
			   const json_t *record);

#endif
