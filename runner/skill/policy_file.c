/* SPDX-License-Identifier: MIT */
/*
 * A policy is read as a manifest is, in one pass by tables of keys (reader.h).
 * Every section begins as the strictest there is (sbx_policy_init); an
 * exception begins as a copy of "skills", which is why it is read last.  Maps
 * merge, lists replace.
 */
#include "skill/policy_file.h"

#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "base/text.h"
#include "codec/json.h"
#include "codec/reader.h"
#include "skill/manifest_parts.h"
#include "skill/names.h"
#include "skill/policy_parts.h"
#include "skill/publish.h"
#include "skill/volume_options.h"

#define EXCEPTIONS_MAX 4096

/* Wider than any machine, so that a number is still a number. */
#define DISK_MAX (INT64_C(1) << 60)

static void *member_of(void *object, const struct sbx_field *field)
{
	return (char *)object + field->offset;
}

/* What looks like a rule, and is none on purpose. */
#define NEVER(key)                                                             \
	{                                                                      \
		.name = key, .flags = SBX_FIELD_NEVER                          \
	}
#define LATER(key)                                                             \
	{                                                                      \
		.name = key, .flags = SBX_FIELD_LATER                          \
	}

/* --- networks ------------------------------------------------------------- */

static void read_networks(const struct sbx_at *at,
			  const struct sbx_field *field, void *object)
{
	static const struct sbx_field word = { .words = sbx_network_words };
	struct sbx_rights *rights = member_of(object, field);

	if (!sbx_reader_is_list(at, SBX_POLICY_LIST_MAX, field->expected))
		return;
	memset(rights->networks, 0, sizeof(rights->networks));
	rights->networks[SBX_NETWORK_NONE] = true;
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);
		enum sbx_network network = SBX_NETWORK_NONE;

		sbx_read_word(&inner, &word, &network);
		rights->networks[network] = true;
	}
}

/* --- limits --------------------------------------------------------------- */

#define AT(member) .offset = offsetof(struct sbx_limits, member)

static const struct sbx_field limit_fields[] = {
	{ .name = "cpus",
	  .read = sbx_read_cpus,
	  AT(nano_cpus),
	  .min = SBX_NANO_CPUS_MIN,
	  .max = SBX_NANO_CPUS_MAX,
	  .expected = "a number of CPUs from 0.01 to 4096" },
	{ .name = "mem_limit",
	  .read = sbx_read_size,
	  AT(mem_limit),
	  .min = SBX_MEM_LIMIT_MIN,
	  .max = SBX_MEM_LIMIT_MAX,
	  .expected = "a size such as 2g, at least 6m" },
	{ .name = "pids_limit",
	  .read = sbx_read_integer,
	  AT(pids_limit),
	  .min = SBX_PIDS_LIMIT_MIN,
	  .max = SBX_PIDS_LIMIT_MAX,
	  .expected = "a number of processes from 2 to 4194304" },
	{ .name = "timeout",
	  .read = sbx_read_duration,
	  AT(timeout_ms),
	  .min = 1,
	  .max = SBX_TIMEOUT_MS_MAX,
	  .expected = "a duration such as 10m, at most 24h" },
	{ .name = "stop_grace_period",
	  .read = sbx_read_duration,
	  AT(stop_grace_period_ms),
	  .max = SBX_TIMEOUT_MS_MAX,
	  .expected = "a duration such as 10s, at most 24h" },
	{ .name = "input_limit",
	  .read = sbx_read_size,
	  AT(input_limit),
	  .min = 1,
	  .max = SBX_STREAM_LIMIT_MAX,
	  .expected = "a size such as 64m, at most 1g" },
	{ .name = "output_limit",
	  .read = sbx_read_size,
	  AT(output_limit),
	  .min = 1,
	  .max = SBX_STREAM_LIMIT_MAX,
	  .expected = "a size such as 64m, at most 1g" },
	{ .name = "tmpfs",
	  .read = sbx_read_size,
	  AT(tmpfs_size),
	  .min = 4096,
	  .max = SBX_MEM_LIMIT_MAX,
	  .expected = "the size of one tmpfs, such as 1g, at least 4k" },
	{ .name = "files",
	  .read = sbx_read_size,
	  AT(files_size),
	  .min = 4096,
	  .max = SBX_STREAM_LIMIT_MAX,
	  .expected = "the size of a directory of files, such as 64m, from 4k "
		      "to 1g" },
	{ .name = NULL },
};
#undef AT

