/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_CATALOG_H
#define SBX_SKILL_CATALOG_H

#include <stdbool.h>

#include "base/error.h"
#include "base/strv.h"
#include "skill/manifest.h"

/* The skills directories, and the skills in them. */
struct sbx_catalog {
	struct sbx_strv directories; /* absolute; they may not be there */
};

/*
 * @path: "DIR[:DIR]", NULL for $SKILLBOX_SKILLS and then ./skills.
 * Directories that do not exist are an error (NOT_FOUND) unless they are the
 * default.
 */
int sbx_catalog_open(struct sbx_catalog *catalog, const char *path,
		     struct sbx_error *err);

/*
 * The same for who stays.  Directories are only made absolute: one that comes
 * later, or is a link that comes to lead elsewhere, is seen when it is looked
 * into.  @missing gets those that are not there yet, as they were named.
 */
int sbx_catalog_open_lasting(struct sbx_catalog *catalog, const char *path,
			     struct sbx_strv *missing, struct sbx_error *err);

void sbx_catalog_close(struct sbx_catalog *catalog);

/* A skill that was found and read. */
struct sbx_skill {
	char *dir; /* absolute path of its directory */
	struct sbx_manifest *manifest;
};

#define SBX_SKILL_INIT                                                         \
	{                                                                      \
		.dir = NULL                                                    \
	}
void sbx_skill_clear(struct sbx_skill *skill);
#define cleanup_skill SBX_CLEANUP(sbx_skill_clear)

/*
 * Finds and reads skill @name: the first directory that has it wins.
 * NOT_FOUND (naming the nearest skill there is), INVALID for a name that can
 * be none ("..", "a/b"), a manifest that cannot be read or does not fit.  A
 * SKILL.md that does not fit is for sbx_skill_load() to tell of.
 */
int sbx_catalog_load(const struct sbx_catalog *catalog, const char *name,
		     struct sbx_skill *out, struct sbx_error *err);

/*
 * Reads the skill in directory @dir, collecting every problem of its
 * manifest (paths in front: "skills/x/skill.yaml:3:1: ...") and, when that has
 * no error, of its SKILL.md.  For the latter it does not fail: the skill is
 * good, but for what it would have had from there.
 */
int sbx_skill_load(const char *dir, struct sbx_skill *out,
		   struct sbx_problems *problems, struct sbx_error *err);

/*
 * Names of all directories that hold a skill.yaml, sorted, each once;
 * @shadowed (or NULL) gets "NAME: DIR hides DIR2" for those hidden.
 */
int sbx_catalog_names(const struct sbx_catalog *catalog, struct sbx_strv *names,
		      struct sbx_strv *shadowed, struct sbx_error *err);

/*
 * Directory of base image @name: the first DIR/../images/NAME that has a
 * Dockerfile, DIR each skills directory; owned by the caller.  NOT_FOUND.
 */
int sbx_catalog_base_dir(const struct sbx_catalog *catalog, const char *name,
			 char **out, struct sbx_error *err);

#endif
