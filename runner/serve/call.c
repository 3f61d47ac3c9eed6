/* SPDX-License-Identifier: MIT */
#include "serve/call.h"

#include <string.h>

#include "base/mem.h"
#include "codec/json.h"
#include "codec/json_member.h"
#include "codec/json_members.h"
#include "codec/units.h"
#include "serve/file_json.h"
#include "serve/route.h"
#include "skill/names.h"
#include "skill/request_config.h"

#define SESSION_EXPECTED                                                       \
	"1 to 64 characters of [a-z0-9_.-], the first of [a-z0-9]"

void sbx_call_clear(struct sbx_call *call)
{
	free(call->session);
	free(call->skill);
	free(call->action);
	sbx_overrides_clear(&call->overrides);
	sbx_secrets_clear(&call->secrets);
	sbx_files_clear(&call->files);
	free(call->run_id);
	free(call->owner);
	free(call->image);
	sbx_strv_free(&call->command);
	free(call->data);
	free(call->working_dir);
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

		data = sbx_file_json_decode(item, &size);
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

/* --- of sessions, and of runs in them --------------------------------------- */

static int read_session(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !sbx_name_is_session(text))
		return sbx_json_expected(name, SESSION_EXPECTED, err);
	sbx_strset(&call->session, text);
	return 0;
}

static int read_ttl(const char *name, json_t *value, void *ctx,
		    struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (text && sbx_units_duration(text, &call->ttl_ms))
		return 0;
	return sbx_json_expected(name, "a duration such as \"10m\"", err);
}

static int read_image(const char *name, json_t *value, void *ctx,
		      struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || !*text)
		return sbx_json_expected(name, "the name of an image", err);
	sbx_strset(&call->image, text);
	return 0;
}

static int read_publish(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	struct sbx_call *call = ctx;

	(void)name;
	return sbx_publish_from_json(value, &call->overrides.publish, err);
}

static int read_command(const char *name, json_t *value, void *ctx,
			struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	json_t *item;
	size_t i;

	json_array_foreach (value, i, item) {
		const char *text = sbx_json_plain_text(item);

		if (!text)
			break;
		sbx_strv_push(&call->command, text);
	}
	if (i == 0 || i < json_array_size(value))
		return sbx_json_expected(
			name, "a list of texts, the program and its arguments",
			err);
	return 0;
}

static int read_stdin(const char *name, json_t *value, void *ctx,
		      struct sbx_error *err)
{
	struct sbx_call *call = ctx;

	call->data = sbx_file_json_decode(value, &call->input_size);
	if (!call->data)
		return sbx_json_expected(
			name, "{\"text\": \"...\"} or {\"base64\": \"...\"}",
			err);
	return 0;
}

static int read_working_dir(const char *name, json_t *value, void *ctx,
			    struct sbx_error *err)
{
	struct sbx_call *call = ctx;
	const char *text = sbx_json_plain_text(value);

	if (!text || *text != '/')
		return sbx_json_expected(name, "an absolute path", err);
	sbx_strset(&call->working_dir, text);
	return 0;
}

static int read_detach(const char *name, json_t *value, void *ctx,
		       struct sbx_error *err)
{
	struct sbx_call *call = ctx;

	if (!json_is_boolean(value))
		return sbx_json_expected(name, "true or false", err);
	call->detach = json_is_true(value);
	return 0;
}

/* --- the whole ------------------------------------------------------------- */

/* @members of the body, and whether they go together. */
struct shape {
	const struct sbx_json_reader *members;
	int (*check)(const struct sbx_call *call, bool has_input,
		     struct sbx_error *err);
};

static int decode(json_t *body, const struct shape *shape, struct sbx_call *out,
		  struct sbx_error *err)
{
	if (!json_is_object(body))
		return sbx_json_expected("the body", "an object", err);
	if (sbx_json_read_members(body, shape->members, out, err) < 0)
		return -1;
	return shape->check(out, json_object_get(body, "input") != NULL, err);
}

