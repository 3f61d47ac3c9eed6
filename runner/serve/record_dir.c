/* SPDX-License-Identifier: MIT */
#include "serve/record_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/mem.h"
#include "secret/durable.h"

/* A file until it is whole; no record is called so. */
#define TEMPORARY ".new"

#define SUFFIX	  ".json"
/* "20260131T120000123Z-" */
#define TIME_SIZE 20

struct entry {
	char *name;
	uint64_t size;
};

/*
 * @entries	oldest first, from @first on, @n of them; there is room for @cap
 * @bytes	of all of them
 * @has_warned	and nothing was kept since
 */
struct sbx_record_dir {
	struct sbx_record_dir_options options;
	int fd;
	pthread_mutex_t mutex;
	struct entry *entries;
	size_t first;
	size_t n;
	size_t cap;
	uint64_t bytes;
	bool has_warned;
};

/* --- names ----------------------------------------------------------------- */

static bool is_time(const char *name)
{
	static const char shape[] = "ddddddddTdddddddddZ-";

	for (size_t i = 0; i < TIME_SIZE; i++) {
		bool fits = shape[i] == 'd' ? isdigit((unsigned char)name[i])
					    : name[i] == shape[i];

		if (!fits)
			return false;
	}
	return true;
}

bool sbx_record_dir_is_name(const char *name, const char **run_id,
			    size_t *run_id_size)
{
	size_t size = strlen(name);

	if (size <= TIME_SIZE + strlen(SUFFIX) || !is_time(name) ||
	    strcmp(name + size - strlen(SUFFIX), SUFFIX) != 0)
		return false;
	*run_id = name + TIME_SIZE;
	*run_id_size = size - TIME_SIZE - strlen(SUFFIX);
	return *run_id_size <= SBX_RECORD_RUN_ID_MAX;
}

/* "2026-01-31T12:00:00.123Z" without what separates its numbers. */
static char *new_name(const char *run_id)
{
	char now[SBX_CLOCK_RFC3339_SIZE];
	char *to = now;

	sbx_clock_rfc3339(now);
	for (const char *from = now; *from; from++) {
		if (!strchr("-:.", *from))
			*to++ = *from;
	}
	*to = '\0';
	return sbx_asprintf("%s-%s" SUFFIX, now, run_id);
}

static int cannot_read(struct sbx_error *err)
{
	return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
			       "cannot read the directory of records");
}

static int compare(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int sbx_record_dir_names(int fd, struct sbx_strv *out, struct sbx_error *err)
{
	/* Not a duplicate: that would share the place it is read at. */
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own < 0 ? NULL : fdopendir(own);
	const struct dirent *entry;
	const char *run_id;
	size_t size;

	if (!dir) {
		sbx_close(&own);
		return cannot_read(err);
	}
	while ((entry = readdir(dir))) {
		if (sbx_record_dir_is_name(entry->d_name, &run_id, &size))
			sbx_strv_push(out, entry->d_name);
	}
	closedir(dir);
	if (out->n)
		qsort(out->v, out->n, sizeof(*out->v), compare);
	return 0;
}

/* --- what there is --------------------------------------------------------- */

static void add(struct sbx_record_dir *dir, char *name, uint64_t size)
{
	if (dir->first + dir->n == dir->cap) {
		size_t cap = 2 * dir->n + 64;
		struct entry *entries = sbx_calloc(cap, sizeof(*entries));

		if (dir->n)
			memcpy(entries, dir->entries + dir->first,
			       dir->n * sizeof(*entries));
		free(dir->entries);
		dir->entries = entries;
		dir->first = 0;
		dir->cap = cap;
	}
	dir->entries[dir->first + dir->n] = (struct entry){ name, size };
	dir->n++;
	dir->bytes += size;
}

static void remove_oldest(struct sbx_record_dir *dir)
{
	struct entry *oldest = &dir->entries[dir->first];

	unlinkat(dir->fd, oldest->name, 0);
	dir->bytes -= oldest->size;
	free(oldest->name);
	dir->first++;
	dir->n--;
}

/* So that @more records, of @size bytes, fit. */
static void make_room(struct sbx_record_dir *dir, size_t more, uint64_t size)
{
	while (dir->n > 0 && (dir->n + more > dir->options.records ||
			      dir->bytes + size > dir->options.bytes))
		remove_oldest(dir);
}

static int load(struct sbx_record_dir *dir, struct sbx_error *err)
{
	cleanup_strv struct sbx_strv names = SBX_STRV_INIT;

	if (sbx_record_dir_names(dir->fd, &names, err) < 0)
		return -1;
	for (size_t i = 0; i < names.n; i++) {
		struct stat st;

		if (fstatat(dir->fd, names.v[i], &st, AT_SYMLINK_NOFOLLOW) ==
			    0 &&
		    S_ISREG(st.st_mode))
			add(dir, sbx_strdup(names.v[i]), (uint64_t)st.st_size);
	}
	return 0;
}

/* --- opening --------------------------------------------------------------- */

/* Who can write there can put a link in our way, or a record of his own. */
static int check(const char *path, int fd, struct sbx_error *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "%s", path);
	if (st.st_uid != geteuid())
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: it belongs to user %u, expected "
				     "yourself",
				     path, st.st_uid);
	if (st.st_mode & (S_IWGRP | S_IWOTH))
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: others can write it; chmod go-w",
				     path);
	if (flock(fd, LOCK_EX | LOCK_NB) < 0)
		return sbx_error_set(err, SBX_OUTCOME_MISCONFIGURED,
				     "%s: another daemon keeps its records "
				     "there",
				     path);
	return 0;
}

