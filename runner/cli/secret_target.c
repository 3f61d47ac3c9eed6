/* SPDX-License-Identifier: MIT */
#include "cli/secret_target.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "cli/terminal.h"
#include "skill/names.h"

/* --- one ------------------------------------------------------------------ */

void sbx_secret_target_clear(struct sbx_secret_target *target)
{
	free(target->skill);
	free(target->owner);
	sbx_sealed_place_clear(&target->place);
}

static int find_skill(const struct sbx_cli *cli, const char *name,
		      struct sbx_sealed_place *out, struct sbx_error *err)
{
	cleanup_skill struct sbx_skill skill = SBX_SKILL_INIT;
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	int result = -1;

	if (sbx_cli_catalog(cli, &catalog, err) == 0 &&
	    sbx_catalog_load(&catalog, name, &skill, err) == 0) {
		sbx_sealed_place_of_skill(out, skill.dir);
		result = 0;
	}
	sbx_catalog_close(&catalog);
	return result;
}

int sbx_secret_target_find(const struct sbx_cli *cli, const char *skill,
			   const char *owner, struct sbx_secret_target *out,
			   struct sbx_error *err)
{
	struct sbx_secret_target target = { .skill = NULL };
	int result;

	if (!sbx_name_is_skill(skill))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%s\" can be no skill's name", skill);
	if (owner && !sbx_name_is_owner(owner))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%s\" can be no owner, who is up to 64 "
				     "of a-z, 0-9, \".\", \"_\" and \"-\"",
				     owner);
	result = owner ? sbx_sealed_place_of_owner(&target.place, owner, skill,
						   err)
		       : find_skill(cli, skill, &target.place, err);
	if (result < 0)
		return -1;
	target.skill = sbx_strdup(skill);
	target.owner = owner ? sbx_strdup(owner) : NULL;
	*out = target;
	return 0;
}

/* --- all ------------------------------------------------------------------ */

void sbx_secret_targets_clear(struct sbx_secret_targets *targets)
{
	for (size_t i = 0; i < targets->n; i++)
		sbx_secret_target_clear(&targets->v[i]);
	free(targets->v);
	*targets = (struct sbx_secret_targets){ .v = NULL };
}

static void add(struct sbx_secret_targets *list, struct sbx_secret_target one)
{
	list->v = sbx_realloc(list->v, (list->n + 1) * sizeof(one));
	list->v[list->n++] = one;
}

/* Sorted; a directory that is not there has nothing in it. */
static int list_directory(const char *path, struct sbx_strv *out,
			  struct sbx_error *err)
{
	struct dirent **entries = NULL;
	int n = scandir(path, &entries, NULL, alphasort);

