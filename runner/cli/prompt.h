/* SPDX-License-Identifier: MIT */
#ifndef SBX_CLI_PROMPT_H
#define SBX_CLI_PROMPT_H

#include <stddef.h>

#include "base/error.h"

/*
 * Asks for a value at the terminal @fd: @question goes to stderr, and what is
 * typed is not shown.  One line of up to 16 KiB, straight into secret memory
 * (secret/memory.h).  Whatever happens, a signal too, the terminal is as
 * before afterwards.  INVALID when nothing was typed, or too much; CANCELLED
 * when a signal came that does not end us.
 */
int sbx_prompt(int fd, const char *question, unsigned char **value,
	       size_t *size, struct sbx_error *err);

#endif
