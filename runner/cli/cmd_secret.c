/* SPDX-License-Identifier: MIT */
#include "cli/command_group.h"
#include "cli/secret_target.h"

/* In the order in which somebody new needs them. */
static const struct sbx_command *const commands[] = {
	&sbx_cmd_secret_keygen, &sbx_cmd_secret_set,
	&sbx_cmd_secret_ls,	&sbx_cmd_secret_rm,
	&sbx_cmd_secret_keys,	&sbx_cmd_secret_rotate,
	&sbx_cmd_secret_rekey,	NULL,
};

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

static int cmd_secret(const struct sbx_cli *cli, int argc, char **argv)
{
	static const struct sbx_command_group group = {
		.prefix = "secret ",
		.commands = commands,
		.about = files,
		.layout = layout,
	};

	return sbx_command_group_run(&group, cli, argc, argv);
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
