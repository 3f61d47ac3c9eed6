/* SPDX-License-Identifier: MIT */
/*
 * Regular files of a directory, wherever below it they are, when nobody is left
 * who could change them.  The tree is an attacker's: of any depth, number and
 * mode, with links, FIFOs and files that are larger than any memory.  So
 * nothing is reached by a path of more than one component, no link is followed,
 * no other file system is entered, nothing is opened that is not a file or a
 * directory, and nothing is done by recursion: where to go on in a directory is
 * kept as the kernel's own offset while one in it is looked through, so that
 * three descriptors do.
 *
 * A file is announced with its size, which must fit what is left, and no more
 * than that is sent.  What cannot be named (sbx_wire_is_name()) is left out, as
 * is all that is no file: at 1024 bytes of a name, there is nothing deeper.
 *
 * In a session there is what earlier runs have left, and only what this one has
 * made or changed is sent.  The kernel says so by the time of the last change
 * of a file (st_ctim), which nobody can set; it comes from the clock that is
 * read here when RUN comes, in steps of some milliseconds.  What was changed in
 * the same step counts as new, so that nothing of this run is ever missing.
 * What is detached goes on meanwhile: it can have only its own user's files
 * sent, and those it could as well have put there.
 */
#include "init/artifacts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "init/dir_entry.h"
#include "init/out.h"

#define DIRECTORY (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
#define REGULAR	  (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)

/* A component and a slash have two bytes, and the last slash may be one more
 * than a name. */
#define DEPTH_MAX (SBX_WIRE_NAME_MAX / 2 + 1)

/* What may be looked at, and for how long, all together. */
#define ENTRIES_MAX 100000
#define LOOK_MS	    2000

/*
 * @root	the directory; -1 when there is nothing (more) to be sent
 * @dev		of it
 * @dir		the one that is looked through; @root or one below
 * @at, @end	what of it has been read, in @entries
 * @offsets, @depth	where to go on in each of those above @dir
 * @path, @len	of @dir, with a slash behind it unless it is the root
 * @file	that is being sent, and @left of what was announced
 * @bytes, @files, @budget, @ms	what may still be sent and looked at
 */
static struct {
	int root;
	dev_t dev;
	int dir;
	int file;
	long at;
	long end;
	int64_t offset;
	int64_t offsets[DEPTH_MAX];
	uint32_t depth;
	uint32_t len;
	uint32_t bytes;
	uint32_t left;
	uint32_t files;
	uint32_t budget;
	int64_t ms;
} walk = { .root = -1, .dir = -1, .file = -1 };

static char where[PATH_MAX];
static uint32_t limit;
static struct timespec since;
static char path[8 + SBX_WIRE_NAME_MAX + 1];
static char *const name_of = path + 8;
static char entries[16 * 1024];

bool sbx_artifacts_remember(const char *wanted, uint32_t bytes, bool only_new)
{
	size_t size = strlen(wanted) + 1;

	if (size > sizeof(where))
		return false;
	memcpy(where, wanted, size);
	limit = bytes;
	memset(&since, 0, sizeof(since));
	if (only_new)
		clock_gettime(CLOCK_REALTIME_COARSE, &since);
	return true;
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec < b->tv_sec
				      : a->tv_nsec < b->tv_nsec;
}

/* Where somebody has set the clock back nobody knows, and all of them are. */
static void check_clock(void)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME_COARSE, &now) < 0 ||
	    is_before(&now, &since))
		memset(&since, 0, sizeof(since));
}

static void finish(void)
{
	sbx_close(&walk.file);
	if (walk.dir != walk.root)
		sbx_close(&walk.dir);
	walk.dir = -1;
	sbx_close(&walk.root);
}

void sbx_artifacts_open(struct sbx_init *init)
{
	struct stat about;

	(void)init;
	if (where[0] == '\0')
		return;
	check_clock();
	/* It may have been locked; where it is not ours it cannot be. */
	walk.root = open(where, DIRECTORY);
	if (walk.root < 0 && errno == EACCES) {
		(void)!chmod(where, 0700);
		walk.root = open(where, DIRECTORY);
	}
	if (fstat(walk.root, &about) == 0) {
		(void)!fchmod(walk.root, 0700);
		walk.dev = about.st_dev;
	}
	walk.dir = walk.root;
	walk.file = -1;
	walk.at = walk.end = 0;
	walk.offset = 0;
	walk.depth = 0;
	walk.len = 0;
	walk.bytes = limit;
	walk.files = SBX_WIRE_FILES_MAX;
	walk.budget = ENTRIES_MAX;
	walk.ms = LOOK_MS;
}

/* More than may be sent: that is the end of it. */
static void truncate_here(struct sbx_init *init)
{
	init->exit.flags |= SBX_WIRE_OUT_TRUNCATED;
	finish();
}

