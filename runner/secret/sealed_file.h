/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_SEALED_FILE_H
#define SBX_SECRET_SEALED_FILE_H

#include <stdbool.h>
#include <sys/stat.h>

#include "base/error.h"
#include "base/mem.h"
#include "secret/durable.h"
#include "secret/sealed.h"

/*
 * Where sealed secrets are: "secrets.yaml" in a skill's directory, and one
 * file per owner and skill in this user's configuration.
 */
#define SBX_SEALED_FILE_NAME "secrets.yaml"

/* Beside it while it is written; it stays when that is cut off. */
#define SBX_SEALED_FILE_TEMPORARY "." SBX_SEALED_FILE_NAME ".tmp"

/*
 * A file, or the place of one.
 *
 * @directory, @name	where it is; owned
 * @mode		of a new one
 */
struct sbx_sealed_place {
	char *directory;
	char *name;
	mode_t mode;
};

void sbx_sealed_place_clear(struct sbx_sealed_place *place);
#define cleanup_sealed_place SBX_CLEANUP(sbx_sealed_place_clear)

/* secrets.yaml in @skill_dir */
void sbx_sealed_place_of_skill(struct sbx_sealed_place *out,
			       const char *skill_dir);

/* The directory of all owners; free().  NULL for a user without a home. */
char *sbx_sealed_store_path(void);

/*
 * <store>/<owner>/<skill>.yaml.  INVALID for names that are no names of files,
 * MISCONFIGURED for a user without a home.
 */
int sbx_sealed_place_of_owner(struct sbx_sealed_place *out, const char *owner,
			      const char *skill, struct sbx_error *err);

/* "DIRECTORY/NAME"; free() */
char *sbx_sealed_place_path(const struct sbx_sealed_place *place);

/*
 * Reads the file: 1, or 0 when there is none.  MISCONFIGURED when there is
 * something else than a regular file (a symbolic link, too: who wrote the skill
 * is not trusted), it is too large, or does not fit.
 */
int sbx_sealed_file_read(const struct sbx_sealed_place *place,
			 struct sbx_sealed *out, struct sbx_error *err);

/*
 * A file that is being changed; nobody else changes it meanwhile.
 *
 * @sealed	to be changed; with nothing in it when there is no file yet
 * @is_there	that there was a file
 * @is_foreign	that something in it is lost when it is saved: comments within
 *		it, notes of others (x-...)
 */
struct sbx_sealed_file {
	struct sbx_sealed sealed;
	bool is_there;
	bool is_foreign;
	const struct sbx_sealed_place *place;
	struct stat old;
	int directory;
	struct sbx_durable_lock lock;
};

#define SBX_SEALED_FILE_INIT                                                   \
	{                                                                      \
		.directory = -1, .lock = SBX_DURABLE_LOCK_INIT                 \
	}

/* @place is borrowed; its directory is made where it may be missing. */
int sbx_sealed_file_edit(struct sbx_sealed_file *file,
			 const struct sbx_sealed_place *place,
			 struct sbx_error *err);

/*
 * Writes it, whole or not at all, whatever happens.  INVALID when it has become
 * too large, MISCONFIGURED when it cannot be written.
 */
int sbx_sealed_file_save(struct sbx_sealed_file *file, struct sbx_error *err);

/* Gives up what was not saved. */
void sbx_sealed_file_close(struct sbx_sealed_file *file);
#define cleanup_sealed_file SBX_CLEANUP(sbx_sealed_file_close)

#endif
