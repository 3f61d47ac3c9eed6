/* SPDX-License-Identifier: MIT */
#include "cli/command_group.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

#define COMMANDS_MAX 16

static const char *short_name(const struct sbx_command_group *group, size_t i)
{
	return group->commands[i]->name + strlen(group->prefix);
}

static void paragraph(struct sbx_buf *out, const char *text)
{
	if (!text)
		return;
	sbx_buf_puts(out, "\n");
	sbx_options_paragraph(out, text);
}

static void help(const struct sbx_command_group *group,
		 const struct sbx_command *command)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64 * 1024);

	sbx_buf_printf(&out, "usage: skillbox %s COMMAND ...\n\n",
		       command->name);
	sbx_options_paragraph(&out, command->details);
	paragraph(&out, group->about);
	sbx_buf_puts(&out, "\ncommands of it:\n");
	for (size_t i = 0; group->commands[i]; i++)
		sbx_options_row(&out, 12, short_name(group, i),
				group->commands[i]->summary);
	paragraph(&out, group->layout);
	sbx_buf_puts(&out, "\noptions of every command:\n");
	sbx_options_describe(sbx_global_options, &out);
	sbx_buf_printf(&out, "\nexamples:\n%s", command->examples);
	fputs(sbx_buf_text(&out), stdout);
}

static int unknown(const struct sbx_command_group *group,
		   const struct sbx_cli *cli, const char *name)
{
	const char *names[COMMANDS_MAX + 1] = { NULL };
	const char *near;

	for (size_t i = 0; group->commands[i]; i++)
		names[i] = short_name(group, i);
	near = sbx_text_nearest(name, names);
	return sbx_cli_usage(cli, "unknown command '%s'%s%s%s", name,
			     near ? ", did you mean '" : "", near ? near : "",
			     near ? "'?" : "");
}

/* Options of every command may stand in front of the second word, too. */
int sbx_command_group_run(const struct sbx_command_group *group,
			  const struct sbx_cli *cli, int argc, char **argv)
{
	const struct sbx_option_group options = { sbx_global_options,
						  cli->globals };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_cli inner = *cli;
	int first;

	if (sbx_options_parse(&options, 1, false, argc, argv, &first, &err))
		return sbx_cli_usage(cli, "%s", err.message);
	if (first == argc && cli->globals->help) {
		help(group, cli->command);
		return 0;
	}
	if (first == argc)
		return sbx_cli_usage(cli, "which of its commands?");
	for (size_t i = 0; group->commands[i]; i++) {
		inner.command = group->commands[i];
		if (strcmp(short_name(group, i), argv[first]) == 0)
			return inner.command->run(&inner, argc - first,
						  argv + first);
	}
	return unknown(group, cli, argv[first]);
}
