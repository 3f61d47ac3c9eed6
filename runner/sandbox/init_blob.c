/* SPDX-License-Identifier: MIT */
#include "sandbox/init_blob.h"

/* SBX_INIT_PATH is where make has just put init. */
__asm__(".section .rodata\n"
	".balign 16\n"
	"init_blob_start:\n"
	".incbin \"" SBX_INIT_PATH "\"\n"
	"init_blob_end:\n"
	".previous\n");

extern const char init_blob_start[];
extern const char init_blob_end[];

const void *sbx_init_blob(size_t *size)
{
	*size = (size_t)(init_blob_end - init_blob_start);
	return init_blob_start;
}
