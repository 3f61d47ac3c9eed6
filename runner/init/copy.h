/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_COPY_H
#define SBX_INIT_COPY_H

#include <stdint.h>
#include <sys/types.h>

/*
 * What both ends of a copy have in common, in a child of init's that does
 * nothing else.  Its exit status:
 *
 * @SBX_COPY_DONE	all was copied but what is left out on purpose
 * @SBX_COPY_FAILED	something was not, and a line says what
 */
enum sbx_copy_status {
	SBX_COPY_DONE = 0,
	SBX_COPY_FAILED = 1,
};

/*
 * A line for a person on standard error, "PATH: WHAT" and where @errnum is not
 * 0 ": REASON".  Control characters of @path are replaced.  Only the first
 * hundred are written, the others counted.
 */
void sbx_copy_say(const char *path, const char *what, int errnum);

/* How many more lines there were than were written, if any. */
void sbx_copy_say_rest(void);

/* "a socket" and so on, for what is no file, directory or link. */
const char *sbx_copy_type_name(mode_t mode);

#endif
