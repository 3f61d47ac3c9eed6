/* SPDX-License-Identifier: MIT */
/*
 * usage: fetch SOCKET PATH
 *
 * Has an action run with {} as its input and writes what it writes to standard
 * output, as curl does with "Accept: application/octet-stream"; but curl takes
 * 16 KiB at a time, and it is not curl that is to be measured.  Fails unless
 * all of the answer came.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/file.h"
#include "codec/http_chunks.h"
#include "codec/http_head.h"

#define BLOCK ((size_t)256 * 1024)
#define PIPE  (1024 * 1024)

static int dial(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(address.sun_path, sizeof(address.sun_path), "%s", path);
	if (fd >= 0 &&
	    connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	perror(path);
	exit(1);
}

static void ask(int fd, const char *path)
{
	dprintf(fd,
		"POST %s HTTP/1.1\r\nHost: localhost\r\n"
		"Accept: application/octet-stream\r\n"
		"Content-Length: 2\r\n\r\n{}",
		path);
}

static int write_out(void *ctx, const void *data, size_t size,
		     struct sbx_error *err)
{
	(void)ctx;
	if (sbx_fd_write_all(STDOUT_FILENO, data, size))
		return sbx_error_set(err, SBX_OUTCOME_INTERNAL, "cannot write");
	return 0;
}

/* The head, and what came behind it: where that begins in data. */
static ssize_t read_head(int fd, char *data, size_t *size,
			 struct sbx_error *err)
{
	struct sbx_http_head head;
	ssize_t taken = 0;

	*size = 0;
	while (taken == 0) {
		ssize_t got = read(fd, data + *size, BLOCK - *size);

		if (got <= 0)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "there is no answer");
		*size += (size_t)got;
		taken = sbx_http_head_parse(data, *size, &head, err);
	}
	if (taken > 0 && (head.status != 200 || !head.chunked))
		return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE, "%.*s",
				     (int)*size, data);
	return taken;
}

static int fetch(int fd, struct sbx_error *err)
{
	static char data[BLOCK];
	struct sbx_http_chunks chunks = SBX_HTTP_CHUNKS_INIT;
	size_t used;
	size_t size;
	ssize_t got = read_head(fd, data, &size, err);
	char *from = data + got;

	if (got < 0)
		return -1;
	got = (ssize_t)size - got;
	for (;;) {
		if (sbx_http_chunks_feed(&chunks, from, (size_t)got, &used,
					 write_out, NULL, err))
			return -1;
		if (chunks.ended)
			return 0;
		from = data;
		got = read(fd, data, sizeof(data));
		if (got <= 0)
			return sbx_error_set(err, SBX_OUTCOME_UNAVAILABLE,
					     "the answer was cut");
	}
}

int main(int argc, char **argv)
{
	struct sbx_error err = SBX_ERROR_INIT;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: fetch SOCKET PATH\n");
		return 64;
	}
	/* A pipe for as much as comes at once, or half of it is waiting. */
	(void)fcntl(STDOUT_FILENO, F_SETPIPE_SZ, PIPE);
	fd = dial(argv[1]);
	ask(fd, argv[2]);
	if (fetch(fd, &err) < 0) {
		fprintf(stderr, "fetch: %s\n", err.message);
		return 1;
	}
	return 0;
}
