/* SPDX-License-Identifier: MIT */
/*
 * The record of an action that printed anything and ended in any way.  The
 * first line says how: letters, below; then stdout, a line "%%", stderr, a
 * line "%%", the output file.
 *
 *	a j t b f	output: auto, json, text, binary, file
 *	0-9 s x		exited with that code, by a signal, never executed
 *	o e F m		stdout, stderr, file truncated; no file
 *	T C K		timed out, cancelled, the memory limit killed
 */
#include "fuzz.h"

#include "sandbox/record.h"

#define STATUS_MAX 255

static enum sbx_output output_of(const char *how)
{
	static const char letters[] = { [SBX_OUTPUT_AUTO] = 'a',
					[SBX_OUTPUT_JSON] = 'j',
					[SBX_OUTPUT_TEXT] = 't',
					[SBX_OUTPUT_BINARY] = 'b',
					[SBX_OUTPUT_FILE] = 'f' };

	for (unsigned int i = 0; i < sizeof(letters); i++) {
		if (strchr(how, letters[i]))
			return (enum sbx_output)i;
	}
	return SBX_OUTPUT_AUTO;
}

static struct sbx_ending ending_of(const char *how)
{
	size_t digit = strcspn(how, "0123456789");
	struct sbx_ending ending = {
		.program = how,
		.out_truncated = strchr(how, 'o'),
		.err_truncated = strchr(how, 'e'),
		.timed_out = strchr(how, 'T'),
		.cancelled = strchr(how, 'C'),
		.exit = { .kind = SBX_WIRE_EXITED,
			  .oom_kills = strchr(how, 'K') ? 1 : 0,
			  .cpu_us = strlen(how) * 1000 },
	};

	if (how[digit])
		ending.exit.code = (uint32_t)(how[digit] - '0');
	if (strchr(how, 's'))
		ending.exit.kind = SBX_WIRE_SIGNALED;
	if (strchr(how, 'x'))
		ending.exit.kind = SBX_WIRE_EXEC_FAILED;
	if (ending.exit.kind == SBX_WIRE_SIGNALED)
		ending.exit.code = strchr(how, 'K') ? 9 : ending.exit.code + 1;
	if (strchr(how, 'F'))
		ending.exit.flags |= SBX_WIRE_FILE_TRUNCATED;
	if (strchr(how, 'm'))
		ending.exit.flags |= SBX_WIRE_FILE_MISSING;
	return ending;
}

/* Up to a line "%%", or all there is. */
static void take_part(struct fuzz_input *input, struct sbx_buf *out)
{
	static const char mark[] = "\n%%\n";
	const char *end = input->size ? memmem(input->at, input->size, mark,
					       sizeof(mark) - 1)
				      : NULL;
	size_t size = end ? (size_t)(end - input->at) : input->size;
	size_t used = size + (end ? sizeof(mark) - 1 : 0);

	out->max = size;
	sbx_buf_append(out, input->at, size);
	input->at += used;
	input->size -= used;
}

static void must_be_shaped(const json_t *json)
{
	static const char *const first[] = { "status", "output", "error" };
	void *at = json_object_iter((json_t *)json);

	for (size_t i = 0; i < SBX_ARRAY_SIZE(first); i++) {
		must(at && strcmp(json_object_iter_key(at), first[i]) == 0);
		at = json_object_iter_next((json_t *)json, at);
	}
	must_be_json(json);
}

static void must_be_record(const struct sbx_record *record,
			   const struct sbx_ending *ending,
			   enum sbx_output kind)
{
	json_t *json = sbx_record_json(record);
	const char *error = json_string_value(json_object_get(json, "error"));
	const char *printed =
		json_string_value(json_object_get(json, "stderr"));

	must_be_shaped(json);
	must(record->status >= 0 && record->status <= STATUS_MAX);
	must((record->outcome == SBX_OUTCOME_OK) == !error);
	must((record->outcome == SBX_OUTCOME_OK) == (record->status == 0));
	must(!error || (*error && fuzz_is_harmless(error)));
	/* Words of the action's own, and ours around them. */
	must(!error || strlen(error) <= 1024 + 256);
	must(printed);
	must(strlen(printed) <= 3 * (ending->err->len + ending->out->len));
	must(record->output_truncated ==
	     (ending->out_truncated ||
	      (ending->exit.flags & SBX_WIRE_FILE_TRUNCATED)));
	must(record->stderr_truncated == ending->err_truncated);
	if (record->outcome == SBX_OUTCOME_OK) {
		must(ending->exit.kind == SBX_WIRE_EXITED &&
		     ending->exit.code == 0);
		must(!record->output_truncated && !record->stderr_truncated);
	}
	/* What is valid is not changed. */
	if (kind == SBX_OUTPUT_TEXT && record->outcome == SBX_OUTCOME_OK &&
	    sbx_text_is_utf8(ending->out->data, ending->out->len) &&
	    !memchr(sbx_buf_text(ending->out), 0, ending->out->len))
		must(strcmp(json_string_value(record->output),
			    sbx_buf_text(ending->out)) == 0);
	json_decref(json);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fuzz_input input = { .at = (const char *)data, .size = size };
	struct sbx_buf parts[3] = { { .data = NULL } };
	struct sbx_action action = { .timeout_ms = 1500,
				     .output_limit = 100,
				     .mem_limit = 1 << 20 };
	struct sbx_record record;
	struct sbx_ending ending;
	char how[32];

	fuzz_line(&input, how, sizeof(how));
	for (int i = 0; i < 3; i++)
		take_part(&input, &parts[i]);
	ending = ending_of(how);
	ending.out = &parts[0];
	ending.err = &parts[1];
	ending.file = &parts[2];
	action.output = output_of(how);
	sbx_record_init(&record);
	record.skill = sbx_strdup(how);
	sbx_record_end(&record, &action, &ending);
	must_be_record(&record, &ending, action.output);
	sbx_record_clear(&record);
	for (int i = 0; i < 3; i++)
		sbx_buf_free(&parts[i]);
	return 0;
}
