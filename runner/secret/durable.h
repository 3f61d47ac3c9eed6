/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_DURABLE_H
#define SBX_SECRET_DURABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>

#include "base/error.h"
#include "codec/hash.h"

/*
 * Files that are whole or not there, whenever the machine stops: written
 * beside their place, synchronised, and moved there.
 */

/*
 * $XDG_CONFIG_HOME/skillbox, and @name in it; free() them.  NULL for a user who
 * has no home either.
 */
char *sbx_durable_config_directory(void);
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

/* Of what is changed in a directory; @fd is -1 when it is nobody's. */
struct sbx_durable_lock {
	char name[sizeof("secret-") - 1 + SBX_HASH_HEX_SIZE];
	int fd;
};

#define SBX_DURABLE_LOCK_INIT                                                  \
	{                                                                      \
		.fd = -1                                                       \
	}

/* Waits for, and takes, that of the directory @path. */
int sbx_durable_lock_take(struct sbx_durable_lock *lock, const char *path,
			  struct sbx_error *err);

/* Gives it back, if it was taken. */
void sbx_durable_lock_drop(struct sbx_durable_lock *lock);
#define cleanup_durable_lock SBX_CLEANUP(sbx_durable_lock_drop)

#endif