/* Nobody is there to exchange what @name is, as the kernel just said. */
static int open_file(const char *name)
{
	int fd = openat(walk.dir, name, REGULAR);

	if (fd < 0 && errno == EACCES && fchmodat(walk.dir, name, 0600, 0) == 0)
		fd = openat(walk.dir, name, REGULAR);
	return fd;
}

static void look_through(int dir)
{
	if (walk.dir != walk.root)
		sbx_close(&walk.dir);
	walk.dir = dir;
	walk.at = walk.end = 0;
}

/* The name goes behind the path; false when both together are too long. */
static bool append(const char *name, uint32_t *size)
{
	size_t length = strlen(name);

	if (walk.len + length > SBX_WIRE_NAME_MAX)
		return false;
	memcpy(name_of + walk.len, name, length + 1);
	*size = walk.len + (uint32_t)length;
	return sbx_wire_is_name(name_of, *size);
}

/*
 * What is mounted below is no part of it.  @name, or @dir itself when that is
 * "".
 */
static bool is_here(int dir, const char *name)
{
	struct stat about;

	return fstatat(dir, name, &about,
		       AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH) == 0 &&
	       about.st_dev == walk.dev;
}

static void descend(const char *name)
{
	uint32_t size;
	int dir;

	/* Before its mode changes, too. */
	if (!is_here(walk.dir, name) || !append(name, &size))
		return;
	/* It may have been locked; for what is in it, too. */
	(void)!fchmodat(walk.dir, name, 0700, 0);
	dir = openat(walk.dir, name, DIRECTORY);
	if (dir < 0)
		return;
	name_of[size] = '/';
	walk.len = size + 1;
	walk.offsets[walk.depth++] = walk.offset;
	look_through(dir);
	walk.offset = 0;
}

/*
 * Back to where this directory was found; false when it was the root.  Should
 * somebody have outlived SIGKILL and moved it, that is no other file system.
 */
static bool ascend(void)
{
	int dir;

	if (walk.depth == 0)
		return false;
	do
		walk.len--;
	while (walk.len > 0 && name_of[walk.len - 1] != '/');
	walk.offset = walk.offsets[--walk.depth];
	dir = openat(walk.dir, "..", DIRECTORY);
	look_through(dir);
	return is_here(dir, "") && lseek(dir, walk.offset, SEEK_SET) >= 0;
}

/* Before it is opened, which may need a chmod(2): that is a change. */
static bool is_new(const char *name)
{
	struct stat about;

	return fstatat(walk.dir, name, &about, AT_SYMLINK_NOFOLLOW) == 0 &&
	       !is_before(&about.st_ctim, &since);
}

/* One that fits is opened and announced. */
static void announce(struct sbx_init *init, const char *name)
{
	struct stat about;
	uint32_t size;

	if (!append(name, &size))
		return;
	walk.file = open_file(name);
	if (fstat(walk.file, &about) < 0 || !S_ISREG(about.st_mode)) {
		sbx_close(&walk.file);
		return;
	}
	if (walk.files == 0 || about.st_size > (off_t)walk.bytes) {
		truncate_here(init);
		return;
	}
	walk.files--;
	walk.left = (uint32_t)about.st_size;
	walk.bytes -= walk.left;
	sbx_wire_put64((unsigned char *)path, walk.left);
	/* There is room: it was asked for before. */
	sbx_out_frame(SBX_WIRE_ARTIFACT, path, 8 + size);
}

/* Every file system that can be here says of what type an entry is. */
static void look_at(struct sbx_init *init, const struct dir_entry *entry)
{
	if (walk.budget-- == 0) {
		truncate_here(init);
		return;
	}
	if (entry->type == DT_DIR)
		descend(entry->name);
	else if (entry->type == DT_REG && is_new(entry->name))
		announce(init, entry->name);
}

/* One step: an entry, or the next of them, or back up. */
static void step(struct sbx_init *init)
{
	if (walk.at < walk.end) {
		const struct dir_entry *entry =
			(const struct dir_entry *)(entries + walk.at);

		walk.at += entry->size;
		walk.offset = entry->offset;
		look_at(init, entry);
		return;
	}
	walk.at = 0;
	walk.end = syscall(SYS_getdents64, walk.dir, entries, sizeof(entries));
	if (walk.end <= 0) {
		walk.end = 0;
		if (!ascend())
			finish();
	}
}

/* What was announced, or what there is of it now. */
static void send_some(void)
{
	ssize_t got = sbx_out_copy(SBX_WIRE_CONTENT, walk.file, walk.left);

	walk.left -= got > 0 ? (uint32_t)got : walk.left;
	if (walk.left == 0)
		sbx_close(&walk.file);
}

bool sbx_artifacts_send(struct sbx_init *init)
{
	int64_t began = sbx_now();

	while (walk.root >= 0) {
		if (!sbx_out_has_room()) {
			walk.ms -= sbx_now() - began;
			return false;
		}
		if (walk.file >= 0)
			send_some();
		else if (sbx_now() - began > walk.ms)
			truncate_here(init);
		else
			step(init);
	}
	return true;
}
