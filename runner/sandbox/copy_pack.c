/* SPDX-License-Identifier: MIT */
#include "sandbox/copy_pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/text.h"
#include "init/cpio.h"

#define FLAGS	   (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)
#define PIECE_SIZE 65536

/*
 * @name	of the present entry
 * @depth	directories that it is in
 */
struct pack {
	struct sbx_copy_writer writer;
	struct sbx_copy_limits used;
	const struct sbx_copy_limits *max;
	const struct sbx_progress *warn;
	unsigned int depth;
	char name[SBX_CPIO_NAME_MAX + 1];
	char target[PATH_MAX];
	char piece[PIECE_SIZE];
};

static void warn(const struct pack *pack, const char *what)
{
	cleanup_buf struct sbx_buf line = SBX_BUF_INIT(2 * SBX_CPIO_NAME_MAX);

	sbx_text_to_utf8(&line, pack->name, strlen(pack->name));
	sbx_buf_printf(&line, ": %s", what);
	sbx_progress_say(pack->warn, sbx_buf_text(&line));
}

static int unreadable(const struct pack *pack, struct sbx_error *err)
{
	int errnum = errno;
	cleanup_free char *shown = sbx_copy_shown(pack->name);

	return sbx_error_errno(err, SBX_OUTCOME_INVALID, errnum,
			       "%s: cannot be read", shown);
}

static int refuse(const struct pack *pack, const char *why,
		  struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(pack->name);

	return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s: %s", shown, why);
}

static int put_header(struct pack *pack, const struct stat *about,
		      const char *target, struct sbx_error *err)
{
	const struct sbx_copy_entry entry = {
		.name = pack->name,
		.mode = about->st_mode,
		.mtime = about->st_mtime,
		.size = S_ISREG(about->st_mode) ? (uint64_t)about->st_size : 0,
		.target = target,
	};

	if (sbx_copy_count(&pack->used, pack->max, entry.size, err) < 0)
		return -1;
	return sbx_copy_write_header(&pack->writer, &entry, err);
}

/* --- files ----------------------------------------------------------------- */

/* At most @left bytes of @fd to @pack->piece, 0 at its end, -1 with errno. */
static ssize_t read_piece(struct pack *pack, int fd, uint64_t left)
{
	size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
	ssize_t got;

	do
		got = read(fd, pack->piece, size);
	while (got < 0 && errno == EINTR);
	return got;
}

/* @left bytes that are not there any more. */
static int put_zeros(struct pack *pack, uint64_t left, struct sbx_error *err)
{
	warn(pack, "became shorter, zeros are in place of the rest");
	memset(pack->piece, 0, PIECE_SIZE);
	while (left > 0) {
		size_t n = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;

		if (sbx_copy_write_data(&pack->writer, pack->piece, n, err) < 0)
			return -1;
		left -= n;
	}
	return 0;
}

static int put_contents(struct pack *pack, int fd, uint64_t left,
			struct sbx_error *err)
{
	ssize_t got;

	while (left > 0) {
		got = read_piece(pack, fd, left);
		if (got < 0)
			return unreadable(pack, err);
		if (got == 0)
			return put_zeros(pack, left, err);
		if (sbx_copy_write_data(&pack->writer, pack->piece, (size_t)got,
					err) < 0)
			return -1;
		left -= (uint64_t)got;
	}
	if (read_piece(pack, fd, 1) > 0)
		warn(pack, "became longer, the rest is left out");
	return 0;
}

static int put_link(struct pack *pack, int dir, const char *last,
		    const struct stat *about, struct sbx_error *err)
{
	ssize_t size =
		readlinkat(dir, last, pack->target, sizeof(pack->target) - 1);

	if (size < 0)
		return unreadable(pack, err);
	pack->target[size] = '\0';
	if (sbx_cpio_link_stays(pack->name, pack->target))
		return put_header(pack, about, pack->target, err);
	warn(pack, "left out: a link that leads out of what is copied");
	return 0;
}

/* --- directories ----------------------------------------------------------- */

static int put_entry(struct pack *pack, int dir, const char *last,
		     struct sbx_error *err);

static int bad_name(const struct pack *pack, struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(pack->name);

	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s: its name cannot be sent: expected a path of "
			     "at most %d bytes in UTF-8, without control "
			     "characters; rename it",
			     shown, SBX_WIRE_NAME_MAX);
}

