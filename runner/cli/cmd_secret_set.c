/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/prompt.h"
#include "cli/terminal.h"
#include "secret/memory.h"
#include "secret/seal.h"
#include "secret/secrets.h"

struct values {
	const char *owner;
	struct sbx_strv recipients;
	bool allow_short;
};

static const struct sbx_option options[] = {
	{ "owner", 0, SBX_OPTION_TEXT, "OWNER",
	  "into the host's store for OWNER instead of the skill's file",
	  offsetof(struct values, owner) },
	{ "recipient", 0, SBX_OPTION_LIST, "KEY",
	  "seal for this public key (or the id of one that is known), too; may "
	  "be given several times",
	  offsetof(struct values, recipients) },
	{ "allow-short", 0, SBX_OPTION_FLAG, NULL,
	  "take a value under 8 bytes, which cannot be found and replaced "
	  "reliably in what an action prints",
	  offsetof(struct values, allow_short) },
	{ .name = NULL },
};

/* --- the value ------------------------------------------------------------ */

static int check_size(size_t size, bool allow_short, struct sbx_error *err)
{
	if (size >= SBX_SECRET_SHORT || allow_short)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "the value has %zu byte%s: one under %d stands in "
			     "other text by chance, so it cannot be kept out "
			     "of what an action prints (--allow-short takes "
			     "it nevertheless)",
			     size, size == 1 ? "" : "s", SBX_SECRET_SHORT);
}

static int read_value(const char *skill, const char *name,
		      unsigned char **value, size_t *size,
		      struct sbx_error *err)
{
	cleanup_free char *question =
		sbx_asprintf("Value of %s for %s (not shown): ", name, skill);

	if (isatty(STDIN_FILENO))
		return sbx_prompt(STDIN_FILENO, question, value, size, err);
	return sbx_secret_read(STDIN_FILENO, "the value", value, size, err);
}

/* --- whom for ------------------------------------------------------------- */

/*
 * Those of the file and those that were named; for a file that nobody has
 * named anybody for, the current key.
 */
static int add_recipients(const struct sbx_cli *cli,
			  const struct values *values,
			  struct sbx_sealed *sealed, struct sbx_error *err)
{
	const struct sbx_keyring *ring = &cli->globals->keyring;

	if (sbx_secret_recipients(cli, &values->recipients, sealed, sealed,
				  err) < 0)
		return -1;
	if (sealed->n_recipients > 0)
		return 0;
	if (sbx_secret_need_keys(cli, err) < 0)
		return sbx_error_wrap(err, "nobody to seal it for (--recipient "
					   "KEY names somebody)");
	return sbx_sealed_add_recipient(sealed, ring->keys.v[0].public_key,
					err);
}

/* Before anybody types something for nothing. */
static int check_beforehand(const struct sbx_cli *cli,
			    const struct values *values,
			    const struct sbx_secret_target *target,
			    struct sbx_error *err)
{
	cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };

	if (sbx_sealed_file_read(&target->place, &sealed, err) < 0)
		return -1;
	return add_recipients(cli, values, &sealed, err);
}

/* Who was added can open this one secret, and none that was there before. */
static void say_partly(const struct sbx_sealed *sealed, const char *skill)
{
	for (size_t i = 0; i < sealed->n_recipients; i++) {
		const char *id = sealed->recipients[i].id;
		size_t missing = 0;

		for (size_t j = 0; j < sealed->n_secrets; j++)
			missing += !sbx_sealed_box(&sealed->secrets[j], id);
		if (missing > 0)
			sbx_term_error("%zu of the secrets of %s %s not sealed "
				       "for %s: 'skillbox secret rekey' seals "
				       "them for all",
				       missing, skill,
				       missing == 1 ? "is" : "are", id);
	}
}

/* --- what for ------------------------------------------------------------- */

/* The names in the manifest's actions; true when @name is one of them. */
static bool find_use(const struct sbx_manifest *manifest, const char *name,
		     struct sbx_strv *names)
{
	for (size_t i = 0; i < manifest->n_actions; i++) {
		const struct sbx_action *action = &manifest->actions[i];

		for (size_t j = 0; j < action->n_secrets; j++) {
			if (strcmp(action->secrets[j].name, name) == 0)
				return true;
			sbx_strv_push(names, action->secrets[j].name);
		}
	}
	return false;
}

