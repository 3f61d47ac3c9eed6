/* SPDX-License-Identifier: MIT */
#include "cli/run_output.h"

#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "base/mem.h"
#include "cli/cancel.h"
#include "codec/frames.h"
#include "codec/json.h"

/* The text format keeps what the action wrote, to give it back unchanged. */
#define RAW_MAX	   (256 * 1024 * 1024)

#define STATUS_MAX 2048

void sbx_run_output_init(struct sbx_run_output *output,
			 enum sbx_run_format format)
{
	*output = (struct sbx_run_output){
		.format = format,
		.raw = SBX_BUF_INIT(RAW_MAX),
	};
	sbx_term_stream_init(&output->out, STDOUT_FILENO);
	sbx_term_stream_init(&output->err, STDERR_FILENO);
}

void sbx_run_output_clear(struct sbx_run_output *output)
{
	sbx_buf_free(&output->raw);
}

/* --- as it comes ----------------------------------------------------------- */

static void on_output(void *ctx, int stream, const void *data, size_t size)
{
	struct sbx_run_output *output = ctx;

	if (stream == SBX_FRAMES_STDERR) {
		sbx_term_stream_write(&output->err, data, size);
		return;
	}
	if (output->format == SBX_RUN_TEXT) {
		if (output->kind == SBX_OUTPUT_FILE)
			sbx_term_stream_write(&output->err, data, size);
		else
			sbx_buf_append(&output->raw, data, size);
		return;
	}
	sbx_term_stream_write(&output->out, data, size);
	if (output->out.failed)
		sbx_cancel_now(); /* nobody reads any more */
}

/* "30 % (3 of 10): message" or "3: message" */
static void on_progress(void *ctx, const struct sbx_run_progress *progress)
{
	cleanup_buf struct sbx_buf line = SBX_BUF_INIT(STATUS_MAX);
	const struct sbx_run_output *output = ctx;

	if (output->err.in_line || (output->out.escape && output->out.in_line))
		return; /* the action is in the middle of a line there */
	if (progress->total > 0)
		sbx_buf_printf(&line, "%.0f %% (%.15g of %.15g)",
			       100 * progress->done / progress->total,
			       progress->done, progress->total);
	else
		sbx_buf_printf(&line, "%.15g", progress->done);
	if (progress->message)
		sbx_buf_printf(&line, ": %s", progress->message);
	sbx_term_status(sbx_buf_text(&line));
}

struct sbx_run_events sbx_run_output_events(struct sbx_run_output *output)
{
	return (struct sbx_run_events){
		.line = sbx_term_progress,
		.output = output->format == SBX_RUN_JSON ? NULL : on_output,
		.progress = on_progress,
		.ctx = output,
	};
}

void sbx_run_output_end(struct sbx_run_output *output)
{
	sbx_term_status(NULL);
	sbx_term_stream_end(&output->out);
	sbx_term_stream_end(&output->err);
}

/* --- when all is over ------------------------------------------------------ */

/* @data to stdout; on a terminal escaped and as whole lines. */
static void print_bytes(const void *data, size_t size)
{
	struct sbx_term_stream out;

	sbx_term_stream_init(&out, STDOUT_FILENO);
	sbx_term_stream_write(&out, data, size);
	sbx_term_stream_end(&out);
}

/* False when @text is no base64. */
static bool print_base64(const char *text, size_t size)
{
	size_t room = size / 4 * 3 + 3;
	cleanup_free unsigned char *data = sbx_malloc(room);
	size_t got;

	if (sodium_base642bin(data, room, text, size, NULL, &got, NULL,
			      sodium_base64_VARIANT_ORIGINAL))
		return false;
	print_bytes(data, got);
	return true;
}

/* To a pipe exactly what was written; on a terminal JSON is indented. */
static void print_output(const struct sbx_run_output *shown,
			 const json_t *record)
{
	const json_t *output = json_object_get(record, "output");
	const char *text = json_string_value(output);
	size_t size = json_string_length(output);
	bool has_raw = shown->kind != SBX_OUTPUT_FILE &&
		       shown->raw.len < shown->raw.max;
	bool is_text = text && shown->kind != SBX_OUTPUT_JSON;

	if (has_raw && (is_text || !isatty(STDOUT_FILENO)))
		print_bytes(sbx_buf_text(&shown->raw), shown->raw.len);
	else if (output && !json_is_null(output) && !is_text)
		sbx_term_json(output);
	else if (text && (shown->kind != SBX_OUTPUT_BINARY ||
			  !print_base64(text, size)))
		print_bytes(text, size);
}

void sbx_run_output_record(const struct sbx_run_output *output,
			   const json_t *record)
{
	const char *outcome = sbx_json_text_at(record, "outcome", NULL);
	const char *error = sbx_json_text_at(record, "error", NULL);

	if (output->format == SBX_RUN_JSON) {
		sbx_term_json(record);
		return;
	}
	if (output->format == SBX_RUN_TEXT)
		print_output(output, record);
	if (error)
		sbx_term_error("%s: %s", outcome ? outcome : "failed", error);
}
