/* SPDX-License-Identifier: MIT */
/*
 * The tree is an attacker's, and may change while it is read: nothing is
 * reached by a path of more than one component, no link is followed below what
 * was asked for, and nothing is opened that is not a file or a directory.  Each
 * directory on the way keeps its descriptor and what was read of it, so that
 * none is read twice, however many there are in it.
 */
#include "init/copy_out.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "init/copy.h"
#include "init/cpio.h"
#include "init/dir_entry.h"
#include "init/state.h"
#include "init/text.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define REGULAR	  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/*
 * A directory that is being read.
 *
 * @end		of its name in @name
 * @at, @size	what has been read of it, in @entries
 */
struct level {
	int fd;
	uint32_t end;
	dev_t dev;
	long at;
	long size;
	char entries[4096] __attribute__((aligned(8)));
};

static struct level levels[SBX_CPIO_DEPTH_MAX];
static uint32_t depth;

/* The present entry's, and whether something is missing so far. */
static char name[SBX_CPIO_NAME_MAX + 1];
static bool is_incomplete;

/* --- the archive ----------------------------------------------------------- */

static char output[64 * 1024];
static uint32_t filled;

/* -1 when nobody will ever read it. */
static int flush(void)
{
	uint32_t done = 0;

	while (done < filled) {
		ssize_t some =
			write(STDOUT_FILENO, output + done, filled - done);

		if (some < 0 && errno == EINTR)
			continue;
		if (some < 0) {
			sbx_copy_say("the archive", "cannot be written", errno);
			return -1;
		}
		done += (uint32_t)some;
	}
	filled = 0;
	return 0;
}

static int put_bytes(const char *data, uint32_t size)
{
	while (size > 0) {
		uint32_t n = sizeof(output) - filled;

		if (n > size)
			n = size;
		memcpy(output + filled, data, n);
		filled += n;
		data += n;
		size -= n;
		if (filled == sizeof(output) && flush() < 0)
			return -1;
	}
	return 0;
}

static int put_padding(uint32_t size)
{
	return put_bytes("\0\0\0", sbx_cpio_padding(size));
}

/* @size bytes of data have to follow, and their padding. */
static int put_header(const char *called, uint32_t mode, int64_t mtime,
		      uint32_t size)
{
	char header[SBX_CPIO_HEADER_SIZE];
	uint32_t name_size = (uint32_t)strlen(called) + 1;
	const struct sbx_cpio entry = {
		.mode = (mode & S_IFMT) | (mode & 0777),
		.mtime = sbx_cpio_time(mtime),
		.size = size,
		.name_size = name_size,
	};

	sbx_cpio_put(header, &entry);
	if (put_bytes(header, sizeof(header)) < 0 ||
	    put_bytes(called, name_size) < 0)
		return -1;
	return put_padding(sizeof(header) + name_size);
}

/* --- files ----------------------------------------------------------------- */

/* On purpose: that is no failure. */
static int leave_out(const char *what)
{
	char data[64];
	struct sbx_text text = { .data = data, .size = sizeof(data) - 1 };

	sbx_text_puts(&text, "left out: ");
	sbx_text_puts(&text, what);
	data[text.len] = '\0';
	sbx_copy_say(name, data, 0);
	return 0;
}

/* It should have been there. */
static int miss(const char *what, int errnum)
{
	is_incomplete = true;
	sbx_copy_say(name, what, errnum);
	return 0;
}

/* Some of @fd, at most @left bytes; zeros where there is no more. */
static uint32_t read_some(int fd, uint32_t left, bool *is_short)
{
	uint32_t n = sizeof(output) - filled;
	ssize_t got = 0;

	if (n > left)
		n = left;
	while (!*is_short) {
		got = read(fd, output + filled, n);
		if (got > 0)
			return (uint32_t)got;
		if (got < 0 && errno == EINTR)
			continue;
		miss(got < 0 ? "cannot be read, zeros are in its place"
			     : "became shorter, zeros are in place of the rest",
		     got < 0 ? errno : 0);
		*is_short = true;
	}
	memset(output + filled, 0, n);
	return n;
}

static int put_contents(int fd, uint32_t size)
{
	uint32_t left = size;
	bool is_short = false;
	char byte;

	while (left > 0) {
		uint32_t got = read_some(fd, left, &is_short);

		filled += got;
		left -= got;
		if (filled == sizeof(output) && flush() < 0)
			return -1;
	}
	if (!is_short && read(fd, &byte, 1) == 1)
		sbx_copy_say(name, "became longer, the rest is left out", 0);
	return put_padding(size);
}

static int put_open_file(int fd)
{
	struct stat about;

	if (fstat(fd, &about) < 0)
		return miss("cannot be examined", errno);
	if (!S_ISREG(about.st_mode))
		return miss("was exchanged for something else", 0);
	if (about.st_size > (off_t)SBX_CPIO_FILE_MAX)
		return miss("is larger than 4 GiB, the most that can be copied",
			    0);
	if (put_header(name, about.st_mode, about.st_mtime,
		       (uint32_t)about.st_size) < 0)
		return -1;
	return put_contents(fd, (uint32_t)about.st_size);
}

static int put_file(int dir, const char *last)
{
	int fd = openat(dir, last, REGULAR);
	int result;

	if (fd < 0)
		return miss("cannot be opened", errno);
	result = put_open_file(fd);
	sbx_close(&fd);
	return result;
}

