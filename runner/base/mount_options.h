/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_MOUNT_OPTIONS_H
#define SBX_BASE_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

/* Options as mount(8) has them after -o, and a volume under "o": "ro,uid=1". */

/*
 * The next of them: its length, 0 at the end, with @rest behind it.  Empty
 * ones and blanks before one are skipped.
 */
size_t sbx_mount_option_next(const char **rest, const char **option);

/* Letter case does not count. */
bool sbx_mount_option_is(const char *option, size_t length, const char *name);

/* "rbind,ro" has "rbind". */
bool sbx_mount_option_in(const char *options, const char *name);

#endif
