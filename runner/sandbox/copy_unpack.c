/* SPDX-License-Identifier: MIT */
/*
 * libarchive's writer to disk knows paths, and the working directory is all of
 * the program's; so each component is opened by itself, from the target's own
 * descriptor on, and no link is followed.
 *
 * A directory may be written until all is there; then it gets its mode and its
 * time, the innermost first.
 */
#include "sandbox/copy_unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/mem.h"
#include "base/random.h"
#include "init/cpio.h"
#include "sandbox/copy_reader.h"

#define DIRECTORY   (O_RDONLY | O_DIRECTORY | O_CLOEXEC)
#define NEW_FILE    (O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC)

#define RANDOM_SIZE (16 + 1)
#define PIECE_SIZE  65536

/* A directory that was made here. */
struct made {
	char *name;
	mode_t mode;
	int64_t mtime;
};

/*
 * @root	that the names are below
 * @called	what the archive's root becomes, or NULL
 * @is_directory	@called is to be one
 * @first	the archive's root, when it becomes @called
 * @name	of the present entry, below @root; "" for that itself
 * @raw		the same as it came
 */
struct unpack {
	struct sbx_copy_reader *reader;
	int root;
	char *called;
	bool is_directory;
	char *first;
	char *name;
	const char *raw;
	struct made *made;
	size_t n;
	char piece[PIECE_SIZE];
};

static int fail(const struct unpack *unpack, enum sbx_outcome outcome,
		const char *what, struct sbx_error *err)
{
	int errnum = errno;
	cleanup_free char *shown = sbx_copy_shown(unpack->raw);

	return sbx_error_errno(err, outcome, errnum, "%s: %s", shown, what);
}

static int refuse(const char *path, const char *why, struct sbx_error *err)
{
	cleanup_free char *shown = sbx_copy_shown(path);

	return sbx_error_set(err, SBX_OUTCOME_INVALID, "%s: %s", shown, why);
}

/* --- the target ------------------------------------------------------------ */

static int open_parent(struct unpack *unpack, const char *path,
		       struct sbx_error *err)
{
	cleanup_free char *copy = sbx_strdup(path);
	size_t size = strlen(copy);
	char *slash;

	while (size > 1 && copy[size - 1] == '/') {
		copy[--size] = '\0';
		unpack->is_directory = true;
	}
	slash = strrchr(copy, '/');
	unpack->called = sbx_strdup(slash ? slash + 1 : copy);
	if (!sbx_wire_is_component(unpack->called,
				   (uint32_t)strlen(unpack->called)))
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "%s: there is no such directory", path);
	if (slash)
		slash[slash == copy] = '\0';
	unpack->root = open(slash ? copy : ".", DIRECTORY);
	if (unpack->root < 0)
		return sbx_error_errno(err, SBX_OUTCOME_NOT_FOUND, errno,
				       "%s: there is no directory for it",
				       path);
	return 0;
}

static int open_target(struct unpack *unpack, const char *path,
		       struct sbx_error *err)
{
	unpack->root = open(path, DIRECTORY);
	if (unpack->root >= 0)
		return 0;
	if (errno == ENOENT || errno == ENOTDIR)
		return open_parent(unpack, path, err);
	return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
			       "cannot open %s", path);
}

/* The entry's name below the target. */
static int place(struct unpack *unpack, const char *raw, struct sbx_error *err)
{
	size_t size = strcspn(raw, "/");

	unpack->raw = raw;
	free(sbx_take(unpack->name));
	if (!unpack->called) {
		if (strcmp(raw, ".") == 0)
			raw = "";
		else if (raw[0] == '.' && size == 1)
			raw += 2;
		unpack->name = sbx_strdup(raw);
		return 0;
	}
	if (!unpack->first)
		unpack->first = sbx_strndup(raw, size);
	if (strlen(unpack->first) != size ||
	    memcmp(unpack->first, raw, size) != 0)
		return refuse(unpack->called,
			      "is no directory, and several files are to go "
			      "there; make it one",
			      err);
	unpack->name = sbx_asprintf("%s%s", unpack->called, raw + size);
	return 0;
}

/* --- directories ----------------------------------------------------------- */

