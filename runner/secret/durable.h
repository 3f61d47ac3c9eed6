/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_DURABLE_H
#define SBX_SECRET_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"

/*
 * Files that are whole or not there, whenever the machine stops: written
 * beside their place, synchronised, and moved there.
 */

/*
 * $XDG_CONFIG_HOME/skillbox/@name; free() it.  NULL for a user who has no home
 * either.
 */
char *sbx_durable_config_path(const char *name);

/* Makes @path and what is missing above it, 0700, for good. */
int sbx_durable_mkdir(const char *path, struct sbx_error *err);

/*
 * @mode	what a new file gets
 * @old		the file that is replaced: its mode is kept, and its owner where
 *		that is possible; NULL when there is none
 * @temporary	the name it has until it is whole; what has been left under it
 *		by somebody who died is removed first
 * @keep	that there is no file called so yet
 */
struct sbx_durable {
	mode_t mode;
	const struct stat *old;
	const char *temporary;
	bool keep;
};

/*
 * @name in the directory @dirfd gets the contents @data.  Whoever calls keeps
 * others from doing so at the same time.  MISCONFIGURED.
 */
int sbx_durable_write(int dirfd, const char *name, const void *data,
		      size_t size, const struct sbx_durable *how,
		      struct sbx_error *err);

/* Waits for, and takes, the lock of what is changed in the directory @path. */
int sbx_durable_lock(const char *path, struct sbx_error *err);

#endif
