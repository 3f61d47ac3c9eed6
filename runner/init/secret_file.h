/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SECRET_FILE_H
#define SBX_INIT_SECRET_FILE_H

#include <stdint.h>

/* A file of RUN's; both point into its payload. */
struct sbx_secret_file {
	const char *path;
	const unsigned char *data;
	uint32_t size;
};

/* Makes it, for the action's user to read.  0, or -1 with errno. */
int sbx_secret_file_make(const struct sbx_secret_file *file);

#endif
