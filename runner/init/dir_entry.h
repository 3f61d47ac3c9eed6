/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_DIR_ENTRY_H
#define SBX_INIT_DIR_ENTRY_H

#include <stdint.h>

/* linux_dirent64 of getdents64(2) */
struct dir_entry {
	uint64_t ino;
	int64_t offset;
	unsigned short size;
	unsigned char type;
	char name[];
};

#endif
