/* SPDX-License-Identifier: MIT */
#include "secret/durable.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/mem.h"

/* An entry of the user database, as text. */
#define USER_SIZE_MAX 4096

/* Where the user database has it; in @buf, or NULL. */
static const char *find_home(char *buf, size_t size)
{
	struct passwd entry;
	struct passwd *user;

	if (getpwuid_r(geteuid(), &entry, buf, size, &user) != 0 || !user)
		return NULL;
	return user->pw_dir;
}

/* A relative one is invalid by the XDG Base Directory Specification. */
char *sbx_durable_config_directory(void)
{
	const char *config = getenv("XDG_CONFIG_HOME");
	const char *home = getenv("HOME");
	char buf[USER_SIZE_MAX];

	if (config && config[0] == '/')
		return sbx_asprintf("%s/skillbox", config);
	if (!home || home[0] != '/')
		home = find_home(buf, sizeof(buf));
	if (!home || home[0] != '/')
		return NULL;
	return sbx_asprintf("%s/.config/skillbox", home);
}

char *sbx_durable_config_path(const char *name)
{
	cleanup_free char *directory = sbx_durable_config_directory();

	return directory ? sbx_asprintf("%s/%s", directory, name) : NULL;
}

/* Makes the one directory; 0, or -1 with errno.  @path is changed back. */
static int make_one(char *path, char *last_slash)
{
	cleanup_fd int parent = -1;

	if (mkdir(path, 0700) < 0)
		return errno == EEXIST ? 0 : -1;
	if (last_slash)
		*last_slash = '\0';
	parent = open(!last_slash ? "."
		      : *path	  ? path
				  : "/",
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (last_slash)
		*last_slash = '/';
	return parent < 0 || fsync(parent) < 0 ? -1 : 0;
}

int sbx_durable_mkdir(const char *path, struct sbx_error *err)
{
	cleanup_free char *text = sbx_strdup(path);
	char *last = NULL;
	char *slash = text + (text[0] == '/');

	while ((slash = strchr(slash, '/'))) {
		*slash = '\0';
		if (make_one(text, last) < 0)
			break;
		*slash = '/';
		last = slash++;
	}
	if (slash || make_one(text, last) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot make the directory %s", path);
	return 0;
}

/* An owner that cannot be kept is not worth failing for: root can. */
static int fill(int fd, const void *data, size_t size,
		const struct sbx_durable *how)
{
	mode_t mode = how->old ? how->old->st_mode & 0777 : how->mode;

	if (sbx_fd_write_all(fd, data, size) < 0)
		return -1;
	if (how->old &&
	    (how->old->st_uid != geteuid() || how->old->st_gid != getegid()) &&
	    fchown(fd, how->old->st_uid, how->old->st_gid) < 0 &&
	    errno != EPERM)
		return -1;
	if (fchmod(fd, mode) < 0)
		return -1;
	return fsync(fd);
}

static int move(int dirfd, const char *from, const char *to, bool keep)
{
	return renameat2(dirfd, from, dirfd, to, keep ? RENAME_NOREPLACE : 0);
}

int sbx_durable_write(int dirfd, const char *name, const void *data,
		      size_t size, const struct sbx_durable *how,
		      struct sbx_error *err)
{
	cleanup_fd int fd = -1;
	int errnum;

	if (unlinkat(dirfd, how->temporary, 0) == 0 || errno == ENOENT)
		fd = openat(dirfd, how->temporary,
			    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW |
				    O_CLOEXEC,
			    0600);
	if (fd >= 0 && fill(fd, data, size, how) == 0 &&
	    move(dirfd, how->temporary, name, how->keep) == 0 &&
	    fsync(dirfd) == 0)
		return 0;
	errnum = errno;
	if (fd >= 0)
		unlinkat(dirfd, how->temporary, 0);
	return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errnum,
			       "cannot write %s", name);
}

int sbx_durable_lock_take(struct sbx_durable_lock *lock, const char *path,
			  struct sbx_error *err)
{
	cleanup_free char *absolute = realpath(path, NULL);
	char hex[SBX_HASH_HEX_SIZE];
	struct sbx_hash *hash;

	if (!absolute)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "cannot use %s", path);
	sbx_hash_new(&hash);
	sbx_hash_field(hash, absolute);
	sbx_hash_finish(hash, hex);
	sbx_hash_free(&hash);
	snprintf(lock->name, sizeof(lock->name), "secret-%s", hex);
	lock->fd = sbx_lock_take(lock->name, -1, err);
	return lock->fd < 0 ? -1 : 0;
}

void sbx_durable_lock_drop(struct sbx_durable_lock *lock)
{
	if (lock->fd >= 0)
		sbx_lock_drop(lock->name, &lock->fd);
}
