/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_SECRET_TARGET_H
#define SBX_CLI_SECRET_TARGET_H

#include "cli/cli.h"
#include "secret/sealed_file.h"

/* What the commands "skillbox secret ..." have in common. */

/*
 * Which file a command is about.
 *
 * @skill	its name
 * @owner	whose store it is in; NULL for the skill's own file
 */
struct sbx_secret_target {
	char *skill;
	char *owner;
	struct sbx_sealed_place place;
};

void sbx_secret_target_clear(struct sbx_secret_target *target);
#define cleanup_secret_target SBX_CLEANUP(sbx_secret_target_clear)

/*
 * @owner's store for @skill, or the file of a skill in the catalog (NOT_FOUND).
 * INVALID for names that can be none.
 */
int sbx_secret_target_find(const struct sbx_cli *cli, const char *skill,
			   const char *owner, struct sbx_secret_target *out,
			   struct sbx_error *err);

struct sbx_secret_targets {
	struct sbx_secret_target *v;
	size_t n;
};

void sbx_secret_targets_clear(struct sbx_secret_targets *targets);
#define cleanup_secret_targets SBX_CLEANUP(sbx_secret_targets_clear)

/* All files there are of all skills in all directories, and of all owners. */
int sbx_secret_targets_find(const struct sbx_cli *cli,
			    struct sbx_secret_targets *out,
			    struct sbx_error *err);

/* The same of one owner. */
int sbx_secret_targets_of_owner(const char *owner,
				struct sbx_secret_targets *out,
				struct sbx_error *err);

/*
 * The public keys that the arguments of --recipient stand for: base64, or the
 * id of one in @sealed or of an own key.  INVALID for anything else.  Added to
 * @out; keys are loaded when an id asks for it.
 */
int sbx_secret_recipients(const struct sbx_cli *cli,
			  const struct sbx_strv *given,
			  const struct sbx_sealed *sealed,
			  struct sbx_sealed *out, struct sbx_error *err);

/* Loads the keys; MISCONFIGURED, saying how to make one, when there is none. */
int sbx_secret_need_keys(const struct sbx_cli *cli, struct sbx_error *err);

/* Says that something in @file was lost when it was saved, if that is so. */
void sbx_secret_say_lost(const struct sbx_sealed_file *file);

/* Says that @sealed, in @path, is for none of @keys, if there are any. */
void sbx_secret_say_excluded(const struct sbx_sealed *sealed,
			     const struct sbx_keys *keys, const char *path);

extern const struct sbx_command sbx_cmd_secret_keygen;
extern const struct sbx_command sbx_cmd_secret_keys;
extern const struct sbx_command sbx_cmd_secret_ls;
extern const struct sbx_command sbx_cmd_secret_rekey;
extern const struct sbx_command sbx_cmd_secret_rm;
extern const struct sbx_command sbx_cmd_secret_rotate;
extern const struct sbx_command sbx_cmd_secret_set;

#endif
