/* SPDX-License-Identifier: MIT */
#include "sandbox/record.h"

#include <string.h>

#include "base/text.h"

/* What was asked for may be no UTF-8, which JSON has to be. */
static json_t *text(const char *value)
{
	cleanup_buf struct sbx_buf valid =
		SBX_BUF_INIT(value ? 3 * strlen(value) + 1 : 1);

	if (!value)
		return json_null();
	sbx_text_to_utf8(&valid, value, strlen(value));
	return json_stringn(sbx_buf_text(&valid), valid.len);
}

/* In 64ths: a binary fraction, so its decimal is short and exact. */
static json_t *milliseconds(double value)
{
	return json_real((double)(int64_t)(value * 64 + 0.5) / 64);
}

static void set_stage(json_t *stages, const char *name, double value)
{
	if (value >= 0)
		json_object_set_new(stages, name, milliseconds(value));
}

static json_t *stages(const struct sbx_record *record)
{
	json_t *all = json_object();

	set_stage(all, "build", record->build_ms);
	set_stage(all, "wait", record->wait_ms);
	set_stage(all, "create", record->create_ms);
	set_stage(all, "start", record->start_ms);
	set_stage(all, "action", record->action_ms);
	return all;
}

static json_t *usage(const struct sbx_record *record)
{
	if (!record->has_usage)
		return json_null();
	return json_pack("{s:o, s:I}", "cpu_ms", milliseconds(record->cpu_ms),
			 "max_rss_bytes", (json_int_t)record->max_rss_bytes);
}

static void set(json_t *all, const char *name, json_t *value)
{
	json_object_set_new(all, name, value);
}

json_t *sbx_record_json(const struct sbx_record *record)
{
	json_t *all = json_object();

	set(all, "status", json_integer(record->status));
	set(all, "output",
	    record->output ? json_incref(record->output) : json_null());
	set(all, "error", text(record->error));
	set(all, "outcome", json_string(sbx_outcome_name(record->outcome)));
	set(all, "skill", text(record->skill));
	set(all, "skill_version", text(record->skill_version));
	set(all, "action", text(record->action));
	set(all, "run_id", text(record->run_id));
	set(all, "owner", text(record->owner));
	if (record->traceparent)
		set(all, "traceparent", text(record->traceparent));
	set(all, "exit_code",
	    record->exit_code < 0 ? json_null()
				  : json_integer(record->exit_code));
	set(all, "signal",
	    record->signal ? json_integer(record->signal) : json_null());
	set(all, "stderr",
	    json_string(record->stderr_text ? record->stderr_text : ""));
	set(all, "truncated",
	    json_pack("{s:b, s:b}", "output", record->output_truncated,
		      "stderr", record->stderr_truncated));
	set(all, "artifacts",
	    record->artifacts ? json_incref(record->artifacts) : json_array());
	set(all, "started_at",
	    record->started_at[0] ? json_string(record->started_at)
				  : json_null());
	set(all, "duration_ms", milliseconds(record->duration_ms));
	set(all, "stages_ms", stages(record));
	set(all, "usage", usage(record));
	set(all, "image", text(record->image));
	set(all, "start", text(record->start));
	return all;
}
