/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "cli/terminal.h"

/*
 * Finds the command and hands over.  Options of every command may stand in
 * front of its name as well as behind it.
 */

static const struct sbx_command later[] = {
	{ .name = "volume" },
};

/* In the order of --help: what is used most stands first. */
static const struct sbx_command *const commands[] = {
	&sbx_cmd_run,	&sbx_cmd_build,	  &sbx_cmd_test,    &sbx_cmd_list,
	&sbx_cmd_check, &sbx_cmd_inspect, &sbx_cmd_secret,  &sbx_cmd_session,
	&sbx_cmd_serve, &sbx_cmd_mcp,	  &sbx_cmd_pool,    &sbx_cmd_logs,
	&sbx_cmd_prune, &sbx_cmd_doctor,  &sbx_cmd_version,
};

static const char about[] =
	"skillbox runs the actions of skills: programs that take one JSON "
	"value and return one result, each in a locked-down container of its "
	"own.";

static const char examples[] =
	"  skillbox list\n"
	"  skillbox run text word_count '{\"text\": \"a b\"}'\n"
	"  skillbox --skills /srv/skills build --all\n"
	"  skillbox doctor\n";

static void help(FILE *to)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64 * 1024);

	sbx_buf_puts(&out, "usage: skillbox [OPTION...] COMMAND ...\n\n");
	sbx_options_paragraph(&out, about);
	sbx_buf_puts(&out, "\ncommands:\n");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++)
		sbx_options_row(&out, 12, commands[i]->name,
				commands[i]->summary);
	sbx_buf_puts(&out, "\noptions of every command:\n");
	sbx_options_describe(sbx_global_options, &out);
	sbx_buf_printf(&out, "\nexamples:\n%s", examples);
	sbx_buf_puts(&out, "\n'skillbox COMMAND --help' tells about one "
			   "command.\n");
	fputs(sbx_buf_text(&out), to);
}

static const struct sbx_command *find(const char *name)
{
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++) {
		if (strcmp(commands[i]->name, name) == 0)
			return commands[i];
	}
	for (size_t i = 0; i < SBX_ARRAY_SIZE(later); i++) {
		if (strcmp(later[i].name, name) == 0)
			return &later[i];
	}
	return NULL;
}

static int unknown(const struct sbx_cli *cli, const char *name)
{
	const char *names[SBX_ARRAY_SIZE(commands) + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++)
		names[i] = commands[i]->name;
	near = sbx_text_nearest(name, names);
	if (near)
		return sbx_cli_usage(cli,
				     "unknown command '%s', did you mean "
				     "'%s'?",
				     name, near);
	return sbx_cli_usage(cli, "unknown command '%s'", name);
}

/* argv[0] is the command's name. */
static int run_command(struct sbx_cli *cli, int argc, char **argv)
{
	const struct sbx_command *command = find(argv[0]);

	if (!command)
		return unknown(cli, argv[0]);
	if (!command->run) {
		sbx_term_error("%s: not supported yet", command->name);
		return EX_USAGE;
	}
	cli->command = command;
	return command->run(cli, argc, argv);
}

/* "skillbox help", "skillbox help run" */
static int help_command(struct sbx_cli *cli, int argc, char **argv)
{
	if (argc == 1) {
		help(stdout);
		return 0;
	}
	cli->globals->help = true;
	return run_command(cli, argc - 1, argv + 1);
}

static int dispatch(struct sbx_cli *cli, int argc, char **argv)
{
	static char version[] = "version";
	static const struct sbx_option version_option[] = {
		{ "version", 0, SBX_OPTION_FLAG, NULL, "",
		  offsetof(struct sbx_globals, version) },
		{ .name = NULL },
	};
	const struct sbx_option_group groups[] = {
		{ sbx_global_options, cli->globals },
		{ version_option, cli->globals },
	};
	struct sbx_error err = SBX_ERROR_INIT;
	int first;

	if (sbx_options_parse(groups, SBX_ARRAY_SIZE(groups), false, argc, argv,
			      &first, &err))
		return sbx_cli_usage(cli, "%s", err.message);
	if (cli->globals->version)
		return run_command(cli, 1, (char *[]){ version, NULL });
	if (first < argc && strcmp(argv[first], "help") == 0)
		return help_command(cli, argc - first, argv + first);
	if (first < argc)
		return run_command(cli, argc - first, argv + first);
	help(cli->globals->help ? stdout : stderr);
	return cli->globals->help ? 0 : EX_USAGE;
}

/*
 * A standard descriptor that the caller closed would go to the first socket,
 * and the record into it.  Opened the wrong way round, so that using it fails.
 */
static bool keep_standard_fds(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		int mode = fd == STDIN_FILENO ? O_WRONLY : O_RDONLY;

		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode) != fd)
			return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	struct sbx_globals globals = { .skills = NULL };
	struct sbx_cli cli = { .globals = &globals };
	int status;

	if (!keep_standard_fds())
		return EX_OSERR;
	signal(SIGPIPE, SIG_IGN);
	status = dispatch(&cli, argc, argv);
	sbx_keyring_clear(&globals.keyring);
	errno = sbx_term_lost();
	if (errno || fflush(stdout) || ferror(stdout)) {
		sbx_term_error("cannot write to standard output: %s",
			       strerror(errno ? errno : EIO));
		return status ? status : EX_IOERR;
	}
	return status;
}
