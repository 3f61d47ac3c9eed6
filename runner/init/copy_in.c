/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's programs may be at work in the same directories, so nothing is
 * reached by a path of more than one component: each directory between the
 * target and the entry that is next is held open, and none was entered through
 * a link.  All that somebody can gain who exchanges them meanwhile it could do
 * itself, for this process is the same user, in the same sandbox.
 *
 * A directory gets its mode and time when the first entry comes that is not in
 * it, when it has what it is to have.
 */
#include "init/copy_in.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/copy.h"
#include "init/cpio.h"
#include "init/state.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define NEW_FILE  (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

/* As many as the kernel follows in a path. */
#define LINKS_MAX 40

/*
 * A directory that is held.
 *
 * @end		of its name in @where
 * @is_new	made here, so that it gets @mode and @mtime
 */
struct level {
	int fd;
	uint32_t end;
	bool is_new;
	uint32_t mode;
	int64_t mtime;
};

/* The target first, @depth is the index of the last. */
static struct level levels[SBX_CPIO_DEPTH_MAX + 1];
static uint32_t depth;

/*
 * @raw		the entry's name as it came
 * @name	below the target, "" for that itself
 * @where	name of the directory that is held last
 * @root	the first component of all @raw, when they have another in @name
 */
static char raw[SBX_CPIO_NAME_MAX + 1];
static char name[SBX_WIRE_COMPONENT_MAX + SBX_CPIO_NAME_MAX + 1];
static char where[sizeof(name)];
static char root[SBX_WIRE_COMPONENT_MAX + 1];

/*
 * @target	the target's path, its links resolved as far as need be
 * @called	its last component, in @target, where that is not there yet
 * @is_directory	its path says so
 */
static char target[PATH_MAX];
static const char *called;
static bool is_directory;

static char link_target[PATH_MAX];

/* --- the archive ----------------------------------------------------------- */

static char input[64 * 1024];
static uint32_t input_begin;
static uint32_t input_end;

static int complain(const char *path, const char *what, int errnum)
{
	sbx_copy_say(path, what, errnum);
	return -1;
}

/* Some more input; false where there is none. */
static bool fill(void)
{
	ssize_t got;

	do
		got = read(STDIN_FILENO, input, sizeof(input));
	while (got < 0 && errno == EINTR);
	input_begin = 0;
	input_end = got > 0 ? (uint32_t)got : 0;
	return got > 0;
}

/* At most @size of the bytes that come next; 0 where there are none. */
static uint32_t take_some(const char **data, uint32_t size)
{
	uint32_t n;

	if (input_begin == input_end && !fill())
		return 0;
	n = input_end - input_begin;
	if (n > size)
		n = size;
	*data = input + input_begin;
	input_begin += n;
	return n;
}

/* Exactly @size bytes, to @to unless that is NULL. */
static int take(char *to, uint32_t size)
{
	while (size > 0) {
		const char *data;
		uint32_t n = take_some(&data, size);

		if (n == 0)
			return complain("the archive", "ends too early", 0);
		if (to) {
			memcpy(to, data, n);
			to += n;
		}
		size -= n;
	}
	return 0;
}

/* The next entry's header and name: 1, 0 at the end, or -1. */
static int take_entry(struct sbx_cpio *entry)
{
	char header[SBX_CPIO_HEADER_SIZE];
	uint32_t size;

	if (take(header, sizeof(header)) < 0)
		return -1;
	if (!sbx_cpio_get(entry, header))
		return complain("the archive", "is none, or damaged", 0);
	size = entry->name_size;
	if (size < 2 || size > sizeof(raw))
		return complain("the archive", "has a name of no possible size",
				0);
	if (take(raw, size) < 0 ||
	    take(NULL, sbx_cpio_padding(sizeof(header) + size)) < 0)
		return -1;
	if (memchr(raw, '\0', size) != raw + size - 1)
		return complain("the archive", "has a name that does not end",
				0);
	if (strcmp(raw, SBX_CPIO_TRAILER) == 0)
		return 0;
	if (!sbx_cpio_is_name(raw, size - 1))
		return complain(raw, "can be no file's name", 0);
	return 1;
}

/* --- the target ------------------------------------------------------------ */

/* Takes the last component off @target; false when that is none. */
static bool split(const char **dir)
{
	size_t size = strlen(target);
	char *slash;

	while (size > 1 && target[size - 1] == '/') {
		target[--size] = '\0';
		is_directory = true;
	}
	slash = strrchr(target, '/');
	called = slash ? slash + 1 : target;
	*dir = !slash ? "." : slash == target ? "/" : target;
	if (!sbx_wire_is_component(called, (uint32_t)strlen(called)))
		return false;
	if (slash)
		*slash = '\0';
	return true;
}

