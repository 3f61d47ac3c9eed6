/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_HOST_PATH_H
#define SBX_SANDBOX_HOST_PATH_H

#include <stdint.h>

#include "base/error.h"

/*
 * A file or directory of the host that is mounted into a sandbox, as the
 * runner found it.  An engine resolves the path again when it starts the
 * container, and somebody may have swapped it by then; init reports what it
 * sees at the mount point, and nothing runs unless it is this one.
 */
struct sbx_host_path {
	uint64_t dev; /* st_dev */
	uint64_t ino; /* st_ino; never 0 for a path that was found */
};

/*
 * Looks @path (absolute) up without following a symbolic link in any
 * component.  INVALID when it is not there, DENIED when a link is in it.
 */
int sbx_host_path_find(const char *path, struct sbx_host_path *out,
		       struct sbx_error *err);

/*
 * A character device of the host that is given to a sandbox, as the runner
 * found it: the number is what the kernel goes by.
 */
struct sbx_host_device {
	uint32_t major;
	uint32_t minor;
};

/*
 * Looks @path up in the same way.  INVALID also when it is no device, DENIED
 * when what it really is may be given to nobody (skill/never.h).
 */
int sbx_host_device_find(const char *path, struct sbx_host_device *out,
			 struct sbx_error *err);

#endif
