/* SPDX-License-Identifier: MIT */
#ifndef SBX_SECRET_MEMORY_H
#define SBX_SECRET_MEMORY_H

#include <stddef.h>

#include "base/error.h"
#include "base/mem.h"

/*
 * Memory for what must not be read back: between guard pages, never swapped,
 * in no core dump, overwritten when it is freed (libsodium's sodium_malloc).
 * Private keys, opened values, and whatever is made of them live here only.
 */

/*
 * The memory ends where its last byte does, so for a structure the size has to
 * be rounded up to what its members are aligned to.
 */
#define SBX_SECRET_ALIGN(size) (((size) + 15) & ~(size_t)15)

/*
 * @size bytes, not initialised; 0 is as good as 1.  From the first call on the
 * process leaves no core dump and cannot be traced by others of its user.
 * MISCONFIGURED where the memory cannot be locked (RLIMIT_MEMLOCK).
 */
int sbx_secret_alloc(unsigned char **out, size_t size, struct sbx_error *err);

/*
 * The same for what is no known secret and may become one of somebody: it may
 * be swapped, and is only wiped.  Aborts when there is none.
 */
unsigned char *sbx_secret_alloc_plain(size_t size);

/* Overwrites and frees either; NULL is left alone. */
void sbx_secret_free(unsigned char **memory);
#define cleanup_secret SBX_CLEANUP(sbx_secret_free)

#endif
