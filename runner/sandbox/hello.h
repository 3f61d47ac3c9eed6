/* SPDX-License-Identifier: MIT */
#ifndef SBX_SANDBOX_HELLO_H
#define SBX_SANDBOX_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

/*
 * init's HELLO: what the sandbox looks like from the inside, before anything
 * runs in it.  Pure: bytes in, verdict out.
 */

/* A writable or otherwise notable mount that the sandbox is meant to have. */
struct sbx_hello_mount {
	const char *target;
	const char *fstype; /* "tmpfs", or NULL for whatever it is */
	bool writable;
	bool exec; /* may lack noexec */
	/* A host path's identity as the runner opened it; ino 0: not checked */
	uint64_t dev;
	uint64_t ino;
};

/* A device that the sandbox is meant to have besides the standard ones. */
struct sbx_hello_device {
	const char *path;
	uint32_t major;
	uint32_t minor;
};

/* What must be true, or nothing runs. */
struct sbx_hello_expected {
	const char *build_id; /* of the init that belongs to this runner */
	uint32_t uid;
	uint32_t gid;
	const struct sbx_hello_mount *mounts;
	size_t n_mounts;
	uint64_t nofile; /* hard limit at most this; 0: not checked */
	const struct sbx_hello_device *devices;
	size_t n_devices;
	bool gpus; /* those of GPUs may be there, whichever they are */
};

/*
 * Result of sbx_hello_check besides 0 and -1: init is not the one that
 * belongs to this runner.  Nothing else was looked at, for another init may
 * report in another way.
 */
#define SBX_HELLO_OTHER_BUILD 1

/*
 * Compares HELLO's payload with what must be true: real, effective, saved
 * and filesystem uid and gid; no supplementary group but @gid; init is the
 * first process of its PID namespace; all five capability sets empty;
 * NoNewPrivs 1; Seccomp 2; every mount that is writable is one of the
 * expected ones or one of those every container has (/proc, /dev, /dev/pts,
 * /dev/mqueue and cgroup v1's folder, each of its own type only; /dev/null
 * over what is masked); every other is one that engines have for themselves
 * (/etc/hosts, parts of /proc that are hidden); every expected mount is there,
 * once, of its type, read-only or writable as it must be, and the host file
 * that the runner opened; one whose type is given (tmpfs) is nosuid, nodev and,
 * unless it is meant for programs, noexec (engines give volumes and binds no
 * such options); in /dev are the devices of the OCI runtime specification and
 * the expected ones, each by its number, and nothing else.
 *
 * 0; SBX_HELLO_OTHER_BUILD; or -1: DENIED with the first fact that differs
 * ("sandbox.groups: supplementary group 6, expected none"), or
 * SANDBOX_FAILED when the payload makes no sense.
 */
int sbx_hello_check(const void *payload, size_t size,
		    const struct sbx_hello_expected *expected,
		    struct sbx_error *err);

/*
 * The owner of mount point @target as init saw it.  0, or -1
 * (SANDBOX_FAILED) when HELLO does not mention it.
 */
int sbx_hello_owner(const void *payload, size_t size, const char *target,
		    uint32_t *uid, uint32_t *gid, struct sbx_error *err);

#endif