/* It may be sealed before it is asked for, or its name be mistyped. */
static void say_unused(const struct sbx_cli *cli, const char *name,
		       const char *skill_name)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	struct sbx_error ignored = SBX_ERROR_INIT;
	const char *near = NULL;

	if (sbx_cli_catalog(cli, &catalog, &ignored) == 0 &&
	    sbx_catalog_load(&catalog, skill_name, &skill, &ignored) == 0 &&
	    !find_use(skill.manifest, name, &names)) {
		if (names.n > 0)
			near = sbx_text_nearest(name,
						(const char *const *)names.v);
		sbx_term_error("no action of %s names %s under \"secrets:\" "
			       "in its manifest%s%s%s",
			       skill_name, name, near ? "; did you mean " : "",
			       near ? near : "", near ? "?" : "");
	}
	sbx_catalog_close(&catalog);
}

/* --- the file ------------------------------------------------------------- */

static void report(const struct sbx_sealed *sealed, const char *name,
		   size_t size, const char *path)
{
	printf("sealed %s (%zu bytes) for", name, size);
	for (size_t i = 0; i < sealed->n_recipients; i++)
		printf("%s %s", i ? "," : "", sealed->recipients[i].id);
	printf(" in %s\n", path);
}

static int set(const struct sbx_cli *cli, const struct values *values,
	       const struct sbx_secret_target *target, const char *name,
	       struct sbx_error *err)
{
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	cleanup_free char *path = sbx_sealed_place_path(&target->place);
	struct sbx_keyring *ring = &cli->globals->keyring;
	cleanup_secret unsigned char *value = NULL;
	struct sbx_error ignored = SBX_ERROR_INIT;
	size_t size;

	if (check_beforehand(cli, values, target, err) < 0 ||
	    read_value(target->skill, name, &value, &size, err) < 0 ||
	    check_size(size, values->allow_short, err) < 0)
		return -1;
	if (sbx_sealed_file_edit(&file, &target->place, err) < 0 ||
	    add_recipients(cli, values, &file.sealed, err) < 0)
		return -1;
	if (sbx_seal(&file.sealed, target->skill, name, value, size, err) < 0 ||
	    sbx_sealed_file_save(&file, err) < 0)
		return sbx_error_wrap(err, "secret %s", name);
	sbx_secret_say_lost(&file);
	say_partly(&file.sealed, target->skill);
	/* It takes no private key, so none that is wrong is minded. */
	if (sbx_keyring_load(ring, &ignored) == 0)
		sbx_secret_say_excluded(&file.sealed, &ring->keys, path);
	say_unused(cli, name, target->skill);
	report(&file.sealed, name, size, path);
	return 0;
}

/* It may be the value that is too much: it is not repeated. */
static int check_arguments(const struct sbx_cli *cli, int n, char **arguments)
{
	if (n > 2)
		return sbx_cli_usage(cli, "expected a skill and a name and "
					  "nothing else: the value comes from "
					  "standard input, never from the "
					  "command line, where everybody can "
					  "see it");
	if (n < 2)
		return sbx_cli_usage(cli, "expected a skill and a name");
	if (!sbx_secret_is_name(arguments[1]))
		return sbx_cli_usage(cli, "a secret's name is " //
				     SBX_SECRET_NAME_EXPECTED);
	return 0;
}

static int cmd_set(const struct sbx_cli *cli, int argc, char **argv)
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
	status = check_arguments(cli, argc - first, argv + first);
	if (status != 0)
		goto out;
	if (sbx_secret_target_find(cli, argv[first], values.owner, &target,
				   &err) < 0 ||
	    set(cli, &values, &target, argv[first + 1], &err) < 0)
		status = sbx_cli_fail(&err);
out:
	sbx_strv_free(&values.recipients);
	return status;
}

const struct sbx_command sbx_cmd_secret_set = {
	.name = "secret set",
	.summary = "seal a value",
	.arguments = "SKILL NAME",
	.details = "Seals a value that is read from standard input, or asked "
		   "for on a terminal, where it is not shown: for all "
		   "recipients that the file has, and for the current key "
		   "where there is no file yet. That takes no private key, so "
		   "that anybody can add a secret. One line loses the newline "
		   "at its end; a text of more lines stays as it is.",
	.examples = "  skillbox secret set telegram BOT_TOKEN\n"
		    "  skillbox secret set telegram BOT_TOKEN <token.txt\n"
		    "  skillbox secret set telegram BOT_TOKEN --owner ann\n",
	.options = options,
	.run = cmd_set,
};
