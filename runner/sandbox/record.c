/* SPDX-License-Identifier: MIT */
#include "sandbox/record.h"

#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <string.h>

#include "base/text.h"
#include "codec/json.h"

/* An error message taken from what an action printed is cut here. */
#define ERROR_MAX 512

void sbx_record_init(struct sbx_record *record)
{
	*record = (struct sbx_record){
		.outcome = SBX_OUTCOME_INTERNAL,
		.status = sbx_outcome_status(SBX_OUTCOME_INTERNAL),
		.exit_code = -1,
		.build_ms = -1,
		.wait_ms = -1,
		.create_ms = -1,
		.start_ms = -1,
		.action_ms = -1,
	};
}

void sbx_record_clear(struct sbx_record *record)
{
	json_decref(record->output);
	json_decref(record->artifacts);
	free(record->error);
	free(record->skill);
	free(record->skill_version);
	free(record->action);
	free(record->run_id);
	free(record->owner);
	free(record->traceparent);
	free(record->stderr_text);
	free(record->image);
	sbx_record_init(record);
	record->output = NULL;
	record->artifacts = NULL;
}

static void set_outcome(struct sbx_record *record, enum sbx_outcome outcome,
			int status)
{
	record->outcome = outcome;
	record->status = status;
}

/* Takes @text. */
static void set_error(struct sbx_record *record, char *text)
{
	free(record->error);
	record->error = text;
}

void sbx_record_fail(struct sbx_record *record, const struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text =
		SBX_BUF_INIT(2 * sizeof(err->message));

	set_outcome(record, err->outcome, sbx_outcome_status(err->outcome));
	sbx_text_escape(&text, err->message, strlen(err->message), true);
	set_error(record, sbx_buf_take(&text));
}

/* --- the output ------------------------------------------------------------ */

static json_t *as_text(const struct sbx_buf *data)
{
	/* Each byte becomes at most three: U+FFFD in UTF-8. */
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(3 * data->len + 1);

	sbx_text_to_utf8(&text, sbx_buf_text(data), data->len);
	return json_stringn(sbx_buf_text(&text), text.len);
}

static json_t *as_base64(const struct sbx_buf *data)
{
	size_t size = sodium_base64_encoded_len(data->len,
						sodium_base64_VARIANT_ORIGINAL);
	cleanup_free char *text = sbx_malloc(size);

	sodium_bin2base64(text, size, (const unsigned char *)sbx_buf_text(data),
			  data->len, sodium_base64_VARIANT_ORIGINAL);
	return json_string(text);
}

/* An object or array becomes JSON, all else is text. */
static json_t *as_auto(const struct sbx_buf *data)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	const char *text = sbx_buf_text(data);
	json_t *value = NULL;

	text += strspn(text, " \t\r\n");
	if ((*text == '{' || *text == '[') &&
	    sbx_json_parse(sbx_buf_text(data), data->len, &value, &ignored) ==
		    0)
		return value;
	return as_text(data);
}

/* False when it is not what the manifest promises; @why says how. */
static bool decode_output(struct sbx_record *record, enum sbx_output kind,
			  const struct sbx_ending *ending,
			  struct sbx_error *why)
{
	switch (kind) {
	case SBX_OUTPUT_TEXT:
		record->output = as_text(ending->out);
		return true;
	case SBX_OUTPUT_BINARY:
		record->output = as_base64(ending->out);
		return true;
	case SBX_OUTPUT_JSON:
		if (sbx_json_parse(sbx_buf_text(ending->out), ending->out->len,
				   &record->output, why) == 0)
			return true;
		record->output = as_text(ending->out);
		sbx_error_wrap(why, "output is not one JSON value");
		return false;
	case SBX_OUTPUT_FILE:
		if (!(ending->exit.flags & SBX_WIRE_FILE_MISSING)) {
			record->output = as_auto(ending->file);
			return true;
		}
		sbx_error_set(why, SBX_OUTCOME_BAD_OUTPUT,
			      "the action wrote no file at $SKILL_OUTPUT");
		return false;
	case SBX_OUTPUT_AUTO:
	default:
		record->output = as_auto(ending->out);
		return true;
	}
}

/* The same for an output with a schema: one JSON value, of any type. */
static bool decode_by_schema(struct sbx_record *record,
			     const struct sbx_buf *data,
			     const struct sbx_schema *schema,
			     struct sbx_error *why)
{
	cleanup_schema_problems struct sbx_schema_problems problems =
		SBX_SCHEMA_PROBLEMS_INIT;

	if (sbx_json_parse(sbx_buf_text(data), data->len, &record->output,
			   why) < 0) {
		record->output = as_text(data);
		sbx_error_wrap(why, "output is not one JSON value");
		return false;
	}
	switch (sbx_schema_check(schema, record->output, &problems, why)) {
	case 0:
		return true;
	case SBX_SCHEMA_MISFIT:
		sbx_schema_problems_error(&problems, SBX_OUTCOME_BAD_OUTPUT,
					  "the output does not fit the "
					  "action's output_schema",
					  why);
		return false;
	default:
		sbx_error_wrap(why, "the output");
		return false;
	}
}

