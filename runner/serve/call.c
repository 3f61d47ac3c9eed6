/* SPDX-License-Identifier: MIT */
#include "serve/call.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_member.h"
#include "codec/json_members.h"
#include "serve/route.h"
#include "skill/names.h"
#include "skill/request_config.h"

void sbx_call_clear(struct sbx_call *call)
{
	free(call->skill);
	free(call->action);
	sbx_overrides_clear(&call->overrides);
	sbx_secrets_clear(&call->secrets);
	sbx_files_clear(&call->files);
	free(call->run_id);
	free(call->owner);
	*call = (struct sbx_call)SBX_CALL_INIT;
}

/* --- of the body ----------------------------------------------------------- */

static int read_skill(const char *name, json_t *value, void *ctx,
		      struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_skill(text))
		return sbx_json_expected(name, "the name of a skill", err);
	sbx_strset(&call->skill, text);
	return 0;
}

static int read_action(const char *name, json_t *value, void *ctx,
		       struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_action(text))
		return sbx_json_expected(name, "the name of an action", err);
	sbx_strset(&call->action, text);
	return 0;
}

static int read_config(const char *name, json_t *value, void *ctx,
		       struct sbx_error *err)
{
	struct sbx_call *call = ctx;

	(void)name;
	return sbx_request_config_decode(value, &call->overrides,
					 &call->secrets, err);
}

static int read_run_id(const char *name, json_t *value, void *ctx,
		       struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_route_is_run_id(text))
		return sbx_json_expected(
			name, "1 to 64 characters of [A-Za-z0-9._-]", err);
	sbx_strset(&call->run_id, text);
	return 0;
}

static int read_owner(const char *name, json_t *value, void *ctx,
		      struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_owner(text))
		return sbx_json_expected(
			name, "1 to 64 characters of [a-z0-9._-]", err);
	sbx_strset(&call->owner, text);
	return 0;
}

/* The bytes of {"text": "..."} or {"base64": "..."}; NULL for anything else. */
static unsigned char *file_data(const json_t *value, size_t *size)
{
	const json_t *text = json_object_get(value, "text");
	const json_t *base64 = json_object_get(value, "base64");
	const json_t *given = text ? text : base64;
	cleanup_free unsigned char *data = NULL;
	size_t length = json_string_length(given);

	if (json_object_size(value) != 1 || !json_is_string(given))
		return NULL;
	data = sbx_malloc(length + 1);
	*size = length;
	if (text)
		memcpy(data, json_string_value(given), length);
	else if (sodium_base642bin(data, length, json_string_value(given),
				   length, NULL, size, NULL,
				   sodium_base64_VARIANT_ORIGINAL))
		return NULL;
	return sbx_take(data);
}

static int read_files(const char *name, json_t *value, void *ctx,
		      struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *key;
	json_t *item;

	if (!json_is_object(value))
		return sbx_json_expected(name, "an object of files", err);
	json_object_foreach (value, key, item) {
		cleanup_free unsigned char *data = NULL;
		size_t size = 0;

		data = file_data(item, &size);
		if (!data)
			return sbx_json_expected(
				name,
				"for each name {\"text\": \"...\"} or "
				"{\"base64\": \"...\"}",
				err);
		if (sbx_files_add(&call->files, key, &data, size, err) < 0)
			return -1;
	}
	return 0;
}

static const struct sbx_json_reader body_members[] = {
	{ "skill", read_skill }, { "action", read_action },
	{ "input", NULL },	 { "config", read_config },
	{ "files", read_files }, { "run_id", read_run_id },
	{ "owner", read_owner }, { .name = NULL },
};

/* --- the whole ------------------------------------------------------------- */

static int decode(json_t *body, struct sbx_call *out, struct sbx_error *err)
{
	if (!json_is_object(body))
		return sbx_json_expected("the body", "an object", err);
	if (sbx_json_read_members(body, body_members, out, err) < 0)
		return -1;
	if (!out->skill)
		return sbx_json_expected("skill", "the name of a skill", err);
	if (!out->action)
		return sbx_json_expected("action", "the name of an action",
					 err);
	return 0;
}

int sbx_call_decode(const char *body, size_t size, struct sbx_call *out,
		    struct sbx_error *err)
{
	struct sbx_call call = SBX_CALL_INIT;
	json_auto_t *value = NULL;
	int result;

	if (sbx_json_parse(body, size, &value, err) < 0)
		return sbx_error_wrap(err, "the body is not one JSON value");
	result = decode(value, &call, err);
	sbx_request_config_wipe(json_object_get(value, "config"));
	if (result < 0) {
		sbx_call_clear(&call);
		return -1;
	}
	call.input = sbx_json_member(body, size, "input", &call.input_size);
	if (!call.input) {
		call.input = "{}";
		call.input_size = strlen(call.input);
	}
	*out = call;
	return 0;
}
