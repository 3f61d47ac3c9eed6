/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_SELF_H
#define SBX_INIT_SELF_H

#include <signal.h>
#include <stdint.h>
#include <sys/resource.h>
#include <sys/types.h>

#define SBX_SELF_CPUS 1024 /* of the affinity, in bytes */

/* What an action might have changed in init itself, as the kernel has it. */
struct sbx_self {
	struct rlimit limits[RLIM_NLIMITS];
	int nice;
	int scheduler;
	int priority;
	int io_priority;
	long affinity_size;
	unsigned char affinity[SBX_SELF_CPUS];
	mode_t mask;
	dev_t cwd_dev;
	ino_t cwd_ino;
	uint64_t signals;
	int dumpable;
};

/* 0, or -1 with errno. */
int sbx_self_note(struct sbx_self *self);

/* NULL, or what differs. */
const char *sbx_self_compare(const struct sbx_self *was,
			     const struct sbx_self *is);

#endif
