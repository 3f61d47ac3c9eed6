/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "cli/terminal.h"
#include "codec/json.h"

struct values {
	enum sbx_cli_format format;
};

static const struct sbx_option options[] = {
	{ "format", 0, SBX_OPTION_WORD, SBX_CLI_FORMATS,
	  "form of what is printed (default: text)",
	  offsetof(struct values, format) },
	{ .name = NULL },
};

/* {"name", "description", and the schemas that there are} */
static json_t *describe_action(const struct sbx_action *action)
{
	json_t *object = json_pack("{s:s, s:s?}", "name", action->name,
				   "description", action->description);

	if (action->input_schema)
		json_object_set(object, "input_schema", action->input_schema);
	if (action->output_schema)
		json_object_set(object, "output_schema", action->output_schema);
	return object;
}

/* {"name", "version", "description", "directory", "actions": [...]} */
static json_t *describe(const struct sbx_skill *skill)
{
	const struct sbx_manifest *manifest = skill->manifest;
	json_t *actions = json_array();

	for (size_t i = 0; i < manifest->n_actions; i++)
		json_array_append_new(actions,
				      describe_action(&manifest->actions[i]));
	return json_pack("{s:s, s:s?, s:s?, s:s, s:o}", "name", manifest->name,
			 "version", manifest->version, "description",
			 manifest->description, "directory", skill->dir,
			 "actions", actions);
}

/* All skills, those that cannot be read with "error" in place of the rest. */
static json_t *collect(const struct sbx_catalog *catalog,
		       const struct sbx_strv *names, int *status)
{
	json_t *list = json_array();

	for (size_t i = 0; i < names->n; i++) {
		cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
		struct sbx_error err = SBX_ERROR_INIT;
		json_t *entry;

		if (sbx_catalog_load(catalog, names->v[i], &skill, &err)) {
			*status = sbx_outcome_status(err.outcome);
			entry = json_pack("{s:s, s:s}", "name", names->v[i],
					  "error", err.message);
		} else {
			entry = describe(&skill);
		}
		json_array_append_new(list, entry);
	}
	return list;
}

static void print_skill(const json_t *skill, int width)
{
	const char *error = sbx_json_text_at(skill, "error", NULL);
	const char *version = sbx_json_text_at(skill, "version", NULL);
	const char *text = error ? error
				 : sbx_json_text_at(skill, "description", NULL);
	cleanup_free char *shown = sbx_term_escape(text ? text : "");
	const json_t *action;
	size_t i;

	printf("%-*s  %-8s  %s%s\n", width,
	       sbx_json_text_at(skill, "name", NULL), version ? version : "-",
	       error ? "INVALID: " : "", shown);
	json_array_foreach (sbx_json_at(skill, "actions", NULL), i, action) {
		const char *about =
			sbx_json_text_at(action, "description", NULL);
		cleanup_free char *what = sbx_term_escape(about ? about : "");

		printf("  %-*s%s%s\n", *what ? width + 6 : 0,
		       sbx_json_text_at(action, "name", NULL),
		       *what ? "    " : "", what);
	}
}

static void print_table(const json_t *list)
{
	const json_t *skill;
	int width = 12;
	size_t i;

	json_array_foreach (list, i, skill) {
		int size = (int)strlen(sbx_json_text_at(skill, "name", NULL));

		if (size > width)
			width = size;
	}
	json_array_foreach (list, i, skill)
		print_skill(skill, width);
}

static int list(const struct sbx_cli *cli, bool as_json, int *status,
		struct sbx_error *err)
{
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_strv names = SBX_STRV_INIT;
	json_t *skills = NULL;
	int result = -1;

	if (sbx_cli_catalog(cli, &catalog, err) ||
	    sbx_cli_names(&catalog, &names, NULL, err))
		goto out;
	skills = collect(&catalog, &names, status);
	if (as_json)
		sbx_term_json(skills);
	else
		print_table(skills);
	result = 0;
out:
	json_decref(skills);
	sbx_strv_free(&names);
	sbx_catalog_close(&catalog);
	return result;
}

static int cmd_list(const struct sbx_cli *cli, int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	struct values values = { .format = SBX_CLI_TEXT };
	int status = 0;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (list(cli, values.format == SBX_CLI_JSON, &status, &err))
		return sbx_cli_fail(&err);
	return status;
}

const struct sbx_command sbx_cmd_list = {
	.name = "list",
	.summary = "list the skills and their actions",
	.arguments = "",
	.details = "Lists all skills with their actions. A skill whose "
		   "manifest has errors is listed as INVALID, and the exit "
		   "status is 65 then; 'skillbox check' shows every error.",
	.examples = "  skillbox list\n"
		    "  skillbox --skills /srv/skills list --format json\n",
	.options = options,
	.run = cmd_list,
};
