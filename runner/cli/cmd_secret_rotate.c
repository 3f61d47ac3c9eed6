/* SPDX-License-Identifier: MIT */
/*
 * Which key is new is not written down anywhere: it is the newest, and as long
 * as a file is sealed for an older one, a rotation is not finished.  So whoever
 * was interrupted starts it again, and what is left gets done for the same key.
 */
#include "cli/secret_target.h"

#include <stdio.h>
#include <string.h>

#include "base/lock.h"
#include "cli/terminal.h"
#include "secret/reseal.h"

/*
 * @targets	files that are sealed for an own key
 * @is_due	some of them for one that is not the newest
 * @status	0, or that of the last file that could not be done
 */
struct rotation {
	struct sbx_secret_targets targets;
	bool is_due;
	int status;
	size_t n_files;
	size_t n_secrets;
};

static void clear(struct rotation *rotation)
{
	sbx_secret_targets_clear(&rotation->targets);
}

static void fail(struct rotation *rotation, const struct sbx_error *err)
{
	rotation->status = sbx_cli_fail(err);
}

static bool is_for_any(const struct sbx_sealed *sealed,
		       const struct sbx_keys *keys)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (sbx_sealed_recipient(sealed, keys->v[i].id))
			return true;
	}
	return false;
}

/* Keeps those of all targets that are ours. */
static int survey(const struct sbx_cli *cli, struct rotation *rotation,
		  struct sbx_error *err)
{
	const struct sbx_keys *keys = &cli->globals->keyring.keys;
	struct sbx_secret_targets *all = &rotation->targets;
	size_t kept = 0;

	if (sbx_secret_targets_find(cli, all, err) < 0)
		return -1;
	for (size_t i = 0; i < all->n; i++) {
		cleanup_sealed struct sbx_sealed sealed = { .n_secrets = 0 };
		struct sbx_error why = SBX_ERROR_INIT;

		if (sbx_sealed_file_read(&all->v[i].place, &sealed, &why) < 0)
			fail(rotation, &why);
		if (!is_for_any(&sealed, keys)) {
			sbx_secret_target_clear(&all->v[i]);
			continue;
		}
		rotation->is_due |=
			sbx_reseal_is_due(&sealed, keys, &keys->v[0]);
		all->v[kept++] = all->v[i];
	}
	all->n = kept;
	return 0;
}

static void say_left(const struct sbx_strv *left, const char *path)
{
	for (size_t i = 0; i < left->n; i++)
		sbx_term_error("%s: %s is not sealed for any key that is here, "
			       "and stays as it is",
			       path, left->v[i]);
}

static int rotate_file(const struct sbx_secret_target *target,
		       const struct sbx_keys *keys, struct rotation *rotation,
		       struct sbx_error *err)
{
	cleanup_sealed_file struct sbx_sealed_file file = SBX_SEALED_FILE_INIT;
	cleanup_free char *path = sbx_sealed_place_path(&target->place);
	cleanup_strv struct sbx_strv left = SBX_STRV_INIT;

	if (sbx_sealed_file_edit(&file, &target->place, err) < 0)
		return -1;
	if (!sbx_reseal_is_due(&file.sealed, keys, &keys->v[0]))
		return 0;
	if (sbx_reseal_rotate(&file.sealed, target->skill, keys, &keys->v[0],
			      &left, err) < 0)
		return sbx_error_wrap(err, "%s", path);
	if (sbx_sealed_file_save(&file, err) < 0)
		return -1;
	sbx_secret_say_lost(&file);
	say_left(&left, path);
	rotation->n_files++;
	rotation->n_secrets += file.sealed.n_secrets - left.n;
	printf("resealed %s\n", path);
	return 0;
}

static void report(const struct rotation *rotation, const struct sbx_keys *keys)
{
	printf("sealed %zu secret%s in %zu file%s for %s\n",
	       rotation->n_secrets, rotation->n_secrets == 1 ? "" : "s",
	       rotation->n_files, rotation->n_files == 1 ? "" : "s",
	       keys->v[0].id);
	if (rotation->status != 0) {
		sbx_term_error("not all files could be done: keep the older "
			       "keys, mend the files and run this again");
		return;
	}
	printf("Bring the files, and the new key, to wherever these skills "
	       "run:\n  %s\nNone of these files needs the older keys any "
	       "more. Delete them when nothing else does:\n",
	       keys->v[0].source);
	for (size_t i = 1; i < keys->n; i++)
		printf("  %s\n", keys->v[i].source);
	printf("They still open older copies of the files. If one of them has "
	       "leaked, revoke what\nwas sealed for it.\n");
}

static int rotate(const struct sbx_cli *cli, struct rotation *rotation,
		  struct sbx_error *err)
{
	struct sbx_keyring *ring = &cli->globals->keyring;
	cleanup_fd int lock = sbx_lock_take("secret-rotate", -1, err);
	const struct sbx_key *key;

	if (lock < 0 || sbx_secret_need_keys(cli, err) < 0 ||
	    survey(cli, rotation, err) < 0)
		return -1;
	if (rotation->targets.n == 0) {
		printf("nothing is sealed for the keys that are here\n");
		return 0;
	}
	if (rotation->is_due)
		printf("going on with the newest key, %s\n",
		       ring->keys.v[0].id);
	else if (sbx_keyring_generate(ring, &key, err) < 0)
		return -1;
	for (size_t i = 0; i < rotation->targets.n; i++) {
		struct sbx_error why = SBX_ERROR_INIT;

		if (rotate_file(&rotation->targets.v[i], &ring->keys, rotation,
				&why) < 0)
			fail(rotation, &why);
	}
	report(rotation, &ring->keys);
	return 0;
}

static int cmd_rotate(const struct sbx_cli *cli, int argc, char **argv)
{
	struct rotation rotation = { .status = 0 };
	struct sbx_error err = SBX_ERROR_INIT;
	int status;
	int first;

	if (!sbx_cli_parse(cli, NULL, argc, argv, &first, &status))
		return status;
	if (rotate(cli, &rotation, &err) < 0)
		rotation.status = sbx_cli_fail(&err);
	clear(&rotation);
	return rotation.status;
}

const struct sbx_command sbx_cmd_secret_rotate = {
	.name = "secret rotate",
	.summary = "replace your key by a new one",
	.arguments = "",
	.details = "Makes a new key and seals for it all that is sealed for "
		   "older ones that are here: the files of all skills "
		   "(--skills) and of all owners. Other recipients keep what "
		   "they have. Each file is replaced as a whole, and the older "
		   "keys stay until you delete them, so that nothing is lost "
		   "wherever it is interrupted; run it again to finish. Where "
		   "something is sealed for an older key already while there "
		   "is a newer one, it is that one's turn, and no other is "
		   "made.",
	.examples = "  skillbox secret rotate\n"
		    "  skillbox --skills /srv/skills secret rotate\n",
	.run = cmd_rotate,
};