static void read_limits(const struct sbx_at *at, const struct sbx_field *field,
			void *object)
{
	struct sbx_rights *rights = member_of(object, field);

	sbx_read_mapping(at, limit_fields, 0, &rights->limits);
}

static void read_ulimits(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	static const struct sbx_field whole = { .max = INT64_MAX,
						.expected = "a whole number, 0 "
							    "or more" };
	struct sbx_skill_rules *rules = object;
	const char *name;
	json_t *item;

	if (!sbx_reader_is_mapping(at, SBX_POLICY_LIST_MAX, field->expected))
		return;
	json_object_foreach ((json_t *)at->value, name, item) {
		struct sbx_at inner = sbx_at_member(at, name);
		int64_t most = -1;

		if (!sbx_manifest_is_ulimit(&inner))
			continue;
		sbx_read_integer(&inner, &whole, &most);
		if (most >= 0)
			sbx_skill_rules_set_ulimit(rules, name, most);
	}
}

/* --- lists of names ------------------------------------------------------- */

/* Replaces @out by a list of one or more texts that fit. */
static void read_names(const struct sbx_at *at, const struct sbx_field *field,
		       void *object)
{
	struct sbx_strv *out = member_of(object, field);

	if (!sbx_reader_is_list(at, SBX_POLICY_LIST_MAX, field->expected))
		return;
	if (json_array_size(at->value) < (size_t)field->min) {
		sbx_reader_error(at, "found an empty list, expected %s",
				 field->expected);
		return;
	}
	sbx_strv_free(out);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);
		const char *text = sbx_reader_text(&inner, field->expected);

		if (text && !field->fits(text))
			sbx_reader_expected(&inner, field->expected);
		else if (text)
			sbx_strv_push(out, text);
	}
}

static bool is_pattern(const char *text)
{
	size_t size = strlen(text);

	return size > 0 && size < 512 && text[strcspn(text, " \t\n\r")] == '\0';
}

/* --- users ---------------------------------------------------------------- */

/* "1000-1999" or "1000", without 0. */
static bool parse_range(const char *text, struct sbx_id_range *out)
{
	unsigned long first, last;
	int end = 0;

	if (text[strspn(text, "0123456789-")] != '\0')
		return false;
	if (sscanf(text, "%10lu-%10lu%n", &first, &last, &end) != 2) {
		if (sscanf(text, "%10lu%n", &first, &end) != 1)
			return false;
		last = first;
	}
	if (text[end] != '\0' || first == 0 || first > last ||
	    last > SBX_ID_MAX)
		return false;
	*out = (struct sbx_id_range){ (uint32_t)first, (uint32_t)last };
	return true;
}

#define RANGE_EXPECTED                                                         \
	"a range in quotes such as \"1000-1999\", from 1 to 2147483647 (0 is " \
	"never granted)"

static bool read_range(const struct sbx_at *at, struct sbx_id_range *out)
{
	cleanup_free char *number = NULL;
	const char *text = sbx_json_plain_text(at->value);

	if (json_is_integer(at->value)) {
		number = sbx_json_line(at->value);
		text = number;
	}
	if (text && parse_range(text, out))
		return true;
	sbx_reader_expected(at, RANGE_EXPECTED);
	return false;
}

static void read_users(const struct sbx_at *at, const struct sbx_field *field,
		       void *object)
{
	struct sbx_skill_rules *rules = object;

	if (!sbx_reader_is_list(at, SBX_POLICY_LIST_MAX, field->expected))
		return;
	sbx_skill_rules_clear_users(rules);
	for (size_t i = 0; i < json_array_size(at->value); i++) {
		struct sbx_at inner = sbx_at_element(at, i);
		struct sbx_id_range range;

		if (read_range(&inner, &range))
			sbx_skill_rules_add_users(rules, range);
	}
}

