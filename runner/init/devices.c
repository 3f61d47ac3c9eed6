/* SPDX-License-Identifier: MIT */
/*
 * What is in /dev is the engine's doing, not the image's: the runtime mounts a
 * tmpfs there.  It is looked through all the same to any depth that makes
 * sense, without following a link.
 */
#include "init/devices.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "init/dir_entry.h"

#define ROOT	   "/dev"
#define LEVELS_MAX 8

/*
 * A directory that is being looked through.
 *
 * @len		of its path
 * @at, @size	in @entries
 */
static struct level {
	int fd;
	uint32_t len;
	long at;
	long size;
	_Alignas(8) char entries[2048];
} levels[LEVELS_MAX];

static char path[PATH_MAX];
static dev_t root_dev;

/* --- lines ----------------------------------------------------------------- */

static bool is_plain(char byte)
{
	return byte > ' ' && byte < 0x7f && byte != '\\';
}

/* Other bytes as \ooo, as the kernel has it in mountinfo. */
static void add_path(struct sbx_text *text)
{
	for (const char *at = path; *at; at++) {
		unsigned char byte = (unsigned char)*at;

		if (is_plain(*at)) {
			sbx_text_add(text, at, 1);
			continue;
		}
		sbx_text_puts(text, "\\");
		sbx_text_number(text, byte / 64, 8);
		sbx_text_number(text, byte / 8 % 8, 8);
		sbx_text_number(text, byte % 8, 8);
	}
	sbx_text_puts(text, "\n");
}

static void add_failed(struct sbx_text *text, int error)
{
	sbx_text_puts(text, "- ");
	sbx_text_number(text, (uint64_t)error, 10);
	sbx_text_puts(text, " ");
	add_path(text);
}

static const char *type_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFBLK:
		return " b ";
	case S_IFCHR:
		return " c ";
	case S_IFIFO:
		return " p ";
	case S_IFSOCK:
		return " s ";
	default:
		return " f ";
	}
}

static void add_node(struct sbx_text *text, const struct stat *st)
{
	sbx_text_number(text, major(st->st_rdev), 10);
	sbx_text_puts(text, " ");
	sbx_text_number(text, minor(st->st_rdev), 10);
	sbx_text_puts(text, type_of(st->st_mode));
	sbx_text_number(text, st->st_mode & 07777, 8);
	sbx_text_puts(text, " ");
	add_path(text);
}

/* --- looking through ------------------------------------------------------- */

/* Mounts of their own, of which mountinfo tells. */
static bool is_mount_of_its_own(const struct stat *st)
{
	return st->st_dev != root_dev && (strcmp(path, ROOT "/pts") == 0 ||
					  strcmp(path, ROOT "/shm") == 0 ||
					  strcmp(path, ROOT "/mqueue") == 0);
}

/* 0, or the errno. */
static int enter(int level)
{
	struct level *new = &levels[level];

	if (level == LEVELS_MAX)
		return ELOOP;
	new->fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (new->fd < 0)
		return errno;
	new->len = (uint32_t)strlen(path);
	new->at = 0;
	new->size = 0;
	return 0;
}

/* The next entry's name; NULL at the end, and when that fails. */
static const char *next_name(struct sbx_text *text, struct level *level)
{
	struct dir_entry *entry;

	if (level->at >= level->size) {
		level->at = 0;
		level->size = syscall(SYS_getdents64, level->fd, level->entries,
				      sizeof(level->entries));
		if (level->size < 0)
			add_failed(text, errno);
		if (level->size <= 0)
			return NULL;
	}
	entry = (struct dir_entry *)(level->entries + level->at);
	level->at += entry->size;
	return entry->name;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* @path becomes that of an entry; false when it has no room. */
static bool set_path(const struct level *level, const char *name)
{
	size_t size = strlen(name) + 1;

	if (level->len + 1 + size > sizeof(path))
		return false;
	path[level->len] = '/';
	memcpy(path + level->len + 1, name, size);
	return true;
}

/* True for a directory that has been entered. */
static bool look_at(struct sbx_text *text, int depth)
{
	struct stat st;
	int error = 0;

	if (fstatat(AT_FDCWD, path, &st,
		    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0) {
		add_failed(text, errno);
		return false;
	}
	if (S_ISLNK(st.st_mode) ||
	    (S_ISDIR(st.st_mode) && is_mount_of_its_own(&st)))
		return false;
	if (!S_ISDIR(st.st_mode)) {
		add_node(text, &st);
		return false;
	}
	error = enter(depth + 1);
	if (error)
		add_failed(text, error);
	return error == 0;
}

/* One step in the directory at @depth; the depth of the next. */
static int step(struct sbx_text *text, int depth)
{
	struct level *level = &levels[depth];
	const char *name;

	path[level->len] = '\0';
	name = next_name(text, level);
	if (!name) {
		close(level->fd);
		return depth - 1;
	}
	if (is_dots(name))
		return depth;
	if (!set_path(level, name)) {
		add_failed(text, ENAMETOOLONG);
		return depth;
	}
	return look_at(text, depth) ? depth + 1 : depth;
}

void sbx_devices_add(struct sbx_text *text)
{
	struct stat st;
	int depth = 0;
	int error;

	memcpy(path, ROOT, sizeof(ROOT));
	error = stat(path, &st) < 0 ? errno : enter(0);
	if (error) {
		add_failed(text, error);
		return;
	}
	root_dev = st.st_dev;
	while (depth >= 0 && !text->full)
		depth = step(text, depth);
	while (depth >= 0)
		close(levels[depth--].fd);
}
