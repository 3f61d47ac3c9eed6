/* SPDX-License-Identifier: MIT */
#include "skill/manifest_parts.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/path.h"
#include "base/text.h"
#include "base/words.h"
#include "codec/json.h"
#include "skill/names.h"

#define MIB (INT64_C(1024) * 1024)

const char *const sbx_input_words[] = { "stdin", "env", NULL };
const char *const sbx_output_words[] = { "auto",   "json", "text",
					 "binary", "file", NULL };
const char *const sbx_network_words[] = { "none", "bridge", "host", NULL };
const char *const sbx_reuse_words[] = { "never", "reset", NULL };

/*
 * nofile and core have a limit in every sandbox.  A core limit of 0 would
 * still feed a handler that the host's core_pattern pipes to.
 */
void sbx_action_init(struct sbx_action *action)
{
	*action = (struct sbx_action){
		.input = SBX_INPUT_STDIN,
		.output = SBX_OUTPUT_AUTO,
		.network = SBX_NETWORK_NONE,
		.timeout_ms = 30000,
		.stop_grace_period_ms = 2000,
		.nano_cpus = 1000000000,
		.mem_limit = 256 * MIB,
		.pids_limit = 64,
		.input_limit = 16 * MIB,
		.output_limit = MIB,
		.files_limit = 64 * MIB,
		.warm_pool = { .max = 2 },
	};
	sbx_action_add_tmpfs(action, "/tmp", 64 * MIB, false);
	sbx_action_set_ulimit(action, "nofile", 1024, 1024);
	sbx_action_set_ulimit(action, "core", 1, 1);
}

/* --- what is run ---------------------------------------------------------- */

static void read_string(const struct sbx_at *at, struct sbx_strv *out)
{
	const char *text =
		sbx_reader_text(at, "a text: put it in quotes if it is one");

	if (text && strlen(text) > SBX_STRING_SIZE_MAX)
		sbx_reader_error(at, "longer than the %d bytes Linux allows",
				 SBX_STRING_SIZE_MAX);
	else if (text)
		sbx_strv_push(out, text);
}

/* A list of strings, or one string that is taken apart as a shell would. */
static bool read_words(const struct sbx_at *at, const struct sbx_field *field,
		       struct sbx_strv *out)
{
	sbx_strv_free(out);
	if (json_is_string(at->value)) {
		const char *text = sbx_reader_text(at, field->expected);

		if (text && !sbx_words_split(text, out))
			sbx_reader_refused(at,
					   "a quote or backslash at the end "
					   "is missing its partner");
		return true;
	}
	if (!sbx_reader_is_list(at, SBX_STRINGS_MAX, field->expected))
		return false;
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);

		read_string(&inner, out);
	}
	return true;
}

static void read_entrypoint(const struct sbx_at *at,
			    const struct sbx_field *field, void *object)
{
	struct sbx_action *action = object;

	action->has_entrypoint = read_words(at, field, &action->entrypoint);
}

static void read_command(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	struct sbx_action *action = object;

	action->has_command = read_words(at, field, &action->command);
}

static void read_working_dir(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	struct sbx_action *action = object;
	const char *text = sbx_reader_text(at, field->expected);
	cleanup_free char *path = text ? sbx_path_normalize(text) : NULL;

	if (path && strlen(path) < 4096)
		sbx_strset(&action->working_dir, path);
	else if (text)
		sbx_reader_expected(at, field->expected);
}

/* --- rights and limits ---------------------------------------------------- */

static const char *refuse_reserved(const char *name)
{
	if (sbx_text_has_prefix(name, "SKILL_"))
		return "names that begin with SKILL_ are set by skillbox: "
		       "choose another";
	return NULL;
}

static void read_environment(const struct sbx_at *at,
			     const struct sbx_field *field, void *object)
{
	struct sbx_action *action = object;

	(void)field;
	sbx_manifest_read_variables(at, refuse_reserved, &action->environment);
}

static void read_network(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	struct sbx_at allow = sbx_at_member(at, "allow");

	if (allow.value) {
		sbx_reader_key_error(&allow,
				     "not supported yet, expected none, "
				     "bridge or host");
		return;
	}
	sbx_read_word(at, field, object);
}

/* "1000:1000" */
static void read_user(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	struct sbx_action *action = object;
	const char *text = sbx_reader_text(at, field->expected);
	unsigned long uid, gid;
	int end = 0;

	if (!text)
		return;
	if (text[strspn(text, "0123456789:")] != '\0' ||
	    sscanf(text, "%10lu:%10lu%n", &uid, &gid, &end) != 2 ||
	    text[end] != '\0' || uid > SBX_ID_MAX || gid > SBX_ID_MAX) {
		sbx_reader_expected(at, field->expected);
		return;
	}
	if (uid == 0 || gid == 0)
		sbx_reader_warn(at, "no policy grants uid or gid 0: runs end "
				    "as \"denied\"");
	action->has_user = true;
	action->uid = (uint32_t)uid;
	action->gid = (uint32_t)gid;
}