static int open_path(const char *path, int *out, struct sbx_error *err)
{
	cleanup_fd int fd = -1;

	if (sbx_durable_mkdir(path, err) < 0)
		return -1;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_MISCONFIGURED, errno,
				       "%s", path);
	if (check(path, fd, err) < 0)
		return -1;
	*out = sbx_take_fd(&fd);
	return 0;
}

int sbx_record_dir_open(struct sbx_record_dir **out,
			const struct sbx_record_dir_options *options,
			struct sbx_error *err)
{
	struct sbx_record_dir *dir = sbx_calloc(1, sizeof(*dir));

	dir->options = *options;
	dir->options.path = NULL;
	dir->fd = -1;
	pthread_mutex_init(&dir->mutex, NULL);
	if (open_path(options->path, &dir->fd, err) < 0 || load(dir, err) < 0) {
		sbx_error_wrap(err, "--record-dir");
		sbx_record_dir_close(&dir);
		return -1;
	}
	/* Of one who died; and the bounds may be others than his. */
	unlinkat(dir->fd, TEMPORARY, 0);
	make_room(dir, 0, 0);
	*out = dir;
	return 0;
}

void sbx_record_dir_close(struct sbx_record_dir **slot)
{
	struct sbx_record_dir *dir = *slot;

	if (!dir)
		return;
	*slot = NULL;
	sbx_close(&dir->fd);
	for (size_t i = 0; i < dir->n; i++)
		free(dir->entries[dir->first + i].name);
	free(dir->entries);
	pthread_mutex_destroy(&dir->mutex);
	free(dir);
}

/* --- keeping --------------------------------------------------------------- */

static int write_file(const struct sbx_record_dir *dir, const char *name,
		      const char *text, size_t size)
{
	cleanup_fd int fd = openat(dir->fd, TEMPORARY,
				   O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				   0600);

	if (fd < 0 || sbx_fd_write_all(fd, text, size) < 0)
		return -1;
	return renameat(dir->fd, TEMPORARY, dir->fd, name);
}

static void warn(struct sbx_record_dir *dir, int errnum)
{
	cleanup_free char *line = NULL;

	if (dir->has_warned)
		return;
	dir->has_warned = true;
	line = sbx_asprintf("records of runs are not kept any more: %s",
			    strerror(errnum));
	dir->options.say(line);
}

static void keep(struct sbx_record_dir *dir, char *name, const char *text)
{
	size_t size = strlen(text);

	if (size > dir->options.bytes) {
		warn(dir, EFBIG);
		free(name);
		return;
	}
	make_room(dir, 1, size);
	if (write_file(dir, name, text, size) < 0) {
		warn(dir, errno);
		unlinkat(dir->fd, TEMPORARY, 0);
		free(name);
		return;
	}
	dir->has_warned = false;
	add(dir, name, size);
}

void sbx_record_dir_keep(struct sbx_record_dir *dir, const char *run_id,
			 const char *text)
{
	pthread_mutex_lock(&dir->mutex);
	/* The time is taken here, so that names are in order. */
	keep(dir, new_name(run_id), text);
	pthread_mutex_unlock(&dir->mutex);
}
