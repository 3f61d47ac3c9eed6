/* SPDX-License-Identifier: MIT */
#include "cli/command_group.h"
#include "cli/session_target.h"

static const struct sbx_command *const commands[] = {
	&sbx_cmd_session_create, &sbx_cmd_session_run,
	&sbx_cmd_session_cp,	 &sbx_cmd_session_logs,
	&sbx_cmd_session_list,	 &sbx_cmd_session_status,
	&sbx_cmd_session_pause,	 &sbx_cmd_session_resume,
	&sbx_cmd_session_stop,	 NULL,
};

static const char about[] =
	"A session is a sandbox with a name, in which one thing after the "
	"other is run: what it has in /workspace stays, packages that are "
	"installed there too, and so do processes that were started with "
	"--detach. Everything else is as locked down as in a run of its own. "
	"It ends when it is stopped, or when nothing was run in it for its "
	"time to live; no program has to be there for that.";

static const char examples[] =
	"  skillbox session create demo --skill code\n"
	"  skillbox session run demo -l python -c 'print(6 * 7)'\n"
	"  skillbox session run demo -- ls -l\n"
	"  skillbox session stop demo\n";

static int cmd_session(const struct sbx_cli *cli, int argc, char **argv)
{
	static const struct sbx_command_group group = {
		.prefix = "session ",
		.commands = commands,
		.about = about,
	};

	return sbx_command_group_run(&group, cli, argc, argv);
}

const struct sbx_command sbx_cmd_session = {
	.name = "session",
	.summary = "work in one sandbox over many steps",
	.arguments = "COMMAND ...",
	.details = "Sandboxes that stay until they are stopped or their time "
		   "is over.",
	.examples = examples,
	.run = cmd_session,
};
