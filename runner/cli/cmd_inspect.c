/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>

#include "codec/json.h"

static int inspect(const struct sbx_cli *cli, const char *name,
		   struct sbx_error *err)
{
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_skill skill = SBX_SKILL_INIT;
	json_t *json = NULL;
	char *text = NULL;
	int result = -1;

	if (sbx_cli_catalog(cli, &catalog, err) ||
	    sbx_catalog_load(&catalog, name, &skill, err))
		goto out;
	json = sbx_manifest_json(skill.manifest);
	text = sbx_json_pretty(json);
	puts(text);
	result = 0;
out:
	free(text);
	json_decref(json);
	sbx_skill_clear(&skill);
	sbx_catalog_close(&catalog);
	return result;
}

static int cmd_inspect(const struct sbx_cli *cli, int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, NULL, argc, argv, &first, &status))
		return status;
	if (argc == first)
		return sbx_cli_usage(cli, "which skill?");
	if (argc > first + 1)
		return sbx_cli_usage(cli, "unexpected argument '%s'",
				     argv[first + 1]);
	if (inspect(cli, argv[first], &err))
		return sbx_cli_fail(&err);
	return 0;
}

const struct sbx_command sbx_cmd_inspect = {
	.name = "inspect",
	.summary = "show a skill's manifest with all defaults",
	.arguments = "SKILL",
	.details = "Prints the skill's manifest as JSON, with every default "
		   "filled in: what its actions really ask for.",
	.examples = "  skillbox inspect webpage\n"
		    "  skillbox inspect webpage | jq '.actions | keys'\n",
	.run = cmd_inspect,
};
