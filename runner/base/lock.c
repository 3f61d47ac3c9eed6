/* SPDX-License-Identifier: MIT */
/*
 * flock(2) waits neither with a time-out nor for a descriptor besides, and no
 * signal gets it out of that in a thread that blocks them, as those of the
 * daemon do.  So who waits asks again and again, soon at first and then seldom
 * enough to cost nothing.
 */
#include "base/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/runtime_dir.h"

/* After how long to ask again, at first and in the end. */
#define STEP_MIN_MS 1
#define STEP_MAX_MS 16

int sbx_lock_open(const char *name, struct sbx_error *err)
{
	cleanup_fd int directory = sbx_runtime_dir_open(NULL, err);
	int fd;

	if (directory < 0)
		return -1;
	fd = openat(directory, name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    0600);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "cannot open the lock %s", name);
	return fd;
}

int sbx_lock_wait(int fd, const char *what, double ms, int cancel_fd,
		  struct sbx_error *err)
{
	double until = sbx_clock_ms() + ms;
	struct pollfd cancel = { .fd = cancel_fd, .events = POLLIN };
	int step = STEP_MIN_MS;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR)
			return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
					       "cannot lock %s", what);
		if (sbx_clock_ms() >= until)
			return SBX_LOCK_BUSY;
		if (poll(&cancel, 1, step) > 0)
			return sbx_error_set(err, SBX_OUTCOME_CANCELLED,
					     "cancelled while %s was waited "
					     "for",
					     what);
		if (step < STEP_MAX_MS)
			step *= 2;
	}
	return 0;
}

int sbx_lock_take(const char *name, int cancel_fd, struct sbx_error *err)
{
	cleanup_fd int fd = -1;
	struct stat about;

	do {
		sbx_close(&fd);
		fd = sbx_lock_open(name, err);
		if (fd < 0 ||
		    sbx_lock_wait(fd, name, INFINITY, cancel_fd, err) < 0)
			return -1;
		/* Whoever had it may have removed the file. */
	} while (fstat(fd, &about) == 0 && about.st_nlink == 0);
	return sbx_take_fd(&fd);
}

/* Removed first: who gets the lock of a file without a name asks again. */
void sbx_lock_drop(const char *name, int *fd)
{
	struct sbx_error ignored = SBX_ERROR_INIT;
	cleanup_fd int directory = sbx_runtime_dir_open(NULL, &ignored);

	if (directory >= 0)
		unlinkat(directory, name, 0);
	sbx_close(fd);
}