static void read_uid_range(const struct sbx_at *at,
			   const struct sbx_field *field, void *object)
{
	(void)field;
	read_range(at, &((struct sbx_policy *)object)->uid_range);
}

/* --- sections ------------------------------------------------------------- */

#define AT(member) .offset = offsetof(struct sbx_skill_rules, member)

static const struct sbx_field build_fields[] = {
	{ .name = "from",
	  .read = read_names,
	  AT(build_from),
	  .fits = is_pattern,
	  .expected = "a list of images, with \"*\" for any text" },
	{ .name = "network", .read = sbx_read_bool, AT(build_network) },
	{ .name = "timeout",
	  .read = sbx_read_duration,
	  AT(build_timeout_ms),
	  .min = 1,
	  .max = SBX_TIMEOUT_MS_MAX,
	  .expected = "a duration such as 30m, at most 24h" },
	{ .name = NULL },
};

static void read_build(const struct sbx_at *at, const struct sbx_field *field,
		       void *object)
{
	(void)field;
	sbx_read_mapping(at, build_fields, 0, object);
}

static const struct sbx_field skill_fields[] = {
	{ .name = "enabled", .read = sbx_read_bool, AT(enabled) },
	{ .name = "concurrency",
	  .read = sbx_read_integer,
	  AT(concurrency),
	  .max = SBX_CONCURRENCY_MAX,
	  .expected = "how many runs of one skill there may be at once, from "
		      "1 to 1024, or 0 for any number" },
	{ .name = "waiting",
	  .read = sbx_read_integer,
	  AT(waiting),
	  .max = SBX_WAITING_MAX,
	  .expected = "how many sandboxes of one skill may wait for a "
		      "request, from 0 to 4096" },
	{ .name = "networks",
	  .read = read_networks,
	  AT(rights),
	  .expected = "a list of none, bridge and host" },
	{ .name = "volumes",
	  .read = sbx_policy_read_volumes,
	  AT(rights),
	  .expected = "a list such as [\"/srv/data:ro\"]" },
	{ .name = "limits", .read = read_limits, AT(rights) },
	{ .name = "ulimits",
	  .read = read_ulimits,
	  .expected = "a mapping such as {nofile: 65536}" },
	{ .name = "runtimes",
	  .read = read_names,
	  AT(runtimes),
	  .min = 1,
	  .fits = sbx_name_is_identifier,
	  .expected = "a list of at least one OCI runtime, such as [default, "
		      "runsc]" },
	{ .name = "volume_types",
	  .read = read_names,
	  AT(volume_types),
	  .fits = sbx_volume_is_type,
	  .expected = "a list of tmpfs, nfs, nfs4 and cifs" },
	{ .name = "users",
	  .read = read_users,
	  .expected = "a list of ranges such as [\"1000-1999\"]" },
	{ .name = "gpus",
	  .read = sbx_manifest_read_gpus,
	  AT(gpus),
	  .max = SBX_GPUS_MAX,
	  .expected = "all, or how many GPUs an action may ask for, from 0 to "
		      "64" },
	{ .name = "devices",
	  .read = sbx_policy_read_devices,
	  .expected = "a list such as [\"/dev/kvm:rw\"]" },
	{ .name = "build", .read = read_build },
	LATER("hosts"),
	NEVER("privileged"),
	NEVER("capabilities"),
	NEVER("cap_add"),
	{ .name = NULL },
};
#undef AT

#define AT(member) .offset = offsetof(struct sbx_request_rules, member)

static const struct sbx_field request_fields[] = {
	{ .name = "environment", .read = sbx_read_bool, AT(environment) },
	{ .name = "networks",
	  .read = read_networks,
	  AT(rights),
	  .expected = "a list of none, bridge and host" },
	{ .name = "volumes",
	  .read = sbx_policy_read_volumes,
	  AT(rights),
	  .expected = "a list such as [\"/srv/data:ro\"]" },
	{ .name = "limits", .read = read_limits, AT(rights) },
	{ .name = "publish",
	  .read = read_names,
	  AT(publish),
	  .fits = sbx_publish_is_rule,
	  .expected = "a list of addresses of the host such as [127.0.0.1, "
		      "\"::1\"], \"*\" for any" },
	LATER("hosts"),
	{ .name = NULL },
};

