/* SPDX-License-Identifier: MIT */
#include "base/runtime_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/mem.h"

/* In /tmp anybody may have put something under that name. */
int sbx_runtime_dir_private(int dirfd, const char *name)
{
	cleanup_fd int fd = -1;
	struct stat about;

	if (mkdirat(dirfd, name, 0700) < 0 && errno != EEXIST)
		return -1;
	fd = openat(dirfd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
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
 * has to be the same.
 */
static char *choose_path(void)
{
	const char *runtime = getenv("XDG_RUNTIME_DIR");

	if (geteuid() == 0)
		return sbx_strdup("/run/skillbox");
	if (runtime && runtime[0] == '/')
		return sbx_asprintf("%s/skillbox", runtime);
	return NULL;
}

int sbx_runtime_dir_open(char **out, struct sbx_error *err)
{
	cleanup_free char *path = choose_path();
	int fd = path ? sbx_runtime_dir_private(AT_FDCWD, path) : -1;

	if (fd < 0) {
		free(path);
		path = sbx_asprintf("/tmp/skillbox-%u", geteuid());
		fd = sbx_runtime_dir_private(AT_FDCWD, path);
	}
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot use the directory %s", path);
	if (out)
		*out = sbx_take(path);
	return fd;
}
