/* SPDX-License-Identifier: MIT */
#include "skill/context_walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "secret/sealed_file.h"

/* A descriptor is held for each level. */
#define DEPTH_MAX 200
#define NAMES_MAX (64 * 1024 * 1024)

#define ADVICE	  "remove it or name it in .dockerignore"

/*
 * A directory that is being walked.
 *
 * @names	"TNAME\0" one after the other, T the type as in dirent
 * @sorted	the names, in order
 * @prefix	so much of walk.path is the directory and the '/' after it
 * @hits	see sbx_dockerignore_step
 * @told	it has been an entry itself
 */
struct level {
	int fd;
	struct sbx_buf names;
	const char **sorted;
	size_t n;
	size_t next;
	size_t prefix;
	bool *hits;
	bool told;
};

struct sbx_walk {
	const struct sbx_dockerignore *ignore;
	const char *keep;
	struct level levels[DEPTH_MAX];
	size_t depth;
	int root; /* borrowed */
	bool started;
	int fd; /* of the entry that was given last */
	char path[PATH_MAX];
	char parent[PATH_MAX];
	char target[PATH_MAX];
	char dents[32 * 1024] __attribute__((aligned(16)));
};

static int fail(const struct sbx_walk *walk, enum sbx_outcome outcome,
		const char *what, struct sbx_error *err)
{
	struct sbx_buf path = SBX_BUF_INIT(512);

	sbx_text_escape(&path, walk->path, strlen(walk->path), false);
	sbx_error_set(err, outcome, "%s: %s", sbx_buf_text(&path), what);
	sbx_buf_free(&path);
	return -1;
}

/* An open or look at walk.path that failed. */
static int fail_errno(const struct sbx_walk *walk, struct sbx_error *err)
{
	cleanup_free char *what = NULL;

	switch (errno) {
	case ENOENT:
	case ENOTDIR:
	case ELOOP:
	case EINVAL: /* of readlink: it is no link any more */
	case ENXIO:  /* of open: it is a socket */
		return fail(walk, SBX_OUTCOME_BUILD_FAILED,
			    "changed while it was packed", err);
	default:
		what = sbx_asprintf("cannot be read (%s); " ADVICE,
				    strerror(errno));
		return fail(walk, SBX_OUTCOME_INVALID, what, err);
	}
}

/* --- levels ---------------------------------------------------------------*/

static void pop(struct sbx_walk *walk)
{
	struct level *level = &walk->levels[--walk->depth];

	sbx_close(&level->fd);
	sbx_buf_free(&level->names);
	free(level->sorted);
	free(level->hits);
}

static bool add_name(struct level *level, const struct dirent64 *dent)
{
	const char type = (char)dent->d_type;
	size_t size = strlen(dent->d_name) + 1;

	if (strcmp(dent->d_name, ".") == 0 || strcmp(dent->d_name, "..") == 0)
		return true;
	level->n++;
	return sbx_buf_append(&level->names, &type, 1) == 1 &&
	       sbx_buf_append(&level->names, dent->d_name, size) == size;
}

static int read_names(struct sbx_walk *walk, struct level *level,
		      struct sbx_error *err)
{
	ssize_t got;

	do {
		got = getdents64(level->fd, walk->dents, sizeof(walk->dents));
		if (got < 0)
			return fail_errno(walk, err);
		for (ssize_t at = 0; at < got;) {
			const struct dirent64 *dent =
				(const void *)(walk->dents + at);

			if (!add_name(level, dent))
				return fail(walk, SBX_OUTCOME_INVALID,
					    "too many files; " ADVICE, err);
			at += dent->d_reclen;
		}
	} while (got > 0);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void sort_names(struct level *level)
{
	const char *p = level->names.data;

	level->sorted = sbx_calloc(level->n + 1, sizeof(*level->sorted));
	for (size_t i = 0; i < level->n; i++) {
		level->sorted[i] = p + 1;
		p += strlen(p + 1) + 2;
	}
	qsort(level->sorted, level->n, sizeof(*level->sorted), by_name);
}

/* Goes into the directory @fd (taken) at walk.path. */
static int push(struct sbx_walk *walk, int fd, bool *hits, bool told,
		struct sbx_error *err)
{
	struct level *level = &walk->levels[walk->depth];
	size_t prefix = strlen(walk->path);

