/* SPDX-License-Identifier: MIT */
#include "init/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <linux/magic.h>

#include "init/out.h"

static char path[PATH_MAX];

bool sbx_file_remember(const char *wanted)
{
	size_t size = strlen(wanted) + 1;

	if (size > sizeof(path))
		return false;
	memcpy(path, wanted, size);
	return true;
}

/*
 * The action chose what stands at the path: no FIFO to hang on, no link, and
 * no file of /proc reached through a linked directory, which init could read
 * in its own name.
 */
static bool is_sound(int fd)
{
	struct statfs fs;
	struct stat st;

	return fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
	       fstatfs(fd, &fs) == 0 && fs.f_type != PROC_SUPER_MAGIC;
}

void sbx_file_open(struct sbx_init *init)
{
	if (path[0] == '\0')
		return;
	init->file_fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
					   O_NOCTTY | O_CLOEXEC);
	if (init->file_fd >= 0 && !is_sound(init->file_fd))
		sbx_close(&init->file_fd);
	if (init->file_fd < 0)
		init->exit.flags |= SBX_WIRE_FILE_MISSING;
}

/* The limit is reached: is there more? */
static void finish(struct sbx_init *init)
{
	char byte;

	if (read(init->file_fd, &byte, 1) == 1)
		init->exit.flags |= SBX_WIRE_FILE_TRUNCATED;
	sbx_close(&init->file_fd);
}

bool sbx_file_send(struct sbx_init *init)
{
	while (init->file_fd >= 0) {
		ssize_t got;

		if (init->file_left == 0) {
			finish(init);
			break;
		}
		if (!sbx_out_has_room())
			return false;
		got = sbx_out_copy(SBX_WIRE_FILE, init->file_fd,
				   init->file_left);
		if (got < 0 && errno == EINTR)
			continue;
		if (got > 0)
			init->file_left -= (uint32_t)got;
		else
			sbx_close(&init->file_fd);
	}
	return true;
}
