/* SPDX-License-Identifier: MIT */
#ifndef SBX_SKILL_BUILD_KEY_H
#define SBX_SKILL_BUILD_KEY_H

#include <jansson.h>

#include "base/strv.h"

/*
 * Everything an image of ours is made from.  Nothing here depends on the
 * machine: the same sources have the same key everywhere.
 *
 * @kind	"skill" or "base"
 * @name	of the skill or base
 * @context	hash of the build context, the Dockerfile in it
 * @rootfs	text of the script that makes rootfs.tar, or NULL
 * @dockerfile	its path in the context
 * @target	stage, or NULL
 * @args	build arguments, object of strings, or NULL
 * @platform	"linux/amd64"
 * @images	other people's images the Dockerfile names, as it names them
 * @bases	object: name of each skillbox/NAME it names -> that one's key
 */
struct sbx_build_sources {
	const char *kind;
	const char *name;
	const char *context;
	const char *rootfs;
	const char *dockerfile;
	const char *target;
	const json_t *args;
	const char *platform;
	struct sbx_strv images;
	const json_t *bases;
};

/*
 * 128 bits in hexadecimal.  Whoever could find two sources with one key would
 * have written both, as the name is hashed too.
 */
#define SBX_BUILD_KEY_SIZE (32 + 1)

/* The key of an image made from @sources. */
void sbx_build_key(const struct sbx_build_sources *sources,
		   char key[static SBX_BUILD_KEY_SIZE]);

#endif
