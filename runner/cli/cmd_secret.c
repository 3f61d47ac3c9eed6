/* SPDX-License-Identifier: MIT */
#include "cli/cli.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/secret_target.h"

/* In the order in which somebody new needs them. */
static const struct sbx_command *const commands[] = {
	&sbx_cmd_secret_keygen, &sbx_cmd_secret_set,  &sbx_cmd_secret_ls,
	&sbx_cmd_secret_rm,	&sbx_cmd_secret_keys, &sbx_cmd_secret_rotate,
	&sbx_cmd_secret_rekey,
};

#define PREFIX "secret "

static const char files[] =
	"Sealed secrets are in secrets.yaml beside a skill's manifest, which "
	"is safe to commit, and with --owner in the host's store for one "
	"owner, $XDG_CONFIG_HOME/skillbox/secrets/OWNER/SKILL.yaml. A run "
	"looks at what it was given (run --secret), then into the store of its "
	"owner, then into the skill's file.";

static const char layout[] =
	"A box is what crypto_box_seal() of libsodium makes, in standard "
	"base64. In it are the bytes \"skillbox-secret-1\", newline, the "
	"skill's name, newline, the secret's name, newline, and then the "
	"value up to the end. A box that was made for another skill or name is "
	"refused.";

static const char examples[] =
	"  skillbox secret keygen\n"
	"  skillbox secret set telegram BOT_TOKEN\n"
	"  pass show telegram | skillbox secret set telegram BOT_TOKEN\n"
	"  skillbox secret ls\n";

static void help(const struct sbx_command *command)
{
	cleanup_buf struct sbx_buf out = SBX_BUF_INIT(64 * 1024);

	sbx_buf_puts(&out, "usage: skillbox secret COMMAND ...\n\n");
	sbx_options_paragraph(&out, command->details);
	sbx_buf_puts(&out, "\n");
	sbx_options_paragraph(&out, files);
	sbx_buf_puts(&out, "\ncommands of it:\n");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++)
		sbx_options_row(&out, 12, commands[i]->name + strlen(PREFIX),
				commands[i]->summary);
	sbx_buf_puts(&out, "\n");
	sbx_options_paragraph(&out, layout);
	sbx_buf_puts(&out, "\noptions of every command:\n");
	sbx_options_describe(sbx_global_options, &out);
	sbx_buf_printf(&out, "\nexamples:\n%s", command->examples);
	fputs(sbx_buf_text(&out), stdout);
}

static int unknown(const struct sbx_cli *cli, const char *name)
{
	const char *names[SBX_ARRAY_SIZE(commands) + 1] = { NULL };
	const char *near;

	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++)
		names[i] = commands[i]->name + strlen(PREFIX);
	near = sbx_text_nearest(name, names);
	return sbx_cli_usage(cli, "unknown command '%s'%s%s%s", name,
			     near ? ", did you mean '" : "", near ? near : "",
			     near ? "'?" : "");
}

/* Options of every command may stand in front of the second word, too. */
static int cmd_secret(const struct sbx_cli *cli, int argc, char **argv)
{
	const struct sbx_option_group group = { sbx_global_options,
						cli->globals };
	struct sbx_error err = SBX_ERROR_INIT;
	struct sbx_cli inner = *cli;
	int first;

	if (sbx_options_parse(&group, 1, false, argc, argv, &first, &err))
		return sbx_cli_usage(cli, "%s", err.message);
	if (first == argc && cli->globals->help) {
		help(cli->command);
		return 0;
	}
	if (first == argc)
		return sbx_cli_usage(cli, "which of its commands?");
	for (size_t i = 0; i < SBX_ARRAY_SIZE(commands); i++) {
		inner.command = commands[i];
		if (strcmp(commands[i]->name + strlen(PREFIX), argv[first]) ==
		    0)
			return commands[i]->run(&inner, argc - first,
						argv + first);
	}
	return unknown(cli, argv[first]);
}

const struct sbx_command sbx_cmd_secret = {
	.name = "secret",
	.summary = "seal what skills need and nobody may read",
	.arguments = "COMMAND ...",
	.details = "Values that only the actions of one skill get to see: "
		   "sealed for public keys, opened for a run by whoever has "
		   "one of the private keys, and never shown again by any "
		   "command.",
	.examples = examples,
	.run = cmd_secret,
};