static bool is_as_promised(struct sbx_record *record,
			   const struct sbx_action *action,
			   const struct sbx_ending *ending,
			   struct sbx_error *why)
{
	bool is_file = action->output == SBX_OUTPUT_FILE;

	/* A file that is missing is told as ever. */
	if (!ending->output_schema ||
	    (is_file && (ending->exit.flags & SBX_WIRE_FILE_MISSING)))
		return decode_output(record, action->output, ending, why);
	return decode_by_schema(record, is_file ? ending->file : ending->out,
				ending->output_schema, why);
}

/*
 * What an action that failed printed is kept as it is: text unless it is
 * JSON, base64 where it may be anything.
 */
static void keep_output(struct sbx_record *record, enum sbx_output kind,
			const struct sbx_ending *ending)
{
	bool is_file = kind == SBX_OUTPUT_FILE;
	const struct sbx_buf *data = is_file ? ending->file : ending->out;

	if (data->len == 0)
		return;
	record->output = kind == SBX_OUTPUT_BINARY ? as_base64(data)
			 : kind == SBX_OUTPUT_TEXT ? as_text(data)
						   : as_auto(data);
}

/* With output: file, stdout is a second log. */
static void keep_stderr(struct sbx_record *record, enum sbx_output kind,
			const struct sbx_ending *ending)
{
	bool with_out = kind == SBX_OUTPUT_FILE;
	size_t size = ending->err->len + (with_out ? ending->out->len : 0);
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(3 * size + 1);

	if (with_out)
		sbx_text_to_utf8(&text, sbx_buf_text(ending->out),
				 ending->out->len);
	sbx_text_to_utf8(&text, sbx_buf_text(ending->err), ending->err->len);
	record->stderr_text = sbx_buf_take(&text);
}

/* --- the files ------------------------------------------------------------- */

static json_t *artifact_json(const struct sbx_artifact *artifact)
{
	unsigned char hash[crypto_hash_sha256_BYTES];
	char hex[2 * sizeof(hash) + 1];

	crypto_hash_sha256(hash,
			   (const unsigned char *)sbx_buf_text(&artifact->data),
			   artifact->data.len);
	sodium_bin2hex(hex, sizeof(hex), hash, sizeof(hash));
	return json_pack("{s:s, s:I, s:s, s:o}", "name", artifact->name, "size",
			 (json_int_t)artifact->data.len, "sha256", hex, "data",
			 as_base64(&artifact->data));
}

/* Of all that came, without secrets; so are size and hash. */
static void keep_artifacts(struct sbx_record *record,
			   const struct sbx_artifacts *artifacts)
{
	record->artifacts = json_array();
	for (size_t i = 0; artifacts && i < artifacts->n; i++)
		json_array_append_new(record->artifacts,
				      artifact_json(&artifacts->v[i]));
}

/* --- the outcome ----------------------------------------------------------- */

/* The last line of @text that is not blank: its start and length. */
static const char *last_line(const char *text, size_t *size)
{
	size_t end = strlen(text);
	size_t start;

	while (end > 0 && strchr(" \t\r\n", text[end - 1]))
		end--;
	start = end;
	while (start > 0 && text[start - 1] != '\n')
		start--;
	*size = end - start;
	return text + start;
}

static char *own_words(const struct sbx_record *record)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(ERROR_MAX);
	const char *line =
		sbx_json_text_at(record->output, "error", "message", NULL);
	size_t size = line ? strlen(line) : 0;

	if (size == 0)
		line = last_line(record->stderr_text, &size);
	if (size == 0)
		return NULL;
	sbx_text_escape(&text, line, size, false);
	return sbx_buf_take(&text);
}

static void end_failed(struct sbx_record *record,
		       const struct sbx_ending *ending)
{
	char *words = own_words(record);

	set_outcome(record, SBX_OUTCOME_FAILED, record->exit_code);
	if (ending->exit.oom_kills > 0) {
		set_error(record,
			  sbx_asprintf("exited with status %d after the memory "
				       "limit killed a process of it%s%s",
				       record->exit_code, words ? ": " : "",
				       words ? words : ""));
		free(words);
		return;
	}
	set_error(record, words ? words
				: sbx_asprintf("exited with status %d",
					       record->exit_code));
}

static void end_signaled(struct sbx_record *record,
			 const struct sbx_action *action,
			 const struct sbx_ending *ending)
{
	int number = record->signal;

	if (number == SIGKILL && ending->exit.oom_kills > 0) {
		set_outcome(record, SBX_OUTCOME_OOM,
			    sbx_outcome_status(SBX_OUTCOME_OOM));
		set_error(record,
			  ending->in_session
				  ? sbx_strdup("killed by the session's memory "
					       "limit")
				  : sbx_asprintf("killed by the memory limit "
						 "of %lld bytes",
						 (long long)action->mem_limit));
		return;
	}
	set_outcome(record, SBX_OUTCOME_SIGNALED, 128 + number);
	set_error(record, sbx_asprintf("killed by signal %d (%s)", number,
				       strsignal(number)));
}

