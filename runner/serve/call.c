/* SPDX-License-Identifier: MIT */
#include "serve/call.h"

#include <sodium.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/json_member.h"
#include "codec/units.h"
#include "secret/memory.h"
#include "serve/route.h"
#include "skill/names.h"

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

/* --- members --------------------------------------------------------------- */

/* Reads one member's value into the call. */
struct member {
	const char *name;
	int (*read)(const char *name, json_t *value, struct sbx_call *call,
		    struct sbx_error *err);
};

static int expected(const char *name, const char *what, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s: expected %s", name,
			     what);
}

static int unknown(const char *key, const struct member *members,
		   struct sbx_error *err)
{
	cleanup_buf struct sbx_buf escaped = SBX_BUF_INIT(256);
	const char *names[16] = { NULL };
	const char *nearest;

	for (size_t i = 0; members[i].name; i++)
		names[i] = members[i].name;
	nearest = sbx_text_nearest(key, names);
	sbx_text_escape(&escaped, key, strlen(key), false);
	return sbx_error_set(
		err, SBX_OUTCOME_INVALID, "unknown member \"%s\"%s%s%s",
		sbx_buf_text(&escaped), nearest ? "; did you mean \"" : "",
		nearest ? nearest : "", nearest ? "\"?" : "");
}

static int read_members(json_t *object, const struct member *members,
			struct sbx_call *call, struct sbx_error *err)
{
	const char *key;
	json_t *value;

	json_object_foreach (object, key, value) {
		const struct member *at = members;

		while (at->name && strcmp(at->name, key) != 0)
			at++;
		if (!at->name)
			return unknown(key, members, err);
		if (at->read && at->read(key, value, call, err) < 0)
			return -1;
	}
	return 0;
}

/* --- of config ------------------------------------------------------------- */

static int read_timeout(const char *name, json_t *value, struct sbx_call *call,
			struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (text && sbx_units_duration(text, &call->overrides.timeout_ms))
		return 0;
	return expected(name, "a duration such as \"30s\"", err);
}

/* "512m", or a number of bytes. */
static int read_memory(const char *name, json_t *value, struct sbx_call *call,
		       struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (json_is_integer(value) && json_integer_value(value) >= 0) {
		call->overrides.mem_limit = json_integer_value(value);
		return 0;
	}
	if (text && sbx_units_size(text, &call->overrides.mem_limit))
		return 0;
	return expected(name, "a size such as \"256m\"", err);
}

/* "0.5", or that number. */
static int read_cpus(const char *name, json_t *value, struct sbx_call *call,
		     struct sbx_error *err)
{
	cleanup_free char *number = NULL;
	const char *text = sbx_json_plain_text(value);

	if (json_is_number(value)) {
		number = sbx_json_line(value);
		text = number;
	}
	if (text && sbx_units_cpus(text, &call->overrides.nano_cpus))
		return 0;
	return expected(name, "a number of CPUs such as 0.5", err);
}

static int read_pids(const char *name, json_t *value, struct sbx_call *call,
		     struct sbx_error *err)
{
	if (!json_is_integer(value) || json_integer_value(value) < 0)
		return expected(name, "a number of processes", err);
	call->overrides.pids_limit = json_integer_value(value);
	return 0;
}

static int read_network(const char *name, json_t *value, struct sbx_call *call,
			struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_network_parse(text, &call->overrides.network))
		return expected(name, "one of none, bridge, host", err);
	call->overrides.has_network = true;
	return 0;
}

static int read_env(const char *name, json_t *value, struct sbx_call *call,
		    struct sbx_error *err)
{
	const char *key;
	json_t *item;

	if (!json_is_object(value))
		return expected(name, "an object of texts", err);
	json_object_foreach (value, key, item) {
		const char *text = sbx_json_plain_text(item);

		if (!sbx_name_is_variable(key) || !text)
			return expected(name,
					"names of variables with texts as "
					"their values",
					err);
		sbx_strv_setenv(&call->overrides.environment, key, text);
	}
	return 0;
}

static int read_volumes(const char *name, json_t *value, struct sbx_call *call,
			struct sbx_error *err)
{
	struct sbx_overrides *overrides = &call->overrides;
	size_t n = json_array_size(value);

	if (!json_is_array(value) || n > SBX_MOUNTS_MAX)
		return expected(name,
				"a list of \"SOURCE:TARGET[:ro|rw[,rslave]]\"",
				err);
	overrides->volumes = sbx_calloc(n + 1, sizeof(*overrides->volumes));
	for (size_t i = 0; i < n; i++) {
		const char *text =
			sbx_json_plain_text(json_array_get(value, i));
		const char *why = "expected \"SOURCE:TARGET[:ro|rw[,rslave]]\"";

		if (!text ||
		    !sbx_mount_parse(text, &overrides->volumes[i], &why))
			return sbx_error_set(err, SBX_OUTCOME_INVALID,
					     "%s: entry %zu: %s", name, i + 1,
					     why);
		overrides->n_volumes++;
	}
	return 0;
}

