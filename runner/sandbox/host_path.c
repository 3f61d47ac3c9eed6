/* SPDX-License-Identifier: MIT */
#include "sandbox/host_path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "base/mem.h"
#include "skill/never.h"

/* @rule and @what are how an error names it. */
static int look(const char *path, const char *rule, const char *what,
		struct stat *st, struct sbx_error *err)
{
	/* Linux 5.6 and later; older kernels say ENOSYS. */
	struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				.resolve = RESOLVE_NO_SYMLINKS };
	cleanup_fd int fd =
		(int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	if (fd < 0 && errno == ELOOP)
		return sbx_error_set(err, SBX_OUTCOME_DENIED,
				     "%s.host_path: a symbolic link is in "
				     "%s; give the path it leads to",
				     rule, path);
	if (fd < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INVALID, errno, "%s %s",
				       what, path);
	if (fstat(fd, st) < 0)
		return sbx_error_errno(err, SBX_OUTCOME_INTERNAL, errno,
				       "%s %s", what, path);
	return 0;
}

int sbx_host_path_find(const char *path, struct sbx_host_path *out,
		       struct sbx_error *err)
{
	struct stat st;

	if (look(path, "volumes", "volume source", &st, err) < 0)
		return -1;
	out->dev = st.st_dev;
	out->ino = st.st_ino;
	return 0;
}

static int denied(const char *path, const char *what, struct sbx_error *err)
{
	return sbx_error_set(err, SBX_OUTCOME_DENIED,
			     "devices.never: %s would hand over %s", path,
			     what);
}

int sbx_host_device_find(const char *path, struct sbx_host_device *out,
			 struct sbx_error *err)
{
	const char *what;
	struct stat st;

	if (look(path, "devices", "device", &st, err) < 0)
		return -1;
	if (S_ISBLK(st.st_mode))
		return denied(path, "a whole disk (it is a block device)", err);
	if (!S_ISCHR(st.st_mode))
		return sbx_error_set(err, SBX_OUTCOME_INVALID,
				     "device %s is no device; name each by "
				     "itself where it is a directory of them",
				     path);
	out->major = major(st.st_rdev);
	out->minor = minor(st.st_rdev);
	if (sbx_never_device_number(out->major, out->minor, &what))
		return denied(path, what, err);
	return 0;
}
