/* SPDX-License-Identifier: MIT */
/*
 * The directory of a socket is for everybody to enter and the socket for
 * everybody to connect to, for the sandbox's user is nobody's on the host; but
 * they are below a directory that is only ours, so that there is no way to
 * them but by the mount.  Whoever has made one holds a lock on it: what is not
 * locked was left by a runner that died.  Between making and locking one its
 * maker holds a shared lock on the parent, which a sweep needs for itself.
 *
 * Those of sessions are below another parent: nobody has them most of the time,
 * and a lock means no more than that one runner speaks with init.  A socket
 * that is to be found there gets its name when it can be connected to.
 */
#include "sandbox/direct.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/file.h"
#include "base/lock.h"
#include "base/random.h"
#include "base/runtime_dir.h"

#define PARENT	 "channels"
#define SESSIONS "sessions"
/* A socket that cannot be connected to yet. */
#define UNREADY	  "new"
#define NAME_SIZE (16 + 1)

/*
 * @parent	all of ours are in it, of sessions or of others
 * @path	of the directory, which is called @name in @parent
 * @dir		the directory, locked
 * @listener	the socket
 */
struct sbx_direct {
	int parent;
	bool is_session;
	char *path;
	char name[NAME_SIZE];
	int dir;
	int listener;
	struct sbx_host_path host_path;
};

/* Of the parent and, in *@path, where that is. */
static int open_parent(const char *name, char **path, struct sbx_error *err)
{
	cleanup_free char *runtime = NULL;
	cleanup_fd int dir = sbx_runtime_dir_open(&runtime, err);
	int fd;

	if (dir < 0)
		return -1;
	fd = sbx_runtime_dir_private(dir, name);
	if (fd < 0 || fchmod(fd, 0700) < 0) {
		sbx_close(&fd);
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot use %s/%s", runtime, name);
	}
	*path = sbx_asprintf("%s/%s", runtime, name);
	return fd;
}

/* --- what was left behind -------------------------------------------------- */

static int remove_note(int parent, const char *name, const char *note)
{
	char file[NAME_MAX];

	snprintf(file, sizeof(file), "%s.%s", name, note);
	return unlinkat(parent, file, 0);
}

/* With what may be in it, and beside it. */
static void remove_directory(int parent, const char *name, int dir)
{
	unlinkat(dir, SBX_DIRECT_SOCKET, 0);
	unlinkat(dir, UNREADY, 0);
	remove_note(parent, name, SBX_DIRECT_EXPIRY);
	remove_note(parent, name, SBX_DIRECT_HOOK);
	remove_note(parent, name, SBX_DIRECT_ENGINE);
	remove_note(parent, name, SBX_DIRECT_PORTS);
	remove_note(parent, name, SBX_DIRECT_SYNC);
	unlinkat(parent, name, AT_REMOVEDIR);
}

static void remove_if_left(int parent, const char *name)
{
	cleanup_fd int dir = openat(
		parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir >= 0 && flock(dir, LOCK_EX | LOCK_NB) == 0)
		remove_directory(parent, name, dir);
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
	int parent = open_parent(PARENT, &path, &ignored);

	if (parent >= 0)
		sweep(parent);
}

/* --- one of ours ----------------------------------------------------------- */

/* inotify(7) asks for the right to read it, of who waits for a socket there. */
static int make_directory(struct sbx_direct *direct)
{
	struct stat about;

	if (flock(direct->parent, LOCK_SH) < 0 ||
	    mkdirat(direct->parent, direct->name, 0700) < 0)
		return -1;
	direct->dir = openat(direct->parent, direct->name,
			     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (direct->dir < 0 || flock(direct->dir, LOCK_EX | LOCK_NB) < 0 ||
	    fchmod(direct->dir, direct->is_session ? 0755 : 0711) < 0 ||
	    fstat(direct->dir, &about) < 0)
		return -1;
	direct->host_path.dev = about.st_dev;
	direct->host_path.ino = about.st_ino;
	return flock(direct->parent, LOCK_UN);
}

/* By its descriptor the path is short enough, wherever the directory is. */
static int make_socket(struct sbx_direct *direct)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	unlinkat(direct->dir, UNREADY, 0);
	snprintf(address.sun_path, sizeof(address.sun_path),
		 "/proc/self/fd/%d/" UNREADY, direct->dir);
	direct->listener =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (direct->listener < 0 ||
	    bind(direct->listener, (struct sockaddr *)&address,
		 sizeof(address)) < 0 ||
	    fchmodat(direct->dir, UNREADY, 0666, 0) < 0 ||
	    listen(direct->listener, 1) < 0)
		return -1;
	return renameat(direct->dir, UNREADY, direct->dir, SBX_DIRECT_SOCKET);
}

static struct sbx_direct *new_direct(bool is_session)
{
	struct sbx_direct *direct = sbx_calloc(1, sizeof(*direct));

	direct->is_session = is_session;
	direct->parent = -1;
	direct->dir = -1;
	direct->listener = -1;
	return direct;
}