/* --- ulimits -------------------------------------------------------------- */

#define ULIMIT_EXPECTED "a whole number, 0 or more"

struct soft_hard {
	int64_t soft;
	int64_t hard;
};

const struct sbx_field sbx_ulimit_fields[] = {
	{ .name = "soft",
	  .read = sbx_read_integer,
	  .flags = SBX_FIELD_REQUIRED,
	  .offset = offsetof(struct soft_hard, soft),
	  .max = INT64_MAX,
	  .expected = ULIMIT_EXPECTED },
	{ .name = "hard",
	  .read = sbx_read_integer,
	  .flags = SBX_FIELD_REQUIRED,
	  .offset = offsetof(struct soft_hard, hard),
	  .max = INT64_MAX,
	  .expected = ULIMIT_EXPECTED },
	{ .name = NULL },
};

static bool read_soft_hard(const struct sbx_at *at, struct soft_hard *out)
{
	static const struct sbx_field whole = {
		.max = INT64_MAX,
		.expected = "a whole number, or soft and hard",
	};

	out->soft = -1;
	out->hard = -1;
	if (json_is_object(at->value)) {
		sbx_read_mapping(at, sbx_ulimit_fields, 0, out);
	} else {
		sbx_read_integer(at, &whole, out);
		out->hard = out->soft;
	}
	if (out->soft < 0 || out->hard < 0)
		return false;
	if (out->soft > out->hard)
		sbx_reader_error(at, "soft is more than hard: lower it");
	return out->soft <= out->hard;
}

/* The names go-units, and so the engine, knows. */
static const char *const ulimit_names[] = {
	"core",	    "cpu",	  "data",   "fsize", "locks", "memlock",
	"msgqueue", "nice",	  "nofile", "nproc", "rss",   "rtprio",
	"rttime",   "sigpending", "stack",  NULL,
};

bool sbx_manifest_is_ulimit(const struct sbx_at *at)
{
	const char *nearest;

	for (size_t i = 0; ulimit_names[i]; i++) {
		if (strcmp(ulimit_names[i], at->key) == 0)
			return true;
	}
	nearest = sbx_text_nearest(at->key, ulimit_names);
	if (nearest)
		sbx_reader_key_error(at, "unknown limit, did you mean \"%s\"?",
				     nearest);
	else
		sbx_reader_key_error(at,
				     "unknown limit, expected one of Docker's "
				     "such as nofile, core, stack");
	return false;
}

static void read_ulimits(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	const char *name;
	json_t *item;

	if (!sbx_reader_is_mapping(at, SBX_STRINGS_MAX, field->expected))
		return;
	json_object_foreach ((json_t *)at->value, name, item) {
		struct sbx_at inner = sbx_at_member(at, name);
		struct soft_hard limit;

		if (sbx_manifest_is_ulimit(&inner) &&
		    read_soft_hard(&inner, &limit))
			sbx_action_set_ulimit(object, name, limit.soft,
					      limit.hard);
	}
}

/* --- the table ------------------------------------------------------------ */

#define AT(member) .offset = offsetof(struct sbx_action, member)
#define DEFAULT	   .flags = SBX_FIELD_DEFAULT

