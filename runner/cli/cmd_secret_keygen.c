/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <stdio.h>

static int cmd_keygen(const struct sbx_cli *cli, int argc, char **argv)
{
	char public_key[SBX_KEY_TEXT_SIZE];
	struct sbx_error err = SBX_ERROR_INIT;
	const struct sbx_key *key = NULL;
	int status;
	int first;

	if (!sbx_cli_parse(cli, NULL, argc, argv, &first, &status))
		return status;
	if (sbx_keyring_generate(&cli->globals->keyring, &key, &err) < 0)
		return sbx_cli_fail(&err);
	sbx_key_encode(key->public_key, public_key);
	printf("%s  %s\n%s\n", key->id, public_key, key->source);
	return 0;
}

const struct sbx_command sbx_cmd_secret_keygen = {
	.name = "secret keygen",
	.summary = "make a key that secrets can be sealed for",
	.arguments = "",
	.details = "Makes a pair of keys, writes the private one to a file of "
		   "its own that only you can read, and prints its id, the "
		   "public key, and the file. What is sealed from now on, in "
		   "files that do not exist yet, is sealed for this key. Keep "
		   "a copy of the file where it is safe: without it, what is "
		   "sealed for it is lost.",
	.examples = "  skillbox secret keygen\n"
		    "  skillbox --keys /etc/skillbox/keys secret keygen\n",
	.run = cmd_keygen,
};
