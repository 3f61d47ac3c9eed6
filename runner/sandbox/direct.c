/* SPDX-License-Identifier: MIT */
/*
 * The directory of a socket is for everybody to enter and the socket for
 * everybody to connect to, for the sandbox's user is nobody's on the host; but
 * they are below a directory that is only ours, so that there is no way to
 * them but by the mount.  Whoever has made one holds a lock on it: what is not
 * locked was left by a runner that died.  Between making and locking one its
 * maker holds a shared lock on the parent, which a sweep needs for itself.
 */
#include "sandbox/direct.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/random.h"
#include "base/runtime_dir.h"

#define PARENT	  "channels"
#define NAME_SIZE (16 + 1)

/*
 * @parent	all of ours are in it
 * @path	of the directory, which is called @name in @parent
 * @dir		the directory, locked
 * @listener	the socket
 */
struct sbx_direct {
	int parent;
	char *path;
	char name[NAME_SIZE];
	int dir;
	int listener;
	struct sbx_host_path host_path;
};

/* Of the parent and, in *@path, where that is. */
static int open_parent(char **path, struct sbx_error *err)
{
	cleanup_free char *runtime = NULL;
	cleanup_fd int dir = sbx_runtime_dir_open(&runtime, err);
	int fd;

	if (dir < 0)
		return -1;
	fd = sbx_runtime_dir_private(dir, PARENT);
	if (fd < 0 || fchmod(fd, 0700) < 0) {
		sbx_close(&fd);
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot use %s/%s", runtime, PARENT);
	}
	*path = sbx_asprintf("%s/%s", runtime, PARENT);
	return fd;
}

/* --- what was left behind -------------------------------------------------- */

static void remove_if_left(int parent, const char *name)
{
	cleanup_fd int dir = openat(
		parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir < 0 || flock(dir, LOCK_EX | LOCK_NB) < 0)
		return;
	unlinkat(dir, SBX_DIRECT_SOCKET, 0);
	unlinkat(parent, name, AT_REMOVEDIR);
}

/* Takes @parent; nothing happens while somebody makes one. */
static void sweep(int parent)
{
	const struct dirent *entry;
	DIR *list = fdopendir(parent);

	if (!list) {
		sbx_close(&parent);
		return;
	}
	while (flock(dirfd(list), LOCK_EX | LOCK_NB) == 0 &&
	       (entry = readdir(list))) {
		if (entry->d_name[0] != '.')
			remove_if_left(dirfd(list), entry->d_name);
	}
	closedir(list);
}

void sbx_direct_sweep(void)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_free char *path = NULL;
	int parent = open_parent(&path, &ignored);

	if (parent >= 0)
		sweep(parent);
}

/* --- one of ours ----------------------------------------------------------- */

static int make_directory(struct sbx_direct *direct)
{
	struct stat about;

	if (flock(direct->parent, LOCK_SH) < 0 ||
	    mkdirat(direct->parent, direct->name, 0700) < 0)
		return -1;
	direct->dir = openat(direct->parent, direct->name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (direct->dir < 0 || flock(direct->dir, LOCK_EX | LOCK_NB) < 0 ||
	    fchmod(direct->dir, 0711) < 0 || fstat(direct->dir, &about) < 0)
		return -1;
	direct->host_path.dev = about.st_dev;
	direct->host_path.ino = about.st_ino;
	return flock(direct->parent, LOCK_UN);
}

/* By its descriptor the path is short enough, wherever the directory is. */
static int make_socket(struct sbx_direct *direct)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	snprintf(address.sun_path, sizeof(address.sun_path),
		 "/proc/self/fd/%d/" SBX_DIRECT_SOCKET, direct->dir);
	direct->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (direct->listener < 0 ||
	    bind(direct->listener, (struct sockaddr *)&address,
		 sizeof(address)) < 0 ||
	    fchmodat(direct->dir, SBX_DIRECT_SOCKET, 0666, 0) < 0)
		return -1;
	return listen(direct->listener, 1);
}

int sbx_direct_new(struct sbx_direct **out, struct sbx_error *err)
{
	cleanup_direct struct sbx_direct *direct =
		sbx_calloc(1, sizeof(*direct));
	cleanup_free char *path = NULL;

	direct->dir = -1;
	direct->listener = -1;
	sbx_direct_sweep();
	direct->parent = open_parent(&path, err);
	if (direct->parent < 0)
		return -1;
	sbx_random_hex(direct->name, sizeof(direct->name));
	direct->path = sbx_asprintf("%s/%s", path, direct->name);
	if (make_directory(direct) < 0 || make_socket(direct) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot make a socket in %s",
				       direct->path);
	*out = sbx_take(direct);
	return 0;
}

void sbx_direct_free(struct sbx_direct **slot)
{
	struct sbx_direct *direct = *slot;

	if (!direct)
		return;
	*slot = NULL;
	sbx_close(&direct->listener);
	if (direct->dir >= 0) {
		unlinkat(direct->dir, SBX_DIRECT_SOCKET, 0);
		unlinkat(direct->parent, direct->name, AT_REMOVEDIR);
	}
	sbx_close(&direct->dir);
	sbx_close(&direct->parent);
	free(direct->path);
	free(direct);
}

const char *sbx_direct_path(const struct sbx_direct *direct)
{
	return direct->path;
}

struct sbx_host_path sbx_direct_host_path(const struct sbx_direct *direct)
{
	return direct->host_path;
}

int sbx_direct_fd(const struct sbx_direct *direct)
{
	return direct->listener;
}

int sbx_direct_accept(const struct sbx_direct *direct, pid_t pid)
{
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);
	cleanup_fd int fd = accept4(direct->listener, NULL, NULL,
				    SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return -1;
	/* A peer outside of our PID namespace has pid 0 here: nobody's. */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 ||
	    peer.pid <= 0 || peer.pid != pid)
		return SBX_DIRECT_REFUSED;
	return sbx_take_fd(&fd);
}