/* The name goes behind that of the directory, which has @end bytes. */
static int append(struct pack *pack, size_t end, const char *last,
		  struct sbx_error *err)
{
	size_t size = strlen(last);
	bool fits = size < sizeof(pack->name) - 1 - end;

	if (!fits)
		size = sizeof(pack->name) - 2 - end;
	pack->name[end] = '/';
	memcpy(pack->name + end + 1, last, size);
	pack->name[end + 1 + size] = '\0';
	if (fits && sbx_cpio_is_name(pack->name, (uint32_t)(end + 1 + size)))
		return 0;
	return bad_name(pack, err);
}

static int put_entries(struct pack *pack, DIR *dir, struct sbx_error *err)
{
	size_t end = strlen(pack->name);
	const struct dirent *entry;

	while (errno = 0, (entry = readdir(dir))) {
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		if (append(pack, end, entry->d_name, err) < 0 ||
		    put_entry(pack, dirfd(dir), entry->d_name, err) < 0)
			return -1;
		pack->name[end] = '\0';
	}
	return errno ? unreadable(pack, err) : 0;
}

/* @fd is taken.  One for each level: nobody can exchange what is above. */
static int put_directory(struct pack *pack, int *fd, const struct stat *about,
			 struct sbx_error *err)
{
	DIR *dir;
	int result;

	if (pack->depth == SBX_CPIO_DEPTH_MAX)
		return sbx_copy_too_deep(pack->name, err);
	if (put_header(pack, about, NULL, err) < 0)
		return -1;
	dir = fdopendir(*fd);
	if (!dir)
		return unreadable(pack, err);
	sbx_take_fd(fd);
	pack->depth++;
	result = put_entries(pack, dir, err);
	pack->depth--;
	closedir(dir);
	return result;
}

/* What is open is what it is, whatever it was when its name was looked at. */
static int put_open(struct pack *pack, int dir, const char *last,
		    struct sbx_error *err)
{
	cleanup_fd int fd = openat(dir, last, FLAGS);
	struct stat about;

	if (fd < 0 || fstat(fd, &about) < 0)
		return unreadable(pack, err);
	if (S_ISDIR(about.st_mode))
		return put_directory(pack, &fd, &about, err);
	if (!S_ISREG(about.st_mode))
		return refuse(pack, "changed while it was packed; try again",
			      err);
	if (put_header(pack, &about, NULL, err) < 0)
		return -1;
	return put_contents(pack, fd, (uint64_t)about.st_size, err);
}

static int put_entry(struct pack *pack, int dir, const char *last,
		     struct sbx_error *err)
{
	struct stat about;

	if (fstatat(dir, last, &about, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0 : unreadable(pack, err);
	if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
		return put_open(pack, dir, last, err);
	if (S_ISLNK(about.st_mode))
		return put_link(pack, dir, last, &about, err);
	warn(pack, "left out: no file, directory or link");
	return 0;
}

/* --- what was asked for ---------------------------------------------------- */

static int check_root(const char *path, struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(path);
	struct stat about;

	if (lstat(path, &about) < 0)
		return sbx_error_errno(err,
				       errno == ENOENT ? SBX_OUTCOME_NOT_FOUND
						       : SBX_OUTCOME_INVALID,
				       errno, "%s", shown);
	if (S_ISREG(about.st_mode) || S_ISDIR(about.st_mode))
		return 0;
	if (S_ISLNK(about.st_mode))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s: a symbolic link alone cannot be "
				     "copied; name what it leads to",
				     shown);
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s: expected a file or a directory", shown);
}

int sbx_copy_pack(int fd, const char *path, const char *name,
		  const struct sbx_copy_limits *max,
		  const struct sbx_progress *warn_to, struct sbx_error *err)
{
	cleanup_free struct pack *pack = sbx_calloc(1, sizeof(*pack));
	int result;

	if (check_root(path, err) < 0)
		return -1;
	pack->max = max;
	pack->warn = warn_to;
	memcpy(pack->name, name, strnlen(name, sizeof(pack->name) - 1));
	if (!sbx_cpio_is_name(name, (uint32_t)strlen(name)))
		return refuse(pack, "this name cannot be sent", err);
	sbx_copy_writer_init(&pack->writer, fd);
	result = put_open(pack, AT_FDCWD, path, err);
	if (result == 0)
		result = sbx_copy_write_end(&pack->writer, err);
	sbx_copy_writer_clear(&pack->writer);
	return result;
}
