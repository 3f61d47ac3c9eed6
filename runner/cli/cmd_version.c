/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>

static int cmd_version(const struct sbx_cli *cli, int argc, char **argv)
{
	int status;
	int first;

	if (!sbx_cli_parse(cli, NULL, argc, argv, &first, &status))
		return status;
	printf("skillbox %s\n", SBX_VERSION);
	return 0;
}

const struct sbx_command sbx_cmd_version = {
	.name = "version",
	.summary = "show the version of skillbox",
	.arguments = "",
	.details = "Shows the version of skillbox; for that of the engine "
		   "see 'skillbox doctor'.",
	.examples = "  skillbox version\n",
	.run = cmd_version,
};