/* The same and more. */
static const struct sbx_field caller_fields[] = {
	{ .name = "environment", .read = sbx_read_bool, AT(environment) },
	{ .name = "networks",
	  .read = read_networks,
	  AT(rights),
	  .expected = "a list of none, bridge and host" },
	{ .name = "volumes",
	  .read = sbx_policy_read_volumes,
	  AT(rights),
	  .expected = "a list such as [\"/srv/data:ro\"]" },
	{ .name = "limits", .read = read_limits, AT(rights) },
	{ .name = "publish",
	  .read = read_names,
	  AT(publish),
	  .fits = sbx_publish_is_rule,
	  .expected = "a list of addresses of the host such as [127.0.0.1, "
		      "\"::1\"], \"*\" for any" },
	LATER("hosts"),
	{ .name = "owner", .read = sbx_read_bool, AT(owner) },
	{ .name = "secrets", .read = sbx_read_bool, AT(secrets) },
	{ .name = NULL },
};
#undef AT

static void read_skills(const struct sbx_at *at, const struct sbx_field *field,
			void *object)
{
	(void)field;
	sbx_read_mapping(at, skill_fields, 0,
			 &((struct sbx_policy *)object)->skills);
}

static void read_operator(const struct sbx_at *at,
			  const struct sbx_field *field, void *object)
{
	struct sbx_policy *policy = object;

	(void)field;
	sbx_read_mapping(at, request_fields, 0,
			 &policy->requests[SBX_REQUESTER_OPERATOR]);
}

static void read_callers(const struct sbx_at *at, const struct sbx_field *field,
			 void *object)
{
	struct sbx_policy *policy = object;

	(void)field;
	sbx_read_mapping(at, caller_fields, 0,
			 &policy->requests[SBX_REQUESTER_CALLER]);
}

static const struct sbx_field engine_fields[] = {
	{ .name = "disk_free",
	  .read = sbx_read_size,
	  .offset = offsetof(struct sbx_policy, disk_free),
	  .max = DISK_MAX,
	  .expected = "a size such as 1g, or 0" },
	{ .name = NULL },
};

static void read_engine(const struct sbx_at *at, const struct sbx_field *field,
			void *object)
{
	(void)field;
	sbx_read_mapping(at, engine_fields, 0, object);
}

#define AT(member) .offset = offsetof(struct sbx_pool_rules, member)

static const struct sbx_field pool_fields[] = {
	{ .name = "waiting",
	  .read = sbx_read_integer,
	  AT(waiting),
	  .max = SBX_WAITING_MAX,
	  .expected = "how many sandboxes may wait for a request, from 0 to "
		      "4096" },
	{ .name = "mem_limit",
	  .read = sbx_read_size,
	  AT(mem_limit),
	  .max = SBX_MEM_LIMIT_MAX,
	  .expected = "a size such as 2g, or 0" },
	{ .name = "mem_free",
	  .read = sbx_read_size,
	  AT(mem_free),
	  .max = SBX_MEM_LIMIT_MAX,
	  .expected = "a size such as 512m, or 0" },
	{ .name = NULL },
};
#undef AT

static void read_pool(const struct sbx_at *at, const struct sbx_field *field,
		      void *object)
{
	(void)field;
	sbx_read_mapping(at, pool_fields, 0,
			 &((struct sbx_policy *)object)->pool);
}

#define AT(member) .offset = offsetof(struct sbx_session_rules, member)

