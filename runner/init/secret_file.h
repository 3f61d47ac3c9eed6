/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SECRET_FILE_H
#define SBX_INIT_SECRET_FILE_H

#include <stdint.h>
#include <sys/types.h>

/* A file of RUN's; both point into its payload. */
struct sbx_secret_file {
	const char *path;
	const unsigned char *data;
	uint32_t size;
};

/* Takes away what is in the place of one, as far as that can be done. */
void sbx_secret_file_clear(const char *path);

/*
 * Makes it, for the action's user to read, and remembers it as the run's.  0,
 * or -1 with errno.
 */
int sbx_secret_file_make(const struct sbx_secret_file *file);

/* The run's are of process @pid from now on, which goes on behind it. */
void sbx_secret_files_hand_over(pid_t pid);

/* Removes those of @owner, or with 0 the run's. */
void sbx_secret_files_remove(pid_t owner);

#endif
