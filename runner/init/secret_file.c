/* SPDX-License-Identifier: MIT */
#include "init/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "init/empty.h"
#include "init/state.h"

/*
 * Those that are there: what a run was given no later one may read.  Where
 * nobody detaches anything a sandbox or its directories end with the run; it
 * is all one to take them away before.
 */
#define MADE_MAX ((SBX_WIRE_DETACHED_MAX + 1) * SBX_WIRE_SECRET_FILES_MAX)

/* More than that is not cleared away. */
#define CLEAR_ENTRIES 10000
#define CLEAR_MS      1000

static struct {
	pid_t owner;
	char path[SBX_WIRE_SECRET_PATH_MAX + 1];
} made[MADE_MAX];
static uint32_t n_made;

/* Nothing interrupts a write to a tmpfs; one that is full takes a part of it. */
static int write_all(int fd, const unsigned char *data, uint32_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done <= 0)
			return -1;
		data += done;
		size -= (uint32_t)done;
	}
	return 0;
}

/* Of a session's earlier runs: whatever it is, it is in the way. */
void sbx_secret_file_clear(const char *path)
{
	uint32_t budget = CLEAR_ENTRIES;
	int dir;

	if (unlink(path) == 0 || errno != EISDIR)
		return;
	(void)!chmod(path, 0700);
	dir = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	(void)sbx_empty_remove(dir, &budget, sbx_now() + CLEAR_MS);
	sbx_close(&dir);
	rmdir(path);
}

/*
 * What is there already came with the image, which must not choose where a
 * secret goes, nor who can read it: with O_EXCL such a file is an error, even
 * as a link (POSIX, open()).
 */
int sbx_secret_file_make(const struct sbx_secret_file *file)
{
	size_t size = strlen(file->path) + 1;
	int fd, result;

	if (n_made == MADE_MAX || size > sizeof(made[0].path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	if (fd < 0)
		return -1;
	made[n_made].owner = 0;
	memcpy(made[n_made++].path, file->path, size);
	result = write_all(fd, file->data, file->size);
	sbx_close(&fd);
	return result;
}

void sbx_secret_files_hand_over(pid_t pid)
{
	for (uint32_t i = 0; i < n_made; i++) {
		if (made[i].owner == 0)
			made[i].owner = pid;
	}
}

/* What is there under its name by now is all the same no run's. */
void sbx_secret_files_remove(pid_t owner)
{
	uint32_t left = 0;

	for (uint32_t i = 0; i < n_made; i++) {
		if (made[i].owner == owner)
			unlink(made[i].path);
		else
			made[left++] = made[i];
	}
	n_made = left;
}