	*level = (struct level){ .fd = fd,
				 .names = SBX_BUF_INIT(NAMES_MAX),
				 .prefix = prefix ? prefix + 1 : 0,
				 .hits = hits,
				 .told = told };
	walk->depth++;
	if (read_names(walk, level, err) < 0)
		return -1;
	sort_names(level);
	return 0;
}

/* --- entries --------------------------------------------------------------*/

/* Writes the path of @name in the innermost directory to walk.path. */
static int set_path(struct sbx_walk *walk, const struct level *level,
		    const char *name, struct sbx_error *err)
{
	size_t size = strlen(name) + 1;

	if (level->prefix + size > sizeof(walk->path))
		return fail(walk, SBX_OUTCOME_INVALID,
			    "what is in it has too long a path; " ADVICE, err);
	if (level->prefix)
		walk->path[level->prefix - 1] = '/';
	memcpy(walk->path + level->prefix, name, size);
	return 0;
}

/* The type of @name as in dirent, looked up where readdir did not say. */
static int type_of(const struct sbx_walk *walk, const struct level *level,
		   const char *name, struct sbx_error *err)
{
	unsigned char type = (unsigned char)name[-1];
	struct stat st;

	if (type != DT_UNKNOWN)
		return type;
	if (fstatat(level->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return fail_errno(walk, err);
	return IFTODT(st.st_mode);
}

static int open_file(struct sbx_walk *walk, const struct level *level,
		     const char *name, struct sbx_walk_entry *entry,
		     struct sbx_error *err)
{
	struct stat st;

	/* O_NONBLOCK: should it have become a FIFO, do not wait for it. */
	walk->fd = openat(level->fd, name,
			  O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
				  O_CLOEXEC);
	if (walk->fd < 0 || fstat(walk->fd, &st) < 0)
		return fail_errno(walk, err);
	if (!S_ISREG(st.st_mode))
		return fail(walk, SBX_OUTCOME_BUILD_FAILED,
			    "changed while it was packed", err);
	entry->type = SBX_WALK_FILE;
	entry->executable = st.st_mode & S_IXUSR;
	entry->size = (uint64_t)st.st_size;
	entry->fd = walk->fd;
	return 1;
}

static int read_link(struct sbx_walk *walk, const struct level *level,
		     const char *name, struct sbx_walk_entry *entry,
		     struct sbx_error *err)
{
	ssize_t size = readlinkat(level->fd, name, walk->target,
				  sizeof(walk->target) - 1);

	if (size < 0)
		return fail_errno(walk, err);
	walk->target[size] = '\0';
	if (!sbx_text_is_utf8(walk->target, (size_t)size))
		return fail(walk, SBX_OUTCOME_INVALID,
			    "points to a name that is not UTF-8; " ADVICE, err);
	entry->type = SBX_WALK_LINK;
	entry->target = walk->target;
	return 1;
}

/* Anything but a directory. */
static int take(struct sbx_walk *walk, const struct level *level,
		const char *name, int type, struct sbx_walk_entry *entry,
		struct sbx_error *err)
{
	switch (type) {
	case DT_REG:
		return open_file(walk, level, name, entry, err);
	case DT_LNK:
		return read_link(walk, level, name, entry, err);
	case DT_FIFO:
		return fail(walk, SBX_OUTCOME_INVALID,
			    "a FIFO cannot be part of a build; " ADVICE, err);
	case DT_SOCK:
		return fail(walk, SBX_OUTCOME_INVALID,
			    "a socket cannot be part of a build; " ADVICE, err);
	default:
		return fail(walk, SBX_OUTCOME_INVALID,
			    "a device cannot be part of a build; " ADVICE, err);
	}
}

/*
 * A directory that is left out is an entry all the same once something below
 * it is.  True when there was one to tell.
 */
static bool tell_parent(struct sbx_walk *walk, struct sbx_walk_entry *entry)
{
	for (size_t i = 1; i < walk->depth; i++) {
		struct level *level = &walk->levels[i];

		if (level->told)
			continue;
		level->told = true;
		memcpy(walk->parent, walk->path, level->prefix - 1);
		walk->parent[level->prefix - 1] = '\0';
		entry->path = walk->parent;
		entry->type = SBX_WALK_DIRECTORY;
		return true;
	}
	return false;
}

static bool is_below(const char *path, const char *directory)
{
	size_t size = strlen(directory);

	return strncmp(path, directory, size) == 0 && path[size] == '/';
}

/* Sealed secrets, and what is left of them when their writing was cut off. */
static bool is_sealed(const char *path)
{
	return strcmp(path, SBX_SEALED_FILE_NAME) == 0 ||
	       strcmp(path, SBX_SEALED_FILE_TEMPORARY) == 0;
}

static bool left_out(const struct sbx_walk *walk, const struct level *level,
		     bool *hits)
{
	bool out = sbx_dockerignore_step(walk->ignore, walk->path, level->hits,
					 hits);

	if (is_sealed(walk->path))
		return true;
	return out && strcmp(walk->path, walk->keep) != 0;
}

/* 1: the directory is the next entry; 0: go on inside or behind it; -1 */
static int enter(struct sbx_walk *walk, struct level *level, const char *name,
		 struct sbx_walk_entry *entry, struct sbx_error *err)
{
	size_t rules = sbx_dockerignore_rules(walk->ignore);
	cleanup_free bool *hits = sbx_calloc(rules + 1, sizeof(*hits));
	bool out = left_out(walk, level, hits);
	int fd;

	if (out && !sbx_dockerignore_reaches(walk->ignore, walk->path) &&
	    !is_below(walk->keep, walk->path)) {
		level->next++;
		return 0;
	}
	if (!out && tell_parent(walk, entry))
		return 1;
	if (walk->depth == DEPTH_MAX)
		return fail(walk, SBX_OUTCOME_INVALID,
			    "too many directories in each other; " ADVICE, err);
	fd = openat(level->fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return fail_errno(walk, err);
	level->next++;
	if (push(walk, fd, sbx_take(hits), !out, err) < 0)
		return -1;
	entry->path = walk->path;
	entry->type = SBX_WALK_DIRECTORY;
	return out ? 0 : 1;
}

/* 1: an entry; 0: nothing yet; -1 */
static int step(struct sbx_walk *walk, struct sbx_walk_entry *entry,
		struct sbx_error *err)
{
	struct level *level = &walk->levels[walk->depth - 1];
	const char *name;
	int type;

	if (level->next == level->n) {
		pop(walk);
		return 0;
	}
	name = level->sorted[level->next];
	if (set_path(walk, level, name, err) < 0)
		return -1;
	type = type_of(walk, level, name, err);
	if (type < 0)
		return -1;
	if (type != DT_DIR && left_out(walk, level, NULL)) {
		level->next++;
		return 0;
	}
	if (type == DT_DIR)
		return enter(walk, level, name, entry, err);
	if (tell_parent(walk, entry))
		return 1;
	level->next++;
	entry->path = walk->path;
	return take(walk, level, name, type, entry, err);
}

static int start(struct sbx_walk *walk, struct sbx_error *err)
{
	/* A descriptor of its own has a position of its own. */
	int fd = openat(walk->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	walk->started = true;
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "the directory cannot be read");
	return push(walk, fd, NULL, true, err);
}

int sbx_walk_next(struct sbx_walk *walk, struct sbx_walk_entry *entry,
		  struct sbx_error *err)
{
	int result = 0;

	sbx_close(&walk->fd);
	*entry = (struct sbx_walk_entry){ .fd = -1 };
	if (!walk->started && start(walk, err) < 0)
		return -1;
	while (result == 0 && walk->depth > 0)
		result = step(walk, entry, err);
	if (result == 1 && !sbx_text_is_utf8(entry->path, strlen(entry->path)))
		return fail(walk, SBX_OUTCOME_INVALID,
			    "the name is not UTF-8; " ADVICE, err);
	return result;
}

void sbx_walk_new(struct sbx_walk **out, int dirfd,
		  const struct sbx_dockerignore *ignore, const char *keep)
{
	struct sbx_walk *walk = sbx_calloc(1, sizeof(*walk));

	walk->ignore = ignore;
	walk->keep = keep;
	walk->fd = -1;
	walk->root = dirfd;
	*out = walk;
}

void sbx_walk_free(struct sbx_walk **walk)
{
	if (!*walk)
		return;
	while ((*walk)->depth > 0)
		pop(*walk);
	sbx_close(&(*walk)->fd);
	free(*walk);
	*walk = NULL;
}

int sbx_walk_open(int dirfd, const char *path, int flags)
{
	cleanup_free char *copy = sbx_strdup(path);
	cleanup_fd int at = -1;
	char *next = copy;
	char *name;

	while ((name = strsep(&next, "/")) != NULL) {
		int base = at >= 0 ? at : dirfd;
		int fd = openat(base, name,
				O_NOFOLLOW | O_CLOEXEC |
					(next ? O_PATH | O_DIRECTORY : flags));

		if (fd < 0)
			return -1;
		sbx_close(&at);
		at = fd;
	}
	return sbx_take_fd(&at);
}
