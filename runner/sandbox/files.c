/* SPDX-License-Identifier: MIT */
#include "sandbox/files.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/text.h"
#include "init/wire.h"

#define PAGE_SIZE 4096
/* Each has an inode, of which every tmpfs has a few more than that. */
#define INODES_MAX 4000

void sbx_files_clear(struct sbx_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->v[i].name);
		free(files->v[i].data);
	}
	free(files->v);
	*files = (struct sbx_files){ .v = NULL };
}

static int bad_name(const char *name, struct sbx_error *err)
{
	cleanup_buf struct sbx_buf text = SBX_BUF_INIT(256);

	sbx_text_escape(&text, name, strlen(name), false);
	return sbx_error_set(
		err, SBX_OUTCOME_INVALID,
		"files: \"%s\" can be no file's name: expected a "
		"relative path of at most %d bytes, without "
		"\".\", \"..\", empty parts and control characters",
		sbx_buf_text(&text), SBX_WIRE_NAME_MAX);
}

int sbx_files_add(struct sbx_files *files, const char *name,
		  unsigned char **data, size_t size, struct sbx_error *err)
{
	size_t length = strlen(name);

	if (length > SBX_WIRE_NAME_MAX ||
	    !sbx_wire_is_name(name, (uint32_t)length))
		return bad_name(name, err);
	if (files->n == SBX_WIRE_FILES_MAX)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "files: more than %d", SBX_WIRE_FILES_MAX);
	files->v = sbx_realloc(files->v, (files->n + 1) * sizeof(*files->v));
	files->v[files->n++] = (struct sbx_given_file){
		.name = sbx_strdup(name),
		.data = sbx_take(*data),
		.size = size,
	};
	return 0;
}

/* A slash comes first, so that what is in a folder is right behind its name. */
static int compare(const void *a, const void *b)
{
	const unsigned char *x = *(const unsigned char *const *)a;
	const unsigned char *y = *(const unsigned char *const *)b;

	while (*x && *x == *y) {
		x++;
		y++;
	}
	return (*x == '/' ? 1 : *x) - (*y == '/' ? 1 : *y);
}

/* Folders of @name that are none of @before's. */
static size_t new_folders(const char *before, const char *name)
{
	size_t same = 0, n = 0;

	while (before[same] && before[same] == name[same])
		same++;
	for (const char *at = name + same; *at; at++)
		n += *at == '/';
	return n;
}

static int clash(const char *a, const char *b, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "files: \"%.200s\" is in the way of \"%.200s\"", a,
			     b);
}

static int check_names(const struct sbx_files *files, struct sbx_error *err)
{
	cleanup_free const char **names =
		sbx_calloc(files->n + 1, sizeof(*names));
	size_t inodes = files->n;

	for (size_t i = 0; i < files->n; i++)
		names[i] = files->v[i].name;
	qsort(names, files->n, sizeof(*names), compare);
	for (size_t i = 0; i < files->n; i++) {
		const char *before = i > 0 ? names[i - 1] : "";
		size_t size = strlen(before);

		if (size > 0 && strncmp(names[i], before, size) == 0 &&
		    (names[i][size] == '/' || names[i][size] == '\0'))
			return clash(before, names[i], err);
		inodes += new_folders(before, names[i]);
	}
	if (inodes <= INODES_MAX)
		return 0;
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "files: with their folders they are %zu, at most "
			     "%d are possible",
			     inodes, INODES_MAX);
}

int sbx_files_check(const struct sbx_files *files, int64_t limit,
		    struct sbx_error *err)
{
	int64_t total = 0;

	for (size_t i = 0; i < files->n; i++)
		total += (int64_t)(files->v[i].size + PAGE_SIZE - 1) /
			 PAGE_SIZE * PAGE_SIZE;
	if (total > (limit + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "files: they need %lld bytes, in whole "
				     "pages, the action's files.limit is %lld",
				     (long long)total, (long long)limit);
	return check_names(files, err);
}
