/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <stdio.h>

#include "secret/reseal.h"

struct values {
	const char *owner;
	struct sbx_strv recipients;
};

static const struct sbx_option options[] = {
	{ "recipient", 0, SBX_OPTION_LIST, "KEY",
	  "a public key, or the id of one that the file has or that is here; "
	  "once for each",
	  offsetof(struct values, recipients) },
	{ "owner", 0, SBX_OPTION_TEXT, "OWNER",
	  "what is in the host's store for OWNER instead of the skill's file",
	  offsetof(struct values, owner) },
	{ .name = NULL },
};

static void report(const struct sbx_sealed *sealed, const char *path)
{
	printf("sealed %zu secret%s for", sealed->n_secrets,
	       sealed->n_secrets == 1 ? "" : "s");
	for (size_t i = 0; i < sealed->n_recipients; i++)
		printf("%s %s", i ? "," : "", sealed->recipients[i].id);
	printf(" in %s\n", path);
}

static int rekey(const struct sbx_cli *cli, const struct values *values,
		 const struct sbx_secret_target *target, struct sbx_error *err)
{
	const struct sbx_keys *keys = &cli->globals->keyring.keys;
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	cleanup_free char *path = sbx_sealed_place_path(&target->place);
	cleanup_sealed struct sbx_sealed to = { .n_secrets = 0 };

	if (access(path, F_OK) < 0)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no file %s", path);
	if (sbx_secret_need_keys(cli, err) < 0 ||
	    sbx_sealed_file_edit(&file, &target->place, err) < 0 ||
	    sbx_secret_recipients(cli, &values->recipients, &file.sealed, &to,
				  err) < 0)
		return -1;
	if (sbx_reseal_for(&file.sealed, target->skill, keys, &to, err) < 0)
		return sbx_error_wrap(err, "%s", path);
	if (sbx_sealed_file_save(&file, err) < 0)
		return -1;
	sbx_secret_say_lost(&file);
	sbx_secret_say_excluded(&file.sealed, keys, path);
	report(&file.sealed, path);
	return 0;
}

static int cmd_rekey(const struct sbx_cli *cli, int argc, char **argv)
{
	cleanup_secret_target struct sbx_secret_target target = {
		.skill = NULL
	};
	struct values values = { .owner = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		goto out;
	if (argc - first != 1 || values.recipients.n == 0)
		status = sbx_cli_usage(cli,
				       "expected one skill, and --recipient "
				       "for each who shall have its "
				       "secrets");
	else if (sbx_secret_target_find(cli, argv[first], values.owner, &target,
					&err) < 0 ||
		 rekey(cli, &values, &target, &err) < 0)
		status = sbx_cli_fail(&err);
	else
		status = 0;
out:
	sbx_strv_free(&values.recipients);
	return status;
}

const struct sbx_command sbx_cmd_secret_rekey = {
	.name = "secret rekey",
	.summary = "decide whom a skill's secrets are sealed for",
	.arguments = "SKILL --recipient KEY...",
	.details = "Opens all secrets of a skill and seals them for these "
		   "recipients and nobody else. It takes a key that can open "
		   "each of them. Who is left out can still open older copies "
		   "of the file.",
	.examples = "  skillbox secret rekey telegram --recipient "
		    "7a91869e4c114964 \\\n"
		    "    --recipient "
		    "3p7bfXt9wbTTW2HC7OQ1Nz+DQ8hbeGdNrfx+FG+IK08=\n",
	.options = options,
	.run = cmd_rekey,
};
