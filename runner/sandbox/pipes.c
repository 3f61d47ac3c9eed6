/* SPDX-License-Identifier: MIT */
#include "sandbox/pipes.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "secret/memory.h"

#define BIG_SIZE (1024 * 1024)

/* Most actions say less than this. */
#define SMALL_READ 4096
#define LARGE_READ (256 * 1024)
/* Of each stream, in one go. */
#define READ_MAX (4 * 1024 * 1024)

/* --- making them ----------------------------------------------------------- */

/*
 * A program that opens /dev/stdout opens the pipe anew, for which it has to be
 * the owner's; where we cannot give it away nobody but who has the pipe could
 * find it, so anybody may.
 */
static int give_away(int fd, uid_t uid, gid_t gid)
{
	if (geteuid() == 0)
		return fchown(fd, uid, gid);
	return fchmod(fd, 0666);
}

/* @writes: ours is the end that writes. */
static int open_pipe(struct sbx_pipes *pipes, int i, bool writes)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -1;
	pipes->ours[i] = ends[writes];
	pipes->theirs[i] = ends[!writes];
	return fcntl(pipes->ours[i], F_SETFL, O_NONBLOCK);
}

int sbx_pipes_open(struct sbx_pipes *pipes, uid_t uid, gid_t gid,
		   struct sbx_error *err)
{
	*pipes = (struct sbx_pipes)SBX_PIPES_INIT;
	for (int i = 0; i < 3; i++) {
		if (open_pipe(pipes, i, i == 0) == 0 &&
		    give_away(pipes->theirs[i], uid, gid) == 0)
			continue;
		sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				"cannot make pipes for the action");
		sbx_pipes_close(pipes);
		return -1;
	}
	return 0;
}

void sbx_pipes_close(struct sbx_pipes *pipes)
{
	for (int i = 0; i < 3; i++) {
		sbx_close(&pipes->ours[i]);
		sbx_close(&pipes->theirs[i]);
	}
	sbx_secret_free(&pipes->large);
	*pipes = (struct sbx_pipes)SBX_PIPES_INIT;
}

void sbx_pipes_grow(struct sbx_pipes *pipes)
{
	for (int i = 0; i < 3; i++)
		(void)fcntl(pipes->ours[i], F_SETPIPE_SZ, BIG_SIZE);
}

/* --- its input ------------------------------------------------------------- */

void sbx_pipes_set_input(struct sbx_pipes *pipes, const void *data, size_t size)
{
	pipes->at = data;
	pipes->left = size;
	pipes->ending = true;
}

void sbx_pipes_feed(struct sbx_pipes *pipes)
{
	while (pipes->ours[0] >= 0 && pipes->left > 0) {
		ssize_t given = write(pipes->ours[0], pipes->at, pipes->left);

		if (given < 0 && errno == EINTR)
			continue;
		if (given < 0 && errno == EAGAIN)
			return;
		pipes->has_fed = true;
		if (given < 0) {
			/* Nobody reads: the rest is for nobody. */
			pipes->left = 0;
			break;
		}
		pipes->at += given;
		pipes->left -= (size_t)given;
	}
	if (pipes->ending && pipes->ours[0] >= 0) {
		pipes->has_fed = true;
		sbx_close(&pipes->ours[0]);
	}
}

/* --- its output ------------------------------------------------------------ */

struct reader {
	struct sbx_pipes *pipes;
	sbx_pipes_sink *sink;
	void *ctx;
};

/*
 * One read: 1 when there may be more, 0 when there is not, -1 as the sink.
 * It may have secrets in it that the action prints.
 */
static int read_into(struct reader *reader, int i, unsigned char *data,
		     size_t size, size_t *got, struct sbx_error *err)
{
	int *fd = &reader->pipes->ours[i];
	ssize_t result;

	do
		result = read(*fd, data, size);
	while (result < 0 && errno == EINTR);
	*got = result > 0 ? (size_t)result : 0;
	if (result < 0 && errno == EAGAIN)
		return 0;
	if (result <= 0) {
		sbx_close(fd);
		return 0;
	}
	if (reader->sink(reader->ctx, i, data, *got, err) < 0)
		return -1;
	return *got == size;
}

static int read_small(struct reader *reader, int i, size_t size, size_t *got,
		      struct sbx_error *err)
{
	unsigned char small[SMALL_READ];
	int result = read_into(reader, i, small,
			       size < sizeof(small) ? size : sizeof(small), got,
			       err);

	explicit_bzero(small, *got);
	return result;
}

static int read_large(struct reader *reader, int i, size_t size, size_t *got,
		      struct sbx_error *err)
{
	struct sbx_pipes *pipes = reader->pipes;

	if (!pipes->large)
		pipes->large = sbx_secret_alloc_plain(LARGE_READ);
	return read_into(reader, i, pipes->large,
			 size < LARGE_READ ? size : LARGE_READ, got, err);
}

/* At most @size bytes of a stream. */
static int read_stream(struct reader *reader, int i, size_t size,
		       struct sbx_error *err)
{
	bool is_first = true;
	int more = 1;

	while (more > 0 && reader->pipes->ours[i] >= 0 && size > 0) {
		size_t got;

		more = is_first ? read_small(reader, i, size, &got, err)
				: read_large(reader, i, size, &got, err);
		is_first = false;
		size -= got;
	}
	return more < 0 ? -1 : 0;
}

int sbx_pipes_read(struct sbx_pipes *pipes, size_t most, sbx_pipes_sink *sink,
		   void *ctx, struct sbx_error *err)
{
	struct reader reader = { .pipes = pipes, .sink = sink, .ctx = ctx };
	int result = 0;

	for (int i = 1; i < 3 && result == 0; i++)
		result = read_stream(&reader, i,
				     most < READ_MAX ? most : READ_MAX, err);
	return result;
}

int sbx_pipes_drain(struct sbx_pipes *pipes, sbx_pipes_sink *sink, void *ctx,
		    struct sbx_error *err)
{
	struct reader reader = { .pipes = pipes, .sink = sink, .ctx = ctx };
	int result = 0;

	for (int i = 1; i < 3 && result == 0; i++) {
		int there = 0;

		if (pipes->ours[i] >= 0 &&
		    ioctl(pipes->ours[i], FIONREAD, &there) == 0 && there > 0)
			result = read_stream(&reader, i, (size_t)there, err);
	}
	return result;
}
