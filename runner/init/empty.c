/* SPDX-License-Identifier: MIT */
/*
 * Emptying a tmpfs with nobody else there.  The files are an attacker's: of any
 * number, nested as deep as it likes, of any mode.  So nothing is reached by a
 * path of more than one component, and nothing is done by recursion: what is
 * no empty directory in a directory of the root is moved up to the root, and
 * its turn comes, so that two descriptors do.
 */
#include "init/empty.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <linux/fs.h>
#include <linux/magic.h>

#include "init/dir_entry.h"
#include "init/state.h"
#include "init/text.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* The action may have files of the names that are for what is moved. */
#define NAME_TRIES 64

/*
 * @root	of the tmpfs
 * @budget	files that may still be removed
 * @moved	number of the next directory that is moved
 */
static struct {
	int root;
	uint32_t *budget;
	int64_t until;
	uint64_t moved;
} work;

/* Of the root, and of the one directory in it that is being emptied. */
static char root_entries[16 * 1024];
static char entries[16 * 1024];

static bool is_dots(const char *name)
{
	return name[0] == '.' &&
	       (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'));
}

static bool may_go_on(void)
{
	if (*work.budget == 0)
		return false;
	(*work.budget)--;
	return *work.budget % 256 != 0 || sbx_now() < work.until;
}

/* 0; 1 for a directory that is not empty; -1. */
static int remove_one(int dir, const char *name)
{
	if (unlinkat(dir, name, 0) == 0)
		return 0;
	if (errno != EISDIR)
		return -1;
	if (unlinkat(dir, name, AT_REMOVEDIR) == 0)
		return 0;
	return errno == ENOTEMPTY ? 1 : -1;
}

static int move_up(int dir, const char *name)
{
	char moved[32];

	/* It gets another "..", which takes the right to write it. */
	if (fchmodat(dir, name, 0700, 0) < 0)
		return -1;
	for (int i = 0; i < NAME_TRIES; i++) {
		struct sbx_text text = { .data = moved,
					 .size = sizeof(moved) - 1 };

		sbx_text_number(&text, work.moved++, 10);
		moved[text.len] = '\0';
		if (syscall(SYS_renameat2, dir, name, work.root, moved,
			    RENAME_NOREPLACE) == 0)
			return 0;
		if (errno != EEXIST)
			return -1;
	}
	return -1;
}

/*
 * Each entry of @dir, from its beginning: 1 when there was any, 0, or -1.
 * What is removed may hide what is behind it: again, until nothing is there.
 */
static int pass(int dir, char *space, int (*each)(int dir, const char *name))
{
	int found = 0;
	long size;

	if (lseek(dir, 0, SEEK_SET) < 0)
		return -1;
	while ((size = syscall(SYS_getdents64, dir, space, sizeof(entries))) >
	       0) {
		for (long at = 0; at < size;) {
			struct dir_entry *entry =
				(struct dir_entry *)(space + at);

			at += entry->size;
			if (is_dots(entry->name))
				continue;
			found = 1;
			if (!may_go_on() || each(dir, entry->name) < 0)
				return -1;
		}
	}
	return size < 0 ? -1 : found;
}

static int remove_or_move(int dir, const char *name)
{
	int result = remove_one(dir, name);

	return result > 0 ? move_up(dir, name) : result;
}

static int remove_tree(int root, const char *name)
{
	int result = remove_one(root, name);
	int dir;

	if (result <= 0)
		return result;
	if (fchmodat(root, name, 0700, 0) < 0)
		return -1;
	dir = openat(root, name, DIRECTORY);
	if (dir < 0)
		return -1;
	do
		result = pass(dir, entries, remove_or_move);
	while (result > 0);
	close(dir);
	return result < 0 ? -1 : unlinkat(root, name, AT_REMOVEDIR);
}

int sbx_empty_remove(int root, uint32_t *budget, int64_t until)
{
	int result;

	work.root = root;
	work.budget = budget;
	work.until = until;
	do
		result = pass(root, root_entries, remove_tree);
	while (result > 0);
	return result;
}

/* --- what it is like ------------------------------------------------------- */

static int flags_of(int fd)
{
	int flags;

	return ioctl(fd, FS_IOC_GETFLAGS, &flags) < 0 ? -1 : flags;
}

static const char *note(struct sbx_empty *empty, int fd)
{
	if (fstat(fd, &empty->root) < 0 || fstatfs(fd, &empty->space) < 0 ||
	    empty->space.f_type != TMPFS_MAGIC)
		return "a tmpfs cannot be examined";
	empty->flags = flags_of(fd);
	empty->xattrs_size =
		flistxattr(fd, empty->xattrs, sizeof(empty->xattrs));
	if (empty->xattrs_size < 0 && errno != EOPNOTSUPP)
		return "a tmpfs with too many attributes";
	return NULL;
}

const char *sbx_empty_note(struct sbx_empty *empty, const char *path)
{
	int fd = open(path, DIRECTORY);
	const char *why;

	if (fd < 0)
		return "a tmpfs cannot be opened";
	empty->path = path;
	why = note(empty, fd);
	close(fd);
	return why;
}

static bool same_xattrs(const struct sbx_empty *a, const struct sbx_empty *b)
{
	return a->xattrs_size == b->xattrs_size &&
	       (a->xattrs_size <= 0 ||
		memcmp(a->xattrs, b->xattrs, (size_t)a->xattrs_size) == 0);
}

/* Space that is missing belongs to something that cannot be seen. */
static const char *compare(const struct sbx_empty *was,
			   const struct sbx_empty *is)
{
	if (is->root.st_dev != was->root.st_dev ||
	    is->root.st_ino != was->root.st_ino)
		return "another tmpfs";
	if (is->root.st_mode != was->root.st_mode ||
	    is->root.st_uid != was->root.st_uid ||
	    is->root.st_gid != was->root.st_gid)
		return "the mode or owner of a tmpfs";
	if (is->root.st_nlink != was->root.st_nlink ||
	    is->root.st_size != was->root.st_size)
		return "a file in a tmpfs";
	if (is->flags != was->flags || !same_xattrs(was, is))
		return "attributes of a tmpfs";
	if (is->space.f_bfree != was->space.f_bfree ||
	    is->space.f_ffree != was->space.f_ffree)
		return "the space of a tmpfs";
	return NULL;
}

/*
 * Modes and times are as good a message as a file.  What is root's (Podman's
 * tmpfs are) has no times that we could choose: then they are those of now, and
 * say no more than that it was emptied.
 */
static int restore(const struct sbx_empty *empty, int fd)
{
	const struct timespec times[] = { empty->root.st_atim,
					  empty->root.st_mtim };

	if (fchmod(fd, empty->root.st_mode & 07777) < 0 && errno != EPERM)
		return -1;
	if (futimens(fd, times) == 0)
		return 0;
	return errno == EPERM ? futimens(fd, NULL) : -1;
}

const char *sbx_empty(const struct sbx_empty *empty, uint32_t *budget,
		      int64_t until)
{
	struct sbx_empty now = { .path = empty->path };
	const char *why = "a tmpfs cannot be emptied";
	int fd;

	/* It may have been locked; where it is not ours it cannot be. */
	(void)!chmod(empty->path, empty->root.st_mode & 07777);
	fd = open(empty->path, DIRECTORY);
	if (fd < 0)
		return why;
	if (sbx_empty_remove(fd, budget, until) == 0 &&
	    restore(empty, fd) == 0) {
		why = note(&now, fd);
		if (!why)
			why = compare(empty, &now);
	}
	close(fd);
	return why;
}
