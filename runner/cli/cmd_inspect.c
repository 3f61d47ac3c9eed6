/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "codec/json.h"
#include "mcp/definition.h"
#include "skill/tool_name.h"

struct values {
	const char *as;
};

static const struct sbx_option options[] = {
	{ "as", 0, SBX_OPTION_TEXT, "WHAT",
	  "print the definitions of its actions for function calling instead: "
	  "openai (Chat Completions), anthropic (Messages) or mcp (2026-07-28)",
	  offsetof(struct values, as) },
	{ .name = NULL },
};

/* One action in the words of somebody's API. */
typedef json_t *define(const struct sbx_manifest *manifest,
		       const struct sbx_action *action, const char *name);

static json_t *define_for_mcp(const struct sbx_manifest *manifest,
			      const struct sbx_action *action, const char *name)
{
	return sbx_mcp_tool_definition(manifest, action, name, true);
}

static define *find_define(const char *as)
{
	static const struct {
		const char *name;
		define *define;
	} all[] = {
		{ "openai", sbx_openai_definition },
		{ "anthropic", sbx_anthropic_definition },
		{ "mcp", define_for_mcp },
	};

	for (size_t i = 0; i < SBX_ARRAY_SIZE(all); i++) {
		if (strcmp(all[i].name, as) == 0)
			return all[i].define;
	}
	return NULL;
}

static void print(const json_t *value)
{
	cleanup_free char *text = sbx_json_pretty(value);

	puts(text);
}

/* What has a name that is too long for a tool is none; check says so. */
static void define_actions(const struct sbx_manifest *manifest, define *as,
			   json_t *list)
{
	char name[SBX_TOOL_NAME_SIZE];

	for (size_t i = 0; i < manifest->n_actions; i++) {
		const struct sbx_action *action = &manifest->actions[i];

		if (sbx_action_tool_name(manifest, action, name))
			json_array_append_new(list, as(manifest, action, name));
	}
}

static int inspect(const struct sbx_catalog *catalog, const char *name,
		   define *as, json_t *list, struct sbx_error *err)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;

	if (sbx_catalog_load(catalog, name, &skill, err) < 0)
		return -1;
	if (as) {
		define_actions(skill.manifest, as, list);
	} else {
		json_auto_t *manifest = sbx_manifest_json(skill.manifest);

		print(manifest);
	}
	return 0;
}

/* One skill, or with @name NULL all of them. */
static int inspect_all(const struct sbx_cli *cli, const char *name, define *as,
		       struct sbx_error *err)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_catalog catalog;
	json_auto_t *list = json_array();
	int result = 0;

	if (sbx_cli_catalog(cli, &catalog, err) < 0)
		return -1;
	if (name)
		sbx_strv_push(&names, name);
	else
		result = sbx_cli_names(&catalog, &names, NULL, err);
	for (size_t i = 0; i < names.n && result == 0; i++)
		result = inspect(&catalog, names.v[i], as, list, err);
	if (result == 0 && as)
		print(list);
	sbx_catalog_close(&catalog);
	return result;
}

static int cmd_inspect(const struct sbx_cli *cli, int argc, char **argv)
{
	struct values values = { .as = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	define *as = NULL;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (values.as)
		as = find_define(values.as);
	if (values.as && !as)
		return sbx_cli_usage(
			cli, "--as takes one of openai, anthropic, mcp");
	if (argc == first && !as)
		return sbx_cli_usage(cli, "which skill?");
	if (argc > first + 1)
		return sbx_cli_usage(cli, "unexpected argument '%s'",
				     argv[first + 1]);
	if (inspect_all(cli, argv[first], as, &err) < 0)
		return sbx_cli_fail(&err);
	return 0;
}

const struct sbx_command sbx_cmd_inspect = {
	.name = "inspect",
	.summary = "show a skill's manifest with all defaults",
	.arguments = "SKILL",
	.details = "Prints the skill's manifest as JSON, with every default "
		   "filled in: what its actions really ask for. With --as, "
		   "what a model is told of its actions, and without SKILL of "
		   "those of all skills.",
	.examples = "  skillbox inspect webpage\n"
		    "  skillbox inspect webpage | jq '.actions | keys'\n"
		    "  skillbox inspect --as openai\n",
	.options = options,
	.run = cmd_inspect,
};
