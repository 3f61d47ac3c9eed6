/* SPDX-License-Identifier: MIT */
#ifndef SBX_BASE_RANDOM_H
#define SBX_BASE_RANDOM_H

#include <stddef.h>

/*
 * Fills @out with @size - 1 random hexadecimal digits (an even number, at most
 * 64) and a NUL: for names that nobody else has, or can guess.
 */
void sbx_random_hex(char *out, size_t size);

#endif