/* A link's target in place of the link, which is in @dir. */
static bool follow(const char *dir)
{
	size_t length = strlen(link_target);
	size_t size = 0;

	if (link_target[0] != '/' && strcmp(dir, ".") != 0) {
		size = dir == target ? strlen(target) : 0;
		target[size++] = '/';
	}
	if (size + length >= sizeof(target))
		return false;
	memcpy(target + size, link_target, length + 1);
	return true;
}

/*
 * Holds the directory that the target is to be in.  A link at its end is
 * followed, as everywhere in its path, even if it leads nowhere yet.
 */
static int open_parent(const char *path)
{
	const char *dir;

	for (int i = 0; i < LINKS_MAX; i++) {
		ssize_t size;

		if (!split(&dir))
			return complain(path, "is not there", 0);
		levels[0].fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (levels[0].fd < 0)
			return complain(path, "is in no directory", errno);
		size = readlinkat(levels[0].fd, called, link_target,
				  sizeof(link_target) - 1);
		if (size < 0)
			return 0;
		sbx_close(&levels[0].fd);
		link_target[size] = '\0';
		if (!follow(dir))
			return complain(path, "cannot be opened", ENAMETOOLONG);
	}
	return complain(path, "cannot be opened", ELOOP);
}

static int open_target(const char *path)
{
	size_t size = strlen(path) + 1;

	if (size == 1 || size > sizeof(target))
		return complain(path, "can be no path", 0);
	memcpy(target, path, size);
	called = NULL;
	is_directory = false;
	levels[0] = (struct level){
		.fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC),
	};
	if (levels[0].fd >= 0)
		return 0;
	if (errno != ENOENT && errno != ENOTDIR)
		return complain(path, "cannot be opened", errno);
	return open_parent(path);
}

/* --- directories ----------------------------------------------------------- */

/* What was made and written gets its mode, and its time unless that is -1. */
static int settle(int fd, uint32_t mode, int64_t mtime)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = mtime } };

	if (fchmod(fd, mode & 0777) < 0)
		return -1;
	return mtime < 0 ? 0 : futimens(fd, times);
}

static int leave(void)
{
	struct level *level = &levels[depth];
	int result = 0;

	if (level->is_new)
		result = settle(level->fd, level->mode, level->mtime);
	where[level->end] = '\0';
	if (result < 0)
		complain(where, "mode and time cannot be set", errno);
	sbx_close(&level->fd);
	depth--;
	return result;
}

/* Whether the first @size bytes of @name are the last level, or in it. */
static bool is_inside(uint32_t size)
{
	uint32_t end = levels[depth].end;

	return depth == 0 || (end <= size && memcmp(where, name, end) == 0 &&
			      (end == size || name[end] == '/'));
}

/* One level more: @component, which ends at @end of @name. */
static int enter(const char *component, uint32_t end)
{
	int dir = levels[depth].fd;
	struct level next = { .end = end, .mode = 0755, .mtime = -1 };

	if (depth == SBX_CPIO_DEPTH_MAX)
		return complain(raw, "is in too many directories", 0);
	next.is_new = mkdirat(dir, component, 0700) == 0;
	if (!next.is_new && errno != EEXIST)
		return complain(raw, "no directory can be made", errno);
	next.fd = openat(dir, component, DIRECTORY);
	if (next.fd < 0)
		return complain(raw,
				errno == ENOTDIR
					? "a link or a file is in the way"
					: "a directory cannot be opened",
				errno);
	levels[++depth] = next;
	memcpy(where, name, end);
	return 0;
}

/* Holds the directory that the first @size bytes of @name are, and no more. */
static int go_to(uint32_t size)
{
	while (!is_inside(size)) {
		if (leave() < 0)
			return -1;
	}
	while (levels[depth].end < size) {
		uint32_t begin = levels[depth].end + (depth > 0);
		uint32_t end = begin;
		char behind;
		int result;

		while (end < size && name[end] != '/')
			end++;
		behind = name[end];
		name[end] = '\0';
		result = enter(name + begin, end);
		name[end] = behind;
		if (result < 0)
			return -1;
	}
	return 0;
}

/* --- entries --------------------------------------------------------------- */

/*
 * The entry's name below the target.  With another name for the root there
 * can be only one.
 */