static const struct sbx_field session_fields[] = {
	{ .name = "most",
	  .read = sbx_read_integer,
	  AT(most),
	  .max = SBX_SESSIONS_MAX,
	  .expected = "how many sessions one owner may have at once, from 0 "
		      "to 4096" },
	{ .name = "ttl",
	  .read = sbx_read_duration,
	  AT(ttl_ms),
	  .min = 1000,
	  .max = SBX_TIMEOUT_MS_MAX,
	  .expected = "a duration such as 1h, from 1s to 24h" },
	{ .name = NULL },
};
#undef AT

static void read_sessions(const struct sbx_at *at,
			  const struct sbx_field *field, void *object)
{
	(void)field;
	sbx_read_mapping(at, session_fields, 0,
			 &((struct sbx_policy *)object)->sessions);
}

/* --- the document --------------------------------------------------------- */

static const struct sbx_field document_fields[] = {
	{ .name = "schema_version",
	  .read = sbx_read_schema_version,
	  .flags = SBX_FIELD_REQUIRED,
	  .expected = SBX_SCHEMA_VERSION_EXPECTED },
	{ .name = "skills", .read = read_skills },
	{ .name = "exceptions", .read = sbx_read_nothing },
	{ .name = "operator", .read = read_operator },
	{ .name = "callers", .read = read_callers },
	{ .name = "uid_range", .read = read_uid_range },
	{ .name = "engine", .read = read_engine },
	{ .name = "pool", .read = read_pool },
	{ .name = "sessions", .read = read_sessions },
	{ .name = NULL },
};

static void read_exception(const struct sbx_at *at, struct sbx_policy *policy)
{
	size_t size = (policy->n_exceptions + 1) * sizeof(*policy->exceptions);
	struct sbx_skill_exception *exception;

	if (!sbx_name_is_skill(at->key)) {
		sbx_reader_key_error(at, "this can be no skill's name: 1 to "
					 "63 of a-z, 0-9 and \"-\" are");
		return;
	}
	policy->exceptions = sbx_realloc(policy->exceptions, size);
	exception = &policy->exceptions[policy->n_exceptions++];
	exception->skill = sbx_strdup(at->key);
	sbx_skill_rules_copy(&exception->rules, &policy->skills);
	sbx_read_mapping(at, skill_fields, 0, &exception->rules);
}

static void read_exceptions(const struct sbx_at *root,
			    struct sbx_policy *policy)
{
	struct sbx_at at = sbx_at_member(root, "exceptions");
	const char *name;
	json_t *item;

	if (!at.value ||
	    !sbx_reader_is_mapping(&at, EXCEPTIONS_MAX,
				   "a mapping of skills to their rules"))
		return;
	json_object_foreach ((json_t *)at.value, name, item) {
		struct sbx_at inner = sbx_at_member(&at, name);

		read_exception(&inner, policy);
	}
}

static void read_document(const struct sbx_at *root, void *object)
{
	if (sbx_read_mapping(root, document_fields, 0, object))
		read_exceptions(root, object);
}

int sbx_policy_parse(const char *data, size_t size, const char *file,
		     struct sbx_policy *out, struct sbx_problems *problems,
		     struct sbx_error *err)
{
	struct sbx_policy policy;

	sbx_policy_init(&policy);
	if (sbx_read_document(data, size, "policy", read_document, &policy,
			      problems) < 0) {
		sbx_policy_clear(&policy);
		return sbx_problems_error(problems, SBX_OUTCOME_MISCONFIGURED,
					  file ? file : "built-in policy", err);
	}
	sbx_strset(&policy.file, file);
	sbx_hash_of(data, size, policy.hash);
	*out = policy;
	return 0;
}

json_t *sbx_policy_keys(void)
{
	json_t *keys = json_object();
	static const struct {
		const char *where;
		const struct sbx_field *fields;
	} tables[] = {
		{ "", document_fields },	{ "skills", skill_fields },
		{ "build", build_fields },	{ "limits", limit_fields },
		{ "engine", engine_fields },	{ "operator", request_fields },
		{ "callers", caller_fields },	{ "pool", pool_fields },
		{ "sessions", session_fields },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(tables); i++)
		json_object_set_new(
			keys, tables[i].where,
			sbx_reader_field_names(tables[i].fields, 0));
	return keys;
}
