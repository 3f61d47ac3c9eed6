/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/mem.h"
#include "base/runtime_dir.h"

int sbx_lock_open(const char *name, struct sbx_error *err)
{
	cleanup_fd int directory = sbx_runtime_dir_open(NULL, err);
	int fd;

	if (directory < 0)
		return -1;
	fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot open the lock %s", name);
	return fd;
}

/* 1: it is ours; 0: whoever had it has removed the file; -1 with errno */
static int take_file(int fd)
{
	struct stat about;

	if (flock(fd, LOCK_EX) < 0 || fstat(fd, &about) < 0)
		return -1;
	return about.st_nlink > 0;
}

int sbx_lock_take(const char *name, struct sbx_error *err)
{
	cleanup_fd int fd = -1;
	int taken;

	do {
		sbx_close(&fd);
		fd = sbx_lock_open(name, err);
		if (fd < 0)
			return -1;
		taken = take_file(fd);
	} while (taken == 0);
	if (taken > 0)
		return sbx_take_fd(&fd);
	if (errno == EINTR)
		return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
				     "interrupted while waiting for %s", name);
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			       "cannot take the lock %s", name);
}

/* Removed first: who gets the lock of a file without a name asks again. */
void sbx_lock_drop(const char *name, int *fd)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_fd int directory = sbx_runtime_dir_open(NULL, &ignored);

	if (directory >= 0)
		unlinkat(directory, name, 0);
	sbx_close(fd);
}