const struct sbx_field sbx_action_fields[] = {
	{ .name = "description",
	  .read = sbx_read_text,
	  AT(description),
	  .expected = "a text" },
	{ .name = "tool_name",
	  .read = sbx_read_text,
	  AT(tool_name),
	  .fits = sbx_name_is_tool,
	  .expected = "a name of 1 to 64 of a-z, A-Z, 0-9, \"_\" and \"-\"" },
	{ .name = "title",
	  .read = sbx_read_text,
	  AT(title),
	  .fits = sbx_name_is_title,
	  .expected = "one line of text, at most 200 bytes" },
	{ .name = "annotations",
	  .read = sbx_manifest_read_annotations,
	  AT(annotations) },
	{ .name = "entrypoint",
	  .read = read_entrypoint,
	  DEFAULT,
	  .expected = "a list such as [python3, app.py] or one text" },
	{ .name = "command",
	  .read = read_command,
	  DEFAULT,
	  .expected = "a list such as [python3, app.py] or one text" },
	{ .name = "working_dir",
	  .read = read_working_dir,
	  DEFAULT,
	  .expected = "an absolute path without \"..\", such as /app" },
	{ .name = "input",
	  .read = sbx_read_word,
	  DEFAULT,
	  AT(input),
	  .words = sbx_input_words },
	{ .name = "output",
	  .read = sbx_read_word,
	  DEFAULT,
	  AT(output),
	  .words = sbx_output_words },
	{ .name = "media_type",
	  .read = sbx_read_text,
	  AT(media_type),
	  .fits = sbx_name_is_media_type,
	  .expected = "a media type such as image/png, without parameters" },
	{ .name = "network",
	  .read = read_network,
	  DEFAULT,
	  AT(network),
	  .words = sbx_network_words },
	{ .name = "volumes",
	  .read = sbx_manifest_read_volumes,
	  DEFAULT,
	  .expected = "a list such as [\"cache:/app/cache\"]" },
	{ .name = "environment", .read = read_environment, DEFAULT },
	{ .name = "secrets",
	  .read = sbx_manifest_read_secrets,
	  DEFAULT,
	  .expected = "a list such as [{name: API_TOKEN}], at most 64" },
	{ .name = "timeout",
	  .read = sbx_read_duration,
	  DEFAULT,
	  AT(timeout_ms),
	  .min = 1,
	  .max = SBX_TIMEOUT_MS_MAX,
	  .expected = "a duration such as 30s, 1m30s or 500ms, at most 24h" },
	{ .name = "stop_grace_period",
	  .read = sbx_read_duration,
	  DEFAULT,
	  AT(stop_grace_period_ms),
	  .max = SBX_TIMEOUT_MS_MAX,
	  .expected = "a duration such as 2s or 500ms, at most 24h" },
	{ .name = "cpus",
	  .read = sbx_read_cpus,
	  DEFAULT,
	  AT(nano_cpus),
	  .min = SBX_NANO_CPUS_MIN,
	  .max = SBX_NANO_CPUS_MAX,
	  .expected = "a number of CPUs such as 0.5, from 0.01 to 4096 and "
		      "with at most nine decimals" },
	{ .name = "mem_limit",
	  .read = sbx_read_size,
	  DEFAULT,
	  AT(mem_limit),
	  .min = SBX_MEM_LIMIT_MIN,
	  .max = SBX_MEM_LIMIT_MAX,
	  .expected = "a size such as 256m or 1g, at least 6m" },
	{ .name = "pids_limit",
	  .read = sbx_read_integer,
	  DEFAULT,
	  AT(pids_limit),
	  .min = SBX_PIDS_LIMIT_MIN,
	  .max = SBX_PIDS_LIMIT_MAX,
	  .expected = "a number of processes such as 64, from 2 to 4194304" },
	{ .name = "tmpfs",
	  .read = sbx_manifest_read_tmpfs,
	  DEFAULT,
	  .expected = "a list such as [\"/tmp:size=64m\"]" },
	{ .name = "files", .read = sbx_manifest_read_files, DEFAULT },
	{ .name = "ulimits",
	  .read = read_ulimits,
	  DEFAULT,
	  .expected = "a mapping such as {nofile: 1024}" },
	{ .name = "input_limit",
	  .read = sbx_read_size,
	  DEFAULT,
	  AT(input_limit),
	  .min = 1,
	  .max = SBX_STREAM_LIMIT_MAX,
	  .expected = "a size such as 16m, at most 1g" },
	{ .name = "output_limit",
	  .read = sbx_read_size,
	  DEFAULT,
	  AT(output_limit),
	  .min = 1,
	  .max = SBX_STREAM_LIMIT_MAX,
	  .expected = "a size such as 1m, at most 1g" },
	{ .name = "reuse",
	  .read = sbx_read_word,
	  DEFAULT,
	  AT(reuse),
	  .words = sbx_reuse_words },
	{ .name = "warm_pool", .read = sbx_manifest_read_warm_pool, DEFAULT },
	{ .name = "concurrency",
	  .read = sbx_read_integer,
	  DEFAULT,
	  AT(concurrency),
	  .max = SBX_CONCURRENCY_MAX,
	  .expected = "how many runs there may be at once, from 1 to 1024, "
		      "or 0 for any number" },
	{ .name = "runtime",
	  .read = sbx_read_text,
	  DEFAULT,
	  AT(runtime),
	  .fits = sbx_name_is_identifier,
	  .expected = "the name of an OCI runtime, such as runc" },
	{ .name = "user",
	  .read = read_user,
	  DEFAULT,
	  .expected = "UID:GID in quotes, such as \"1000:1000\", each at most "
		      "2147483647" },
	{ .name = "input_schema",
	  .read = sbx_manifest_read_schema,
	  AT(input_schema) },
	{ .name = "output_schema",
	  .read = sbx_manifest_read_schema,
	  AT(output_schema) },
	{ .name = "limits_from",
	  .read = sbx_manifest_read_limits_from,
	  DEFAULT },
	{ .name = "build", .read = sbx_manifest_read_build },
	{ .name = "gpus",
	  .read = sbx_manifest_read_gpus,
	  DEFAULT,
	  AT(gpus),
	  .min = 1,
	  .max = SBX_GPUS_MAX,
	  .expected = "all, or a number of GPUs from 1 to 64" },
	{ .name = "devices",
	  .read = sbx_manifest_read_devices,
	  DEFAULT,
	  .expected = "a list such as [\"/dev/kvm\"], at most 32" },
	{ .name = NULL },
};