	if (n < 0 && errno != ENOENT)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot read %s", path);
	for (int i = 0; i < n; i++) {
		sbx_strv_push(out, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return 0;
}

/* Whatever state its manifest is in; one that is shadowed, too. */
static int add_skills(const char *directory, struct sbx_secret_targets *out,
		      struct sbx_error *err)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;

	if (list_directory(directory, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		cleanup_free char *path =
			sbx_asprintf("%s/%s", directory, names.v[i]);
		cleanup_free char *file =
			sbx_asprintf("%s/%s", path, SBX_SEALED_FILE_NAME);
		struct sbx_secret_target target = { .owner = NULL };

		if (!sbx_name_is_skill(names.v[i]) || access(file, F_OK) < 0)
			continue;
		target.skill = sbx_strdup(names.v[i]);
		sbx_sealed_place_of_skill(&target.place, path);
		add(out, target);
	}
	return 0;
}

int sbx_secret_targets_of_owner(const char *owner,
				struct sbx_secret_targets *out,
				struct sbx_error *err)
{
	static const char suffix[] = ".yaml";
	cleanup_free char *store = sbx_sealed_store_path();
	cleanup_free char *path = sbx_asprintf("%s/%s", store, owner);
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;

	if (!store || list_directory(path, &names, err) < 0)
		return store ? -1 : 0;
	for (size_t i = 0; i < names.n; i++) {
		struct sbx_secret_target target = { .owner = NULL };
		size_t size = strlen(names.v[i]);

		if (!sbx_text_has_suffix(names.v[i], suffix))
			continue;
		target.skill = sbx_strndup(names.v[i], size - strlen(suffix));
		target.owner = sbx_strdup(owner);
		if (!sbx_name_is_skill(target.skill) ||
		    sbx_sealed_place_of_owner(&target.place, owner,
					      target.skill, err) < 0)
			sbx_secret_target_clear(&target);
		else
			add(out, target);
	}
	return 0;
}

static int add_owners(struct sbx_secret_targets *out, struct sbx_error *err)
{
	cleanup_free char *store = sbx_sealed_store_path();
	cleanup_strv struct sbx_strv owners = SBX_STRV_INIT;

	if (!store)
		return 0;
	if (list_directory(store, &owners, err) < 0)
		return -1;
	for (size_t i = 0; i < owners.n; i++) {
		if (strcmp(owners.v[i], ".") != 0 &&
		    strcmp(owners.v[i], "..") != 0 &&
		    sbx_name_is_owner(owners.v[i]) &&
		    sbx_secret_targets_of_owner(owners.v[i], out, err) < 0)
			return -1;
	}
	return 0;
}

int sbx_secret_targets_find(const struct sbx_cli *cli,
			    struct sbx_secret_targets *out,
			    struct sbx_error *err)
{
	struct sbx_catalog catalog = { .directories = SBX_STRV_INIT };
	int result = sbx_cli_catalog(cli, &catalog, err);

	for (size_t i = 0; result == 0 && i < catalog.directories.n; i++)
		result = add_skills(catalog.directories.v[i], out, err);
	sbx_catalog_close(&catalog);
	return result < 0 ? -1 : add_owners(out, err);
}

/* --- keys ----------------------------------------------------------------- */

static int find_key(const struct sbx_cli *cli, const char *text,
		    const struct sbx_sealed *sealed, unsigned char *out,
		    struct sbx_error *err)
{
	const struct sbx_recipient *known = sbx_sealed_recipient(sealed, text);
	const struct sbx_key *own;

	if (sbx_key_decode(text, strlen(text), out))
		return 0;
	if (known) {
		memcpy(out, known->public_key, SBX_KEY_SIZE);
		return 0;
	}
	if (sbx_keyring_load(&cli->globals->keyring, err) < 0)
		return -1;
	own = sbx_keys_find(&cli->globals->keyring.keys, text);
	if (!own)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "\"%s\" is no recipient: give the public "
				     "key as 'skillbox secret keys' shows it, "
				     "or the id of one that the file has "
				     "already",
				     text);
	memcpy(out, own->public_key, SBX_KEY_SIZE);
	return 0;
}

int sbx_secret_recipients(const struct sbx_cli *cli,
			  const struct sbx_strv *given,
			  const struct sbx_sealed *sealed,
			  struct sbx_sealed *out, struct sbx_error *err)
{
	unsigned char key[SBX_KEY_SIZE];

	for (size_t i = 0; i < given->n; i++) {
		if (find_key(cli, given->v[i], sealed, key, err) < 0 ||
		    sbx_sealed_add_recipient(out, key, err) < 0)
			return -1;
	}
	return 0;
}

int sbx_secret_need_keys(const struct sbx_cli *cli, struct sbx_error *err)
{
	struct sbx_keyring *ring = &cli->globals->keyring;
	cleanup_free char *where = sbx_keyring_describe(ring);

	if (sbx_keyring_load(ring, err) < 0)
		return -1;
	if (ring->keys.n > 0)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
			     "there is no private key in %s: 'skillbox secret "
			     "keygen' makes one",
			     where);
}

void sbx_secret_say_lost(const struct sbx_sealed_file *file)
{
	if (file->is_foreign)
		sbx_term_error("%s/%s: notes (x-...) and comments that were "
			       "not at its beginning are gone: the file is "
			       "always written the same way",
			       file->place->directory, file->place->name);
}

void sbx_secret_say_excluded(const struct sbx_sealed *sealed,
			     const struct sbx_keys *keys, const char *path)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (sbx_sealed_recipient(sealed, keys->v[i].id))
			return;
	}
	if (keys->n > 0)
		sbx_term_error("no key that is here can open %s", path);
}