/* The text is overwritten where jansson has it as well. */
static int read_secret(const char *name, json_t *value, struct sbx_call *call,
		       struct sbx_error *err)
{
	size_t size = json_string_length(value);
	cleanup_secret unsigned char *memory = NULL;

	if (!sbx_secret_is_name(name) || !json_is_string(value) || size == 0 ||
	    size > SBX_SECRET_SIZE_MAX)
		return expected("secrets",
				"names of secrets with texts of 1 to 65536 "
				"bytes as their values",
				err);
	if (sbx_secret_alloc(&memory, size, err) < 0)
		return -1;
	memcpy(memory, json_string_value(value), size);
	sbx_secrets_set(&call->secrets, name, &memory, size);
	return 0;
}

static int read_secrets(const char *name, json_t *value, struct sbx_call *call,
			struct sbx_error *err)
{
	const char *key;
	json_t *item;

	if (!json_is_object(value) || json_object_size(value) > SBX_SECRETS_MAX)
		return expected(name, "an object of at most 64 texts", err);
	json_object_foreach (value, key, item) {
		if (read_secret(key, item, call, err) < 0)
			return -1;
	}
	return 0;
}

static const struct member config_members[] = {
	{ "timeout", read_timeout },
	{ "memory", read_memory },
	{ "cpus", read_cpus },
	{ "pids_limit", read_pids },
	{ "network", read_network },
	{ "env", read_env },
	{ "volumes", read_volumes },
	{ "secrets", read_secrets },
	{ .name = NULL },
};

/* --- of the body ----------------------------------------------------------- */

static int read_skill(const char *name, json_t *value, struct sbx_call *call,
		      struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_skill(text))
		return expected(name, "the name of a skill", err);
	sbx_strset(&call->skill, text);
	return 0;
}

static int read_action(const char *name, json_t *value, struct sbx_call *call,
		       struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_action(text))
		return expected(name, "the name of an action", err);
	sbx_strset(&call->action, text);
	return 0;
}

static int read_config(const char *name, json_t *value, struct sbx_call *call,
		       struct sbx_error *err)
{
	if (!json_is_object(value))
		return expected(name, "an object", err);
	if (read_members(value, config_members, call, err) < 0)
		return sbx_error_wrap(err, "%s", name);
	return 0;
}

static int read_run_id(const char *name, json_t *value, struct sbx_call *call,
		       struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_route_is_run_id(text))
		return expected(name, "1 to 64 characters of [A-Za-z0-9._-]",
				err);
	sbx_strset(&call->run_id, text);
	return 0;
}

static int read_owner(const char *name, json_t *value, struct sbx_call *call,
		      struct sbx_error *err)
{
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_owner(text))
		return expected(name, "1 to 64 characters of [a-z0-9._-]", err);
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

static int read_files(const char *name, json_t *value, struct sbx_call *call,
		      struct sbx_error *err)
{
	const char *key;
	json_t *item;

	if (!json_is_object(value))
		return expected(name, "an object of files", err);
	json_object_foreach (value, key, item) {
		cleanup_free unsigned char *data = NULL;
		size_t size = 0;

		data = file_data(item, &size);
		if (!data)
			return expected(name,
					"for each name {\"text\": \"...\"} or "
					"{\"base64\": \"...\"}",
					err);
		if (sbx_files_add(&call->files, key, &data, size, err) < 0)
			return -1;
	}
	return 0;
}

static const struct member body_members[] = {
	{ "skill", read_skill }, { "action", read_action },
	{ "input", NULL },	 { "config", read_config },
	{ "files", read_files }, { "run_id", read_run_id },
	{ "owner", read_owner }, { .name = NULL },
};

/* --- the whole ------------------------------------------------------------- */

/* What jansson has of secrets is freed without being overwritten. */
static void wipe_secrets(json_t *body)
{
	json_t *secrets = sbx_json_at(body, "config", "secrets", NULL);
	const char *key;
	json_t *item;

	json_object_foreach (secrets, key, item) {
		if (json_is_string(item))
			sodium_memzero((char *)json_string_value(item),
				       json_string_length(item));
	}
}

static int decode(json_t *body, struct sbx_call *out, struct sbx_error *err)
{
	if (!json_is_object(body))
		return expected("the body", "an object", err);
	if (read_members(body, body_members, out, err) < 0)
		return -1;
	if (!out->skill)
		return expected("skill", "the name of a skill", err);
	if (!out->action)
		return expected("action", "the name of an action", err);
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
	wipe_secrets(value);
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
