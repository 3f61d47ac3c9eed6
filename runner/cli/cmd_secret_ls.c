/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "cli/terminal.h"
#include "codec/json.h"
#include "secret/memory.h"
#include "secret/seal.h"

struct values {
	const char *owner;
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "owner", 0, SBX_OPTION_TEXT, "OWNER",
	  "what is in the host's store for OWNER",
	  offsetof(struct values, owner) },
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/* --- what there is -------------------------------------------------------- */

static json_t *recipients_of(const struct sbx_sealed_secret *secret)
{
	json_t *ids = json_array();

	for (size_t i = 0; i < secret->n_boxes; i++)
		json_array_append_new(ids, json_string(secret->boxes[i].id));
	return ids;
}

/* Really opened, and thrown away. */
static bool try_to_open(const struct sbx_sealed_secret *secret,
			const char *skill, const struct sbx_keys *keys,
			struct sbx_error *err)
{
	cleanup_secret unsigned char *value = NULL;
	size_t size;

	return sbx_seal_open(secret, skill, keys, &value, &size, err) == 0;
}

static json_t *describe(const struct sbx_secret_target *target,
			const char *path,
			const struct sbx_sealed_secret *secret,
			const struct sbx_keys *keys)
{
	struct sbx_error err = SBX_ERROR_INIT;
	bool opens = try_to_open(secret, target->skill, keys, &err);
	char sealed_at[SBX_CLOCK_RFC3339_SIZE];

	sbx_clock_format(secret->sealed_ms, sealed_at);
	memcpy(sealed_at + 19, "Z", 2);
	return json_pack("{s:s, s:s, s:s?, s:s, s:s, s:o, s:b, s:s?}", "skill",
			 target->skill, "name", secret->name, "owner",
			 target->owner, "file", path, "sealed_at", sealed_at,
			 "recipients", recipients_of(secret), "opens", opens,
			 "error", opens ? NULL : err.message);
}

/* A file that cannot be read is said so, and the others are listed. */
static void collect(const struct sbx_secret_target *target,
		    const struct sbx_keys *keys, json_t *list, int *status)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
	cleanup_free char *path = sbx_sealed_place_path(&target->place);
	struct sbx_error err = SBX_ERROR_INIT;

	if (sbx_sealed_file_read(&target->place, &sealed, &err) < 0)
		*status = sbx_cli_fail(&err);
	for (size_t i = 0; i < sealed.n_secrets; i++) {
		const struct sbx_sealed_secret *secret = &sealed.secrets[i];

		json_array_append_new(list,
				      describe(target, path, secret, keys));
	}
}

/* --- how it is shown ------------------------------------------------------ */

/* "3 days": the largest unit there is one of. */
static void put_age(const char *sealed_at, char *out, size_t size)
{
	static const struct {
		int64_t seconds;
		const char *name;
	} units[] = { { 86400, "day" },
		      { 3600, "hour" },
		      { 60, "minute" },
		      { 1, "second" } };
	int64_t sealed_ms = 0;
	int64_t age;
	size_t i = 0;

	sbx_clock_parse(sealed_at, &sealed_ms);
	age = (sbx_clock_wall_ms() - sealed_ms) / 1000;
	if (age < 0)
		age = 0;
	while (i < SBX_ARRAY_SIZE(units) - 1 && age < units[i].seconds)
		i++;
	age /= units[i].seconds;
	snprintf(out, size, "%lld %s%s", (long long)age, units[i].name,
		 age == 1 ? "" : "s");
}

static void print_one(const json_t *secret)
{
	const char *error = sbx_json_text_at(secret, "error", NULL);
	const char *owner = sbx_json_text_at(secret, "owner", NULL);
	cleanup_free char *why = sbx_term_escape(error ? error : "");
	const json_t *id;
	char age[32];
	size_t i;

	put_age(sbx_json_text_at(secret, "sealed_at", NULL), age, sizeof(age));
	printf("%s  %s%s%s  %s old  for",
	       sbx_json_text_at(secret, "skill", NULL),
	       sbx_json_text_at(secret, "name", NULL), owner ? "  of " : "",
	       owner ? owner : "", age);
	json_array_foreach (sbx_json_at(secret, "recipients", NULL), i, id)
		printf("%s %s", i ? "," : "", json_string_value(id));
	printf("  %s%s\n", error ? "DOES NOT OPEN HERE: " : "opens here", why);
}

static void print(const json_t *list, bool as_json, bool is_all)
{
	const json_t *secret;
	size_t i;

	if (as_json) {
		sbx_term_json(list);
		return;
	}
	json_array_foreach (list, i, secret)
		print_one(secret);
	if (json_array_size(list) == 0 && is_all)
		sbx_term_error("no sealed secrets ('skillbox secret set' "
			       "seals one)");
}

static int find(const struct sbx_cli *cli, const struct values *values,
		const char *skill, struct sbx_secret_targets *out,
		struct sbx_error *err)
{
	struct sbx_secret_target target = { .skill = NULL };

	if (!skill && !values->owner)
		return sbx_secret_targets_find(cli, out, err);
	/* The owner's name is checked with that of any skill. */
	if (sbx_secret_target_find(cli, skill ? skill : "any", values->owner,
				   &target, err) < 0)
		return -1;
	if (!skill) {
		sbx_secret_target_clear(&target);
		return sbx_secret_targets_of_owner(values->owner, out, err);
	}
	out->v = sbx_malloc(sizeof(target));
	out->v[0] = target;
	out->n = 1;
	return 0;
}

static int cmd_ls(const struct sbx_cli *cli, int argc, char **argv)
{
	cleanup_secret_targets struct sbx_secret_targets targets = { .v = NULL };
	struct values values = { .format = SBX_CLI_TEXT };
	struct sbx_keyring *ring = &cli->globals->keyring;
	struct sbx_error err = SBX_ERROR_INIT;
	json_auto_t *list = json_array();
	int status = 0;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (argc - first > 1)
		return sbx_cli_usage(cli, "expected one skill at most");
	if (find(cli, &values, first < argc ? argv[first] : NULL, &targets,
		 &err) < 0 ||
	    sbx_keyring_load(ring, &err) < 0)
		return sbx_cli_fail(&err);
	status = 0;
	for (size_t i = 0; i < targets.n; i++)
		collect(&targets.v[i], &ring->keys, list, &status);
	print(list, values.format == SBX_CLI_JSON, status == 0);
	return status;
}

const struct sbx_command sbx_cmd_secret_ls = {
	.name = "secret ls",
	.summary = "list what is sealed, without the values",
	.arguments = "[SKILL]",
	.details = "Lists the sealed secrets of a skill, or of all skills and "
		   "owners: when the value was sealed, the ids of the keys it "
		   "is sealed for, and whether it opens with the keys that are "
		   "here. The values are not shown, and there is no command "
		   "that does.",
	.examples = "  skillbox secret ls\n"
		    "  skillbox secret ls telegram --format json\n"
		    "  skillbox secret ls --owner ann\n",
	.options = options,
	.run = cmd_ls,
};