static void remember(struct unpack *unpack, size_t size, mode_t mode,
		     int64_t mtime)
{
	/* Powers of two: room for as many again. */
	if ((unpack->n & (unpack->n - 1)) == 0)
		unpack->made = sbx_realloc(unpack->made,
					   (2 * unpack->n + 1) *
						   sizeof(*unpack->made));
	unpack->made[unpack->n++] = (struct made){
		.name = sbx_strndup(unpack->name, size),
		.mode = mode,
		.mtime = mtime,
	};
}

/*
 * The directory @component of @dir, made where there is none.  *@is_new tells
 * which.  A descriptor, or -1 with errno.
 */
static int enter(int dir, const char *component, mode_t mode, bool *is_new)
{
	*is_new = mkdirat(dir, component, mode | 0700) == 0;
	if (!*is_new && errno != EEXIST)
		return -1;
	return openat(dir, component, DIRECTORY | O_NOFOLLOW);
}

/*
 * The directory that the first @size bytes of the name are: a descriptor, or
 * -1 with errno.  *@is_new tells whether it was made now.
 */
static int open_below(struct unpack *unpack, size_t size, mode_t mode,
		      bool *is_new)
{
	cleanup_free char *path = sbx_strndup(unpack->name, size);
	int dir = fcntl(unpack->root, F_DUPFD_CLOEXEC, 0);
	char *rest = path;
	char *component;

	*is_new = false;
	while (dir >= 0 && *path && (component = strsep(&rest, "/"))) {
		int next = enter(dir, component, rest ? 0777 : mode, is_new);

		sbx_close(&dir);
		dir = next;
	}
	return dir;
}

static int cannot_enter(const struct unpack *unpack, struct sbx_error *err)
{
	if (errno == ENOTDIR || errno == ELOOP)
		return fail(unpack, SBX_OUTCOME_INVALID,
			    "a link or a file is in the way", err);
	return fail(unpack, SBX_OUTCOME_INTERNAL, "cannot make its directory",
		    err);
}

static int make_directory(struct unpack *unpack,
			  const struct sbx_copy_entry *entry,
			  struct sbx_error *err)
{
	size_t size = strlen(unpack->name);
	mode_t mode = entry->mode & 0777;
	bool is_new;
	cleanup_fd int dir = open_below(unpack, size, mode, &is_new);

	if (dir < 0)
		return cannot_enter(unpack, err);
	if (is_new)
		remember(unpack, size, mode, entry->mtime);
	return 0;
}

static int settle(const struct made *made, int dir)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = made->mtime } };
	struct stat about;

	/* The umask has had its say when it was made. */
	if (fstat(dir, &about) < 0 ||
	    fchmod(dir, about.st_mode & (07000 | made->mode)) < 0)
		return -1;
	return futimens(dir, times);
}

/* All directories get what they could not have before. */
static int settle_all(struct unpack *unpack, struct sbx_error *err)
{
	int result = 0;

	while (unpack->n > 0) {
		const struct made *made = &unpack->made[--unpack->n];
		bool is_new;
		cleanup_fd int dir = -1;

		free(unpack->name);
		unpack->name = made->name;
		unpack->raw = made->name;
		dir = open_below(unpack, strlen(made->name), 0777, &is_new);
		if (result == 0 && (dir < 0 || settle(made, dir) < 0))
			result = fail(unpack, SBX_OUTCOME_INTERNAL,
				      "cannot set mode and time", err);
	}
	return result;
}

/* --- files ----------------------------------------------------------------- */

static int write_file(struct unpack *unpack, int fd,
		      const struct sbx_copy_entry *entry, struct sbx_error *err)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = entry->mtime } };
	size_t got;

	for (;;) {
		if (sbx_copy_reader_data(unpack->reader, unpack->piece,
					 PIECE_SIZE, &got, err) < 0)
			return -1;
		if (got == 0)
			break;
		if (sbx_fd_write_all(fd, unpack->piece, got) < 0)
			return fail(unpack, SBX_OUTCOME_INTERNAL,
				    "cannot be written", err);
	}
	if (futimens(fd, times) < 0)
		return fail(unpack, SBX_OUTCOME_INTERNAL, "cannot set its time",
			    err);
	return 0;
}

