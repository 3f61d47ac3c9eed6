/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_INIT_BLOB_H
#define SBX_SANDBOX_INIT_BLOB_H

#include <stddef.h>

/* The init program that belongs to this runner: an ELF file, static. */
const void *sbx_init_blob(size_t *size);

#endif