static int make(struct sbx_direct **out, bool is_session, struct sbx_error *err)
{
	cleanup_direct struct sbx_direct *direct = new_direct(is_session);
	cleanup_free char *path = NULL;

	direct->parent =
		open_parent(is_session ? SESSIONS : PARENT, &path, err);
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

static void close_direct(struct sbx_direct *direct)
{
	sbx_close(&direct->listener);
	sbx_close(&direct->dir);
	sbx_close(&direct->parent);
	free(direct->path);
	free(direct);
}

int sbx_direct_new(struct sbx_direct **out, struct sbx_error *err)
{
	sbx_direct_sweep();
	return make(out, false, err);
}

void sbx_direct_free(struct sbx_direct **slot)
{
	struct sbx_direct *direct = *slot;

	if (!direct)
		return;
	*slot = NULL;
	sbx_direct_settle(direct);
	if (direct->dir >= 0)
		remove_directory(direct->parent, direct->name, direct->dir);
	close_direct(direct);
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

/* --- of sessions ------------------------------------------------------------ */

/* It comes from a label: nobody else's is a path that leads elsewhere. */
static bool is_name(const char *name)
{
	return strlen(name) == NAME_SIZE - 1 &&
	       strspn(name, "0123456789abcdef") == NAME_SIZE - 1;
}

int sbx_direct_new_session(struct sbx_direct **out, struct sbx_error *err)
{
	return make(out, true, err);
}

static int lock_session(int dir, double ms, int cancel_fd,
			struct sbx_error *err)
{
	int result = sbx_lock_wait(dir, "the session", ms, cancel_fd, err);

	if (result != SBX_LOCK_BUSY)
		return result;
	return sbx_error_set(err, SBX_OUTCOME_BUSY,
			     "another process has the session; try again when "
			     "it is done");
}

int sbx_direct_open(struct sbx_direct **out, const char *name, double ms,
		    int cancel_fd, struct sbx_error *err)
{
	struct sbx_direct *direct = new_direct(true);
	cleanup_free char *path = NULL;
	int result;

	snprintf(direct->name, sizeof(direct->name), "%s", name);
	direct->parent = open_parent(SESSIONS, &path, err);
	if (direct->parent >= 0 && is_name(name))
		direct->dir =
			openat(direct->parent, direct->name,
			       O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (direct->parent >= 0 && direct->dir < 0)
		sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
			      "there is no %s/%s: the session was made on "
			      "another machine, or by another user",
			      path, direct->name);
	result = direct->dir < 0
			 ? -1
			 : lock_session(direct->dir, ms, cancel_fd, err);
	if (result < 0) {
		close_direct(direct);
		return -1;
	}
	direct->path = sbx_asprintf("%s/%s", path, direct->name);
	*out = direct;
	return 0;
}

int sbx_direct_listen(struct sbx_direct *direct, struct sbx_error *err)
{
	sbx_direct_settle(direct);
	if (make_socket(direct) == 0)
		return 0;
	return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
			       "cannot make a socket in %s", direct->path);
}

void sbx_direct_settle(struct sbx_direct *direct)
{
	sbx_close(&direct->listener);
	if (direct->dir >= 0)
		unlinkat(direct->dir, SBX_DIRECT_SOCKET, 0);
}

void sbx_direct_leave(struct sbx_direct **direct)
{
	if (*direct) {
		sbx_direct_settle(*direct);
		close_direct(*direct);
	}
	*direct = NULL;
}

const char *sbx_direct_name(const struct sbx_direct *direct)
{
	return direct->name;
}

int sbx_direct_set_note(const char *name, const char *note, const char *text,
			struct sbx_error *err)
{
	cleanup_free char *path = NULL;
	cleanup_fd int parent = open_parent(SESSIONS, &path, err);
	cleanup_fd int fd = -1;
	char file[NAME_MAX];

	if (parent < 0)
		return -1;
	if (!is_name(name))
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL,
				     "that is no session's directory");
	remove_note(parent, name, note);
	if (!text)
		return 0;
	snprintf(file, sizeof(file), "%s.%s", name, note);
	fd = openat(parent, file,
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0 || sbx_fd_write_all(fd, text, strlen(text)) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot write %s/%s", path, file);
	return 0;
}

static int read_note(const char *name, const char *note, bool take,
		     struct sbx_buf *out)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_free char *path = NULL;
	cleanup_fd int parent = open_parent(SESSIONS, &path, &ignored);
	cleanup_fd int fd = -1;
	char file[NAME_MAX];

	snprintf(file, sizeof(file), "%s.%s", name, note);
	if (parent >= 0 && is_name(name))
		fd = openat(parent, file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || (take && remove_note(parent, name, note) < 0))
		return -1;
	return sbx_fd_read_all(fd, out, &ignored);
}

int sbx_direct_get_note(const char *name, const char *note, struct sbx_buf *out)
{
	return read_note(name, note, false, out);
}

int sbx_direct_take_note(const char *name, const char *note,
			 struct sbx_buf *out)
{
	return read_note(name, note, true, out);
}

static bool is_older(int parent, const char *name, long seconds)
{
	struct stat about;

	return fstatat(parent, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(about.st_mode) && time(NULL) - about.st_mtime >= seconds;
}

void sbx_direct_list_sessions(long seconds, struct sbx_strv *names)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_free char *path = NULL;
	int parent = open_parent(SESSIONS, &path, &ignored);
	const struct dirent *entry;
	DIR *list = parent < 0 ? NULL : fdopendir(parent);

	if (!list) {
		sbx_close(&parent);
		return;
	}
	while ((entry = readdir(list))) {
		if (entry->d_name[0] != '.' &&
		    is_older(dirfd(list), entry->d_name, seconds))
			sbx_strv_push(names, entry->d_name);
	}
	closedir(list);
}

void sbx_direct_remove(const char *name)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_free char *path = NULL;
	cleanup_fd int parent = open_parent(SESSIONS, &path, &ignored);

	if (parent >= 0 && is_name(name))
		remove_if_left(parent, name);
}
