/* SPDX-License-Identifier: MIT */
#ifndef SBX_INIT_OOM_H
#define SBX_INIT_OOM_H

#include <stdint.h>

/*
 * How many processes of this cgroup the kernel has killed for its memory
 * limit; 0 where the kernel does not say.
 */
uint64_t sbx_oom_kills(void);

#endif