/* Where the bytes are that the program gets. */
static void set_input(struct sbx_call *call, const char *body, size_t size)
{
	const char *input =
		sbx_json_member(body, size, "input", &call->input_size);

	call->input = input ? input : "{}";
	if (!input)
		call->input_size = strlen(call->input);
}

static int decode_body(const char *body, size_t size, const struct shape *shape,
		       struct sbx_call *out, struct sbx_error *err)
{
	struct sbx_call call = SBX_CALL_INIT;
	json_auto_t *value = NULL;
	int result;

	if (sbx_json_parse(body, size, &value, err) < 0)
		return sbx_error_wrap(err, "the body is not one JSON value");
	result = decode(value, shape, &call, err);
	sbx_request_config_wipe(json_object_get(value, "config"));
	if (result < 0) {
		sbx_call_clear(&call);
		return -1;
	}
	if (call.command.n == 0)
		set_input(&call, body, size);
	else
		call.input = (const char *)call.data;
	*out = call;
	return 0;
}

static int check_run(const struct sbx_call *call, bool has_input,
		     struct sbx_error *err)
{
	(void)has_input;
	if (!call->skill)
		return sbx_json_expected("skill", "the name of a skill", err);
	if (!call->action)
		return sbx_json_expected("action", "the name of an action",
					 err);
	return 0;
}

int sbx_call_decode(const char *body, size_t size, struct sbx_call *out,
		    struct sbx_error *err)
{
	static const struct sbx_json_reader members[] = {
		{ "skill", read_skill }, { "action", read_action },
		{ "input", NULL },	 { "config", read_config },
		{ "files", read_files }, { "run_id", read_run_id },
		{ "owner", read_owner }, { .name = NULL },
	};
	static const struct shape shape = { members, check_run };

	return decode_body(body, size, &shape, out, err);
}

static int check_session(const struct sbx_call *call, bool has_input,
			 struct sbx_error *err)
{
	(void)has_input;
	if (!call->session)
		return sbx_json_expected("name", SESSION_EXPECTED, err);
	if (!call->skill)
		return sbx_json_expected("skill", "the name of a skill", err);
	return 0;
}

int sbx_call_decode_session(const char *body, size_t size, struct sbx_call *out,
			    struct sbx_error *err)
{
	static const struct sbx_json_reader members[] = {
		{ "name", read_session },  { "skill", read_skill },
		{ "action", read_action }, { "ttl", read_ttl },
		{ "image", read_image },   { "publish", read_publish },
		{ "config", read_config }, { "owner", read_owner },
		{ .name = NULL },
	};
	static const struct shape shape = { members, check_session };

	return decode_body(body, size, &shape, out, err);
}

/* All else was decided when the session was created. */
static int check_config(const struct sbx_call *call, struct sbx_error *err)
{
	const struct sbx_overrides *overrides = &call->overrides;

	if (overrides->n_volumes == 0 && !overrides->has_network &&
	    overrides->mem_limit < 0 && overrides->nano_cpus < 0 &&
	    overrides->pids_limit < 0 && call->secrets.n == 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "config: expected no more than env and timeout: "
			     "in a session all else is as it was created with");
}

static int check_in_session(const struct sbx_call *call, bool has_input,
			    struct sbx_error *err)
{
	bool has_command = call->command.n > 0;

	if (has_command && (call->action || has_input))
		return sbx_json_expected(
			"command", "no action and no input beside it", err);
	if (!has_command && call->data)
		return sbx_json_expected(
			"stdin", "a command: an action gets its input", err);
	return check_config(call, err);
}

int sbx_call_decode_in_session(const char *body, size_t size,
			       struct sbx_call *out, struct sbx_error *err)
{
	static const struct sbx_json_reader members[] = {
		{ "action", read_action },
		{ "input", NULL },
		{ "command", read_command },
		{ "stdin", read_stdin },
		{ "working_dir", read_working_dir },
		{ "detach", read_detach },
		{ "config", read_config },
		{ "files", read_files },
		{ "run_id", read_run_id },
		{ "owner", read_owner },
		{ .name = NULL },
	};
	static const struct shape shape = { members, check_in_session };

	return decode_body(body, size, &shape, out, err);
}
