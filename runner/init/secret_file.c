/* SPDX-License-Identifier: MIT */
#include "init/secret_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "init/state.h"

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

/*
 * What is there already came with the image, which must not choose where a
 * secret goes, nor who can read it: with O_EXCL such a file is an error, even
 * as a link (POSIX, open()).
 */
int sbx_secret_file_make(const struct sbx_secret_file *file)
{
	int fd =
		open(file->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400);
	int result;

	if (fd < 0)
		return -1;
	result = write_all(fd, file->data, file->size);
	sbx_close(&fd);
	return result;
}
