/* SPDX-License-Identifier: MIT */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/mem.h"

/*
 * Opens @path, making it when it is not there.  It has to be ours alone: in
 * /tmp anybody may have put something under that name.
 */
static int open_private_directory(const char *path)
{
	cleanup_fd int fd = -1;
	struct stat about;

	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &about) < 0)
		return -1;
	if (about.st_uid != geteuid() || (about.st_mode & 022) != 0) {
		errno = EPERM;
		return -1;
	}
	return sbx_take_fd(&fd);
}

/*
 * Root's is fixed, whatever the environment says: with sudo and without, it
 * has to be the same lock.
 */
static int open_runtime_directory(struct sbx_error *err)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");
	cleanup_free char *path = NULL;
	int fd;

	if (geteuid() == 0)
		path = sbx_strdup("/run/skillbox");
	else if (runtime && runtime[0] == '/')
		path = sbx_asprintf("%s/skillbox", runtime);
	fd = path ? open_private_directory(path) : -1;
	if (fd >= 0)
		return fd;
	free(path);
	path = sbx_asprintf("/tmp/skillbox-%u", geteuid());
	fd = open_private_directory(path);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot use %s for locks", path);
	return fd;
}

int sbx_lock_open(const char *name, struct sbx_error *err)
{
	cleanup_fd int directory = open_runtime_directory(err);
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
	cleanup_fd int directory = open_runtime_directory(&ignored);

	if (directory >= 0)
		unlinkat(directory, name, 0);
	sbx_close(fd);
}