static int make_file(struct unpack *unpack, int dir, const char *name,
		     const struct sbx_copy_entry *entry, struct sbx_error *err)
{
	cleanup_fd int fd = openat(dir, name, NEW_FILE, entry->mode & 0777);

	if (fd < 0)
		return fail(unpack, SBX_OUTCOME_INTERNAL, "cannot be made",
			    err);
	return write_file(unpack, fd, entry, err);
}

static int make_link(struct unpack *unpack, int dir, const char *name,
		     const struct sbx_copy_entry *entry, struct sbx_error *err)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
					  { .tv_sec = entry->mtime } };

	if (symlinkat(entry->target, dir, name) < 0 ||
	    utimensat(dir, name, times, AT_SYMLINK_NOFOLLOW) < 0)
		return fail(unpack, SBX_OUTCOME_INTERNAL, "cannot be made",
			    err);
	return 0;
}

/* Under a name that nobody has, then under its own. */
static int replace(struct unpack *unpack, int dir, const char *name,
		   const struct sbx_copy_entry *entry, struct sbx_error *err)
{
	char random[RANDOM_SIZE];
	char temporary[sizeof(".skillbox-") + RANDOM_SIZE];
	int result;

	sbx_random_hex(random, sizeof(random));
	snprintf(temporary, sizeof(temporary), ".skillbox-%s", random);
	result = S_ISLNK(entry->mode)
			 ? make_link(unpack, dir, temporary, entry, err)
			 : make_file(unpack, dir, temporary, entry, err);
	if (result == 0 && renameat(dir, temporary, dir, name) < 0)
		result = fail(unpack,
			      errno == EISDIR ? SBX_OUTCOME_INVALID
					      : SBX_OUTCOME_INTERNAL,
			      "cannot be put there", err);
	if (result < 0)
		unlinkat(dir, temporary, 0);
	return result;
}

/* What is no directory, in one. */
static int make_other(struct unpack *unpack, const struct sbx_copy_entry *entry,
		      struct sbx_error *err)
{
	const char *slash = strrchr(unpack->name, '/');
	const char *last = slash ? slash + 1 : unpack->name;
	size_t size = slash ? (size_t)(slash - unpack->name) : 0;
	cleanup_fd int dir = -1;
	bool is_new;

	if (*last == '\0' || (unpack->called && !slash && unpack->is_directory))
		return refuse(unpack->raw,
			      "is to be a directory there, and is none", err);
	dir = open_below(unpack, size, 0777, &is_new);
	if (dir < 0)
		return cannot_enter(unpack, err);
	return replace(unpack, dir, last, entry, err);
}

static int lay_out(struct unpack *unpack, struct sbx_error *err)
{
	struct sbx_copy_entry entry;
	int result;

	while ((result = sbx_copy_reader_next(unpack->reader, &entry, err)) >
	       0) {
		if (place(unpack, entry.name, err) < 0)
			return -1;
		if (sbx_cpio_depth(unpack->name) >= SBX_CPIO_DEPTH_MAX)
			return sbx_copy_too_deep(entry.name, err);
		result = S_ISDIR(entry.mode)
				 ? make_directory(unpack, &entry, err)
				 : make_other(unpack, &entry, err);
		if (result < 0)
			return -1;
	}
	return result;
}

int sbx_copy_unpack(int fd, const char *path, const struct sbx_copy_limits *max,
		    const struct sbx_progress *warn, struct sbx_error *err)
{
	cleanup_free struct unpack *unpack = sbx_calloc(1, sizeof(*unpack));
	struct sbx_error ignored = SBX_ERROR_INIT;
	int result;

	unpack->root = -1;
	result = open_target(unpack, path, err);
	if (result == 0)
		result = sbx_copy_reader_new(&unpack->reader, fd, SBX_COPY_CPIO,
					     max, warn, err);
	if (result == 0)
		result = lay_out(unpack, err);
	/* Of two errors the first one counts. */
	if (settle_all(unpack, result == 0 ? err : &ignored) < 0)
		result = -1;
	sbx_copy_reader_free(&unpack->reader);
	sbx_close(&unpack->root);
	free(unpack->called);
	free(unpack->first);
	free(unpack->name);
	free(unpack->made);
	return result;
}