static void end_exec_failed(struct sbx_record *record,
			    const struct sbx_ending *ending)
{
	int errnum = (int)ending->exit.code;
	bool missing = errnum == ENOENT || errnum == ENOTDIR;
	bool entered = ending->exit.kind != SBX_WIRE_CHDIR_FAILED;
	const char *what = entered ? ending->program : ending->working_dir;
	cleanup_buf struct sbx_buf name = SBX_BUF_INIT(512);

	set_outcome(record, SBX_OUTCOME_EXEC_FAILED, missing ? 127 : 126);
	if (ending->exit.kind == SBX_WIRE_FILES_FAILED) {
		set_error(record,
			  sbx_asprintf("what an earlier step left in %s is in "
				       "the way of this one's secrets: %s",
				       SBX_SECRETS_DIR, strerror(errnum)));
		return;
	}
	sbx_text_escape(&name, what, strlen(what), false);
	set_error(record,
		  sbx_asprintf(entered ? "the command %s cannot be executed: %s"
				       : "the working directory %s cannot be "
					 "entered: %s",
			       sbx_buf_text(&name), strerror(errnum)));
}

static void end_exited(struct sbx_record *record,
		       const struct sbx_action *action,
		       const struct sbx_ending *ending)
{
	struct sbx_error why = SBX_ERROR_INIT;

	if (record->exit_code != 0) {
		keep_output(record, action->output, ending);
		end_failed(record, ending);
		return;
	}
	if (is_as_promised(record, action, ending, &why)) {
		set_outcome(record, SBX_OUTCOME_OK, 0);
		set_error(record, NULL);
		return;
	}
	set_outcome(record, SBX_OUTCOME_BAD_OUTPUT,
		    sbx_outcome_status(SBX_OUTCOME_BAD_OUTPUT));
	set_error(record, sbx_strdup(why.message));
}

/* Ended by the runner: how the action itself ended matters no more. */
static bool end_by_runner(struct sbx_record *record,
			  const struct sbx_action *action,
			  const struct sbx_ending *ending)
{
	enum sbx_outcome outcome;

	if (ending->cancelled) {
		outcome = SBX_OUTCOME_CANCELLED;
		set_error(record, sbx_strdup("cancelled by the caller"));
	} else if (ending->timed_out) {
		outcome = SBX_OUTCOME_TIMEOUT;
		set_error(record,
			  sbx_asprintf("not done after %g s",
				       (double)(ending->timeout_ms > 0
							? ending->timeout_ms
							: action->timeout_ms) /
					       1000));
	} else if (ending->out_truncated || ending->err_truncated ||
		   (ending->exit.flags & SBX_WIRE_FILE_TRUNCATED)) {
		outcome = SBX_OUTCOME_OUTPUT_LIMIT;
		set_error(record,
			  sbx_asprintf("%s passed the output limit of "
				       "%lld bytes",
				       ending->err_truncated ? "stderr"
							     : "the output",
				       (long long)action->output_limit));
	} else if (ending->exit.flags & SBX_WIRE_OUT_TRUNCATED) {
		outcome = SBX_OUTCOME_OUTPUT_LIMIT;
		set_error(record,
			  sbx_asprintf("the files in %s are more than %d, or "
				       "passed their limit of %lld bytes",
				       action->files_out, SBX_WIRE_FILES_MAX,
				       (long long)action->files_limit));
	} else {
		return false;
	}
	set_outcome(record, outcome, sbx_outcome_status(outcome));
	keep_output(record, action->output, ending);
	return true;
}

static void set_usage(struct sbx_record *record,
		      const struct sbx_wire_exit *exit)
{
	record->has_usage = true;
	record->cpu_ms = (double)exit->cpu_us / 1000;
	record->max_rss_bytes = (int64_t)exit->max_rss_bytes;
}

void sbx_record_end(struct sbx_record *record, const struct sbx_action *action,
		    const struct sbx_ending *ending)
{
	const struct sbx_wire_exit *exit = &ending->exit;

	if (exit->kind == SBX_WIRE_EXITED)
		record->exit_code = (int)exit->code;
	if (exit->kind == SBX_WIRE_SIGNALED)
		record->signal = (int)exit->code;
	set_usage(record, exit);
	keep_stderr(record, action->output, ending);
	keep_artifacts(record, ending->artifacts);
	record->output_truncated = ending->out_truncated ||
				   (exit->flags & SBX_WIRE_FILE_TRUNCATED);
	record->stderr_truncated = ending->err_truncated;

	if (end_by_runner(record, action, ending))
		return;
	switch (exit->kind) {
	case SBX_WIRE_EXITED:
		end_exited(record, action, ending);
		break;
	case SBX_WIRE_DETACHED:
		record->output =
			json_pack("{s:I}", "pid", (json_int_t)exit->code);
		set_outcome(record, SBX_OUTCOME_OK, 0);
		set_error(record, NULL);
		break;
	case SBX_WIRE_SIGNALED:
		keep_output(record, action->output, ending);
		end_signaled(record, action, ending);
		break;
	default:
		end_exec_failed(record, ending);
		break;
	}
}
