/* SPDX-License-Identifier: MIT */
#include "init/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "init/state.h"

/* A tmpfs that is full gives ENOSPC; it never takes a part and no more. */
static int write_all(int fd, const unsigned char *data, uint32_t size)
{
	while (size > 0) {
		ssize_t done = write(fd, data, size);

		if (done < 0 && errno == EINTR)
			continue;
		if (done <= 0)
			return -1;
		data += done;
		size -= (uint32_t)done;
	}
	return 0;
}

/*
 * What is there already came with the image, which must not choose where a
 * secret goes, nor who can read it: such a file is an error, even as a link.
 */
int sbx_secret_file_make(const struct sbx_secret_file *file)
{
	int fd = open(file->path,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0400);
	int result;

	if (fd < 0)
		return -1;
	result = write_all(fd, file->data, file->size);
	sbx_close(&fd);
	return result;
}