static int place(void)
{
	size_t size = strcspn(raw, "/");
	const char *rest = raw;
	size_t begin = 0;

	if (called) {
		if (root[0] == '\0') {
			memcpy(root, raw, size);
			root[size] = '\0';
		}
		if (strlen(root) != size || memcmp(root, raw, size) != 0)
			return complain(called,
					"is no directory for several files", 0);
		begin = strlen(called);
		memcpy(name, called, begin);
		rest = raw + size;
	} else if (size == 1 && raw[0] == '.') {
		rest = raw[1] ? raw + 2 : "";
	}
	memcpy(name + begin, rest, strlen(rest) + 1);
	return 0;
}

static int write_all(int fd, const char *data, uint32_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return -1;
		data += done;
		size -= (uint32_t)done;
	}
	return 0;
}

static int fill_file(int fd, const struct sbx_cpio *entry)
{
	uint32_t left = entry->size;

	while (left > 0) {
		const char *data;
		uint32_t n = take_some(&data, left);

		if (n == 0)
			return complain("the archive", "ends too early", 0);
		if (write_all(fd, data, n) < 0)
			return complain(raw, "cannot be written", errno);
		left -= n;
	}
	if (settle(fd, entry->mode, entry->mtime) < 0)
		return complain(raw, "mode and time cannot be set", errno);
	return 0;
}

static int make_file(int dir, const char *last, const struct sbx_cpio *entry)
{
	int fd = openat(dir, last, NEW_FILE, 0600);
	int result;

	if (fd < 0 && errno == EEXIST && unlinkat(dir, last, 0) == 0)
		fd = openat(dir, last, NEW_FILE, 0600);
	if (fd < 0)
		return complain(raw, "cannot be made", errno);
	result = fill_file(fd, entry);
	sbx_close(&fd);
	return result;
}

static int make_link(int dir, const char *last, const struct sbx_cpio *entry)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = entry->mtime } };
	uint32_t size = entry->size;
	int result;

	if (size == 0 || size >= sizeof(link_target))
		return complain(raw, "is a link to nowhere", 0);
	if (take(link_target, size) < 0)
		return -1;
	link_target[size] = '\0';
	if (strlen(link_target) != size ||
	    !sbx_cpio_link_stays(raw, link_target))
		return complain(raw, "is a link that leads out of the tree", 0);
	result = symlinkat(link_target, dir, last);
	if (result < 0 && errno == EEXIST && unlinkat(dir, last, 0) == 0)
		result = symlinkat(link_target, dir, last);
	if (result < 0 || utimensat(dir, last, times, AT_SYMLINK_NOFOLLOW) < 0)
		return complain(raw, "cannot be made", errno);
	return 0;
}

static int make_directory(const struct sbx_cpio *entry)
{
	struct level *level;

	if (entry->size > 0)
		return complain(raw, "is a directory with contents", 0);
	if (go_to((uint32_t)strlen(name)) < 0)
		return -1;
	level = &levels[depth];
	level->mode = entry->mode;
	level->mtime = entry->mtime;
	return 0;
}

/* What is no directory, in one. */
static int make_other(const struct sbx_cpio *entry)
{
	char *slash = strrchr(name, '/');
	char *last = slash ? slash + 1 : name;

	if (*last == '\0' || (!slash && is_directory))
		return complain(raw, "is to be a directory and is none", 0);
	if (go_to(slash ? (uint32_t)(slash - name) : 0) < 0)
		return -1;
	if (S_ISREG(entry->mode))
		return make_file(levels[depth].fd, last, entry);
	return make_link(levels[depth].fd, last, entry);
}

static int lay_out(const struct sbx_cpio *entry)
{
	int result;

	if (place() < 0)
		return -1;
	if (S_ISDIR(entry->mode))
		result = make_directory(entry);
	else if (S_ISREG(entry->mode) || S_ISLNK(entry->mode))
		result = make_other(entry);
	else
		return complain(raw, sbx_copy_type_name(entry->mode), 0);
	if (result < 0)
		return -1;
	return take(NULL, sbx_cpio_padding(entry->size));
}

int sbx_copy_in(const char *path)
{
	struct sbx_cpio entry;
	int result;

	depth = 0;
	root[0] = '\0';
	input_begin = input_end = 0;
	if (open_target(path) < 0)
		return SBX_COPY_FAILED;
	while ((result = take_entry(&entry)) > 0) {
		result = lay_out(&entry);
		if (result < 0)
			break;
	}
	while (depth > 0)
		result |= leave();
	sbx_close(&levels[0].fd);
	/* Whoever writes may pad the archive. */
	while (result == 0 && fill())
		;
	return result == 0 ? SBX_COPY_DONE : SBX_COPY_FAILED;
}
