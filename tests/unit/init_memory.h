/* SPDX-License-Identifier: MIT */
/*
 * What of it is left in init's memory.
 */
#ifndef SBX_TEST_INIT_MEMORY_H
#define SBX_TEST_INIT_MEMORY_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/uio.h>

#include "init_box.h"

/* Whether @text is anywhere in what the process may write to. */
static inline bool has_in_memory(pid_t pid, const char *text)
{
	static char data[1 << 20];
	char path[32], line[512];
	unsigned long at, end;
	bool found = false;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	maps = fopen(path, "re");
	assert_non_null(maps);
	while (!found && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx rw", &at, &end) != 2 ||
		    !strstr(line, " rw"))
			continue;
		for (; !found && at < end; at += sizeof(data)) {
			struct iovec here = { data, sizeof(data) };
			struct iovec there = { (void *)at, end - at };
			ssize_t got =
				process_vm_readv(pid, &here, 1, &there, 1, 0);

			found = got > 0 &&
				memmem(data, (size_t)got, text, strlen(text));
		}
	}
	fclose(maps);
	return found;
}

#endif
