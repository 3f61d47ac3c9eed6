/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_COMMAND_GROUP_H
#define SBX_CLI_COMMAND_GROUP_H

#include "cli/cli.h"

/* A command that has commands of its own: "skillbox secret ls". */

/*
 * @prefix	"secret ", which their names begin with
 * @commands	in the order in which somebody new needs them; NULL ends it
 * @about, @layout	paragraphs of --help, in front of and behind the list of
 *		commands; NULL for none
 */
struct sbx_command_group {
	const char *prefix;
	const struct sbx_command *const *commands;
	const char *about;
	const char *layout;
};

/* argv[0] is the group's name; returns the exit status. */
int sbx_command_group_run(const struct sbx_command_group *group,
			  const struct sbx_cli *cli, int argc, char **argv);

#endif
