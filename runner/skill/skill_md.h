/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_SKILL_MD_H
#define SBX_SKILL_SKILL_MD_H

#include <stddef.h>

#include "codec/problems.h"
#include "skill/manifest.h"

/*
 * SKILL.md, what Agent Skills (agentskills.io/specification) has in place of a
 * manifest: Markdown for a language model, and before it YAML between two
 * lines "---", which is all that is looked at here.  A skill may have one
 * beside its skill.yaml; its description and license are taken from it where
 * the manifest has none, and nothing else depends on it.
 */
#define SBX_SKILL_MD_NAME "SKILL.md"

/*
 * Both without blanks around them.
 *
 * @description	never NULL and never ""
 * @license	one line, or NULL
 */
struct sbx_skill_md {
	char *description;
	char *license;
};

#define SBX_SKILL_MD_INIT                                                      \
	{                                                                      \
		.description = NULL                                            \
	}
void sbx_skill_md_clear(struct sbx_skill_md *skill_md);
#define cleanup_skill_md SBX_CLEANUP(sbx_skill_md_clear)

/*
 * Parses the text of the SKILL.md of @manifest's skill.  All that is wrong
 * goes to @problems, which has to be empty: errors where it cannot be read or
 * has another name, and then the result is -1 and *@out untouched; warnings
 * where it does not say what the manifest says.  Keys that mean nothing here
 * are passed over.
 */
int sbx_skill_md_parse(const char *data, size_t size,
		       const struct sbx_manifest *manifest,
		       struct sbx_skill_md *out, struct sbx_problems *problems);

/*
 * Reads the SKILL.md in the skill's directory @dirfd, if there is one, for
 * what @manifest does not say.  One that is wrong, or no file of its own that
 * can be read, leaves @manifest as it is; @problems as for the parser.
 */
void sbx_skill_md_complete(int dirfd, struct sbx_manifest *manifest,
			   struct sbx_problems *problems);

#endif
