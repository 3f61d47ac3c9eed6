/* SPDX-License-Identifier: MIT */
#include "sandbox/host_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "base/mem.h"

int sbx_host_path_find(const char *path, struct sbx_host_path *out,
		       struct sbx_error *err)
{
	/* Linux 5.6 and later; older kernels say ENOSYS. */
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	cleanup_fd int fd =
		(int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));
	struct stat st;

	if (fd < 0 && errno == ELOOP)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "volumes.host_path: a symbolic link is in "
				     "%s; give the path it leads to",
				     path);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno,
				       "volume source %s", path);
	if (fstat(fd, &st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "volume source %s", path);
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}
