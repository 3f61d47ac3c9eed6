/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <stdio.h>

struct values {
	const char *owner;
};

static const struct sbx_option options[] = {
	{ "owner", 0, SBX_OPTION_TEXT, "OWNER",
	  "from the host's store for OWNER instead of the skill's file",
	  offsetof(struct values, owner) },
	{ .name = NULL },
};

static int remove_from(const struct sbx_secret_target *target, const char *name,
		       struct sbx_error *err)
{
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	cleanup_free char *path = sbx_sealed_place_path(&target->place);

	if (access(path, F_OK) < 0)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no file %s", path);
	if (sbx_sealed_file_edit(&file, &target->place, err) < 0)
		return -1;
	if (!sbx_sealed_remove(&file.sealed, name))
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no secret %s in %s", name, path);
	if (sbx_sealed_file_save(&file, err) < 0)
		return -1;
	sbx_secret_say_lost(&file);
	printf("removed %s from %s\n", name, path);
	return 0;
}

static int cmd_rm(const struct sbx_cli *cli, int argc, char **argv)
{
	cleanup_secret_target struct sbx_secret_target target = {
		.skill = NULL
	};
	struct values values = { .owner = NULL };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, &values, argc, argv, &first, &status))
		return status;
	if (argc - first != 2)
		return sbx_cli_usage(cli, "expected a skill and a secret");
	if (sbx_secret_target_find(cli, argv[first], values.owner, &target,
				   &err) < 0 ||
	    remove_from(&target, argv[first + 1], &err) < 0)
		return sbx_cli_fail(&err);
	return 0;
}

const struct sbx_command sbx_cmd_secret_rm = {
	.name = "secret rm",
	.summary = "remove a secret",
	.arguments = "SKILL NAME",
	.details = "Removes a sealed secret. It is still in the history of "
		   "whatever the file was committed to: revoke the token where "
		   "it came from.",
	.examples = "  skillbox secret rm telegram BOT_TOKEN\n"
		    "  skillbox secret rm telegram BOT_TOKEN --owner ann\n",
	.options = options,
	.run = cmd_rm,
};
