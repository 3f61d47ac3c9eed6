/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_USAGE_H
#define SBX_INIT_USAGE_H

#include <stdint.h>

/* What the sandbox uses, as its cgroup has it; 0 where nobody says. */
struct sbx_usage {
	uint64_t cpu_us;
	uint64_t memory; /* bytes */
	uint32_t processes;
};

struct sbx_usage sbx_usage_now(void);

#endif
