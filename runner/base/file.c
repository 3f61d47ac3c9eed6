/* SPDX-License-Identifier: MIT */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

#define CHUNK 65536

static int too_large(const char *path, size_t max, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_INVALID,
			     "%s is larger than %zu bytes, the most it may be",
			     path, max);
}

/* A descriptor may be non-blocking because somebody else made it so. */
static void wait_for(int fd, short events)
{
	struct pollfd ready = { .fd = fd, .events = events };

	poll(&ready, 1, -1);
}

static ssize_t read_some(int fd, void *data, size_t size)
{
	ssize_t got;

	for (;;) {
		got = read(fd, data, size);
		if (got >= 0 || (errno != EINTR && errno != EAGAIN))
			return got;
		if (errno == EAGAIN)
			wait_for(fd, POLLIN);
	}
}

/* 0, 1 when there is more than @out may hold, -1 with errno. */
static int read_all(int fd, struct sbx_buf *out)
{
	char chunk[CHUNK];
	ssize_t got;

	while ((got = read_some(fd, chunk, sizeof(chunk))) > 0) {
		if (sbx_buf_append(out, chunk, (size_t)got) < (size_t)got)
			return 1;
	}
	return got < 0 ? -1 : 0;
}

int sbx_fd_read_all(int fd, struct sbx_buf *out, struct sbx_error *err)
{
	int result = read_all(fd, out);

	if (result > 0)
		return too_large("the input", out->max, err);
	if (result < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "cannot read the input");
	return 0;
}

static int read_failed(const char *path, int errnum, struct sbx_error *err)
{
	if (errnum == ENOENT || errnum == ENOTDIR)
		return sbx_error_set(err, SBX_OUTCOME_NOT_FOUND,
				     "there is no file %s", path);
	if (errnum == ELOOP)
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s is a symbolic link", path);
	return sbx_error_errno(err, SBX_OUTCOME_INVALID, errnum,
			       "cannot read %s", path);
}

static int read_file(int dirfd, const char *path, int flags,
		     struct sbx_buf *out, struct sbx_error *err)
{
	cleanup_fd int fd = -1;
	struct stat about;
	int result;

	/* Non-blocking: a FIFO without a writer must not stop us here. */
	fd = openat(dirfd, path,
		    O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | flags);
	if (fd < 0 || fstat(fd, &about) < 0)
		return read_failed(path, errno, err);
	if (!S_ISREG(about.st_mode))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "%s is no regular file", path);
	if ((uintmax_t)about.st_size > out->max - out->len)
		return too_large(path, out->max, err);
	result = read_all(fd, out);
	if (result > 0)
		return too_large(path, out->max, err);
	return result < 0 ? read_failed(path, errno, err) : 0;
}

int sbx_file_read(int dirfd, const char *path, struct sbx_buf *out,
		  struct sbx_error *err)
{
	return read_file(dirfd, path, 0, out, err);
}

int sbx_file_read_nofollow(int dirfd, const char *path, struct sbx_buf *out,
			   struct sbx_error *err)
{
	return read_file(dirfd, path, O_NOFOLLOW, out, err);
}

int sbx_fd_write_all(int fd, const void *data, size_t size)
{
	const char *next = data;

	while (size > 0) {
		ssize_t put = write(fd, next, size);

		if (put >= 0) {
			next += put;
			size -= (size_t)put;
		} else if (errno == EAGAIN) {
			wait_for(fd, POLLOUT);
		} else if (errno != EINTR) {
			return -1;
		}
	}
	return 0;
}

int sbx_file_unnamed(struct sbx_error *err)
{
	const char *directory = getenv("TMPDIR");
	cleanup_free char *template = NULL;
	int fd;

	if (!directory || *directory != '/')
		directory = "/var/tmp";
	fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0)
		return fd;
	/* Not every file system has O_TMPFILE (overlayfs before Linux 6.1). */
	template = sbx_asprintf("%s/skillbox.XXXXXX", directory);
	fd = mkostemp(template, O_CLOEXEC);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot write to %s", directory);
	unlink(template);
	return fd;
}
