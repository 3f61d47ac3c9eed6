/* SPDX-License-Identifier: MIT */
#ifndef SBX_TESTS_SCRATCH_H
#define SBX_TESTS_SCRATCH_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"

/* An empty directory for each test, the working directory while it runs. */
static char scratch_path[32];

static inline int scratch_enter(void **state)
{
	(void)state;
	strcpy(scratch_path, "/tmp/skillbox-unit.XXXXXX");
	return mkdtemp(scratch_path) ? chdir(scratch_path) : -1;
}

static inline int scratch_leave(void **state)
{
	cleanup_free char *command = sbx_asprintf("rm -rf %s", scratch_path);

	(void)state;
	return chdir("/") < 0 ? -1 : system(command);
}

/* Writes a file; its mode is exactly @mode, whatever the umask. */
static inline void put_mode(const char *path, const char *text, mode_t mode)
{
	cleanup_fd int fd =
		open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(sbx_fd_write_all(fd, text, strlen(text)), 0);
	assert_int_equal(fchmod(fd, mode), 0);
}

static inline void put(const char *path, const char *text)
{
	put_mode(path, text, 0644);
}

#endif