static int put_link(int dir, const char *last, const struct stat *about)
{
	char target[PATH_MAX];
	ssize_t size = readlinkat(dir, last, target, sizeof(target) - 1);

	if (size <= 0)
		return miss("cannot be read", errno);
	target[size] = '\0';
	if (!sbx_cpio_link_stays(name, target))
		return leave_out("a link that leads out of the tree");
	if (put_header(name, about->st_mode, about->st_mtime, (uint32_t)size) <
		    0 ||
	    put_bytes(target, (uint32_t)size) < 0)
		return -1;
	return put_padding((uint32_t)size);
}

/* --- directories ----------------------------------------------------------- */

/* What the kernel makes up is no file of anybody's. */
static bool is_kernels(int fd)
{
	struct statfs fs;

	return fstatfs(fd, &fs) == 0 &&
	       (fs.f_type == PROC_SUPER_MAGIC || fs.f_type == SYSFS_MAGIC);
}

/* One level more; @fd is taken. */
static int enter(int fd)
{
	struct level *level = &levels[depth];
	struct stat about;

	if (fstat(fd, &about) < 0) {
		miss("cannot be examined", errno);
	} else if (depth > 0 && about.st_dev != level[-1].dev &&
		   is_kernels(fd)) {
		leave_out("a file system of the kernel's own");
	} else {
		depth++;
		level->fd = fd;
		level->end = (uint32_t)strlen(name);
		level->dev = about.st_dev;
		level->at = level->size = 0;
		return put_header(name, about.st_mode, about.st_mtime, 0);
	}
	sbx_close(&fd);
	return 0;
}

static int put_directory(int dir, const char *last)
{
	int fd;

	if (depth == SBX_CPIO_DEPTH_MAX)
		return miss("is in too many directories", 0);
	fd = openat(dir, last, DIRECTORY);
	if (fd < 0)
		return miss("cannot be opened", errno);
	return enter(fd);
}

/* The name goes behind that of the last level. */
static bool append(const char *last)
{
	uint32_t end = levels[depth - 1].end;
	size_t size = strlen(last);

	if (size > sizeof(name) - 2 - end)
		size = sizeof(name) - 2 - end;
	name[end] = '/';
	memcpy(name + end + 1, last, size);
	name[end + 1 + size] = '\0';
	return last[size] == '\0' &&
	       sbx_cpio_is_name(name, end + 1 + (uint32_t)size);
}

static int put_entry(int dir, const char *last)
{
	struct stat about;

	if (!append(last))
		return miss("left out: its name cannot be sent", 0);
	if (fstatat(dir, last, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : miss("cannot be examined", errno);
	switch (about.st_mode & S_IFMT) {
	case S_IFREG:
		return put_file(dir, last);
	case S_IFDIR:
		return put_directory(dir, last);
	case S_IFLNK:
		return put_link(dir, last, &about);
	default:
		return leave_out(sbx_copy_type_name(about.st_mode));
	}
}

/* The next entry of the last level, or some more of them, or back. */
static int step(void)
{
	struct level *level = &levels[depth - 1];

	if (level->at < level->size) {
		const struct dir_entry *entry =
			(const struct dir_entry *)(level->entries + level->at);

		level->at += entry->size;
		if (strcmp(entry->name, ".") == 0 ||
		    strcmp(entry->name, "..") == 0)
			return 0;
		return put_entry(level->fd, entry->name);
	}
	level->at = 0;
	level->size = syscall(SYS_getdents64, level->fd, level->entries,
			      sizeof(level->entries));
	if (level->size > 0)
		return 0;
	name[level->end] = '\0';
	if (level->size < 0)
		miss("cannot be read", errno);
	sbx_close(&level->fd);
	depth--;
	return 0;
}

/* --- what was asked for ---------------------------------------------------- */

/* The last component of @path, or "."; false when it cannot be sent. */
static bool take_name(const char *path)
{
	size_t end = strlen(path);
	size_t begin;

	while (end > 1 && path[end - 1] == '/')
		end--;
	begin = end;
	while (begin > 0 && path[begin - 1] != '/')
		begin--;
	if (end - begin > SBX_WIRE_COMPONENT_MAX)
		return false;
	memcpy(name, path + begin, end - begin);
	name[end - begin] = '\0';
	if (!sbx_wire_is_component(name, (uint32_t)(end - begin)))
		memcpy(name, ".", sizeof("."));
	return sbx_cpio_is_name(name, (uint32_t)strlen(name));
}

static int begin(const char *path)
{
	struct stat about;
	int fd, result;

	if (!take_name(path)) {
		sbx_copy_say(path, "its name cannot be sent", 0);
		return -1;
	}
	if (stat(path, &about) < 0) {
		sbx_copy_say(path, "cannot be examined", errno);
		return -1;
	}
	if (!S_ISREG(about.st_mode) && !S_ISDIR(about.st_mode)) {
		sbx_copy_say(path, sbx_copy_type_name(about.st_mode), 0);
		return -1;
	}
	fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		sbx_copy_say(path, "cannot be opened", errno);
		return -1;
	}
	if (S_ISDIR(about.st_mode))
		return enter(fd);
	result = put_open_file(fd);
	sbx_close(&fd);
	return result;
}

int sbx_copy_out(const char *path)
{
	int result;

	depth = 0;
	filled = 0;
	is_incomplete = false;
	result = begin(path);
	while (result == 0 && depth > 0)
		result = step();
	if (result == 0)
		result = put_header(SBX_CPIO_TRAILER, 0, 0, 0);
	if (result == 0)
		result = flush();
	while (depth > 0)
		sbx_close(&levels[--depth].fd);
	sbx_copy_say_rest();
	return result < 0 || is_incomplete ? SBX_COPY_FAILED : SBX_COPY_DONE;
}
